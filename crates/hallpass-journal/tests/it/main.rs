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

mod age;
mod checkpoints;
mod concurrency;
mod cuts;
mod danger_open;
mod erasing;
mod fault_grid;
mod faults;
mod faulty;
mod fixture;
mod flood;
mod format;
mod full;
mod gone;
mod kill;
mod memory;
mod opening;
mod outcomes;
mod proof;
mod pruning;
mod python;
mod python_pruned;
mod reading;
mod rfc6962;
mod scenario;
mod seams;
mod sim_recovery;
mod sim_spends;
mod sim_storage;
mod small_device;
mod snapshot;
mod strace;
mod tamper_table;
mod tamper_tally;
mod tampered_copy;
mod tampering;
mod tmpfs;
mod verifying;
