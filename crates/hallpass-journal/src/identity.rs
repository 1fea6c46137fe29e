//! What makes a directory one journal: its origin, its signing key, its secret. Made once, then only read.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hallpass_keys::key_file::{read_key_file, write_key_file};
use hallpass_keys::note::{KeyName, NoteError, NoteSigner, NoteVerifier};
use hallpass_keys::{Purpose, RandomnessError, SigningKey, random_bytes};

use crate::arguments::{DIGEST_KEY_BYTES, DigestKey};
use crate::directory::{self, DIGEST_KEY, SIGNING_KEY, VERIFIER_KEY};
use crate::storage::replace_file;
use crate::{Settings, Storage};

/// Random bytes in an origin: two journals of one name never share one.
const ORIGIN_RANDOM_BYTES: usize = 8;

/// The identity files of a directory.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) signer: NoteSigner,
    pub(crate) verifier: NoteVerifier,
    pub(crate) digest_key: Arc<DigestKey>,
}

/// A directory that is not the journal it is opened as.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The digest key is not 64 hex digits, or others than its owner can read it.
    #[error("`{}` is not a private file of 64 hex digits", path.display())]
    DigestKey {
        /// Which file.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("cannot read or write `{}`", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The signing key file cannot be used.
    #[error("the signing key of the journal cannot be used")]
    Key(#[from] hallpass_keys::key_file::KeyFileError),
    /// There are records, and a file without which they cannot be continued is gone.
    #[error("`{}` is missing although there are records; restore it from a copy", path.display())]
    Missing {
        /// Which file.
        path: PathBuf,
    },
    /// The signing key is not the one whose public half is published.
    #[error("`{SIGNING_KEY}` is not the key published in `{VERIFIER_KEY}`")]
    Mismatch,
    /// The directory belongs to a journal of another environment or name.
    #[error("the directory holds the journal `{origin}`, which has another environment or name")]
    Origin {
        /// Its origin.
        origin: String,
    },
    /// No randomness for a new key.
    #[error("no key can be made")]
    Randomness(#[from] RandomnessError),
    /// The verifier key is not of its form.
    #[error("`{VERIFIER_KEY}` is not a verifier key")]
    VerifierKey(#[from] NoteError),
}

impl Identity {
    /// Reads the identity of a directory, or makes one where there are no records yet.
    pub(crate) fn load_or_create(
        dir: &Path,
        settings: &Settings,
        has_records: bool,
    ) -> Result<Self, IdentityError> {
        let storage = &*settings.storage;
        let published = read_file(storage, &dir.join(VERIFIER_KEY))?;
        if published.is_none() && has_records {
            return Err(IdentityError::Missing {
                path: dir.join(VERIFIER_KEY),
            });
        }
        let key = signing_key(dir, settings, published.is_some())?;
        let digest_key = digest_key(dir, storage, published.is_some())?;
        let verifier = match published {
            Some(bytes) => directory::parse_verifier_key(&bytes).ok_or(NoteError::VerifierKey)?,
            // Written last: with it the identity is complete.
            None => publish(dir, settings, &key)?,
        };
        if *verifier.key() != key.verifying_key() {
            return Err(IdentityError::Mismatch);
        }
        let origin = verifier.name().as_str();
        if !origin.starts_with(&origin_prefix(settings)) {
            return Err(IdentityError::Origin {
                origin: origin.to_owned(),
            });
        }
        Ok(Self {
            signer: NoteSigner::new(verifier.name().clone(), key),
            verifier,
            digest_key: Arc::new(digest_key),
        })
    }

    pub(crate) fn origin(&self) -> &str {
        self.verifier.name().as_str()
    }
}

fn origin_prefix(settings: &Settings) -> String {
    format!("hallpass/{}/{}/", settings.environment, settings.name)
}

fn signing_key(
    dir: &Path,
    settings: &Settings,
    must_exist: bool,
) -> Result<SigningKey, IdentityError> {
    let path = dir.join(SIGNING_KEY);
    if must_exist || path.exists() {
        return Ok(read_key_file(
            &path,
            Purpose::Journal,
            &settings.environment,
        )?);
    }
    let key = SigningKey::from_seed(
        Purpose::Journal,
        settings.environment.clone(),
        random_bytes()?,
    );
    let temporary = dir.join(directory::temporary(SIGNING_KEY));
    let io = |source| IdentityError::Io {
        path: path.clone(),
        source,
    };
    match settings.storage.remove(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
        _ => {}
    }
    write_key_file(&temporary, &key)?;
    settings.storage.rename(&temporary, &path).map_err(io)?;
    settings.storage.sync_dir(dir).map_err(io)?;
    Ok(key)
}

fn digest_key(
    dir: &Path,
    storage: &dyn Storage,
    must_exist: bool,
) -> Result<DigestKey, IdentityError> {
    let path = dir.join(DIGEST_KEY);
    let secret = match read_secret(storage, &path)? {
        Some(secret) => secret,
        None if must_exist => return Err(IdentityError::Missing { path }),
        None => {
            let secret = random_bytes()?;
            write_file(storage, dir, DIGEST_KEY, &secret_text(&secret))?;
            secret
        }
    };
    DigestKey::new(&secret).ok_or(IdentityError::DigestKey { path })
}

/// A secret from its file, which nobody but its owner may read; none if it is not there.
pub(crate) fn read_secret(
    storage: &dyn Storage,
    path: &Path,
) -> Result<Option<[u8; DIGEST_KEY_BYTES]>, IdentityError> {
    let Some(text) = read_file(storage, path)? else {
        return Ok(None);
    };
    let malformed = || IdentityError::DigestKey {
        path: path.to_owned(),
    };
    let metadata = std::fs::metadata(path).map_err(|source| IdentityError::Io {
        path: path.to_owned(),
        source,
    })?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(malformed());
    }
    let mut secret = [0; DIGEST_KEY_BYTES];
    hex::decode_to_slice(text.trim_ascii_end(), &mut secret).map_err(|_| malformed())?;
    Ok(Some(secret))
}

/// What the file of a secret holds.
pub(crate) fn secret_text(secret: &[u8; DIGEST_KEY_BYTES]) -> String {
    format!("{}\n", hex::encode(secret))
}

fn publish(
    dir: &Path,
    settings: &Settings,
    key: &SigningKey,
) -> Result<NoteVerifier, IdentityError> {
    let random = hex::encode(random_bytes::<ORIGIN_RANDOM_BYTES>()?);
    let name = KeyName::new(&format!("{}{random}", origin_prefix(settings)))?;
    let verifier = NoteVerifier::new(name, key.verifying_key());
    write_file(
        &*settings.storage,
        dir,
        VERIFIER_KEY,
        &format!("{verifier}\n"),
    )?;
    Ok(verifier)
}

fn read_file(storage: &dyn Storage, path: &Path) -> Result<Option<Vec<u8>>, IdentityError> {
    directory::read_small(storage, path).map_err(|source| IdentityError::Io {
        path: path.to_owned(),
        source,
    })
}

fn write_file(
    storage: &dyn Storage,
    dir: &Path,
    name: &str,
    text: &str,
) -> Result<(), IdentityError> {
    replace_file(
        storage,
        dir,
        name,
        &directory::temporary(name),
        text.as_bytes(),
    )
    .map_err(|source| IdentityError::Io {
        path: dir.join(name),
        source,
    })
}
