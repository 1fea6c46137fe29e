//! Purpose-bound Ed25519 keys, key files, DSSE envelopes, signed notes and signed HTTP requests.
//!
//! Floor 0. Every signature Hallpass makes or checks comes through here, except the ones inside a token. A
//! [`SigningKey`] knows what it is for and which environment it belongs to; a [`VerifyingKey`] is never a weak point
//! and always verifies strictly, so that one signature has one meaning for every verifier.
//!
//! ```
//! use hallpass_keys::{Purpose, SigningKey, random_bytes};
//! use hallpass_vocabulary::Environment;
//!
//! let key = SigningKey::from_seed(Purpose::Bundle, Environment::new("dev")?, random_bytes()?);
//! let signature = key.sign(b"message");
//! assert!(key.verifying_key().verify(b"message", &signature).is_ok());
//! assert!(key.verifying_key().verify(b"massage", &signature).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod digest;
pub mod dsse;
mod hexadecimal;
pub mod http_signature;
pub mod key_file;
mod key_id;
pub mod note;
mod purpose;
mod random;
mod signature;
mod signing_key;
mod verifying_key;

pub use digest::{Digest, InvalidDigest};
pub use key_id::{InvalidKeyId, KeyId};
pub use purpose::{Purpose, UnknownPurpose};
pub use random::{RandomnessError, random_bytes};
pub use signature::{InvalidSignature, SIGNATURE_BYTES, Signature};
pub use signing_key::{SEED_BYTES, SigningKey};
pub use verifying_key::{BadSignature, InvalidKey, PUBLIC_KEY_BYTES, VerifyingKey};
