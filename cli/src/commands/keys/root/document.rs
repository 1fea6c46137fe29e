//! A root document in a file: read, signed once more, and what it says.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use hallpass_bundle::{ROOT_PAYLOAD_TYPE, Role, Root, unverified_root};
use hallpass_keys::dsse::{DsseError, Envelope};
use hallpass_keys::key_file::KeyFile;
use hallpass_keys::{Purpose, SigningKey};
use hallpass_vocabulary::{Environment, Timestamp};
use serde_json::Value;

use crate::hint::HintExt as _;
use crate::output::Output;
use crate::passphrase;

/// The largest root document read, in bytes: three roles of 16 keys, and 32 signatures, are a fourth of it.
const BYTES_MAX: u64 = 64 * 1024;

/// A root document, and the signatures it has.
pub(super) struct Document {
    pub(super) envelope: Envelope,
    pub(super) root: Root,
}

/// How far a document is on its way into force.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(super) struct Standing {
    /// What the signatures are counted for.
    pub(super) of: &'static str,
    pub(super) signed: usize,
    pub(super) threshold: usize,
}

/// What a document says, for programs.
#[derive(serde::Serialize)]
pub(super) struct Described<'a> {
    pub(super) version: u64,
    pub(super) authority: String,
    pub(super) environment: &'a Environment,
    pub(super) digest: String,
    pub(super) issued: Timestamp,
    pub(super) expires: Timestamp,
    pub(super) root: &'a Role,
    pub(super) bundle: &'a Role,
    pub(super) heartbeat: &'a Role,
    pub(super) signatures: Vec<Standing>,
}

impl Document {
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let what = || format!("`{}` cannot be used", path.display());
        let length = fs::metadata(path).with_context(what)?.len();
        if length > BYTES_MAX {
            return Err(anyhow!(
                "`{}` is too large for a root document",
                path.display()
            ));
        }
        let envelope = Envelope::from_json(&fs::read(path).with_context(what)?)
            .with_context(what)
            .hint("a root document is a file of an authority's directory `roots`, or of `hallpass keys root rotate`")?;
        let root = unverified_root(&envelope).with_context(what)?;
        Ok(Self { envelope, root })
    }

    /// With the signatures of these keys too.
    pub(super) fn signed(
        envelope: Option<&Envelope>,
        payload: Vec<u8>,
        keys: &[SigningKey],
    ) -> anyhow::Result<Envelope> {
        let keys: Vec<&SigningKey> = keys.iter().collect();
        let fresh = Envelope::sign(ROOT_PAYLOAD_TYPE, payload, &keys)?;
        let Some(before) = envelope else {
            return Ok(fresh);
        };
        let mut all: Value = serde_json::from_slice(&before.to_json())?;
        let added: Value = serde_json::from_slice(&fresh.to_json())?;
        let list = |value: &Value| value.get("signatures").and_then(Value::as_array).cloned();
        let mut signatures = list(&added).unwrap_or_default();
        let again = |old: &Value| {
            signatures
                .iter()
                .any(|new| new.get("keyid") == old.get("keyid"))
        };
        let mut kept = list(&all).unwrap_or_default();
        kept.retain(|old| !again(old));
        kept.append(&mut signatures);
        if let Some(place) = all.get_mut("signatures") {
            *place = Value::Array(kept);
        }
        Ok(Envelope::from_json(&serde_json::to_vec(&all)?)?)
    }

    /// How many of the keys that must sign have.
    pub(super) fn standings(&self, previous: Option<&Root>) -> Vec<Standing> {
        let count = |of, role: &Role| {
            let threshold = role.threshold();
            let signed =
                match self
                    .envelope
                    .verify(ROOT_PAYLOAD_TYPE, role.keys(), role.keys().len())
                {
                    Ok(_) => role.keys().len(),
                    Err(DsseError::BelowThreshold { valid, .. }) => valid,
                    Err(_) => 0,
                };
            Standing {
                of,
                signed,
                threshold,
            }
        };
        let mut standings = vec![count("its own root keys", self.root.root())];
        if let Some(previous) = previous {
            standings.push(count("the root keys before it", previous.root()));
        }
        standings
    }

    /// What it says, for people.
    pub(super) fn say(&self, previous: Option<&Root>, output: &mut Output) -> anyhow::Result<()> {
        let root = &self.root;
        output.line(&format!(
            "root {} of {}, environment {}, until {}",
            root.version(),
            root.authority(),
            root.environment(),
            root.expires()
        ))?;
        output.line(&format!("digest     {}", root.trust_root().digest))?;
        for (name, role, before) in [
            ("root", root.root(), previous.map(Root::root)),
            ("bundle", root.bundle(), previous.map(Root::bundle)),
            ("heartbeat", root.heartbeat(), previous.map(Root::heartbeat)),
        ] {
            let (keys, threshold) = (role.keys().len(), role.threshold());
            output.line(&format!("{name:<9}  {threshold} of {keys} must sign"))?;
            for key in role.keys() {
                let is_new = before.is_some_and(|before| !before.keys().contains(key));
                let word = if is_new { "  new" } else { "" };
                output.line(&format!("           {key}{word}"))?;
            }
            let gone = before.map(Role::keys).unwrap_or_default();
            for key in gone.iter().filter(|key| !role.keys().contains(key)) {
                output.line(&format!("           {key}  gone"))?;
            }
        }
        for Standing {
            of,
            signed,
            threshold,
        } in self.standings(previous)
        {
            output.line(&format!(
                "signed     by {signed} of {of}, {threshold} needed"
            ))?;
        }
        Ok(())
    }

    /// What it says, for programs.
    pub(super) fn described(&self, previous: Option<&Root>) -> Described<'_> {
        let root = &self.root;
        Described {
            version: root.version(),
            authority: root.authority().to_string(),
            environment: root.environment(),
            digest: root.trust_root().digest.to_string(),
            issued: root.issued(),
            expires: root.expires(),
            root: root.root(),
            bundle: root.bundle(),
            heartbeat: root.heartbeat(),
            signatures: self.standings(previous),
        }
    }
}

/// The root keys of these files, each under its own passphrase or in plain.
pub(super) fn keys(
    files: &[PathBuf],
    environment: &Environment,
) -> anyhow::Result<Vec<SigningKey>> {
    let mut keys = Vec::new();
    for path in files {
        let file = KeyFile::open(path)?;
        file.require(Purpose::Root, environment)?;
        keys.push(if file.is_encrypted() {
            file.decrypt(&passphrase::of_key(path)?)?
        } else {
            file.key()?
        });
    }
    Ok(keys)
}

/// Writes a document beside its place and moves it there, so that it is whole or as before.
pub(super) fn write(path: &Path, envelope: &Envelope) -> anyhow::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let written = fs::File::create(&beside).and_then(|mut file| {
        file.write_all(&envelope.to_json())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    });
    written.with_context(|| format!("cannot write `{}`", path.display()))
}
