//! Key files: PKCS#8 PEM (RFC 5958, RFC 7468) under a few lines that say what the key is for.
//!
//! ```text
//! Hallpass-Key: 1
//! Purpose: run
//! Environment: prod
//! Key-Id: 3b6a27bc…
//! -----BEGIN PRIVATE KEY-----
//! …
//! -----END PRIVATE KEY-----
//! ```
//!
//! RFC 7468 section 2 allows explanatory text before the boundary, so other tools read the file as it is:
//! `openssl pkey -in FILE -pubout`. We read back nothing but this exact form; see docs/keys.md. With the feature
//! `encryption` the block may be an `ENCRYPTED PRIVATE KEY` under a passphrase.

#[cfg(feature = "encryption")]
mod encrypted;
mod stored;
mod text;

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use hallpass_vocabulary::Environment;
use zeroize::Zeroizing;

#[cfg(feature = "encryption")]
pub use encrypted::{PASSPHRASE_BYTES_MAX, PASSPHRASE_CHARS_MIN, PassphraseError};
pub use stored::KeyFile;
pub use text::MalformedKeyFile;

use crate::{Purpose, SigningKey};

/// The largest key file read, in bytes. One of ours has about 300.
pub const KEY_FILE_BYTES_MAX: usize = 4096;

/// A key file that cannot be written or must not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The operating system refused.
    #[error("cannot {action} key file `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// There is a file already; keys are never overwritten.
    #[error("key file `{}` exists and is never overwritten", path.display())]
    Exists {
        /// Which file.
        path: PathBuf,
    },
    /// Not a regular file.
    #[error("key file `{}` is not a regular file", path.display())]
    NotAFile {
        /// Which file.
        path: PathBuf,
    },
    /// Others than its owner can read or write it.
    #[error("key file `{}` has mode {mode:04o}; run `chmod 600 {}`", path.display(), path.display())]
    TooOpen {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Larger than [`KEY_FILE_BYTES_MAX`].
    #[error("key file `{}` is larger than {KEY_FILE_BYTES_MAX} bytes", path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
    },
    /// Not of the form of a key file, or not to be opened so.
    #[error("key file `{}` cannot be used", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: MalformedKeyFile,
    },
    /// For something else.
    #[error("key file `{}` is for purpose `{found}`, not `{expected}`", path.display())]
    WrongPurpose {
        /// Which file.
        path: PathBuf,
        /// What it is needed for.
        expected: Purpose,
        /// What it is for.
        found: Purpose,
    },
    /// From another environment.
    #[error("key file `{}` belongs to environment `{found}`, not `{expected}`", path.display())]
    WrongEnvironment {
        /// Which file.
        path: PathBuf,
        /// Where it is needed.
        expected: Environment,
        /// Where it belongs.
        found: Environment,
    },
}

/// Writes a key to a new file that only its owner can read, and waits until the file and its name are on disk.
///
/// # Errors
/// When the file exists, or cannot be written; a half-written file is removed.
pub fn write_key_file(path: &Path, key: &SigningKey) -> Result<(), KeyFileError> {
    let text = text::write(key).map_err(malformed(path))?;
    write_new(path, &text)
}

/// As [`write_key_file`], with the key under a passphrase. Takes a noticeable part of a second, as reading it will.
///
/// # Errors
/// Also when the passphrase is too short or too long.
#[cfg(feature = "encryption")]
pub fn write_encrypted_key_file(
    path: &Path,
    key: &SigningKey,
    passphrase: &str,
) -> Result<(), KeyFileError> {
    let text = text::write_encrypted(key, passphrase)
        .map_err(|error| malformed(path)(MalformedKeyFile::Passphrase(error)))?;
    write_new(path, &text)
}

fn write_new(path: &Path, text: &str) -> Result<(), KeyFileError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|source| {
        if source.kind() == io::ErrorKind::AlreadyExists {
            KeyFileError::Exists {
                path: path.to_owned(),
            }
        } else {
            io_error("create", path, source)
        }
    })?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| sync_directory_of(path));
    written.map_err(|source| {
        // Ours: `create_new` made it a moment ago. What is left of it is no key, and would block the next try.
        let _ = std::fs::remove_file(path);
        io_error("write", path, source)
    })
}

/// Reads a key that must be for this purpose and this environment.
///
/// # Errors
/// Whatever is not exactly as [`write_key_file`] leaves it: see [`KeyFileError`].
pub fn read_key_file(
    path: &Path,
    purpose: Purpose,
    environment: &Environment,
) -> Result<SigningKey, KeyFileError> {
    let file = KeyFile::open(path)?;
    file.require(purpose, environment)?;
    file.key()
}

fn malformed(path: &Path) -> impl FnOnce(MalformedKeyFile) -> KeyFileError + '_ {
    |source| KeyFileError::Malformed {
        path: path.to_owned(),
        source,
    }
}

fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let file = File::open(path).map_err(|source| io_error("open", path, source))?;
    // Of the open file, not of the name: the two cannot be exchanged in between.
    let metadata = file
        .metadata()
        .map_err(|source| io_error("inspect", path, source))?;
    if !metadata.is_file() {
        return Err(KeyFileError::NotAFile {
            path: path.to_owned(),
        });
    }
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o7777;
        if mode & 0o077 != 0 {
            return Err(KeyFileError::TooOpen {
                path: path.to_owned(),
                mode,
            });
        }
    }
    // Full capacity from the start: growing would leave copies of the secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_FILE_BYTES_MAX + 1));
    file.take(KEY_FILE_BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| io_error("read", path, source))?;
    if bytes.len() > KEY_FILE_BYTES_MAX {
        return Err(KeyFileError::TooLarge {
            path: path.to_owned(),
        });
    }
    Ok(bytes)
}

/// A new name is on disk only once its directory is.
fn sync_directory_of(path: &Path) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory)?.sync_all()
}

fn io_error(action: &'static str, path: &Path, source: io::Error) -> KeyFileError {
    KeyFileError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}
