//! The root: which keys may sign the other documents.

use std::collections::BTreeSet;

use hallpass_keys::dsse::{DsseError, Envelope};
use hallpass_keys::{KeyId, Purpose, SigningKey, VerifyingKey};
use hallpass_vocabulary::{AuthorityId, Environment, Timestamp};

use crate::document::{self, FORMAT_VERSION};
use crate::{InvalidDocument, Role, SignError, TrustRoot, TrustRootDigest};

/// The DSSE payload type of a root.
pub const ROOT_PAYLOAD_TYPE: &str = "application/vnd.hallpass.root+json";

/// A root document: consistent in itself, signed by nobody yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root(Fields);

/// What a new root says.
#[derive(Debug, Clone)]
pub struct RootDraft {
    /// Whose it is.
    pub authority: AuthorityId,
    /// Where it is valid.
    pub environment: Environment,
    /// Who may sign the next root.
    pub root: Role,
    /// Who may sign bundles.
    pub bundle: Role,
    /// Who may sign heartbeats.
    pub heartbeat: Role,
    /// Not believed from then on.
    pub expires: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    format: u32,
    authority: AuthorityId,
    environment: Environment,
    version: u64,
    issued: Timestamp,
    expires: Timestamp,
    root: Role,
    bundle: Role,
    heartbeat: Role,
}

impl Root {
    /// The first root of an authority (version 1).
    ///
    /// # Errors
    /// When the draft contradicts itself.
    pub fn first(draft: RootDraft, now: Timestamp) -> Result<Self, InvalidDocument> {
        Self::numbered(1, draft, now)
    }

    /// The root after this one. It must be signed by the keys of both.
    ///
    /// # Errors
    /// When the draft contradicts itself.
    pub fn next(&self, draft: RootDraft, now: Timestamp) -> Result<Self, InvalidDocument> {
        Self::numbered(self.0.version.saturating_add(1), draft, now)
    }

    fn numbered(version: u64, draft: RootDraft, now: Timestamp) -> Result<Self, InvalidDocument> {
        Self(Fields {
            format: FORMAT_VERSION,
            authority: draft.authority,
            environment: draft.environment,
            version,
            issued: now,
            expires: draft.expires,
            root: draft.root,
            bundle: draft.bundle,
            heartbeat: draft.heartbeat,
        })
        .checked()
    }

    /// Reads the payload of an envelope; says nothing about who signed it.
    pub(crate) fn from_payload(payload: &[u8]) -> Option<Result<Self, InvalidDocument>> {
        document::read(payload).map(|fields| Self(fields).checked())
    }

    fn checked(self) -> Result<Self, InvalidDocument> {
        let Self(fields) = &self;
        document::check_format(fields.format)?;
        if fields.version == 0 {
            return Err(InvalidDocument::VersionZero);
        }
        if fields.expires <= fields.issued {
            return Err(InvalidDocument::Lifetime);
        }
        fields.root.check(Purpose::Root)?;
        fields.bundle.check(Purpose::Bundle)?;
        fields.heartbeat.check(Purpose::Heartbeat)?;
        let mut seen = BTreeSet::new();
        for key in self.keys() {
            if !seen.insert(key) {
                return Err(InvalidDocument::KeyTwice { id: key.id() });
            }
        }
        Ok(self)
    }

    /// The keys that sign bundles and heartbeats.
    pub(crate) fn online_keys(&self) -> impl Iterator<Item = KeyId> {
        let roles = [&self.0.bundle, &self.0.heartbeat];
        roles
            .into_iter()
            .flat_map(|role| role.keys())
            .map(|key| key.id())
    }

    /// Signs the first root with its own root keys, or a later one with its own and those of `previous`.
    ///
    /// # Errors
    /// When the keys are not root keys of this environment, or do not meet both thresholds.
    pub fn sign(
        &self,
        previous: Option<&Self>,
        keys: &[&SigningKey],
    ) -> Result<Envelope, SignError> {
        let envelope = document::sign(
            ROOT_PAYLOAD_TYPE,
            self.to_payload(),
            Purpose::Root,
            &self.0.environment,
            &self.0.root,
            keys,
        )?;
        if let Some(previous) = previous {
            previous
                .verify(&envelope)
                .map_err(|source| SignError::NotListed { source })?;
        }
        Ok(envelope)
    }

    /// Whether enough root keys of this root have signed that envelope of a root.
    pub(crate) fn verify<'e>(&self, envelope: &'e Envelope) -> Result<&'e [u8], DsseError> {
        let role = &self.0.root;
        envelope.verify(ROOT_PAYLOAD_TYPE, role.keys(), role.threshold())
    }

    /// The signed bytes.
    pub fn to_payload(&self) -> Vec<u8> {
        document::write(&self.0)
    }

    /// What a verifier pins to start from this root.
    pub fn trust_root(&self) -> TrustRoot {
        TrustRoot {
            authority: self.0.authority.clone(),
            environment: self.0.environment.clone(),
            digest: TrustRootDigest::of(&self.to_payload()),
        }
    }

    /// Whose it is.
    pub fn authority(&self) -> &AuthorityId {
        &self.0.authority
    }

    /// Where it is valid.
    pub fn environment(&self) -> &Environment {
        &self.0.environment
    }

    /// Counts up by one at every change.
    pub fn version(&self) -> u64 {
        self.0.version
    }

    /// When it was made.
    pub fn issued(&self) -> Timestamp {
        self.0.issued
    }

    /// Not believed from then on.
    pub fn expires(&self) -> Timestamp {
        self.0.expires
    }

    /// Who may sign the next root.
    pub fn root(&self) -> &Role {
        &self.0.root
    }

    /// Who may sign bundles.
    pub fn bundle(&self) -> &Role {
        &self.0.bundle
    }

    /// Who may sign heartbeats.
    pub fn heartbeat(&self) -> &Role {
        &self.0.heartbeat
    }

    /// Every key of every role.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &VerifyingKey> {
        [&self.0.root, &self.0.bundle, &self.0.heartbeat]
            .into_iter()
            .flat_map(Role::keys)
    }
}
