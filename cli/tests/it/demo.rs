//! `hallpass demo` as a newcomer runs it, as one who interrupts it, and as one who tries what it leaves running.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use hallpass_testkit::{ChildProcess, Finished};

use crate::command::Desk;

/// How long the demo may take; it takes about three seconds, of which it waits one for a token to expire.
const BOUND: Duration = Duration::from_secs(60);

/// What comes of each call, in the order of the story.
const STORY: [&str; 13] = [
    "ALLOWED 200",
    "DENIED  403 tool_not_granted",
    "DENIED  403 approval_required",
    "ALLOWED 200",
    "DENIED  403 caveat_failed",
    "DENIED  403 wrong_tenant",
    "ALLOWED 200",
    "DENIED  404 not_found",
    "DENIED  401 wrong_environment",
    "DENIED  401 token_expired",
    "DENIED  401 signature_invalid",
    "ALLOWED 200",
    "TAMPERED",
];

/// A desk whose temporary directory is its own, so that what is left behind is seen.
struct Room {
    desk: Desk,
    temporary: PathBuf,
}

impl Room {
    fn new() -> Self {
        let mut desk = Desk::new();
        let temporary = desk.path().join("tmp");
        std::fs::create_dir(&temporary).unwrap();
        desk.set("TMPDIR", temporary.to_str().unwrap());
        Self { desk, temporary }
    }

    fn demo(&self, args: &[&str]) -> ChildProcess {
        ChildProcess::spawn(&mut self.desk.command(&[&["demo"], args].concat()))
    }

    #[track_caller]
    fn assert_empty(&self) {
        assert_eq!(std::fs::read_dir(&self.temporary).unwrap().count(), 0);
    }
}

