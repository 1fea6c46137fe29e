//! The guard on the hot path: how many instructions and allocations a decision takes, counted by callgrind.
//!
//! Counts, unlike times, are the same on a busy machine. The counts below are of the dev profile and the toolchain of
//! rust-version; docs/performance.md says what they guard and how to renew them.
//!
//! Without arguments this program runs itself under `valgrind --tool=callgrind`, once for each case, and compares.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking"
)]

mod callgrind;
mod drive;
#[path = "../it/world.rs"]
#[allow(dead_code, reason = "shared with the tests, which use more of it")]
mod world;

use std::process::ExitCode;

use callgrind::Counts;

/// Set in the program that is counted, to the name of its case.
const CASE: &str = "HALLPASS_INSTRUCTIONS_CASE";

/// How far a count of instructions may be from the one on record, in percent. Other processors choose other routines
/// for copying and comparing memory, and hash tables other places for their entries.
const TOLERANCE_PERCENT: u64 = 15;

/// One guarded path.
struct Case {
    name: &'static str,
    /// The function of `drive` whose instructions count, with all it calls.
    function: &'static str,
    /// What one decision takes. Instructions within [`TOLERANCE_PERCENT`]; allocations exactly.
    on_record: Counts,
}

const CASES: &[Case] = &[
    Case {
        name: "a token seen before, checked",
        function: "instructions::drive::check",
        on_record: Counts {
            instructions: 12_210,
            allocations: 0,
        },
    },
    Case {
        name: "a token seen before, checked and recorded",
        function: "instructions::drive::authorize",
        on_record: Counts {
            instructions: 269_200,
            allocations: 43,
        },
    },
];

fn main() -> ExitCode {
    if let Some(function) = std::env::var_os(CASE) {
        drive::run(function.to_str().expect("the name of a case"));
        return ExitCode::SUCCESS;
    }
    let mut passed = true;
    for case in CASES {
        match judge(case) {
            Ok(words) => println!("test {} ... ok ({words})", case.name),
            Err(words) => {
                println!("test {} ... FAILED\n{words}", case.name);
                passed = false;
            }
        }
    }
    if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn judge(case: &Case) -> Result<String, String> {
    let counted = callgrind::count(case.function)?.for_one_of(drive::DECISIONS);
    let on_record = case.on_record;
    let words = format!(
        "{} instructions and {} allocations a decision; on record {} and {}",
        counted.instructions, counted.allocations, on_record.instructions, on_record.allocations
    );
    let apart = counted.instructions.abs_diff(on_record.instructions);
    if apart * 100 <= on_record.instructions * TOLERANCE_PERCENT
        && counted.allocations == on_record.allocations
    {
        return Ok(words);
    }
    Err(format!(
        "{words}.\n\
         Instructions may differ by {TOLERANCE_PERCENT} %, allocations not at all. If the change is meant, write the \
         new counts into CASES of {} and say in the commit what they buy.",
        file!()
    ))
}
