//! The bundle from its making to its being believed, with everything an attacker on the way could do to it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking"
)]

mod accepting;
mod authority;
mod documents;
mod format;
mod fuzz;
mod laws;
mod reading_back;
mod restricting;
mod rotation;
mod snapshots;
mod storing;
mod vector;
