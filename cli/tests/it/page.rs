//! The commands of a page, run as they stand there: by one shell in one empty directory.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use hallpass_testkit::{eventually, free_port};

/// What builds the programs that pages use.
pub const BUILD: &str = "cargo build --bin hallpass --bin tickets-service --bin orchestrator";

/// How long a whole page may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the commands of a page said.
pub struct Said {
    pub out: String,
    pub err: String,
    /// Commands and both, for the message of a failure.
    pub all: String,
}

/// The lines of a page of the repository that are for a shell.
pub fn shell_lines(page: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(page);
    let mut lines = Vec::new();
    let mut inside = false;
    for line in std::fs::read_to_string(path).unwrap().lines() {
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
            "`{program}` is not built; run: {BUILD}"
        );
    }
    directory.to_owned()
}

/// Runs lines until the first that fails, with the fixed ports replaced by free ones; none may fail.
pub fn run<const N: usize>(lines: &[String], ports: [&str; N]) -> Said {
    let mut commands: String = lines.iter().map(|line| format!("{line}\n")).collect();
    for port in ports {
        assert!(
            commands.contains(port),
            "the page does not use port {port} any more"
        );
        commands = commands.replace(port, &free_port().to_string());
    }
    let directory = tempfile::tempdir().unwrap();
    // Beside the directory of the reader, not in it.
    let ours = tempfile::tempdir().unwrap();
    let (out, err) = (ours.path().join("out"), ours.path().join("err"));
    let path = format!(
        "{}:{}",
        programs().display(),
        std::env::var("PATH").unwrap()
    );
    // A process group of its own, so that what it leaves in the background ends with it.
    let mut shell = Command::new("bash")
        .args(["-e", "-u", "-o", "pipefail", "-c", &commands])
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
        eventually(PATIENCE, "the page ends", || {
            status = shell.try_wait().unwrap();
            status.is_some()
        });
    }));
    let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
    let _ = shell.wait();
    let (out, err) = (
        std::fs::read_to_string(&out).unwrap(),
        std::fs::read_to_string(&err).unwrap(),
    );
    let all = format!("commands:\n{commands}\nstdout:\n{out}\nstderr:\n{err}");
    assert!(finished.is_ok(), "the page does not end\n{all}");
    assert!(status.unwrap().success(), "{status:?}\n{all}");
    Said { out, err, all }
}
