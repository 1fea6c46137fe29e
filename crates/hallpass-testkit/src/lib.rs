//! Test equipment: a clock that stands still, a disk whose power can be cut, processes that die with their test, a
//! PostgreSQL server, ports, directories, bounded waits.
//!
//! For `[dev-dependencies]` only, which the floors test in `tests/it` holds. Knows no product crate but the vocabulary, so
//! every crate can use it. Everything here panics when it cannot do its work: that is how a test fails.
//!
//! No test sleeps. A test moves a [`FixedClock`], or waits with a bound: for a line of a process
//! ([`ChildProcess::wait_for_line`]) or for a condition ([`eventually`]).
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "test equipment fails a test by panicking"
)]

mod certificate;
mod clock;
mod disk;
mod port;
mod postgres;
mod process;
mod random;
mod wait;

pub use certificate::Certificates;
pub use clock::FixedClock;
pub use disk::{EIO, ENOSPC, EROFS, Fault, Left, Operation, Part, SimDisk, SimFile};
pub use port::free_port;
pub use postgres::{PostgresDatabase, PostgresServer};
pub use process::{ChildProcess, Finished};
pub use random::Random;
pub use tempfile::TempDir;
pub use wait::eventually;

/// A new empty directory, removed when the value is dropped.
///
/// # Panics
/// When the operating system gives no directory.
pub fn temp_dir() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}
