//! The client against servers that are right, wrong, slow and hostile.
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
mod authority;
mod bundles;
mod clocks;
mod files;
mod fleet;
mod live;
mod operators;
mod pushing;
mod runs;
mod server;
mod stop_files;
mod tokens;
mod tools;
