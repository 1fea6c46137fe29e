//! The roots of an authority: read back from its directory, and a new one installed.
//!
//! A root is made and signed offline, by the keys of the one before it and its own. Installing it is writing one file; the
//! record comes first, and whoever follows the chain believes it with the next bundle, which is signed under it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hallpass_bundle::{
    BundleError, InvalidTrustRoot, Root, TrustRoot, TrustRootDigest, believe_root,
};
use hallpass_journal::{AppendError, Durability, Event, OsStorage, RootInstalled};
use hallpass_keys::dsse::{DsseError, Envelope};
use hallpass_keys::{Digest, Purpose};
use hallpass_vocabulary::{Clock, OperatorId, Timestamp};

use crate::config::Paths;
use crate::file::{self, FileError};
use crate::journal::{self, START_APPEND_MAX};
use crate::keys::change::{Unturned, blocking};
use crate::keys::files;
use crate::keys::open::KeysError;
use crate::keys::ring::Ring;
use crate::layout;
use crate::open::OpenError;
use crate::publisher::{Press, PublishError, Signers};
use crate::service::Service;
use crate::settings::{Overrides, Settings};

/// The largest root document, in bytes: three roles of 16 keys, and their signatures.
pub(crate) const ROOT_BYTES_MAX: usize = 64 * 1024;

/// The largest trust root file, in bytes. A real one has about 160.
const TRUST_ROOT_BYTES_MAX: usize = 4 * 1024;

/// Roots that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RootsError {
    /// They do not lead from the trust root to one in force.
    #[error("the roots are not believed")]
    Believe(#[from] BundleError),
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file that every authority has is not there.
    #[error("there is no `{}`; is this the directory of an authority?", path.display())]
    Missing {
        /// Which file.
        path: PathBuf,
    },
    /// A root document is no envelope.
    #[error("`{}` is malformed", path.display())]
    RootFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: DsseError,
    },
    /// The trust root is malformed.
    #[error("`{}` is malformed", path.display())]
    TrustRoot {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: InvalidTrustRoot,
    },
}

/// What is pinned, and every root there is.
pub(crate) struct Roots {
    pub(crate) pinned: TrustRoot,
    pub(crate) envelopes: Vec<Envelope>,
}

impl Roots {
    /// Reads them. Blocks on the disk.
    pub(crate) fn read(directory: &Path, roots: &Path) -> Result<Self, RootsError> {
        let path = directory.join(layout::TRUST_ROOT_FILE);
        let text = file::read(&path, TRUST_ROOT_BYTES_MAX)?;
        let pinned = text.ok_or_else(|| RootsError::Missing { path: path.clone() })?;
        let pinned = pinned
            .parse()
            .map_err(|source| RootsError::TrustRoot { path, source })?;
        let mut envelopes = Vec::new();
        for version in 1.. {
            let path = layout::root_file(roots, version);
            let Some(text) = file::read(&path, ROOT_BYTES_MAX)? else {
                break;
            };
            let envelope = Envelope::from_json(text.as_bytes())
                .map_err(|source| RootsError::RootFile { path, source })?;
            envelopes.push(envelope);
        }
        Ok(Self { pinned, envelopes })
    }

    /// The root in force.
    pub(crate) fn in_force(&self, now: Timestamp) -> Result<Root, BundleError> {
        believe_root(&self.envelopes, &self.pinned, now)
    }

    /// With one more, if it follows those there are; nothing if it is the last of them already.
    fn followed_by(
        &self,
        next: &Envelope,
        now: Timestamp,
    ) -> Result<Option<(Self, Root)>, BundleError> {
        let last = self.envelopes.last();
        if last.is_some_and(|last| last.unverified_payload() == next.unverified_payload()) {
            return Ok(None);
        }
        let mut envelopes = self.envelopes.clone();
        envelopes.push(next.clone());
        let pinned = self.pinned.clone();
        let roots = Self { pinned, envelopes };
        let root = roots.in_force(now)?;
        Ok(Some((roots, root)))
    }
}

/// A root that is in force after an installation.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct InstalledRoot {
    /// Its number.
    pub version: u64,
    /// What those may pin who are set up from now on.
    pub digest: TrustRootDigest,
    /// Until when it is believed.
    pub expires: Timestamp,
    /// Whether it was not there before.
    pub changed: bool,
}

