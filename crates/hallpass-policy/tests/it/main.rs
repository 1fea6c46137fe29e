//! The policy as its users meet it: files in, decisions out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking"
)]

mod ceilings;
mod decisions;
mod diff;
mod diff_policy;
mod directory;
mod docs;
mod expectations;
mod explanation;
mod faults;
mod grid;
mod law;
mod laws;
mod narrowing;
mod section_faults;
mod section_policy;
mod sections;
mod starter;
mod undeclared;
mod warnings;
