//! The key files of a directory that is written, and which of them is in use.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use hallpass_keys::random_bytes;

use super::SensitiveKey;
use crate::arguments::DigestKey;
use crate::directory::{self, SensitiveKeyName};
use crate::identity::{read_secret, secret_text};
use crate::storage::replace_file;
use crate::{IdentityError, Storage};

/// The keys of a journal that is open.
#[derive(Debug)]
pub(crate) struct SensitiveKeys {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) dir: PathBuf,
    current: RwLock<SensitiveKey>,
    /// Held while keys are erased: two at a time would take each other's mark.
    pub(super) erasing: Mutex<()>,
}

impl SensitiveKeys {
    /// Goes on with the newest key; makes one where there is none.
    pub(crate) fn open(
        storage: &Arc<dyn Storage>,
        dir: &Path,
        next_index: u64,
    ) -> Result<Self, IdentityError> {
        let io = |source| IdentityError::Io {
            path: dir.to_owned(),
            source,
        };
        let numbers = directory::sensitive_keys(&**storage, dir).map_err(io)?;
        // One of a higher number was left by records that are no longer there: this directory is an older copy.
        let newest = numbers.into_iter().rfind(|number| *number <= next_index);
        let key = match newest {
            Some(number) => read(&**storage, dir, number)?,
            None => make(&**storage, dir, next_index).map_err(io)?,
        };
        Ok(Self {
            storage: Arc::clone(storage),
            dir: dir.to_owned(),
            current: RwLock::new(key),
            erasing: Mutex::new(()),
        })
    }

    /// The key for a record that is made now.
    pub(crate) fn current(&self) -> SensitiveKey {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    /// Makes the key of a segment that is about to be created, unless it is there.
    pub(crate) fn renew(&self, first_index: u64) -> io::Result<()> {
        if self.current().number() == first_index {
            return Ok(());
        }
        let key = make(&*self.storage, &self.dir, first_index)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = key;
        Ok(())
    }
}

fn read(storage: &dyn Storage, dir: &Path, number: u64) -> Result<SensitiveKey, IdentityError> {
    let path = SensitiveKeyName(number).path(dir);
    let malformed = || IdentityError::DigestKey { path: path.clone() };
    let secret = read_secret(storage, &path)?.ok_or_else(malformed)?;
    let key = DigestKey::new(&secret).ok_or_else(malformed)?;
    Ok(SensitiveKey::new(number, key))
}

fn make(storage: &dyn Storage, dir: &Path, number: u64) -> io::Result<SensitiveKey> {
    let secret = random_bytes().map_err(io::Error::other)?;
    let key = DigestKey::new(&secret).ok_or(io::ErrorKind::InvalidData)?;
    let name = SensitiveKeyName(number).file_name();
    let text = secret_text(&secret);
    replace_file(
        storage,
        dir,
        &name,
        &directory::temporary(&name),
        text.as_bytes(),
    )?;
    Ok(SensitiveKey::new(number, key))
}
