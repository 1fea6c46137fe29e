//! The authority: mints tokens under a policy, records every one of them, serves the signed bundle.
//!
//! Floor 5. [`init`] makes the directory of a new authority; [`Authority::open`] reads it back and
//! [`Authority::serve`] answers HTTP until told to stop. The endpoints, and the files of the directory, are described
//! in `docs/authority.md`.
//!
//! The journal is the commit point: a token is recorded, durably, before it is handed out, and the store is an index of
//! those records that is rebuilt from them. No record, no token.

mod authority;
mod client;
mod config;
mod file;
mod http;
mod init;
mod journal;
mod layout;
mod mint;
mod open;
mod publisher;
mod refusals;
mod request;
mod secret;
mod service;
mod store;

pub use authority::{Authority, ServeError};
pub use config::{ConfigError, ForeignKey};
pub use file::FileError;
pub use init::{InitError, InitOptions, InitReport, init};
pub use journal::CatchUpError;
pub use open::OpenError;
pub use publisher::PublishError;
pub use secret::{ClientSecret, SECRET_CHARS, SECRET_PREFIX, SECRET_RANDOM_BYTES};
pub use store::StoreError;
