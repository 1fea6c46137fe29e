//! The secret half of a key.

use std::fmt;

use ed25519_dalek::Signer as _;
use hallpass_vocabulary::Environment;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::{KeyId, Purpose, Signature, VerifyingKey};

/// Bytes in the secret of a key (RFC 8032 section 5.1.5).
pub const SEED_BYTES: usize = 32;

/// An Ed25519 secret, bound to one purpose and one environment. Wiped from memory when dropped.
///
/// Not `Clone`, so that a secret lives in one place; share it behind an `Arc`.
pub struct SigningKey {
    purpose: Purpose,
    environment: Environment,
    // Wipes itself on drop (feature `zeroize` of ed25519-dalek, on by default).
    secret: ed25519_dalek::SigningKey,
}

impl SigningKey {
    /// The key of this seed. The seed comes from [`random_bytes`](crate::random_bytes); only tests choose one.
    pub fn from_seed(purpose: Purpose, environment: Environment, seed: [u8; SEED_BYTES]) -> Self {
        let seed = zeroize::Zeroizing::new(seed);
        Self {
            purpose,
            environment,
            secret: ed25519_dalek::SigningKey::from_bytes(&seed),
        }
    }

    /// What it is for.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Where it is valid.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The public half.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey::from_dalek(self.secret.verifying_key())
    }

    /// The name of the public half.
    pub fn id(&self) -> KeyId {
        self.verifying_key().id()
    }

    /// Signs a message.
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature::from_bytes(self.secret.sign(message).to_bytes())
    }

    /// Another secret, made of this one: HMAC-SHA256 (RFC 2104) keyed by the secret's bytes, over the label, a zero byte and
    /// the message. The same key, label and message give the same secret, and nobody without the key can tell it from
    /// random bytes. The label says what the secret is for and holds no zero byte: no two uses share one.
    pub fn derive(&self, label: &'static str, message: &[u8]) -> zeroize::Zeroizing<[u8; 32]> {
        debug_assert!(!label.contains('\0'), "a label holds no zero byte");
        // Padded with zeros to a block of SHA-256, as RFC 2104 pads it: a key of that size is never refused.
        let mut key = zeroize::Zeroizing::new([0; 64]);
        let (bytes, _) = key.split_at_mut(SEED_BYTES);
        bytes.copy_from_slice(&*self.expose_secret_bytes());
        let mut mac = Hmac::<Sha256>::new((&*key).into());
        mac.update(label.as_bytes());
        mac.update(&[0]);
        mac.update(message);
        zeroize::Zeroizing::new(mac.finalize().into_bytes().into())
    }

    /// The secret itself.
    ///
    /// # Danger
    /// Whoever has these bytes signs as this key, for every purpose and environment: the binding is not in them. For
    /// handing the key to a library that signs by itself (the token engine) and for nothing else; never log them, and
    /// keep them in a buffer that is wiped.
    pub fn expose_secret_bytes(&self) -> zeroize::Zeroizing<[u8; SEED_BYTES]> {
        zeroize::Zeroizing::new(self.secret.to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("purpose", &self.purpose)
            .field("environment", &self.environment)
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_seed(Purpose::Run, Environment::new("prod").unwrap(), [9; 32])
    }

    #[test]
    fn debug_names_the_key_and_not_the_secret() {
        let text = format!("{:?}", key());
        assert!(text.contains("Run") && text.contains("prod"));
        assert!(text.contains(&key().id().to_string()));
        assert!(!text.contains(&hex::encode([9; 32])) && !text.contains("9, 9"));
    }

    #[test]
    fn derives_what_any_hmac_derives_and_a_secret_for_each_use() {
        let seed: [u8; 32] =
            hex::decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
                .unwrap()
                .try_into()
                .unwrap();
        let key = SigningKey::from_seed(Purpose::Run, Environment::new("prod").unwrap(), seed);
        let derived = key.derive("hallpass.next-secret.v1", b"tok_1");
        // hmac.new(seed, b"hallpass.next-secret.v1\0tok_1", "sha256") of Python.
        assert_eq!(
            hex::encode(*derived),
            "002c79971035c8e0d84abd3a617f406ccb6608243a435e667930294653c8f976"
        );
        assert_ne!(*derived, *key.derive("hallpass.next-secret.v1", b"tok_2"));
        assert_ne!(*derived, *key.derive("hallpass.next-secret.v2", b"tok_1"));
        assert_ne!(
            *derived,
            *self::key().derive("hallpass.next-secret.v1", b"tok_1")
        );
    }

    #[test]
    fn signs_as_rfc_8032_test_1() {
        let seed: [u8; 32] =
            hex::decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
                .unwrap()
                .try_into()
                .unwrap();
        let key = SigningKey::from_seed(Purpose::Run, Environment::new("prod").unwrap(), seed);
        assert_eq!(
            key.verifying_key().to_string(),
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        );
        assert_eq!(
            key.sign(b"").to_string(),
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        );
        assert_eq!(*key.expose_secret_bytes(), seed);
    }
}
