//! What is found in journals, and what is not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking"
)]

mod copies;
mod paper;
mod reconcile;
mod replay;
mod stopping;
mod usage;
