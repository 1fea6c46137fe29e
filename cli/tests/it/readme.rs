//! The commands of README.md, run as they stand there.
//!
//! What a reader types once to build is done before the tests; everything after it is run verbatim by one shell in one
//! directory, with the two fixed ports replaced by free ones.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use hallpass_testkit::{eventually, free_port};

/// Lines that set up the reader's shell; this test's own set-up stands for them.
const SET_UP: [&str; 5] = [
    "cargo run --bin hallpass -- demo",
    "./scripts/test",
    "cargo build --bin hallpass --bin tickets-service --bin orchestrator",
    "export PATH=\"$PWD/target/debug:$PATH\"",
    "mkdir -p /tmp/hallpass-tour && cd /tmp/hallpass-tour",
];

/// How long the whole tour may take on a busy machine.
const TOUR: Duration = Duration::from_secs(60);

fn readme() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    std::fs::read_to_string(path).unwrap()
}

fn shell_lines(page: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside => lines.push(line.to_owned()),
            _ => {}
        }
    }
    lines
}

/// Where the programs are: beside the one under test.
fn programs() -> PathBuf {
    let directory = Path::new(env!("CARGO_BIN_EXE_hallpass")).parent().unwrap();
    for program in ["hallpass", "tickets-service", "orchestrator"] {
        assert!(
            directory.join(program).is_file(),
            "`{program}` is not built; run: {}",
            SET_UP[2]
        );
    }
    directory.to_owned()
}

#[test]
fn the_tour_goes_as_it_says() {
    let lines = shell_lines(&readme());
    for expected in SET_UP {
        assert!(
            lines.iter().any(|line| line == expected),
            "README.md does not say `{expected}`"
        );
    }
    let mut tour: String = lines
        .iter()
        .filter(|line| !SET_UP.contains(&line.as_str()))
        .map(|line| format!("{line}\n"))
        .collect();
    for port in ["7400", "7401"] {
        assert!(
            tour.contains(port),
            "README.md does not use port {port} any more"
        );
        tour = tour.replace(port, &free_port().to_string());
    }
    let directory = tempfile::tempdir().unwrap();
    let (out, err) = (
        directory.path().join("tour.out"),
        directory.path().join("tour.err"),
    );
    let path = format!(
        "{}:{}",
        programs().display(),
        std::env::var("PATH").unwrap()
    );
    // A process group of its own, so that what it leaves in the background ends with it.
    let mut shell = Command::new("bash")
        .args(["-e", "-u", "-o", "pipefail", "-c", &tour])
        .current_dir(directory.path())
        .env("PATH", path)
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(&out).unwrap())
        .stderr(std::fs::File::create(&err).unwrap())
        .process_group(0)
        .spawn()
        .unwrap();
    let group = format!("-{}", shell.id());
    let mut status = None;
    let finished = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        eventually(TOUR, "the tour ends", || {
            status = shell.try_wait().unwrap();
            status.is_some()
        });
    }));
    let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
    let _ = shell.wait();
    let said = std::fs::read_to_string(&out).unwrap();
    let beside = std::fs::read_to_string(&err).unwrap();
    let all = format!("tour:\n{tour}\nstdout:\n{said}\nstderr:\n{beside}");
    assert!(finished.is_ok(), "the tour does not end\n{all}");
    assert!(status.unwrap().success(), "{status:?}\n{all}");
    for expected in [
        "kb.search",
        "How refunds work",
        "refused, as it should be",
        "refused by the caveat on limit",
        "refused by the caveat on tools",
        "caveat_failed",
        "intact",
        "tickets.get {\"id\":\"T-2001\"}: refused: not_found",
    ] {
        assert!(said.contains(expected), "`{expected}` is missing\n{all}");
    }
    for expected in ["tool_not_granted", "given up:", "arguments  /limit<=10"] {
        assert!(beside.contains(expected), "`{expected}` is missing\n{all}");
    }
    // The search within the limit is answered too.
    assert!(said.matches("How refunds work").count() >= 2, "{all}");
}

#[test]
fn the_two_commands_are_the_ones_that_are_checked() {
    let run =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/run")).unwrap();
    assert!(run.contains("./scripts/test"));
    assert!(
        run.contains("cargo build --bin hallpass"),
        "what `cargo run --bin hallpass` builds is built and timed"
    );
}
