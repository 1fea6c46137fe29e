//! Runs the command in a directory of its own, with nothing of the surroundings in its environment.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use hallpass_testkit::TempDir;

/// Asks for a token of the starter policy for `user:alice`.
pub const MINT: [&str; 10] = [
    "tokens",
    "mint",
    "--route",
    "/support/draft",
    "--tenant",
    "acme",
    "--subject",
    "user:alice",
    "--actor",
    "agent:support-bot",
];

/// A directory to run commands in.
pub struct Desk {
    pub dir: TempDir,
    variables: Vec<(String, String)>,
}

/// What a command answered.
pub struct Answer {
    command: String,
    pub stdout: String,
    pub stderr: String,
    pub exit: i32,
}

impl Desk {
    pub fn new() -> Self {
        Self {
            dir: hallpass_testkit::temp_dir(),
            variables: Vec::new(),
        }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Sets a variable of the environment for every command from here on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path().join(name), content).unwrap();
    }

    /// The command, not yet started.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hallpass"));
        command
            .args(args)
            .current_dir(self.path())
            .env_clear()
            .envs(self.variables.iter().cloned());
        command
    }

    pub fn run(&self, args: &[&str]) -> Answer {
        self.run_with(args, "")
    }

    /// Asks for a token as the client that a new authority comes with.
    pub fn mint_as_demo(&self, secret: &str) -> Answer {
        let mut command =
            self.command(&[&MINT[..], &["--client-id", "demo-orchestrator"]].concat());
        let output = command.env("HALLPASS_CLIENT_SECRET", secret).output();
        Answer::of("tokens mint", output.unwrap())
    }

    /// Runs the command with this on standard input.
    pub fn run_with(&self, args: &[&str], stdin: &str) -> Answer {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that does not read its input may be gone already.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        Answer {
            command: args.join(" "),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            exit: output.status.code().expect("not killed by a signal"),
        }
    }
}

impl Answer {
    /// What a command of one's own making answered.
    pub fn of(command: &str, output: std::process::Output) -> Self {
        Self {
            command: command.to_owned(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            exit: output.status.code().expect("not killed by a signal"),
        }
    }

    /// Everything as one text.
    pub fn transcript(&self) -> String {
        let mut text = format!("$ hallpass {}\n{}", self.command, self.stdout);
        if !self.stderr.is_empty() {
            text.push_str("---- stderr\n");
            text.push_str(&self.stderr);
        }
        text.push_str(&format!("---- exit {}\n", self.exit));
        text
    }

    /// Standard output as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("{}", self.transcript()))
    }

    #[track_caller]
    pub fn expect(self, exit: i32) -> Self {
        assert_eq!(self.exit, exit, "{}", self.transcript());
        self
    }
}

/// Several transcripts as one.
pub fn transcripts(answers: &[Answer]) -> String {
    let texts: Vec<String> = answers.iter().map(Answer::transcript).collect();
    texts.join("\n")
}
