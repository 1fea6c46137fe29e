//! The verifier as a tool service uses it: real tokens, a real bundle, a journal on disk.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking"
)]

mod busy;
mod denials;
mod drain;
mod extended;
mod flood;
mod forgetting;
mod journalled;
mod order;
mod permits;
mod policy;
mod policy_law;
mod records;
mod shared_spend;
mod spend;
mod staleness;
mod token_clock;
mod world;
