//! The orchestrator as a program, against `hallpass dev` and the tickets service as programs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use hallpass_testkit::{ChildProcess, Finished, TempDir};

/// How long anything may take that must happen.
const BOUND: Duration = Duration::from_secs(30);

const ORCHESTRATOR: &str = env!("CARGO_BIN_EXE_orchestrator");

/// Another program of this workspace, built beside the one under test: `cargo test --workspace` builds them all.
fn sibling(name: &str) -> PathBuf {
    let path = Path::new(ORCHESTRATOR).with_file_name(name);
    assert!(
        path.is_file(),
        "`{name}` is not built; run: cargo build --bin hallpass --bin tickets-service"
    );
    path
}

fn program(path: impl AsRef<Path>) -> Command {
    let mut command = Command::new(path.as_ref());
    command.env_clear();
    command
}

/// The three programs, as the README starts them.
struct Trio {
    directory: TempDir,
    dev: ChildProcess,
    service: ChildProcess,
    /// What the orchestrator is told.
    variables: Vec<(&'static str, String)>,
}

impl Trio {
    fn start() -> Self {
        let directory = hallpass_testkit::temp_dir();
        let mut dev = ChildProcess::spawn(
            program(sibling("hallpass"))
                .args(["dev", "--listen", "127.0.0.1:0"])
                .env("TMPDIR", directory.path()),
        );
        let mut variables = Vec::new();
        for name in [
            "HALLPASS_AUTHORITY",
            "HALLPASS_CLIENT_ID",
            "HALLPASS_CLIENT_SECRET",
            "HALLPASS_TRUST_ROOT",
        ] {
            let line = dev.wait_for_line(&format!("export {name}="), BOUND);
            variables.push((name, line.trim_matches('\'').to_owned()));
        }
        let mut service = ChildProcess::spawn(
            program(sibling("tickets-service"))
                .arg("--state")
                .arg(directory.path().join("tickets"))
                .envs(variables.iter().cloned()),
        );
        let url = service.wait_for_line("listening on ", BOUND);
        variables.push(("HALLPASS_SERVICE_TICKETS", url));
        Self {
            directory,
            dev,
            service,
            variables,
        }
    }

    fn run(&self, arguments: &[&str]) -> Finished {
        let mut orchestrator = program(ORCHESTRATOR);
        orchestrator
            .args(arguments)
            .envs(self.variables.iter().cloned());
        ChildProcess::spawn(&mut orchestrator).finish(BOUND)
    }

    /// Stops both servers in order and answers with everything they said.
    fn stop(self) -> String {
        let mut said = String::new();
        for child in [self.service, self.dev] {
            let told = Command::new("kill")
                .args(["-TERM", &child.id().to_string()])
                .status();
            assert!(told.unwrap().success());
            let finished = child.finish(BOUND);
            assert_eq!(finished.status.code(), Some(0), "{}", finished.stderr);
            said += &finished.stderr;
        }
        let journal = self.directory.path().join("tickets/journal");
        let verified = program(sibling("hallpass"))
            .args(["journal", "verify"])
            .arg(journal)
            .output()
            .unwrap();
        assert!(verified.status.success());
        said
    }
}

/// The text with what differs in every run replaced: the ids and the times of its first and last line.
fn without_ids(text: &str) -> String {
    let first = text.lines().next().unwrap();
    let words: Vec<&str> = first.split([' ', ';']).collect();
    let named = |prefix: &str| *words.iter().find(|word| word.starts_with(prefix)).unwrap();
    let (run, token, until) = (named("run_"), named("tok_"), *words.last().unwrap());
    assert_eq!(
        (run.len(), token.len(), until.len()),
        (36, 36, 24),
        "{first}"
    );
    let (_, ended) = text.trim_end().rsplit_once(" ended ").unwrap();
    assert_eq!(ended.len(), 24, "{text}");
    text.replace(run, "run_…")
        .replace(token, "tok_…")
        .replace(until, "TIME")
        .replace(ended, "TIME")
}

#[test]
fn a_run_calls_tools_and_is_told_in_words_what_is_refused() {
    let trio = Trio::start();
    let acme = trio.run(&[]);
    assert_eq!(acme.status.code(), Some(0), "{}", acme.stderr);
    insta::assert_snapshot!(without_ids(&acme.stdout), @r#"
    run_… started; token tok_… until TIME
    kb.search {"query":"refund"}: {"articles":[{"body":"A refund takes five working days.","id":"KB-1","title":"How refunds work"}]}
    tickets.get {"id":"T-1001"}: {"id":"T-1001","note":"","status":"open","title":"Refund not received"}
    tickets.get {"id":"T-2001"}: refused: not_found - Check the identifier.
    ticket.close {"id":"T-1001","reason":"done"}: refused: tool_not_granted - Use a route that grants the tool, or do without it.
    run_… ended TIME
    "#);
    let globex = trio.run(&["--tenant", "globex", "--subject", "user:gina"]);
    assert_eq!(globex.status.code(), Some(0), "{}", globex.stderr);
    insta::assert_snapshot!(without_ids(&globex.stdout), @r#"
    run_… started; token tok_… until TIME
    kb.search {"query":"refund"}: {"articles":[{"body":"Refunds are paid to the original card.","id":"KB-3","title":"Refund policy"}]}
    tickets.get {"id":"T-1001"}: refused: not_found - Check the identifier.
    tickets.get {"id":"T-2001"}: {"id":"T-2001","note":"","status":"open","title":"Invoice shows the wrong address"}
    ticket.close {"id":"T-1001","reason":"done"}: refused: tool_not_granted - Use a route that grants the tool, or do without it.
    run_… ended TIME
    "#);
    let said = trio.stop() + &acme.stdout + &acme.stderr + &globex.stdout + &globex.stderr;
    assert!(!said.contains("hp1.") && !said.contains("hps_"), "{said}");
}

#[test]
fn without_its_secret_or_with_a_wrong_one_it_does_not_run() {
    let mut trio = Trio::start();
    let wrong = format!("hps_{}", "A".repeat(43));
    trio.variables
        .push(("HALLPASS_CLIENT_SECRET", wrong.clone()));
    let refused = trio.run(&[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        refused.stderr.contains("client_unauthorized"),
        "{}",
        refused.stderr
    );
    assert!(!refused.stderr.contains(&wrong));
    trio.variables
        .retain(|(name, _)| *name != "HALLPASS_CLIENT_SECRET");
    let unset = trio.run(&[]);
    assert_eq!(unset.status.code(), Some(1));
    assert!(
        unset.stderr.contains("HALLPASS_CLIENT_SECRET is not set"),
        "{}",
        unset.stderr
    );
    trio.stop();
}
