//! Why nothing is published.

use std::path::PathBuf;

use hallpass_bundle::{InvalidDocument, SignError, TooLarge};

use crate::file::FileError;

/// A bundle that cannot be published. The one in force stays.
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
    /// The authority is stopping.
    #[error("the authority is stopping")]
    Stopping,
    /// Larger than verifiers accept.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}
