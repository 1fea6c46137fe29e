//! Keys, key files, envelopes and notes, as other tools see them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking"
)]

mod dsse;
mod ed25519_vectors;
#[cfg(feature = "encryption")]
mod encrypted_key_files;
mod http_signatures;
mod key_files;
mod laws;
mod notes;
mod openssl;
mod page;

use hallpass_keys::{Purpose, SigningKey};
use hallpass_vocabulary::Environment;

fn env(name: &str) -> Environment {
    Environment::new(name).unwrap()
}

fn key(purpose: Purpose, seed: u8) -> SigningKey {
    SigningKey::from_seed(purpose, env("prod"), [seed; 32])
}
