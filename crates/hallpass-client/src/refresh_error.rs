//! What may go wrong when news are fetched.

use std::path::PathBuf;

use hallpass_bundle::{BundleError, store::StoreError};
use reqwest::StatusCode;

use crate::belief::Unbelieved;
use crate::http::TransportError;
use crate::sse::StreamError;

/// Why a refresh brought nothing, or did not keep what it brought. What was known stays known, and ages.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// A heartbeat came too late, or too early, by the token clock.
    #[error("a heartbeat proves nothing")]
    Apart(#[source] Unbelieved),
    /// The bundle file cannot be read.
    #[error("cannot read the bundle file `{}`", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The process is ending.
    #[error("the refresh was given up")]
    GivenUp,
    /// What came is not believed.
    #[error("the bundle is not believed")]
    Refused(#[from] BundleError),
    /// What came is in force, and will be forgotten at a restart.
    #[error("the bundle is in force and cannot be saved")]
    Save(#[source] StoreError),
    /// A stream of events on which nothing believable came.
    #[error("the authority's stream of events is silent")]
    Silent,
    /// The authority answered something else than a bundle.
    #[error("the authority answered {status} instead of a bundle")]
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// A stream of events that is none.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The authority ended its stream of events.
    #[error("the authority's stream of events ended")]
    StreamOver,
    /// The authority was not reached.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// Why bundles cannot be fetched at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The stop files cannot be watched.
    #[error("no thread to watch the stop files")]
    StopFiles(#[source] std::io::Error),
    /// The state directory cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The HTTP library cannot start.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl From<Unbelieved> for RefreshError {
    fn from(unbelieved: Unbelieved) -> Self {
        match unbelieved {
            Unbelieved::Apart { .. } => Self::Apart(unbelieved),
            Unbelieved::Bundle(error) => Self::Refused(error),
        }
    }
}

impl From<StatusCode> for RefreshError {
    fn from(status: StatusCode) -> Self {
        Self::Status {
            status: status.as_u16(),
        }
    }
}
