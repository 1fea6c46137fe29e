//! The private halves: one file a key. The first key of a purpose is in `run.key`, a later one in `run-` and the first
//! sixteen digits of its id.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hallpass_keys::key_file::{KeyFileError, read_key_file, write_key_file};
use hallpass_keys::{KeyId, Purpose, SigningKey, random_bytes};
use hallpass_vocabulary::Environment;

use super::change::Unturned;
use crate::file::{self, FileError, failed};

/// The purposes that a running authority signs for.
const PURPOSES: [Purpose; 4] = [
    Purpose::Approval,
    Purpose::Bundle,
    Purpose::Heartbeat,
    Purpose::Run,
];

/// How many digits of a key's id are in the name of its file.
const NAME_DIGITS: usize = 16;

/// Every key a directory holds, by name.
pub(crate) type KeysHere = BTreeMap<KeyId, Arc<SigningKey>>;

/// A directory whose keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnreadableKeys {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Key(#[from] KeyFileError),
}

/// The file of a key that is not the first of its purpose.
pub(crate) fn file_of(directory: &Path, purpose: Purpose, id: &KeyId) -> PathBuf {
    let id = id.to_string();
    let digits = id.get(..NAME_DIGITS).unwrap_or(&id);
    directory.join(format!("{purpose}-{digits}.key"))
}

/// What a file is for, going by its name; nothing where it is none of the keys an authority signs with.
fn purpose_of(name: &str) -> Option<Purpose> {
    let stem = name.strip_suffix(".key")?;
    PURPOSES.into_iter().find(|purpose| {
        let rest = stem.strip_prefix(purpose.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    })
}

/// The files of a directory with keys the authority signs with.
fn named(directory: &Path) -> Result<Vec<(PathBuf, Purpose)>, FileError> {
    let mut named = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed("read", directory))? {
        let entry = entry.map_err(failed("read", directory))?;
        if let Some(purpose) = entry.file_name().to_str().and_then(purpose_of) {
            named.push((entry.path(), purpose));
        }
    }
    named.sort();
    Ok(named)
}

/// Reads every key of a directory that the authority signs with.
pub(crate) fn read(
    directory: &Path,
    environment: &Environment,
) -> Result<KeysHere, UnreadableKeys> {
    let mut keys = KeysHere::new();
    for (path, purpose) in named(directory)? {
        let key = read_key_file(&path, purpose, environment)?;
        keys.insert(key.id(), Arc::new(key));
    }
    Ok(keys)
}

/// Makes a key and writes its file.
pub(crate) fn generate(
    directory: &Path,
    purpose: Purpose,
    environment: &Environment,
) -> Result<SigningKey, Unturned> {
    let key = SigningKey::from_seed(purpose, environment.clone(), random_bytes()?);
    write_key_file(&file_of(directory, purpose, &key.id()), &key)?;
    Ok(key)
}

/// Removes the file of a key that signs no more, wherever in the directory it is.
pub(crate) fn remove(
    directory: &Path,
    id: &KeyId,
    environment: &Environment,
) -> Result<(), FileError> {
    for (path, purpose) in named(directory)? {
        let is_it = read_key_file(&path, purpose, environment).is_ok_and(|key| key.id() == *id);
        if !is_it {
            continue;
        }
        match fs::remove_file(&path) {
            Ok(()) => file::sync_parent(&path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed("remove", &path)(error)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_their_names() {
        for (name, purpose) in [
            ("run.key", Some(Purpose::Run)),
            ("run-0123456789abcdef.key", Some(Purpose::Run)),
            ("approval.key", Some(Purpose::Approval)),
            ("runs.key", None),
            ("run.key.new", None),
            ("root.key", None),
            ("operator.key", None),
        ] {
            assert_eq!(purpose_of(name), purpose, "{name}");
        }
    }

    #[test]
    fn keys_are_made_found_and_removed() {
        let directory = tempfile::tempdir().unwrap();
        let dev: Environment = "dev".parse().unwrap();
        let one = generate(directory.path(), Purpose::Run, &dev).unwrap();
        let two = generate(directory.path(), Purpose::Run, &dev).unwrap();
        let here = read(directory.path(), &dev).unwrap();
        assert_eq!(here.len(), 2);
        remove(directory.path(), &one.id(), &dev).unwrap();
        remove(directory.path(), &one.id(), &dev).unwrap();
        let here = read(directory.path(), &dev).unwrap();
        assert_eq!(here.keys().collect::<Vec<_>>(), [&two.id()]);
        assert!(read(directory.path(), &"prod".parse().unwrap()).is_err());
    }
}
