//! The keys of an authority that is being opened.

use std::path::Path;

use hallpass_bundle::KeyState;
use hallpass_keys::{KeyId, Purpose};
use hallpass_vocabulary::{Environment, Timestamp};

use super::book::KeyBook;
use super::files::{self, KeysHere, UnreadableKeys};
use super::kept::{self, KeptKeysError};
use super::ring::{Ring, token_key};
use super::{BY_JOURNAL, BY_ROOT};
use crate::config::ForeignKey;
use crate::file::FileError;
use crate::layout;
use crate::store::{Store, StoreError};

/// An authority whose keys cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A key file cannot be used.
    #[error(transparent)]
    Key(#[from] hallpass_keys::key_file::KeyFileError),
    /// What is kept of the keys cannot be used.
    #[error(transparent)]
    Kept(#[from] KeptKeysError),
    /// The key that signs is not here.
    #[error(
        "the active {purpose} key `{key}` is not in `{}`; another replica may have made it: copy its file here",
        directory.display()
    )]
    NotHere {
        /// What it is for.
        purpose: Purpose,
        /// Which key.
        key: KeyId,
        /// Where it should be.
        directory: std::path::PathBuf,
    },
    /// There is no key of a purpose.
    #[error("there is no {purpose} key in `{}`", directory.display())]
    None {
        /// Which purpose.
        purpose: Purpose,
        /// Where it should be.
        directory: std::path::PathBuf,
    },
    /// What the store says of the keys cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<UnreadableKeys> for KeysError {
    fn from(error: UnreadableKeys) -> Self {
        match error {
            UnreadableKeys::File(error) => Self::File(error),
            UnreadableKeys::Key(error) => Self::Key(error),
        }
    }
}

/// The keys that are here: one of each purpose at least. Blocks on the disk.
pub(crate) fn look(directory: &Path, environment: &Environment) -> Result<KeysHere, KeysError> {
    let here = files::read(directory, environment)?;
    for purpose in BY_JOURNAL.into_iter().chain(BY_ROOT) {
        if !here.values().any(|key| key.purpose() == purpose) {
            let directory = directory.to_owned();
            return Err(KeysError::None { purpose, directory });
        }
    }
    Ok(here)
}

/// Where the keys that are here stand: what the store has, and what was kept should the store have been lost. A key of
/// which neither says anything signs if it is the first of its purpose. Blocks on the disk.
pub(crate) fn open(
    here: KeysHere,
    directory: &Path,
    kept_at: &Path,
    store: &Store,
    replicated: bool,
    environment: &Environment,
    now: Timestamp,
) -> Result<Ring, KeysError> {
    let mut book = KeyBook::of(&store.keys_at_start()?);
    book.add(&kept::read(kept_at)?);
    let book = complete(book, &here, directory, environment)?;
    kept::write(kept_at, &book)?;
    Ok(Ring {
        book,
        here,
        environment: environment.clone(),
        known_at: replicated.then_some(now),
    })
}

/// Where the keys of a directory stand as far as it says itself: for whoever looks and does not open it.
pub(crate) fn kept(
    here: &KeysHere,
    directory: &Path,
    kept_at: &Path,
    environment: &Environment,
) -> Result<KeyBook, KeysError> {
    let book = KeyBook::of(&kept::read(kept_at)?);
    complete(book, here, directory, environment)
}

/// With the first key of every purpose of which nothing is said; and every key that signs is here.
fn complete(
    mut book: KeyBook,
    here: &KeysHere,
    directory: &Path,
    environment: &Environment,
) -> Result<KeyBook, KeysError> {
    for purpose in BY_JOURNAL {
        if !book.ever_signed(purpose) {
            let first = layout::key_file(directory, purpose);
            let first = hallpass_keys::key_file::read_key_file(&first, purpose, environment)?;
            book.from_the_start(first.verifying_key(), purpose);
        }
        let directory = directory.to_owned();
        let Some(active) = book.active(purpose) else {
            return Err(KeysError::None { purpose, directory });
        };
        let key = active.public_key.id();
        if !here.contains_key(&key) {
            return Err(KeysError::NotHere {
                purpose,
                key,
                directory,
            });
        }
    }
    Ok(book)
}

/// The keys of sibling environments as a bundle lists them.
pub(crate) fn foreign(keys: &[ForeignKey]) -> Vec<hallpass_bundle::TokenKey> {
    let listed = keys
        .iter()
        .map(|key| token_key(key.public_key, key.environment.clone(), KeyState::Active));
    listed.collect()
}
