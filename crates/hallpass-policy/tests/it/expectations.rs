//! Expectations: what they may say, and that each difference is found and named.

use std::fmt::Write;

use hallpass_policy::{Policy, PolicyFiles, starter};

const ASKED: &str = r#"
[defaults]
client = "demo-orchestrator"
environment = "dev"
tenant = "acme"
actor = "agent:support-bot"
"#;

fn policy() -> Policy {
    Policy::parse(&PolicyFiles::from([("starter.toml", starter())])).unwrap()
}

/// What becomes of one expectation with these lines.
fn outcome(lines: &str) -> String {
    let text = format!("{ASKED}\n[[expect]]\nname = \"it\"\n{lines}\n");
    let policy = policy();
    match policy.expectations(&[("it.toml", &text)]) {
        Err(errors) => errors.to_string(),
        Ok(expectations) => {
            let outcome = policy.meets(&expectations[0]);
            let said: Vec<String> = outcome
                .differences
                .iter()
                .map(ToString::to_string)
                .collect();
            match outcome.holds() {
                true => "holds".to_owned(),
                false => said.join("\n"),
            }
        }
    }
}

#[test]
fn what_is_wanted_is_exact_and_each_difference_is_named() {
    let cases = [
        (
            "all of it",
            r#"route = "/support/send"
allow = ["kb.search", "tickets.get"]
needs_approval = ["ticket.update"]
deny = ["ticket.close"]"#,
        ),
        (
            "a tool too many is found",
            "route = \"/support/draft\"\nallow = [\"kb.search\"]",
        ),
        (
            "a tool too few is found",
            "route = \"/research\"\nallow = [\"kb.search\", \"tickets.get\"]",
        ),
        (
            "an approval that is not needed is found",
            "route = \"/support/send\"\nallow = [\"kb.search\", \"tickets.get\", \"ticket.update\"]",
        ),
        (
            "nothing with an approval",
            "route = \"/support/send\"\nneeds_approval = []",
        ),
        (
            "what is denied is given",
            "route = \"/support/send\"\ndeny = [\"ticket.update\", \"kb.search\"]",
        ),
        (
            "refused as wanted",
            "route = \"/support/draft\"\ntenant = \"initech\"\nrefused = \"tenant_not_allowed\"",
        ),
        (
            "refused for another reason",
            "route = \"/support/draft\"\ntenant = \"initech\"\nrefused = \"actor_not_allowed\"",
        ),
        (
            "granted and not wanted",
            "route = \"/support/draft\"\nrefused = \"client_not_allowed\"",
        ),
        (
            "refused and not wanted",
            "route = \"/ops/triage\"\nallow = [\"tickets.get\"]",
        ),
        (
            "narrowed by what is asked",
            "route = \"/support/send\"\ntools = [\"ticket.update\"]\nallow = []\nneeds_approval = [\"ticket.update\"]",
        ),
        (
            "a longer life than the route's",
            "route = \"/research\"\nttl_seconds = 301\nrefused = \"ttl_too_long\"",
        ),
        (
            "calls",
            r#"route = "/support/send"
calls = [
  { tool = "kb.search", arguments = { query = "refund" }, answer = "allow" },
  { tool = "ticket.update", arguments = '{"id": null}', answer = "needs_approval" },
  { tool = "ticket.close", answer = "deny" },
]"#,
        ),
        (
            "calls answered otherwise",
            r#"route = "/support/send"
calls = [
  { tool = "kb.search", answer = "deny" },
  { tool = "ticket.update", arguments = { id = "T-1" }, answer = "allow" },
  { tool = "ticket.close", answer = "allow" },
]"#,
        ),
    ];
    let mut grid = String::new();
    for (name, lines) in cases {
        writeln!(grid, "{name}\n  {}", outcome(lines).replace('\n', "\n  ")).unwrap();
    }
    insta::assert_snapshot!(grid);
}

#[test]
fn each_fault_names_its_file_and_line() {
    let route = "route = \"/research\"";
    let cases = [
        ("unknown key", format!("{route}\nalow = []")),
        ("nothing wanted", route.to_owned()),
        ("no route", "allow = []".to_owned()),
        ("not TOML", "route = [".to_owned()),
        (
            "unknown tool",
            format!("{route}\nallow = [\"kb.serch\"]\ndeny = [\"shell.run\"]"),
        ),
        (
            "one tool in two lists",
            format!("{route}\nallow = [\"kb.search\"]\ndeny = [\"kb.search\"]"),
        ),
        (
            "unknown refusal",
            format!("{route}\nrefused = \"tenant_not_alowed\""),
        ),
        (
            "refused and granted",
            format!("{route}\nrefused = \"tenant_not_allowed\"\nallow = []"),
        ),
        (
            "arguments that are none",
            format!(
                "{route}\ncalls = [{{ tool = \"kb.search\", arguments = '[1]', answer = \"allow\" }}]"
            ),
        ),
        (
            "a date",
            format!(
                "{route}\ncalls = [{{ tool = \"kb.search\", arguments = {{ at = 2026-01-01 }}, answer = \"allow\" }}]"
            ),
        ),
        (
            "unknown answer",
            format!("{route}\ncalls = [{{ tool = \"kb.search\", answer = \"yes\" }}]"),
        ),
        (
            "a name twice",
            format!("{route}\nallow = []\n[[expect]]\nname = \"it\"\n{route}\nallow = []"),
        ),
        (
            "a name of nothing",
            format!("{route}\nallow = []\n[[expect]]\nname = \" \"\n{route}\nallow = []"),
        ),
    ];
    let mut grid = String::new();
    for (name, lines) in cases {
        writeln!(grid, "{name}\n  {}", outcome(&lines).replace('\n', "\n  ")).unwrap();
    }
    insta::assert_snapshot!(grid);
}

#[test]
fn a_file_may_be_empty_and_defaults_are_of_one_file() {
    let policy = policy();
    assert_eq!(policy.expectations(&[("a.toml", "")]).unwrap().len(), 0);
    let other = "[[expect]]\nname = \"other\"\nroute = \"/research\"\nallow = []\n";
    let errors = policy
        .expectations(&[("a.toml", ASKED), ("b.toml", other)])
        .unwrap_err();
    assert_eq!(errors.iter().count(), 4);
    assert_eq!(
        errors.iter().next().unwrap().to_string(),
        "b.toml:1: `client` is missing, here and under `[defaults]`"
    );
    let large = "#".repeat(hallpass_policy::POLICY_FILE_BYTES_MAX + 1);
    let errors = policy.expectations(&[("a.toml", &large)]).unwrap_err();
    assert!(errors.to_string().contains("larger"), "{errors}");
}
