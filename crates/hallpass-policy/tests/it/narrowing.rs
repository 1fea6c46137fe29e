//! A narrower policy is the old text with one more line for each route, in whatever way a route is written.

use hallpass_policy::{Narrowed, NarrowingError, Policy, PolicyFiles, Unneeded, starter};

const HEAD: &str = r#"
[tools."a.read"]
audience = "a"
impact = "read"
summary = "A"
[tools."b.read"]
audience = "a"
impact = "read"
summary = "B"
[tools."c.read"]
audience = "a"
impact = "read"
summary = "C"
[clients.c]
summary = "c"
actors = "agent:*"
"#;

fn unneeded(route: &str, tools: &[&str]) -> Unneeded {
    let tools = tools.iter().map(|tool| tool.parse().unwrap()).collect();
    [(route.parse().unwrap(), tools)].into()
}

fn narrowed(route: &str, tools: &[&str]) -> Result<Narrowed, NarrowingError> {
    let files = PolicyFiles::from([("p.toml", format!("{HEAD}{route}"))]);
    Policy::narrowed(&files, &unneeded("/r", tools))
}

/// The text after the head.
fn text(narrowed: &Narrowed) -> String {
    let (_, text) = narrowed.files.iter().next().unwrap();
    text.strip_prefix(HEAD).unwrap().to_owned()
}

const BODY: &str = "summary = \"s\"\nclients = [\"c\"]\ntenants = [\"t\"]\nactors = \"agent:a\"\nttl_seconds = 60\nallow = [\"a.read\", \"b.read\", \"c.read\"]\n";

#[test]
fn a_line_is_added_and_nothing_else_changes() {
    let route = format!("[routes.\"/r\"]\n{BODY}  proof = \"waived\" # why\n# the end\n");
    let narrow = narrowed(&route, &["b.read", "c.read"]).unwrap();
    let added = "  deny = [\"b.read\", \"c.read\"]";
    let expected = route.replace("# why\n", &format!("# why\n{added}\n"));
    assert_eq!(text(&narrow), expected);
    let [edit] = narrow.edits.as_slice() else {
        panic!("{:?}", narrow.edits)
    };
    assert_eq!((edit.before.as_deref(), &*edit.after), (None, added));
    // The line that it stands after.
    assert_eq!(edit.place.to_string(), "p.toml:24");
}

#[test]
fn every_way_to_write_a_route_is_added_to() {
    let inline = BODY.trim_end().replace('\n', ", ");
    let forms = [
        (
            format!("[routes.\"/r\"]\n{BODY}proof = \"waived\""),
            "proof = \"waived\"\ndeny = [\"b.read\"]",
        ),
        (
            format!("[routes.\"/r\"]\n{BODY}proof = \"waived\"\ndeny = []\n"),
            "deny = [\"b.read\"]",
        ),
        (
            format!(
                "[routes.\"/r\"]\n{BODY}proof = \"waived\"\ndeny = [\n  \"c.read\", # seldom\n]\n"
            ),
            "  \"c.read\", \"b.read\", # seldom",
        ),
        (
            format!("[routes]\n\"/r\" = {{ {inline}, proof = \"waived\" }}\n"),
            "proof = \"waived\", deny = [\"b.read\"] }",
        ),
        (
            format!(
                "[routes]\n{}\"/r\".proof = \"waived\"\n",
                BODY.lines()
                    .map(|line| format!("\"/r\".{line}\n"))
                    .collect::<String>()
            ),
            "\"/r\".deny = [\"b.read\"]",
        ),
    ];
    for (form, expected) in forms {
        let narrow = narrowed(&form, &["b.read"]).unwrap_or_else(|error| panic!("{error}\n{form}"));
        let text = text(&narrow);
        assert!(text.contains(expected), "{text}");
        let edit = &narrow.edits[0];
        let lines: Vec<&str> = expected.lines().collect();
        assert!(edit.after.contains(lines.last().unwrap()), "{edit:?}");
        let rule = narrow.policy.route(&"/r".parse().unwrap()).unwrap();
        assert!(!rule.tools().contains("b.read") && rule.tools().contains("a.read"));
    }
}

#[test]
fn what_is_denied_already_is_not_written_again() {
    let route = format!("[routes.\"/r\"]\n{BODY}proof = \"waived\"\ndeny = [\"b.read\"]\n");
    let narrow = narrowed(&route, &["b.read"]).unwrap();
    assert_eq!(text(&narrow), route);
    assert!(narrow.edits.is_empty());
}

#[test]
fn a_key_in_quotes_is_said_and_not_guessed_at() {
    let route = format!("[routes.\"/r\"]\n{BODY}\"proof\" = \"waived\"\n");
    let error = narrowed(&route, &["b.read"]).unwrap_err();
    assert!(matches!(error, NarrowingError::Form { .. }), "{error}");
}

#[test]
fn the_starter_policy_is_narrowed_with_its_comments() {
    let files = PolicyFiles::from([("starter.toml", starter())]);
    let mut all = unneeded("/ops/triage", &["ticket.close"]);
    all.extend(unneeded("/support/draft", &["kb.search"]));
    let narrow = Policy::narrowed(&files, &all).unwrap();
    assert_eq!(narrow.edits.len(), 2);
    let (_, text) = narrow.files.iter().next().unwrap();
    let old: Vec<&str> = starter().lines().collect();
    let kept: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("deny"))
        .collect();
    assert_eq!(kept, old);
    for edit in &narrow.edits {
        let line = old[edit.place.line() - 1];
        assert!(line.starts_with("proof = "), "{line}");
    }
}
