//! The page that describes the format, held to the code.

use hallpass_policy::{Policy, PolicyRefusal};

const PAGE: &str = include_str!("../../../../docs/policy.md");

#[test]
fn every_refusal_is_on_the_page_with_what_the_client_sees() {
    for refusal in PolicyRefusal::ALL {
        let shown = if refusal.public_code() == refusal.code() {
            "same".to_owned()
        } else {
            format!("`{}`", refusal.public_code())
        };
        let row = format!("| `{}` | {shown} |", refusal.code());
        assert!(PAGE.contains(&row), "docs/policy.md lacks `{row}`");
    }
}

#[test]
fn the_examples_on_the_page_are_a_policy() {
    let examples: Vec<&str> = PAGE
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert_eq!(examples.len(), 2);
    let others = r#"
        [clients.demo-orchestrator]
        summary = "client"
        actors = "agent:*"
        [tools."tickets.get"]
        audience = "tickets"
        impact = "read"
        summary = "Read one ticket"
        [tools."ticket.close"]
        audience = "tickets"
        impact = "destructive"
        summary = "Close a ticket"
    "#;
    let text = format!("{others}\n{}", examples.join("\n"));
    let policy = Policy::parse(&[("docs.toml", &text)].into()).unwrap();
    assert_eq!(policy.warnings(), []);
}
