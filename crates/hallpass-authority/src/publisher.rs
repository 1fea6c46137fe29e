//! What verifiers fetch: the roots, the signed bundle, and a heartbeat signed when the last one is two seconds old.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use hallpass_bundle::{
    ApprovalKey, Bundle, BundleDraft, BundleId, Heartbeat, InvalidDocument, Published, Root,
    SignError, SignedBundle, TokenKey, TooLarge,
};
use hallpass_keys::dsse::Envelope;
use hallpass_keys::{Digest, SigningKey};
use hallpass_vocabulary::{Catalogue, Clock, Timestamp};

use crate::file::{self, FileError};
use crate::keys::ring::Ring;

/// The least time between two heartbeats. Verifiers count staleness from the last one, in minutes, and a stop must be
/// known within a second of the next.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(2);

/// How long a bundle is believed. Longer than any outage a service should ride out on old keys; the age of the last
/// heartbeat stops writes long before.
const BUNDLE_LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The largest file with the number of the last bundle, in bytes. A real one has about 150.
const STATE_BYTES_MAX: usize = 4 * 1024;

/// A bundle that cannot be published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The number of the last bundle is unreadable. Starting over could publish a number twice.
    #[error("`{}` does not hold the number of the last bundle", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The keys or the catalogue make no valid bundle.
    #[error("the bundle is invalid")]
    Invalid(#[from] InvalidDocument),
    /// The keys may not sign under the root.
    #[error("the bundle cannot be signed")]
    Sign(#[from] SignError),
    /// Larger than verifiers accept.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

/// What a bundle of this authority says.
#[derive(Clone)]
pub(crate) struct Content {
    pub(crate) token_keys: Vec<TokenKey>,
    pub(crate) approval_keys: Vec<ApprovalKey>,
    pub(crate) catalogue: Catalogue,
    pub(crate) policy: Digest,
}

/// The signing keys a publisher needs.
pub(crate) struct Signers {
    pub(crate) bundle: Vec<Arc<SigningKey>>,
    pub(crate) heartbeat: Vec<Arc<SigningKey>>,
}

impl Signers {
    /// The keys that are here and that a root lets sign.
    pub(crate) fn of(root: &Root, ring: &Ring) -> Self {
        Self {
            bundle: ring.signers(root.bundle().keys()),
            heartbeat: ring.signers(root.heartbeat().keys()),
        }
    }
}

/// A publication, ready to send.
#[derive(Debug, Clone)]
pub(crate) struct Publication {
    pub(crate) json: Arc<[u8]>,
    pub(crate) etag: String,
}

/// What publications are made with: the roots, and the keys that sign under the last of them.
pub(crate) struct Press {
    pub(crate) roots: Vec<Envelope>,
    pub(crate) root: Root,
    pub(crate) signers: Signers,
}

/// Publishes bundles and heartbeats.
pub(crate) struct Publisher {
    press: ArcSwap<Press>,
    state_path: PathBuf,
    clock: Arc<dyn Clock>,
    current: Mutex<Current>,
}

struct Current {
    content: Content,
    bundle: SignedBundle,
    renew_at: Timestamp,
    heartbeat_at: Timestamp,
    publication: Publication,
}

/// What is kept on disk: a number is never used twice, also after a crash or with a clock that went back.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    bundle: BundleId,
    issued: Timestamp,
    policy: Digest,
}

impl Publisher {
    /// Makes and publishes a new bundle. `directory` keeps its number.
    pub(crate) fn start(
        press: Press,
        content: Content,
        directory: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PublishError> {
        let state_path = directory.join(crate::layout::BUNDLE_STATE_FILE);
        let last = read_state(&state_path)?;
        let now = clock
            .now()
            .max(last.map_or(Timestamp::from_unix_ms(0), |last| last.issued));
        let Press {
            roots,
            root,
            signers,
        } = &press;
        let bundle = sign_bundle(
            root,
            &content,
            signers,
            last.map(|l| l.bundle).as_ref(),
            now,
            &state_path,
        )?;
        let publication = publish(roots, root, &bundle, signers, now)?;
        let current = Mutex::new(Current {
            content,
            bundle,
            renew_at: now.after(BUNDLE_LIFE / 2),
            heartbeat_at: now,
            publication,
        });
        Ok(Self {
            press: ArcSwap::from_pointee(press),
            state_path,
            clock,
            current,
        })
    }

    /// The publication of now. Signs a new heartbeat when the last is [`HEARTBEAT_INTERVAL`] old, and now and then a
    /// new bundle, which blocks on the disk.
    pub(crate) fn publication(&self) -> Result<Publication, PublishError> {
        let mut current = self.lock();
        let now = self.clock.now();
        if now.since(current.heartbeat_at) < HEARTBEAT_INTERVAL {
            return Ok(current.publication.clone());
        }
        let press = self.press.load();
        if now >= current.renew_at {
            let last = *current.bundle.id();
            let renewed = sign_bundle(
                &press.root,
                &current.content,
                &press.signers,
                Some(&last),
                now,
                &self.state_path,
            );
            let expires = current.renew_at.after(BUNDLE_LIFE / 2);
            match renewed {
                Ok(bundle) => {
                    current.bundle = bundle;
                    current.renew_at = now.after(BUNDLE_LIFE / 2);
                }
                // The old one has days to go. Without heartbeats, services would stop within minutes.
                Err(error) if now < expires => tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the bundle cannot be renewed; the old one stays in force"
                ),
                Err(error) => return Err(error),
            }
        }
        current.publication = publish(
            &press.roots,
            &press.root,
            &current.bundle,
            &press.signers,
            now,
        )?;
        current.heartbeat_at = now;
        Ok(current.publication.clone())
    }

    /// Whether a bundle with this change could be published: it is made, signed and measured, and nothing is kept.
    /// Blocks on signing.
    pub(crate) fn rehearse(&self, change: impl FnOnce(&mut Content)) -> Result<(), PublishError> {
        self.rehearse_with(&self.press.load(), change)
    }

    /// As [`Publisher::rehearse`], under another root or with other keys.
    pub(crate) fn rehearse_with(
        &self,
        press: &Press,
        change: impl FnOnce(&mut Content),
    ) -> Result<(), PublishError> {
        let current = self.lock();
        self.made(press, &current, change).map(|_| ())
    }

    /// Publishes what a change makes of the content in force; the next publication has it. After a failure the one in
    /// force stays. Blocks on the disk.
    pub(crate) fn republish(&self, change: impl FnOnce(&mut Content)) -> Result<(), PublishError> {
        let mut current = self.lock();
        let next = self.made(&self.press.load(), &current, change)?;
        write_state(
            &self.state_path,
            &next.bundle,
            &next.content,
            next.heartbeat_at,
        )?;
        *current = next;
        Ok(())
    }

    /// As [`Publisher::republish`], and signs with other keys or under another root from then on: those in place stay when
    /// it fails.
    pub(crate) fn reequip(
        &self,
        press: Press,
        change: impl FnOnce(&mut Content),
    ) -> Result<(), PublishError> {
        let mut current = self.lock();
        let next = self.made(&press, &current, change)?;
        write_state(
            &self.state_path,
            &next.bundle,
            &next.content,
            next.heartbeat_at,
        )?;
        *current = next;
        self.press.store(Arc::new(press));
        Ok(())
    }

    /// What comes after what is in force. Made in whole before its number is written down, so that only the disk can still
    /// refuse.
    fn made(
        &self,
        press: &Press,
        current: &Current,
        change: impl FnOnce(&mut Content),
    ) -> Result<Current, PublishError> {
        let mut content = current.content.clone();
        change(&mut content);
        let (last, now) = (*current.bundle.id(), self.now(current));
        let bundle = sign(&press.root, &content, &press.signers, Some(&last), now)?;
        let publication = publish(&press.roots, &press.root, &bundle, &press.signers, now)?;
        Ok(Current {
            content,
            bundle,
            renew_at: now.after(BUNDLE_LIFE / 2),
            heartbeat_at: now,
            publication,
        })
    }

    /// The root in force.
    pub(crate) fn root(&self) -> Root {
        self.press.load().root.clone()
    }

    /// Never before the heartbeat in force: verifiers refuse one that is older than what they have.
    fn now(&self, current: &Current) -> Timestamp {
        self.clock.now().max(current.heartbeat_at)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How old the bundle in force is, and how long it is still believed.
    pub(crate) fn age_and_left(&self) -> (Duration, Duration) {
        let current = self.lock();
        let (now, renew_at) = (self.clock.now(), current.renew_at);
        // It is renewed half-way.
        let age = (BUNDLE_LIFE / 2 + now.since(renew_at)).saturating_sub(renew_at.since(now));
        (age, BUNDLE_LIFE.saturating_sub(age))
    }

    /// The number of the bundle in force.
    pub(crate) fn version(&self) -> u64 {
        self.lock().bundle.id().version
    }
}

/// The policy the last bundle named; nothing when there was none yet.
pub(crate) fn last_policy(directory: &Path) -> Result<Option<Digest>, PublishError> {
    let last = read_state(&directory.join(crate::layout::BUNDLE_STATE_FILE))?;
    Ok(last.map(|last| last.policy))
}

/// The number of the last bundle and until when it is believed; nothing when there was none yet.
pub(crate) fn last_expiry(directory: &Path) -> Result<Option<(u64, Timestamp)>, PublishError> {
    let last = read_state(&directory.join(crate::layout::BUNDLE_STATE_FILE))?;
    Ok(last.map(|last| (last.bundle.version, last.issued.after(BUNDLE_LIFE))))
}

fn read_state(path: &Path) -> Result<Option<State>, PublishError> {
    let parsed = file::read(path, STATE_BYTES_MAX)?.map(|text| serde_json::from_str(&text));
    parsed.transpose().map_err(|_| PublishError::Damaged {
        path: path.to_owned(),
    })
}

/// Signs a new bundle and writes its number down before anyone sees it.
fn sign_bundle(
    root: &Root,
    content: &Content,
    signers: &Signers,
    last: Option<&BundleId>,
    now: Timestamp,
    state_path: &Path,
) -> Result<SignedBundle, PublishError> {
    let signed = sign(root, content, signers, last, now)?;
    write_state(state_path, &signed, content, now)?;
    Ok(signed)
}

fn sign(
    root: &Root,
    content: &Content,
    signers: &Signers,
    last: Option<&BundleId>,
    now: Timestamp,
) -> Result<SignedBundle, PublishError> {
    let draft = content.draft(now.after(BUNDLE_LIFE));
    let bundle = Bundle::new(root, draft, last, now)?;
    Ok(bundle.sign(root, &all(&signers.bundle))?)
}

/// Writes a bundle's number down, and the policy it names.
fn write_state(
    path: &Path,
    signed: &SignedBundle,
    content: &Content,
    now: Timestamp,
) -> Result<(), PublishError> {
    let state = State {
        bundle: *signed.id(),
        issued: now,
        policy: content.policy,
    };
    // Numbers and strings only: writing them to memory cannot fail.
    let text = serde_json::to_vec(&state).unwrap_or_default();
    file::replace(path, &text)?;
    Ok(())
}

/// The keys, as signing takes them.
fn all(keys: &[Arc<SigningKey>]) -> Vec<&SigningKey> {
    keys.iter().map(Arc::as_ref).collect()
}

fn publish(
    roots: &[Envelope],
    root: &Root,
    bundle: &SignedBundle,
    signers: &Signers,
    now: Timestamp,
) -> Result<Publication, PublishError> {
    let heartbeat = Heartbeat::new(bundle, now).sign(root, &all(&signers.heartbeat))?;
    let json = Published::new(roots.to_vec(), bundle, heartbeat).to_json()?;
    // The heartbeat is part of the tag: a 304 for the bundle alone would let its reader go stale.
    let etag = format!("\"{}.{}\"", bundle.id().version, now.unix_ms());
    Ok(Publication {
        json: json.into(),
        etag,
    })
}

impl Content {
    fn draft(&self, expires: Timestamp) -> BundleDraft {
        BundleDraft {
            token_keys: self.token_keys.clone(),
            approval_keys: self.approval_keys.clone(),
            catalogue: self.catalogue.clone(),
            policy: self.policy,
            expires,
        }
    }
}