fn send_signal(name: &str, child: &ChildProcess) {
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

/// No token and no client secret is in what was said.
#[track_caller]
fn assert_nothing_secret(finished: &Finished) {
    for said in [&finished.stdout, &finished.stderr] {
        assert!(!said.contains("hps_"), "{said}");
        for found in said.split("hp1.").skip(1) {
            let length = found
                .bytes()
                .take_while(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
                .count();
            assert!(length < 20, "{said}");
        }
    }
}

#[test]
fn the_story_goes_as_said_and_leaves_nothing_behind() {
    let room = Room::new();
    let finished = room.demo(&[]).finish(BOUND);
    assert_eq!(
        finished.status.code(),
        Some(0),
        "{}{}",
        finished.stdout,
        finished.stderr
    );
    let came: Vec<&str> = finished
        .stdout
        .lines()
        .map(str::trim)
        .filter(|line| {
            ["ALLOWED", "DENIED", "TAMPERED", "UNCLEAR"]
                .iter()
                .any(|word| line.starts_with(word))
        })
        .collect();
    assert_eq!(came.len(), STORY.len(), "{came:#?}");
    for (came, said) in came.iter().zip(STORY) {
        assert!(came.starts_with(said), "`{came}` is not `{said}`");
    }
    assert_eq!(
        finished.stdout.matches("    intact ").count(),
        3,
        "{}",
        finished.stdout
    );
    assert!(
        finished
            .stdout
            .contains("row_withheld: the row belongs to tenant `globex`")
    );
    assert!(
        finished.stdout.ends_with(" steps went as said.\n"),
        "{}",
        finished.stdout
    );
    assert_eq!(finished.stderr, "");
    assert_nothing_secret(&finished);
    room.assert_empty();
}

#[test]
fn an_interrupted_demo_leaves_nothing_behind_and_is_no_success() {
    for signal in ["-INT", "-TERM"] {
        let room = Room::new();
        let mut child = room.demo(&[]);
        // The story is under way: the servers run, and it is not over for a second yet.
        child.wait_for_line(" 2. ", BOUND);
        send_signal(signal, &child);
        let finished = child.finish(BOUND);
        assert_eq!(
            finished.status.code(),
            Some(2),
            "{signal}: {}",
            finished.stderr
        );
        assert!(
            finished.stderr.contains("interrupted"),
            "{}",
            finished.stderr
        );
        assert_nothing_secret(&finished);
        room.assert_empty();
    }
}

#[test]
fn a_demo_that_cannot_start_says_so_and_is_no_success() {
    let room = Room::new();
    std::fs::remove_dir(&room.temporary).unwrap();
    let finished = room.demo(&[]).finish(BOUND);
    assert_eq!(finished.status.code(), Some(2), "{}", finished.stderr);
    assert_eq!(finished.stdout, "");
    assert!(
        finished.stderr.contains("cannot start the demo"),
        "{}",
        finished.stderr
    );
}

/// The commands the demo prints, each as it stands there, with lines that go on joined as a shell joins them.
fn commands(stdout: &str) -> Vec<String> {
    let (_, invitation) = stdout.split_once("Left running.").expect("an invitation");
    let mut commands: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in invitation.lines().filter(|line| line.starts_with("  ")) {
        match commands.last_mut().filter(|_| goes_on) {
            Some(command) => {
                command.push('\n');
                command.push_str(line);
            }
            None => commands.push(line.to_owned()),
        }
        goes_on = line.ends_with('\\');
    }
    commands
}

/// Runs a command as somebody would who pasted it, with this `hallpass` on the path.
fn paste(command: &str) -> (Option<i32>, String) {
    let hallpass = Path::new(env!("CARGO_BIN_EXE_hallpass")).parent().unwrap();
    let path = format!("{}:{}", hallpass.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-c", command])
        .env("PATH", path)
        .output()
        .unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

#[test]
fn what_it_leaves_running_can_be_tried_as_printed() {
    let room = Room::new();
    let mut child = room.demo(&["--keep"]);
    let mut said = String::from("Left running.\n");
    child.wait_for_line("Left running.", BOUND);
    loop {
        let line = child.wait_for_line("", BOUND);
        if line.starts_with("Ctrl-C") {
            break;
        }
        said.push_str(&line);
        said.push('\n');
    }
    let commands = commands(&said);
    let (calls, others): (Vec<_>, Vec<_>) = commands
        .iter()
        .partition(|command| command.contains("curl"));
    assert_eq!((calls.len(), others.len()), (2, 3), "{commands:#?}");

    let mut decision = String::new();
    if paste("command -v curl").0 == Some(0) {
        for (command, status, holds) in [
            (calls[0], "HTTP/1.1 200 OK", "How refunds work"),
            (calls[1], "HTTP/1.1 403 Forbidden", "tool_not_granted"),
        ] {
            let (exit, answer) = paste(command);
            assert_eq!(exit, Some(0), "{command}");
            assert!(
                answer.starts_with(status) && answer.contains(holds),
                "{answer}"
            );
            let (_, id) = answer
                .split_once("hallpass-decision: ")
                .expect("a decision id");
            decision = id.lines().next().unwrap().to_owned();
        }
    } else {
        println!("curl is not installed: the two curl commands of the demo were not run");
    }

    for command in others {
        let command = command.replace("dec_…", &decision);
        if command.contains("why ") && decision.is_empty() {
            continue;
        }
        let (exit, answer) = paste(&command);
        assert_eq!(exit, Some(0), "{command}\n{answer}");
        assert!(!answer.is_empty(), "{command}");
        if command.contains("why ") {
            assert!(answer.contains("tool_not_granted"), "{answer}");
        }
    }

    send_signal("-INT", &child);
    let finished = child.finish(BOUND);
    assert_eq!(finished.status.code(), Some(0), "{}", finished.stderr);
    assert_nothing_secret(&finished);
    room.assert_empty();
}

#[test]
fn the_token_it_keeps_is_its_users_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let room = Room::new();
    let mut child = room.demo(&["--keep"]);
    child.wait_for_line("Left running.", BOUND);
    let demo = std::fs::read_dir(&room.temporary)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&demo), mode(&demo.join("token"))), (0o700, 0o600));
    child.wait_for_line("Ctrl-C", BOUND);
    send_signal("-TERM", &child);
    assert_eq!(child.finish(BOUND).status.code(), Some(0));
    room.assert_empty();
}
