//! The tickets service as its callers meet it: over HTTP, killed, flooded, and abused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking"
)]

mod attacks;
mod bundles;
mod denials;
mod drain;
mod flood;
mod handlers;
mod http;
mod keep;
mod kill;
mod live;
mod not_found;
mod policy;
mod raw;
mod requests;
mod rest;
mod secrets;
mod slow;
mod tools;
mod vectors;
mod world;
