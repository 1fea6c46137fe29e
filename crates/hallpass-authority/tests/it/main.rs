//! The authority as its callers meet it: a directory on disk, and HTTP on a real port.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking"
)]

mod backup;
mod bundle;
mod bundle_events;
mod children;
mod clients;
mod clock_set_back;
mod concurrency;
mod corpus;
mod crowds;
mod disk;
mod edge;
mod endings;
#[cfg(feature = "oidc")]
mod endpoint_grid;
mod faulty;
mod fixture;
mod four_hours;
mod golden;
mod health;
mod idempotency;
mod init;
#[cfg(feature = "oidc")]
mod issuer;
mod issuers;
mod keeping;
mod keys;
mod largest;
mod limits;
mod links;
mod listener;
mod log_fields;
mod mint;
mod openapi;
mod policy_alerts;
mod policy_endpoint;
mod policy_reload;
mod quotas;
mod reasons;
mod refusals;
mod renewal;
mod restart;
mod roots;
mod rotations;
mod routes;
mod signing;
mod slow_bodies;
#[cfg(feature = "oidc")]
mod stop_grid;
mod stop_races;
mod stopping;
mod stops;
#[cfg(feature = "oidc")]
mod subjects;
#[cfg(feature = "oidc")]
mod token_exchange;
mod verifier;
mod verifiers;
