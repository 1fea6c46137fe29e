//! A private key under a passphrase: `EncryptedPrivateKeyInfo` of PKCS#8 (RFC 5958 section 3) with PBES2 (RFC 8018).

use ed25519_dalek::pkcs8::{EncodePrivateKey as _, KeypairBytes};
use pkcs8::der::pem::LineEnding;
use pkcs8::pkcs5::pbes2::{self, EncryptionScheme, Kdf, ScryptParams};
use pkcs8::pkcs5::{self};
use pkcs8::{EncryptedPrivateKeyInfo, SecretDocument};
use zeroize::{Zeroize as _, Zeroizing};

use crate::{RandomnessError, SigningKey, random_bytes};

/// The fewest characters of a passphrase that a key is written under.
pub const PASSPHRASE_CHARS_MIN: usize = 12;
/// The longest passphrase, in bytes.
pub const PASSPHRASE_BYTES_MAX: usize = 1024;

/// Cost of our own files: scrypt with 16 MiB, five times over. That is OWASP's advice for this much memory; OpenSSL refuses
/// to use 32 MiB or more.
const SCRYPT: ScryptCost = ScryptCost {
    n: 1 << 14,
    r: 8,
    p: 5,
};

/// The most memory that reading a file may take, in bytes.
const SCRYPT_MEMORY_MAX: u64 = 128 * 1024 * 1024;
/// The most work that reading a file may take: blocks mixed, `N r p`. Four times that of 128 MiB once.
const SCRYPT_WORK_MAX: u64 = 4 * 1024 * 1024;
/// The most rounds of PBKDF2: about as long as that.
const PBKDF2_ROUNDS_MAX: u32 = 5_000_000;

/// The label of the PEM block (RFC 7468 section 11).
const LABEL: &str = "ENCRYPTED PRIVATE KEY";

struct ScryptCost {
    n: u64,
    r: u16,
    p: u16,
}

/// A key that cannot be written under a passphrase, or read with it. Repeats neither.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PassphraseError {
    /// The file asks for more work or memory than reading a key may take.
    #[error("the key is encrypted at a cost beyond any that is used")]
    Cost,
    /// The block is no PKCS#8 key encrypted by PBES2 with scrypt or PBKDF2 and AES.
    #[error("the PEM block is not an encrypted private key in PKCS#8 that is understood")]
    NotAKey,
    /// There is no randomness for a salt.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
    /// Too short or too long to write a key under.
    #[error(
        "a passphrase has at least {PASSPHRASE_CHARS_MIN} characters and at most {PASSPHRASE_BYTES_MAX} bytes"
    )]
    Unfit,
    /// The passphrase is not the one, or the block was damaged: the two cannot be told apart.
    #[error("the passphrase is wrong, or the file is damaged")]
    Wrong,
}

/// The PEM block of a key under a passphrase.
pub(super) fn encrypt(
    key: &SigningKey,
    passphrase: &str,
) -> Result<Zeroizing<String>, PassphraseError> {
    let fits = passphrase.chars().count() >= PASSPHRASE_CHARS_MIN
        && passphrase.len() <= PASSPHRASE_BYTES_MAX;
    if !fits {
        return Err(PassphraseError::Unfit);
    }
    let (salt, iv) = (random_bytes::<16>()?, random_bytes::<16>()?);
    let parameters = pbes2::Parameters {
        kdf: Kdf::Scrypt(ScryptParams {
            salt: &salt,
            cost_parameter: SCRYPT.n,
            block_size: SCRYPT.r,
            parallelization: SCRYPT.p,
            key_length: None,
        }),
        encryption: EncryptionScheme::Aes256Cbc { iv: &iv },
    };
    let mut pair = KeypairBytes {
        secret_key: *key.expose_secret_bytes(),
        public_key: None,
    };
    let document = pair.to_pkcs8_der();
    pair.secret_key.zeroize();
    let document = document.map_err(|_| PassphraseError::NotAKey)?;
    let encrypted = parameters
        .encrypt(passphrase, document.as_bytes())
        .map_err(|_| PassphraseError::NotAKey)?;
    let info = EncryptedPrivateKeyInfo {
        encryption_algorithm: pkcs5::EncryptionScheme::from(parameters),
        encrypted_data: &encrypted,
    };
    SecretDocument::try_from(info)
        .ok()
        .and_then(|document| document.to_pem(LABEL, LineEnding::LF).ok())
        .ok_or(PassphraseError::NotAKey)
}

/// The seed and, where it is there, the public key in a PEM block.
pub(super) fn decrypt(pem: &str, passphrase: &str) -> Result<KeypairBytes, PassphraseError> {
    let (label, document) = SecretDocument::from_pem(pem).map_err(|_| PassphraseError::NotAKey)?;
    let info = EncryptedPrivateKeyInfo::try_from(document.as_bytes())
        .map_err(|_| PassphraseError::NotAKey)?;
    let parameters = info.encryption_algorithm.pbes2();
    let (LABEL, Some(parameters)) = (label, parameters) else {
        return Err(PassphraseError::NotAKey);
    };
    bounded(&parameters.kdf)?;
    if passphrase.len() > PASSPHRASE_BYTES_MAX {
        return Err(PassphraseError::Wrong);
    }
    let decrypted = parameters.decrypt(passphrase, info.encrypted_data);
    let decrypted = Zeroizing::new(decrypted.map_err(refused)?);
    KeypairBytes::try_from(
        pkcs8::PrivateKeyInfo::try_from(decrypted.as_slice())
            .map_err(|_| PassphraseError::Wrong)?,
    )
    .map_err(|_| PassphraseError::Wrong)
}

/// Padding that is no padding is a wrong passphrase; anything else is a file nobody here can read.
fn refused(error: pkcs5::Error) -> PassphraseError {
    match error {
        pkcs5::Error::DecryptFailed | pkcs5::Error::EncryptFailed => PassphraseError::Wrong,
        _ => PassphraseError::NotAKey,
    }
}

/// Before any work is done: whoever made the file chose its cost.
fn bounded(kdf: &Kdf<'_>) -> Result<(), PassphraseError> {
    let within = match kdf {
        Kdf::Pbkdf2(pbkdf2) => pbkdf2.iteration_count <= PBKDF2_ROUNDS_MAX,
        Kdf::Scrypt(scrypt) => {
            let (r, p) = (
                u64::from(scrypt.block_size),
                u64::from(scrypt.parallelization),
            );
            let blocks = scrypt.cost_parameter.checked_mul(r);
            let memory = blocks.and_then(|blocks| blocks.checked_mul(128));
            let work = blocks.and_then(|blocks| blocks.checked_mul(p));
            memory.is_some_and(|memory| memory <= SCRYPT_MEMORY_MAX)
                && work.is_some_and(|work| work <= SCRYPT_WORK_MAX)
                // The blocks of all lanes are held at once.
                && r * p * 128 <= SCRYPT_MEMORY_MAX
        }
        _ => return Err(PassphraseError::NotAKey),
    };
    if within {
        Ok(())
    } else {
        Err(PassphraseError::Cost)
    }
}
