//! The text of a key file.

use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, KeypairBytes};
use hallpass_vocabulary::{Environment, InvalidName};
use zeroize::{Zeroize as _, Zeroizing};

use crate::{InvalidKeyId, KeyId, Purpose, SigningKey, UnknownPurpose};

const VERSION_LINE: &str = "Hallpass-Key: 1";
const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

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
    #[error("the line `{END}` is missing")]
    Unterminated,
    /// Something follows the key.
    #[error("something follows the line `{END}`")]
    TrailingData,
    /// The PEM block holds no Ed25519 key in PKCS#8.
    #[error("the PEM block is not an Ed25519 private key in PKCS#8")]
    NotAKey,
    /// The key is not the one the file says it is.
    #[error("the key id does not match the key")]
    KeyIdMismatch,
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
    let header = format!(
        "{VERSION_LINE}\nPurpose: {}\nEnvironment: {}\nKey-Id: {}\n",
        key.purpose(),
        key.environment(),
        key.id()
    );
    let mut text = Zeroizing::new(String::with_capacity(header.len() + pem.len()));
    text.push_str(&header);
    text.push_str(&pem);
    Ok(text)
}

/// The key in the text of a key file.
pub(super) fn read(bytes: &[u8]) -> Result<SigningKey, MalformedKeyFile> {
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
    if !rest.starts_with(BEGIN) {
        return Err(MalformedKeyFile::Header {
            line: 5,
            expected: BEGIN,
        });
    }
    let end = rest.find(END).ok_or(MalformedKeyFile::Unterminated)? + END.len();
    let (pem, after) = rest
        .split_at_checked(end)
        .ok_or(MalformedKeyFile::Unterminated)?;
    if !matches!(after, "" | "\n") {
        return Err(MalformedKeyFile::TrailingData);
    }
    let mut pair = KeypairBytes::from_pkcs8_pem(pem).map_err(|_| MalformedKeyFile::NotAKey)?;
    let key = SigningKey::from_seed(purpose, environment, pair.secret_key);
    pair.secret_key.zeroize();
    let public_matches = pair
        .public_key
        .is_none_or(|public| public.to_bytes() == *key.verifying_key().as_bytes());
    if key.id() != id || !public_matches {
        return Err(MalformedKeyFile::KeyIdMismatch);
    }
    Ok(key)
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
