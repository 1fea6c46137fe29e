//! The router as the author of a service meets it. What callers meet is tested at `examples/tickets-service`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking"
)]

mod mounting;
mod setup;
mod world;
