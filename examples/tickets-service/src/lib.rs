//! A guarded tool service: tickets and articles of two tenants over SQLite.
//!
//! What a service does to be guarded is in `service.rs` (journal, bundle, verifier: once, at start) and `tools.rs`
//! (handlers that take a guarded call). The rest is the service's own business.

mod metrics;
mod service;
mod store;
mod tools;

pub use service::{DRAIN_SECONDS_DEFAULT, Service, ServiceError, Settings};
pub use store::{Article, Store, Ticket};
pub use tools::{JournalledError, journalled, router};
