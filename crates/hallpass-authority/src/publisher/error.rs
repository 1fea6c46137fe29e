//! Why nothing is published.

use std::path::PathBuf;

use hallpass_bundle::{InvalidDocument, SignError, TooLarge};

use crate::file::FileError;
use crate::store::StoreError;

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
    /// What replicas published last is not signed under this replica's root.
    #[error(
        "the last bundle in the store is not signed under root {root}; a replica may have a later one"
    )]
    Foreign {
        /// The root of this replica.
        root: u64,
    },
    /// The keys may not sign under the root.
    #[error("the bundle cannot be signed")]
    Sign(#[from] SignError),
    /// The store that replicas share refuses. What was to be published may be all the same.
    #[error("the bundle cannot be published in the store")]
    Store(#[from] StoreError),
    /// Larger than verifiers accept.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}
