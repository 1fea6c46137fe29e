//! The rules of the house, held by tests: which crate may stand on which, what the trees contain, how the repository is kept.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking"
)]

mod boundaries;
mod floors;
mod hygiene;
mod licences;
mod links;
mod repository;
mod shared_dependencies;
mod tree;
