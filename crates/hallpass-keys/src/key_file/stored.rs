//! A key file, opened: what it is for, before anyone is asked for a passphrase.

use std::fmt;
use std::path::{Path, PathBuf};

use hallpass_vocabulary::Environment;

use super::text::{self, Head};
use super::{KeyFileError, malformed, read_private};
use crate::{KeyId, Purpose, SigningKey};

/// A key file that was read and is of its form. What it says of its key is believed only of the key itself.
pub struct KeyFile {
    path: PathBuf,
    head: Head,
}

impl KeyFile {
    /// Reads a key file.
    ///
    /// # Errors
    /// Whatever has not exactly the form of one: see [`KeyFileError`].
    pub fn open(path: &Path) -> Result<Self, KeyFileError> {
        let bytes = read_private(path)?;
        Ok(Self {
            path: path.to_owned(),
            head: text::read(&bytes).map_err(malformed(path))?,
        })
    }

    /// What the key is for.
    pub fn purpose(&self) -> Purpose {
        self.head.purpose
    }

    /// Where the key is valid.
    pub fn environment(&self) -> &Environment {
        &self.head.environment
    }

    /// The name of its public half.
    pub fn id(&self) -> KeyId {
        self.head.id
    }

    /// Whether it is under a passphrase.
    pub fn is_encrypted(&self) -> bool {
        self.head.encrypted
    }

    /// That the key is for this purpose and this environment.
    ///
    /// # Errors
    /// [`KeyFileError::WrongPurpose`] and [`KeyFileError::WrongEnvironment`].
    pub fn require(&self, purpose: Purpose, environment: &Environment) -> Result<(), KeyFileError> {
        if self.purpose() != purpose {
            return Err(KeyFileError::WrongPurpose {
                path: self.path.clone(),
                expected: purpose,
                found: self.purpose(),
            });
        }
        if self.environment() != environment {
            return Err(KeyFileError::WrongEnvironment {
                path: self.path.clone(),
                expected: environment.clone(),
                found: self.environment().clone(),
            });
        }
        Ok(())
    }

    /// The key, which is not under a passphrase.
    ///
    /// # Errors
    /// When it is, or is not the key the file says it is.
    pub fn key(&self) -> Result<SigningKey, KeyFileError> {
        self.head.key().map_err(malformed(&self.path))
    }

    /// The key, which is under this passphrase. Takes a noticeable part of a second.
    ///
    /// # Errors
    /// When it is not, or is not the key the file says it is, or the file demands more work than reading a key may take.
    #[cfg(feature = "encryption")]
    pub fn decrypt(&self, passphrase: &str) -> Result<SigningKey, KeyFileError> {
        self.head.decrypt(passphrase).map_err(malformed(&self.path))
    }
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFile")
            .field("path", &self.path)
            .field("purpose", &self.purpose())
            .field("environment", &self.environment())
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}
