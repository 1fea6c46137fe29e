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

/// What callgrind counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub instructions: u64,
    pub allocations: u64,
}

impl Counts {
    /// The share of one of `times` equal repetitions, rounded to the nearest.
    pub fn for_one_of(self, times: u32) -> Self {
        let times = u64::from(times);
        let share = |count: u64| (count + times / 2) / times;
        Self {
            instructions: share(self.instructions),
            allocations: share(self.allocations),
        }
    }
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
/// `totals:`, and the lines `calls=` after a `cfn=` that names an allocator.
fn read(profile: &str) -> Result<Counts, String> {
    let mut instructions = None;
    let mut allocations = 0;
    let mut allocator_ids = HashSet::new();
    let mut allocates = false;
    for line in profile.lines() {
        if let Some(total) = line.strip_prefix("totals: ") {
            instructions = total.trim().parse().ok();
        } else if let Some(callee) = line.strip_prefix("cfn=") {
            // `(12) malloc` the first time, `(12)` from then on; a name may have been given in an `fn=` line before.
            let (id, name) = callee.split_once(' ').unwrap_or((callee, ""));
            if is_allocator(name) {
                allocator_ids.insert(id);
            }
            allocates = allocator_ids.contains(id);
        } else if let Some(name) = line.strip_prefix("fn=") {
            if let Some((id, name)) = name.split_once(' ')
                && is_allocator(name)
            {
                allocator_ids.insert(id);
            }
        } else if let Some(calls) = line.strip_prefix("calls=")
            && allocates
        {
            let count = calls
                .split(' ')
                .next()
                .and_then(|count| count.parse::<u64>().ok());
            allocations += count.ok_or_else(|| format!("no number of calls in `{line}`"))?;
        }
    }
    let instructions = instructions.ok_or("the profile has no line `totals:`")?;
    Ok(Counts {
        instructions,
        allocations,
    })
}

fn is_allocator(name: &str) -> bool {
    ALLOCATORS.contains(&name)
}