/// A root that was not installed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RootRefused {
    /// It does not follow those there are.
    #[error("the root does not follow those there are")]
    Believe(#[from] BundleError),
    /// Too few of the keys that it lets sign are here.
    #[error("{here} of the {purpose} keys of the root are here, and {threshold} must sign")]
    KeysMissing {
        /// What they sign.
        purpose: Purpose,
        /// How many are here.
        here: usize,
        /// How many are needed.
        threshold: usize,
    },
    /// It is no envelope.
    #[error("it is no signed root document")]
    Malformed(#[from] DsseError),
    /// Roots there are cannot be read.
    #[error(transparent)]
    Roots(#[from] RootsError),
    /// A file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The keys cannot be read.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The directory cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The journal cannot be opened; a running authority has it.
    #[error("cannot open the journal")]
    Journal(#[from] hallpass_journal::OpenError),
    /// The journal cannot be written.
    #[error("cannot write to the journal")]
    Record(#[from] AppendError),
    /// No bundle can be made under it.
    #[error("cannot publish a bundle under it")]
    Publish(#[from] PublishError),
    /// The authority is stopping.
    #[error("the authority is stopping")]
    Stopping,
}

impl From<Unturned> for RootRefused {
    fn from(error: Unturned) -> Self {
        match error {
            Unturned::File(error) => Self::File(error),
            Unturned::Journal(error) => Self::Record(error),
            Unturned::Publish(error) => Self::Publish(error),
            Unturned::Unreadable(error) => Self::Keys(error.into()),
            _ => Self::Stopping,
        }
    }
}

/// That enough keys of a root are among those that are here.
pub(crate) fn check_keys(root: &Root, ring: &files::KeysHere) -> Result<(), RootRefused> {
    for (purpose, role) in [
        (Purpose::Bundle, root.bundle()),
        (Purpose::Heartbeat, root.heartbeat()),
    ] {
        let here = role
            .keys()
            .iter()
            .filter(|key| ring.contains_key(&key.id()));
        let (here, threshold) = (here.count(), role.threshold());
        if here < threshold {
            return Err(RootRefused::KeysMissing {
                purpose,
                here,
                threshold,
            });
        }
    }
    Ok(())
}

fn record(root: &Root, by: Option<&OperatorId>) -> Event {
    Event::RootInstalled(RootInstalled {
        version: root.version(),
        digest: Digest::of(&root.to_payload()),
        expires: root.expires(),
        by: by.cloned(),
    })
}

fn write(roots: &Path, root: &Root, envelope: &Envelope) -> Result<(), FileError> {
    file::replace(
        &layout::root_file(roots, root.version()),
        &envelope.to_json(),
    )
}

fn installed(root: &Root, changed: bool) -> InstalledRoot {
    InstalledRoot {
        version: root.version(),
        digest: root.trust_root().digest,
        expires: root.expires(),
        changed,
    }
}

/// Installs a root in the directory of an authority that does not run. Blocks on the disk.
///
/// # Errors
/// [`RootRefused`]; the root before stays in force.
pub fn install_root(
    directory: &Path,
    root: &[u8],
    clock: &Arc<dyn Clock>,
) -> Result<InstalledRoot, RootRefused> {
    let settings = Settings::read(directory, Overrides::default())?;
    let config = &settings.config;
    let paths: Paths = config.paths.under(directory);
    let envelope = Envelope::from_json(root)?;
    // The journal's lock keeps a running authority out of this.
    let storage = Arc::new(OsStorage);
    let keep = config.journal.keep();
    let journal = journal::open(&paths.journal, &config.environment, clock, storage, keep)?;
    let there = Roots::read(directory, &paths.roots)?;
    let done = match there.followed_by(&envelope, clock.now())? {
        None => installed(&there.in_force(clock.now())?, false),
        Some((_, root)) => {
            let here = files::read(&paths.keys, &config.environment).map_err(KeysError::from)?;
            check_keys(&root, &here)?;
            let _recorded = journal
                .append(&record(&root, None), Durability::Durable)
                .wait(START_APPEND_MAX)?;
            write(&paths.roots, &root, &envelope)?;
            installed(&root, true)
        }
    };
    journal.close()?;
    Ok(done)
}

impl Service {
    /// Installs a root while the authority serves: the next bundle is signed under it.
    pub(crate) async fn install_root(
        &self,
        root: &[u8],
        by: &OperatorId,
    ) -> Result<InstalledRoot, RootRefused> {
        let envelope = Envelope::from_json(root)?;
        let _turn = self.keys.turn.lock().await;
        let now = self.clock.now();
        let (directory, at) = (self.reloading.directory.clone(), self.keys.roots.clone());
        let there = tokio::task::spawn_blocking(move || Roots::read(&directory, &at))
            .await
            .map_err(|_| RootRefused::Stopping)??;
        let Some((roots, root)) = there.followed_by(&envelope, now)? else {
            return Ok(installed(&there.in_force(now)?, false));
        };
        let before = self.keys.now();
        let here = before.with_read(self.read_keys().await?);
        check_keys(&root, &here)?;
        let ring = Ring {
            book: before.book.clone(),
            here,
            environment: self.environment.clone(),
            known_at: before.known_at,
        };
        let press = || {
            let signers = Signers::of(&root, &ring);
            Press::new(roots.envelopes.clone(), root.clone(), signers)
        };
        let (publisher, rehearsed) = (Arc::clone(&self.publisher), press());
        blocking(move || publisher.rehearse_with(&rehearsed)).await?;
        let _recorded = self
            .recorder
            .append(&record(&root, Some(by)), Durability::Durable)
            .await?;
        let (publisher, equipped) = (Arc::clone(&self.publisher), press());
        let (at, written) = (self.keys.roots.clone(), root.clone());
        blocking(move || -> Result<(), Unturned> {
            write(&at, &written, &envelope)?;
            publisher.reequip(equipped, |_| ())?;
            Ok(())
        })
        .await?;
        self.keys.ring.store(Arc::new(ring));
        tracing::info!(root.version = root.version(), root.expires = %root.expires(), "a root was installed");
        Ok(installed(&root, true))
    }
}
