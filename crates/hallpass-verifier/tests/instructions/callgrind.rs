//! Runs this program under callgrind and reads its counts.

use std::collections::HashSet;
use std::process::Command;

use crate::CASE;

/// The allocator's ways in. Rust calls one of these for every allocation and reallocation.
const ALLOCATORS: &[&str] = &[
    "aligned_alloc",
    "calloc",
    "malloc",
    "posix_memalign",
    "realloc",
];

/// What callgrind saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub instructions: u64,
    /// Whether memory was allocated at all. How often is not known: a call that is counted is counted for the whole run.
    pub allocates: bool,
}

/// Counts what happens inside one function of this program, in a run of it.
pub fn count(function: &str) -> Result<Counts, String> {
    let dir = hallpass_testkit::temp_dir();
    let out = dir.path().join("callgrind.out");
    let program = std::env::current_exe().expect("the path of this program");
    let output = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--toggle-collect={function}"))
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(program)
        .env(CASE, function)
        .output()
        .map_err(|error| {
            format!(
                "`valgrind` does not start: {error}. This test needs it (Debian: apt-get install valgrind); \
                 ./scripts/test installs it where it may."
            )
        })?;
    if !output.status.success() {
        return Err(format!(
            "`valgrind` failed ({}):\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    let profile = std::fs::read_to_string(&out).map_err(|error| format!("no profile: {error}"))?;
    let counts = read(&profile)?;
    if counts.instructions == 0 {
        return Err(format!(
            "callgrind saw no call of `{function}`: was it renamed or inlined?"
        ));
    }
    Ok(counts)
}

/// Reads a profile in the format of callgrind ("Callgrind Format Specification" in the manual of valgrind): the line
/// `totals:`, and whether an allocator is among the functions that were called (`cfn=`).
fn read(profile: &str) -> Result<Counts, String> {
    let mut instructions = None;
    let mut ids = HashSet::new();
    let mut allocates = false;
    for line in profile.lines() {
        if let Some(total) = line.strip_prefix("totals: ") {
            instructions = total.trim().parse().ok();
        }
        let callee = line.strip_prefix("cfn=");
        if let Some(function) = callee.or_else(|| line.strip_prefix("fn=")) {
            // `(12) malloc` the first time, `(12)` from then on, in either kind of line.
            let (id, name) = function.split_once(' ').unwrap_or((function, ""));
            if ALLOCATORS.contains(&name) {
                ids.insert(id);
            }
            allocates |= callee.is_some() && ids.contains(id);
        }
    }
    Ok(Counts {
        instructions: instructions.ok_or("the profile has no line `totals:`")?,
        allocates,
    })
}
