//! What a decision costs, as ratios measured in one run: to one raw Ed25519 verification, and to plain biscuit-auth.
//!
//! `cargo bench -p hallpass-verifier`. docs/performance.md says how to read the table.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "a bench fails by panicking"
)]

mod paired;
mod plain;
mod rows;
mod service;
mod threads;
#[path = "../../tests/it/world.rs"]
#[allow(dead_code, reason = "shared with the tests, which use more of it")]
mod world;

use ed25519_dalek::{Signer as _, SigningKey, Verifier as _};
use paired::{Measured, Row};

/// Rounds of the table: each measures every row once, between two measurements of the unit.
const ROUNDS: usize = 201;
/// Bytes of the message of the unit.
const UNIT_MESSAGE_BYTES: usize = 256;
/// Verifications in one measurement of the unit.
const UNIT_OPERATIONS: usize = 8;

fn main() {
    // The unit: what every token scheme with public keys pays at least once for a token it has not seen.
    let signer = SigningKey::from_bytes(&[1; 32]);
    let (key, message) = (signer.verifying_key(), [7; UNIT_MESSAGE_BYTES]);
    let signature = signer.sign(&message);
    let verify = || key.verify(&message, &signature).unwrap();
    let mut unit = Row::new("", UNIT_OPERATIONS, || (), |()| verify());

    let mut rows = vec![Row::new(
        "ed25519-dalek verify, 256 bytes",
        UNIT_OPERATIONS,
        || (),
        |()| verify(),
    )];
    let plain = rows.len();
    rows.extend(rows::all());
    let measured = paired::measure(&mut unit, &mut rows, ROUNDS);
    print(&measured, &measured[plain]);
    drop(rows);

    println!("\n{}", threads::scaling(verify));
}

fn print(rows: &[Measured], plain: &Measured) {
    println!(
        "U is one ed25519-dalek verify of {UNIT_MESSAGE_BYTES} bytes, measured before and after every figure."
    );
    println!(
        "Medians of {ROUNDS} paired ratios, with their quartiles; the last column is the first peer's U by ours.\n"
    );
    println!(
        "{:<58} {:>9} {:>19} {:>14}",
        "what", "U", "quartiles", "plain biscuit"
    );
    for row in rows {
        let [low, median, high] = row.quartiles();
        println!(
            "{:<58} {median:>9.4} {:>19} {:>13.1}x",
            row.name,
            format!("{low:.4} .. {high:.4}"),
            plain.median_over(row)
        );
    }
}
