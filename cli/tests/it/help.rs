//! Help is part of the interface.

use crate::command::{Answer, Desk, transcripts};

#[test]
fn every_command_explains_itself_with_examples() {
    let desk = Desk::new();
    let commands: &[&[&str]] = &[
        &[],
        &["init"],
        &["serve"],
        &["dev"],
        &["doctor"],
        &["tokens"],
        &["tokens", "mint"],
        &["tokens", "inspect"],
        &["tokens", "verify"],
        &["tokens", "attenuate"],
        &["tokens", "diff"],
        &["backup"],
        &["call"],
        &["runs", "end"],
        &["clients"],
        &["clients", "new"],
        &["clients", "rotate"],
        &["keys"],
        &["keys", "rotate"],
        &["keys", "taint"],
        &["keys", "retire"],
        &["keys", "root"],
        &["keys", "root", "rotate"],
        &["keys", "root", "sign"],
        &["keys", "root", "install"],
        &["operators"],
        &["operators", "new"],
        &["journal", "verify"],
        &["journal", "query"],
        &["journal", "prove"],
        &["journal", "check"],
        &["journal", "erase"],
        &["journal", "export"],
        &["journal", "prune"],
        &["policy", "check"],
        &["policy", "test"],
        &["policy", "diff"],
        &["policy", "explain"],
        &["policy", "grid"],
        &["policy", "reload"],
        &["policy", "replay"],
        &["policy", "suggest"],
        &["reconcile"],
        &["resume"],
        &["revoke"],
        &["stop"],
        &["stops"],
        &["stops", "list"],
        &["verifiers"],
        &["verifiers", "enrol"],
        &["verifiers", "list"],
        &["verifiers", "retire"],
        &["verifiers", "show"],
        &["why"],
    ];
    let answers: Vec<Answer> = commands
        .iter()
        .map(|command| desk.run(&[command, &["--help"][..]].concat()))
        .collect();
    for answer in &answers {
        assert_eq!(answer.exit, 0, "{}", answer.transcript());
        assert!(!answer.stdout.contains("hps_") && answer.stderr.is_empty());
    }
    insta::assert_snapshot!(transcripts(&answers));
}

#[test]
fn a_mistake_in_the_command_line_is_exit_2() {
    let desk = Desk::new();
    let answers = [
        desk.run(&[]).expect(2),
        desk.run(&["token"]).expect(2),
        desk.run(&["tokens", "attenuate", "@token"]).expect(2),
        desk.run(&["tokens", "attenuate", "@token", "--expires-in", "1.5h"])
            .expect(2),
        desk.run(&["tokens", "verify", "@token", "--tool", "kb.search"])
            .expect(2),
        desk.run(&["why", "dec_1", "--journal", "journal"])
            .expect(2),
        desk.run(&[
            "call",
            "tickets",
            "kb.search",
            "{}",
            "--token",
            "hp1.secret",
        ])
        .expect(2),
    ];
    // Also a mistaken token is a secret, and standard error is often kept.
    assert!(!answers[6].stderr.contains("secret"));
    insta::assert_snapshot!(transcripts(&answers[1..]));
}

#[test]
fn completions_are_for_the_shell_asked() {
    let desk = Desk::new();
    let bash = desk.run(&["completions", "bash"]).expect(0);
    assert!(bash.stdout.contains("_hallpass()") && bash.stdout.contains("attenuate"));
    for flag in [
        "--only-arg",
        "--max-blocks",
        "--caveats",
        "--diff",
        "--engine",
        "--datalog",
    ] {
        assert!(bash.stdout.contains(flag), "{flag}");
    }
    let fish = desk.run(&["completions", "fish"]).expect(0);
    assert!(fish.stdout.contains("complete -c hallpass"));
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let desk = Desk::new();
    let mut command = desk.command(&["completions", "bash"]);
    let (reader, writer) = std::io::pipe().unwrap();
    // Nobody reads from the start: the first write meets a closed pipe.
    drop(reader);
    let output = command.stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

/// The subcommands that help lists.
fn listed(desk: &Desk, group: &[&str]) -> Vec<String> {
    let help = desk
        .run(&[group, &["--help"][..]].concat())
        .expect(0)
        .stdout;
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let names = commands.lines().take_while(|line| !line.is_empty());
    names
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .collect()
}

#[test]
fn the_page_has_an_example_of_every_command() {
    let page = include_str!("../../../docs/cli.md");
    let desk = Desk::new();
    let mut leaves = 0;
    for command in listed(&desk, &[]) {
        let verbs = match command.as_str() {
            "bundle" | "clients" | "journal" | "keys" | "operators" | "policy" | "runs"
            | "stops" | "tokens" | "verifiers" => listed(&desk, &[&command]),
            _ => vec![String::new()],
        };
        for verb in verbs {
            let name = format!("hallpass {command} {verb}");
            let row = format!("| `{}` |", name.trim_end());
            let line = page
                .lines()
                .find(|line| line.starts_with(&row))
                .unwrap_or_else(|| panic!("no row `{row}`"));
            assert!(
                line.matches(name.trim_end()).count() >= 2,
                "no example: {line}"
            );
            leaves += 1;
        }
    }
    assert!(leaves > 12, "{leaves}");
}

#[test]
fn the_version_says_what_the_build_has() {
    let said = Desk::new().run(&["--version"]).expect(0).stdout;
    for (feature, built) in [
        ("oidc", cfg!(feature = "oidc")),
        ("postgres", cfg!(feature = "postgres")),
        ("tls", cfg!(feature = "tls")),
    ] {
        let (_, with) = said.split_once(", with ").unwrap_or_default();
        assert_eq!(with.contains(feature), built, "{said}");
    }
}
