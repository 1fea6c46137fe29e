//! What verifiers fetch: the roots, the signed bundle, and a heartbeat signed when the last one is two seconds old.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hallpass_bundle::{
    ApprovalKey, Bundle, BundleDraft, BundleId, Heartbeat, InvalidDocument, KeyState, Published,
    Restrictions, Root, SignError, SignedBundle, TokenKey, TokenPurpose, TooLarge,
};
use hallpass_keys::dsse::Envelope;
use hallpass_keys::{Digest, SigningKey, VerifyingKey};
use hallpass_vocabulary::{Catalogue, Clock, Environment, Timestamp};

use crate::config::ForeignKey;
use crate::file::{self, FileError};

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
    pub(crate) run_key: VerifyingKey,
    pub(crate) approval_key: VerifyingKey,
    pub(crate) foreign_keys: Vec<ForeignKey>,
    pub(crate) catalogue: Catalogue,
    pub(crate) policy: Digest,
    pub(crate) restrictions: Restrictions,
}

/// The signing keys a publisher needs.
pub(crate) struct Signers {
    pub(crate) bundle: SigningKey,
    pub(crate) heartbeat: SigningKey,
}

/// A publication, ready to send.
#[derive(Debug, Clone)]
pub(crate) struct Publication {
    pub(crate) json: Arc<[u8]>,
    pub(crate) etag: String,
}

/// Publishes bundles and heartbeats.
pub(crate) struct Publisher {
    roots: Vec<Envelope>,
    root: Root,
    signers: Signers,
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
        roots: Vec<Envelope>,
        root: Root,
        content: Content,
        signers: Signers,
        directory: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PublishError> {
        let state_path = directory.join(crate::layout::BUNDLE_STATE_FILE);
        let last = read_state(&state_path)?;
        let now = clock
            .now()
            .max(last.map_or(Timestamp::from_unix_ms(0), |last| last.issued));
        let bundle = sign_bundle(
            &root,
            &content,
            &signers,
            last.map(|l| l.bundle).as_ref(),
            now,
            &state_path,
        )?;
        let publication = publish(&roots, &root, &bundle, &signers, now)?;
        let current = Mutex::new(Current {
            content,
            bundle,
            renew_at: now.after(BUNDLE_LIFE / 2),
            heartbeat_at: now,
            publication,
        });
        Ok(Self {
            roots,
            root,
            signers,
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
        if now >= current.renew_at {
            let last = *current.bundle.id();
            let renewed = sign_bundle(
                &self.root,
                &current.content,
                &self.signers,
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
        current.publication =
            publish(&self.roots, &self.root, &current.bundle, &self.signers, now)?;
        current.heartbeat_at = now;
        Ok(current.publication.clone())
    }

    /// Whether a bundle with this catalogue could be published: it is made, signed and measured, and nothing is kept.
    /// Blocks on signing.
    pub(crate) fn rehearse(
        &self,
        catalogue: &Catalogue,
        policy: Digest,
    ) -> Result<(), PublishError> {
        let current = self.lock();
        let content = current.content.with(catalogue, policy);
        let (last, now) = (*current.bundle.id(), self.now(&current));
        let bundle = sign(&self.root, &content, &self.signers, Some(&last), now)?;
        publish(&self.roots, &self.root, &bundle, &self.signers, now)?;
        Ok(())
    }

    /// Publishes a bundle with this catalogue, under this policy, in place of the one in force; the next publication has
    /// it. After a failure the one in force stays. Blocks on the disk.
    pub(crate) fn replace(
        &self,
        catalogue: &Catalogue,
        policy: Digest,
    ) -> Result<(), PublishError> {
        let mut current = self.lock();
        let content = current.content.with(catalogue, policy);
        self.publish_in_place(&mut current, content)
    }

    /// Publishes a bundle that denies this, unless the one in force does; gives the number of the one in force then.
    pub(crate) fn restrict(&self, restrictions: Restrictions) -> Result<u64, PublishError> {
        let mut current = self.lock();
        if current.content.restrictions != restrictions {
            let content = Content {
                restrictions,
                ..current.content.clone()
            };
            self.publish_in_place(&mut current, content)?;
        }
        Ok(current.bundle.id().version)
    }

    /// Whether the bundle in force denies anything.
    pub(crate) fn is_restricting(&self) -> bool {
        !self.lock().content.restrictions.is_empty()
    }

    fn publish_in_place(
        &self,
        current: &mut Current,
        content: Content,
    ) -> Result<(), PublishError> {
        let (last, now) = (*current.bundle.id(), self.now(current));
        // Made in whole before its number is written down, so that only the disk can still refuse.
        let bundle = sign(&self.root, &content, &self.signers, Some(&last), now)?;
        let publication = publish(&self.roots, &self.root, &bundle, &self.signers, now)?;
        write_state(&self.state_path, &bundle, &content, now)?;
        *current = Current {
            content,
            bundle,
            renew_at: now.after(BUNDLE_LIFE / 2),
            heartbeat_at: now,
            publication,
        };
        Ok(())
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
    let draft = content.draft(root.environment(), now.after(BUNDLE_LIFE));
    let bundle = Bundle::new(root, draft, last, now)?;
    Ok(bundle.sign(root, &[&signers.bundle])?)
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

fn publish(
    roots: &[Envelope],
    root: &Root,
    bundle: &SignedBundle,
    signers: &Signers,
    now: Timestamp,
) -> Result<Publication, PublishError> {
    let heartbeat = Heartbeat::new(bundle, now).sign(root, &[&signers.heartbeat])?;
    let json = Published::new(roots.to_vec(), bundle, heartbeat).to_json()?;
    // The heartbeat is part of the tag: a 304 for the bundle alone would let its reader go stale.
    let etag = format!("\"{}.{}\"", bundle.id().version, now.unix_ms());
    Ok(Publication {
        json: json.into(),
        etag,
    })
}

impl Content {
    /// The same keys with another policy.
    fn with(&self, catalogue: &Catalogue, policy: Digest) -> Self {
        Self {
            catalogue: catalogue.clone(),
            policy,
            ..self.clone()
        }
    }

    fn draft(&self, environment: &Environment, expires: Timestamp) -> BundleDraft {
        let run = |key, environment: &Environment| TokenKey {
            key,
            environment: environment.clone(),
            purpose: TokenPurpose::Run,
            state: KeyState::Active,
        };
        let foreign = self
            .foreign_keys
            .iter()
            .map(|key| run(key.public_key, &key.environment));
        BundleDraft {
            token_keys: std::iter::once(run(self.run_key, environment))
                .chain(foreign)
                .collect(),
            approval_keys: vec![ApprovalKey {
                key: self.approval_key,
                state: KeyState::Active,
            }],
            catalogue: self.catalogue.clone(),
            policy: self.policy,
            expires,
            restrictions: self.restrictions.clone(),
            operators: Vec::new(),
            verifiers: Vec::new(),
        }
    }
}
