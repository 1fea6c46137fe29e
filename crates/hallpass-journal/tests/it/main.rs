//! The journal through its public interface: on real files, on failing ones, killed, flooded and tampered with.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking"
)]

mod concurrency;
mod faults;
mod faulty;
mod fixture;
mod flood;
mod format;
mod kill;
mod opening;
mod proof;
mod pruning;
mod python;
mod python_pruned;
mod reading;
mod rfc6962;
mod snapshot;
mod tampering;
mod verifying;
