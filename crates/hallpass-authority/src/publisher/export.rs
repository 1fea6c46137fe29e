//! The publication as a file, made from an authority's directory: for verifiers that no network reaches, and for a day on
//! which the authority does not start.

use std::path::Path;
use std::sync::Arc;

use hallpass_bundle::{Heartbeat, Published, SignedBundle, believe_root};
use hallpass_keys::SigningKey;
use hallpass_vocabulary::{Clock, Timestamp};

use super::PublishError;
use super::kept::KeptFile;
use super::number;
use super::press::BUNDLE_LIFE;
use crate::keys::files;
use crate::keys::open::KeysError;
use crate::open::OpenError;
use crate::roots::{Roots, RootsError};
use crate::settings::{Overrides, Settings};

/// A publication in format 2, and what is to be known of it.
#[derive(Debug, Clone)]
pub struct ExportedBundle {
    /// The file: what `GET /v1/bundle?format=2` would answer.
    pub json: Vec<u8>,
    /// The bundle's number.
    pub version: u64,
    /// When it was said to be current: verifiers count its age from there.
    pub heartbeat: Timestamp,
    /// From when on nothing believes it.
    pub expires: Timestamp,
}

/// There is nothing to export, or no way to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The last bundle is not believed any more.
    #[error("the last bundle expired at {at}")]
    Expired {
        /// When.
        at: Timestamp,
    },
    /// The authority never made one, or a release made it that did not keep it.
    #[error("the directory holds no bundle")]
    None,
    /// It is no directory of an authority, or part of it is missing.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The publication cannot be made.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// Replicas share the last bundle, and this directory may have an older one.
    #[error("the bundle of this authority is in PostgreSQL")]
    Shared,
}

/// Says that the last bundle of a directory is current now. The authority may be running, or not: nothing is changed, and its
/// own heartbeats go on beside this one. Blocks on the disk.
///
/// # Errors
/// [`ExportError`].
pub fn export_bundle(directory: &Path, clock: &dyn Clock) -> Result<ExportedBundle, ExportError> {
    let settings = Settings::read(directory, Overrides::default())?;
    let config = &settings.config;
    if config.store.postgres.is_some() {
        return Err(ExportError::Shared);
    }
    let paths = config.paths.under(directory);
    let now = clock.now();
    let Roots { pinned, envelopes } =
        Roots::read(directory, &paths.roots).map_err(OpenError::from)?;
    let root = believe_root(&envelopes, &pinned, now)
        .map_err(RootsError::from)
        .map_err(OpenError::from)?;
    let here = files::read(&paths.keys, &config.environment)
        .map_err(KeysError::from)
        .map_err(OpenError::from)?;
    let listed = root.heartbeat().keys().iter();
    let keys: Vec<&SigningKey> = listed
        .filter_map(|key| here.get(&key.id()).map(Arc::as_ref))
        .collect();
    let kept = KeptFile::of(&paths.bundle)
        .read()?
        .ok_or(ExportError::None)?;
    let at = kept.issued.after(BUNDLE_LIFE);
    if now >= at {
        return Err(ExportError::Expired { at });
    }
    let newest = kept.newest.ok_or(ExportError::None)?;
    let (bundle, draft) = SignedBundle::read(newest, &root)
        .map_err(RootsError::from)
        .map_err(OpenError::from)?;
    let time = number::moment(now, Some(kept.issued));
    let heartbeat = Heartbeat::new(&bundle, time)
        .sign(&root, &keys)
        .map_err(PublishError::from)?;
    let published = Published::new(envelopes, &bundle, heartbeat);
    Ok(ExportedBundle {
        json: published.to_json().map_err(PublishError::from)?,
        version: bundle.id().version,
        heartbeat: time,
        expires: draft.expires,
    })
}
