//! The token format from outside: what is minted is admitted, what is hostile is not, and both deciders agree.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking"
)]

mod approvals;
mod biscuit_samples;
mod caveat_page;
mod describe;
mod differential;
mod docs;
mod either;
mod extended;
mod fixtures;
mod forge;
mod fuzz;
mod heavy;
mod laws;
mod monsters;
mod mutations;
mod round_trip;
mod rules;
mod signatures;
mod traps;
mod traps_arguments;
mod vectors;
