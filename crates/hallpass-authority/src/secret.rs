//! The secret of a client: 256 random bits, shown once, kept as a hash, compared in constant time.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_keys::RandomnessError;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// What every secret starts with, so that secret scanners see it.
pub const SECRET_PREFIX: &str = "hps_";

/// Random bytes in a secret: 256 bits, beyond guessing, so a plain hash keeps it.
pub const SECRET_RANDOM_BYTES: usize = 32;

/// Characters in a secret: the prefix and the base64url of the random bytes.
pub const SECRET_CHARS: usize = SECRET_PREFIX.len() + (SECRET_RANDOM_BYTES * 8).div_ceil(6);

/// The secret of a client. `Debug` hides it; [`ClientSecret::expose`] is the only way to see it.
#[derive(Clone)]
pub struct ClientSecret(Zeroizing<String>);

/// What the authority keeps of a secret: its SHA-256.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SecretHash([u8; 32]);

impl ClientSecret {
    /// A new secret.
    pub(crate) fn generate() -> Result<Self, RandomnessError> {
        let random = Zeroizing::new(hallpass_keys::random_bytes::<SECRET_RANDOM_BYTES>()?);
        let encoded = Zeroizing::new(URL_SAFE_NO_PAD.encode(random.as_slice()));
        Ok(Self(Zeroizing::new(format!("{SECRET_PREFIX}{}", *encoded))))
    }

    /// The secret as text: for showing it once, or for sending it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(..)")
    }
}

impl SecretHash {
    /// The hash of whatever was presented.
    pub(crate) fn of(presented: &str) -> Self {
        Self(Sha256::digest(presented.as_bytes()).into())
    }

    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// What the secret is called in public: a piece of its hash, which tells nothing of it.
    pub(crate) fn id(&self) -> String {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        format!("sec_{}", hex::encode([a, b, c, d, e, f, g, h]))
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether both are of one secret, in a time that does not depend on where they differ.
    pub(crate) fn matches(&self, other: &Self) -> subtle::Choice {
        self.0.ct_eq(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_its_form_and_is_never_the_same_twice() {
        let a = ClientSecret::generate().unwrap();
        let b = ClientSecret::generate().unwrap();
        assert_eq!(a.expose().len(), SECRET_CHARS);
        assert!(a.expose().starts_with(SECRET_PREFIX));
        assert_ne!(a.expose(), b.expose());
        assert!(bool::from(a.hash().matches(&SecretHash::of(a.expose()))));
        assert!(!bool::from(a.hash().matches(&b.hash())));
    }

    #[test]
    fn debug_hides_it() {
        let secret = ClientSecret::generate().unwrap();
        assert!(!format!("{secret:?}").contains(secret.expose()));
    }
}
