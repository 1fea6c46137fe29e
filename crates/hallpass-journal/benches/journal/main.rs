//! What recording, verifying and starting cost, beside what the same bytes cost without a journal.
//!
//! `cargo bench -p hallpass-journal`. docs/performance.md says how to read the table. Writes about a gigabyte to the
//! directory for temporary files, which must be on a disk for the rows that wait for it to mean anything.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "a bench fails by panicking"
)]

mod appending;
mod reading;
mod records;

fn main() {
    appending::durable();
    appending::relaxed();
    reading::verifying();
    reading::restarting();
}

/// First quartile, median and third quartile.
fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    let last = values.len() - 1;
    [last / 4, last / 2, last * 3 / 4].map(|at| values[at])
}
