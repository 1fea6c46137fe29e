//! The text of a key file.

use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, KeypairBytes};
use hallpass_vocabulary::{Environment, InvalidName};
use zeroize::{Zeroize as _, Zeroizing};

#[cfg(feature = "encryption")]
use super::encrypted::PassphraseError;
use crate::{InvalidKeyId, KeyId, Purpose, SigningKey, UnknownPurpose};

const VERSION_LINE: &str = "Hallpass-Key: 1";
const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";
const BEGIN_ENCRYPTED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
const END_ENCRYPTED: &str = "-----END ENCRYPTED PRIVATE KEY-----";

/// What is wrong with the text of a key file. Never repeats any of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MalformedKeyFile {
    /// Not UTF-8.
    #[error("it is not text")]
    NotText,
    /// The lines before the key are not ours, or not in their order.
    #[error("line {line} must start with `{expected}`")]
    Header {
        /// Counted from one.
        line: usize,
        /// How the line must start.
        expected: &'static str,
    },
    /// The key is under a passphrase, and none was given.
    #[error("the key is encrypted with a passphrase")]
    Encrypted,
    /// The key is not under a passphrase, and one was given.
    #[error("the key is not encrypted")]
    NotEncrypted,
    /// The passphrase, or what it opens.
    #[cfg(feature = "encryption")]
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    /// A purpose that is none.
    #[error(transparent)]
    Purpose(#[from] UnknownPurpose),
    /// An environment that is none.
    #[error(transparent)]
    Environment(#[from] InvalidName),
    /// A key id that is none.
    #[error(transparent)]
    KeyId(#[from] InvalidKeyId),
    /// The end of the key is missing.
    #[error("the last line of the PEM block is missing")]
    Unterminated,
    /// Something follows the key.
    #[error("something follows the PEM block")]
    TrailingData,
    /// The PEM block holds no Ed25519 key in PKCS#8.
    #[error("the PEM block is not an Ed25519 private key in PKCS#8")]
    NotAKey,
    /// The key is not the one the file says it is.
    #[error("the key id does not match the key")]
    KeyIdMismatch,
}

/// A key file, read up to the key itself.
pub(super) struct Head {
    pub(super) purpose: Purpose,
    pub(super) environment: Environment,
    pub(super) id: KeyId,
    pub(super) encrypted: bool,
    pem: Zeroizing<String>,
}

/// The text of a key file.
pub(super) fn write(key: &SigningKey) -> Result<Zeroizing<String>, MalformedKeyFile> {
    let mut pair = KeypairBytes {
        secret_key: *key.expose_secret_bytes(),
        // Version 1 of the structure, without the public key: OpenSSL 3.0 reads no other for Ed25519.
        public_key: None,
    };
    let pem = pair.to_pkcs8_pem(ed25519_dalek::pkcs8::spki::der::pem::LineEnding::LF);
    pair.secret_key.zeroize();
    let pem = pem.map_err(|_| MalformedKeyFile::NotAKey)?;
    Ok(under_head(key, &pem))
}

/// The text of a key file under a passphrase.
#[cfg(feature = "encryption")]
pub(super) fn write_encrypted(
    key: &SigningKey,
    passphrase: &str,
) -> Result<Zeroizing<String>, PassphraseError> {
    let pem = super::encrypted::encrypt(key, passphrase)?;
    Ok(under_head(key, &pem))
}

fn under_head(key: &SigningKey, pem: &str) -> Zeroizing<String> {
    let head = format!(
        "{VERSION_LINE}\nPurpose: {}\nEnvironment: {}\nKey-Id: {}\n",
        key.purpose(),
        key.environment(),
        key.id()
    );
    let mut text = Zeroizing::new(String::with_capacity(head.len() + pem.len()));
    text.push_str(&head);
    text.push_str(pem);
    text
}

/// The lines before the key, and the block it is in.
pub(super) fn read(bytes: &[u8]) -> Result<Head, MalformedKeyFile> {
    let text = std::str::from_utf8(bytes).map_err(|_| MalformedKeyFile::NotText)?;
    let mut rest = text;
    header(&mut rest, 1, VERSION_LINE).and_then(|value| {
        if value.is_empty() {
            Ok(())
        } else {
            Err(MalformedKeyFile::Header {
                line: 1,
                expected: VERSION_LINE,
            })
        }
    })?;
    let purpose: Purpose = header(&mut rest, 2, "Purpose: ")?.parse()?;
    let environment: Environment = header(&mut rest, 3, "Environment: ")?.parse()?;
    let id: KeyId = header(&mut rest, 4, "Key-Id: ")?.parse()?;
    let encrypted = rest.starts_with(BEGIN_ENCRYPTED);
    if !encrypted && !rest.starts_with(BEGIN) {
        return Err(MalformedKeyFile::Header {
            line: 5,
            expected: BEGIN,
        });
    }
    let last = if encrypted { END_ENCRYPTED } else { END };
    let end = rest.find(last).ok_or(MalformedKeyFile::Unterminated)? + last.len();
    let (pem, after) = rest
        .split_at_checked(end)
        .ok_or(MalformedKeyFile::Unterminated)?;
    if !matches!(after, "" | "\n") {
        return Err(MalformedKeyFile::TrailingData);
    }
    Ok(Head {
        purpose,
        environment,
        id,
        encrypted,
        pem: Zeroizing::new(pem.to_owned()),
    })
}

impl Head {
    /// The key, which is not under a passphrase.
    pub(super) fn key(&self) -> Result<SigningKey, MalformedKeyFile> {
        if self.encrypted {
            return Err(MalformedKeyFile::Encrypted);
        }
        let pair =
            KeypairBytes::from_pkcs8_pem(&self.pem).map_err(|_| MalformedKeyFile::NotAKey)?;
        self.checked(pair)
    }

    /// The key, which is under this passphrase.
    #[cfg(feature = "encryption")]
    pub(super) fn decrypt(&self, passphrase: &str) -> Result<SigningKey, MalformedKeyFile> {
        if !self.encrypted {
            return Err(MalformedKeyFile::NotEncrypted);
        }
        self.checked(super::encrypted::decrypt(&self.pem, passphrase)?)
    }

    /// That it is the key the file says it is.
    fn checked(&self, mut pair: KeypairBytes) -> Result<SigningKey, MalformedKeyFile> {
        let key = SigningKey::from_seed(self.purpose, self.environment.clone(), pair.secret_key);
        pair.secret_key.zeroize();
        let public_matches = pair
            .public_key
            .is_none_or(|public| public.to_bytes() == *key.verifying_key().as_bytes());
        if key.id() != self.id || !public_matches {
            return Err(MalformedKeyFile::KeyIdMismatch);
        }
        Ok(key)
    }
}

/// Takes the next line, which must start with `expected`, and answers what follows it.
fn header<'a>(
    rest: &mut &'a str,
    line: usize,
    expected: &'static str,
) -> Result<&'a str, MalformedKeyFile> {
    let malformed = MalformedKeyFile::Header { line, expected };
    let (first, remainder) = rest.split_once('\n').ok_or(malformed.clone())?;
    *rest = remainder;
    first.strip_prefix(expected).ok_or(malformed)
}
