//! The guard on the hot path: how many instructions a decision takes, counted by callgrind, and whether it allocates.
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
    /// Instructions of one decision, within [`TOLERANCE_PERCENT`].
    instructions: u64,
    /// Whether it may allocate memory.
    allocates: bool,
}

const CASES: &[Case] = &[
    Case {
        name: "a token seen before, checked",
        function: "instructions::drive::check",
        instructions: 10_370,
        allocates: false,
    },
    Case {
        name: "a token seen before, checked against ten rules of the service's own",
        function: "instructions::drive::check_ruled",
        instructions: 38_200,
        allocates: false,
    },
    Case {
        name: "a token seen before, checked and recorded",
        function: "instructions::drive::authorize",
        instructions: 303_700,
        allocates: true,
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
    let counts = callgrind::count(case.function)?;
    let instructions = counts.instructions / u64::from(drive::DECISIONS);
    let words = format!(
        "{instructions} instructions a decision, {} on record",
        case.instructions
    );
    if counts.allocates && !case.allocates {
        return Err(format!("{words}. It allocates memory, which it must not."));
    }
    let apart = instructions.abs_diff(case.instructions);
    if apart * 100 > case.instructions * TOLERANCE_PERCENT {
        return Err(format!(
            "{words}: more than {TOLERANCE_PERCENT} % apart. If the change is meant, write the new count into CASES of \
             {} and say in the commit what it buys.",
            file!()
        ));
    }
    Ok(words)
}
