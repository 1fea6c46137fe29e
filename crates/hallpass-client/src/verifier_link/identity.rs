//! What a verifier keeps in its state directory: its key, and the journal it is known by.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hallpass_journal::shipping;
use hallpass_keys::key_file::{read_key_file, write_key_file};
use hallpass_keys::{Purpose, SigningKey, random_bytes};
use hallpass_vocabulary::Environment;

use super::LinkError;

const KEY_FILE: &str = "verifier.key";
const STATE_FILE: &str = "verifier.json";

/// What is known of the registration.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(super) struct Registration {
    /// The journal the authority knows it by.
    pub(super) origin: Option<String>,
    /// Whether that journal is not what was witnessed of it.
    pub(super) refused: bool,
}

/// A journal that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Its origin.
    pub origin: String,
    /// Where it is now.
    pub path: PathBuf,
}

/// Sets a journal aside of which the authority said that it is not what was witnessed: a copy, or an older state. To be
/// called before the journal is opened; the next one begins under a name of its own. Blocks on the disk.
///
/// # Errors
/// When the directories cannot be used.
pub fn set_aside_refused(state_directory: &Path, journal: &Path) -> io::Result<Option<SetAside>> {
    let mut registration = Registration::load(state_directory)?;
    let origin = shipping::published_key(journal).and_then(|key| origin_of(key.name().as_str()));
    let (true, Some(origin)) = (registration.refused, origin) else {
        return Ok(None);
    };
    if registration.origin.as_ref() != Some(&origin) {
        return Ok(None);
    }
    let mut name = journal.as_os_str().to_owned();
    name.push(format!(".{origin}"));
    let path = PathBuf::from(name);
    fs::rename(journal, &path)?;
    // The origin stays: it is the predecessor of the next.
    registration.refused = false;
    registration.save(state_directory)?;
    Ok(Some(SetAside { origin, path }))
}

/// Whether a verifier of this state directory was enrolled: then it can be linked without a code. Blocks on the disk.
///
/// # Errors
/// When the directory cannot be read.
pub fn is_enrolled(state_directory: &Path) -> io::Result<bool> {
    Ok(Registration::load(state_directory)?.origin.is_some())
}

/// The last part of a journal's name.
pub(super) fn origin_of(name: &str) -> Option<String> {
    name.rsplit_once('/').map(|(_, origin)| origin.to_owned())
}

impl Registration {
    pub(super) fn load(directory: &Path) -> io::Result<Self> {
        match fs::read(directory.join(STATE_FILE)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::from),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    pub(super) fn save(&self, directory: &Path) -> io::Result<()> {
        replace(directory, STATE_FILE, &serde_json::to_vec(self)?)
    }
}

/// The key of a state directory, made when there is none.
pub(super) fn key(directory: &Path, environment: &Environment) -> Result<SigningKey, LinkError> {
    fs::create_dir_all(directory).map_err(LinkError::State)?;
    let path = directory.join(KEY_FILE);
    if !path.exists() {
        let seed = random_bytes()?;
        let key = SigningKey::from_seed(Purpose::Verifier, environment.clone(), seed);
        write_key_file(&path, &key)?;
    }
    Ok(read_key_file(&path, Purpose::Verifier, environment)?)
}

/// Replaces a small file as a whole.
pub(super) fn replace(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let temporary = directory.join(format!("{name}.tmp"));
    let file = fs::File::create(&temporary)?;
    io::Write::write_all(&mut &file, bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, directory.join(name))
}
