//! What counts as used, and what stays although nobody used it.

use hallpass_evidence::{Kept, Usage};
use hallpass_policy::{Policy, PolicyFiles};
use hallpass_vocabulary::{DenialCode, Role, SubjectAssurance};

use crate::paper::{Paper, allowed, at, decided, denied, mint, minted};

const POLICY: &str = r#"
[tools."tickets.get"]
audience = "tickets"
impact = "read"
summary = "Read"
[tools."kb.search"]
audience = "tickets"
impact = "read"
summary = "Search"
[tools."ticket.update"]
audience = "tickets"
impact = "write"
summary = "Write"
[tools."mail.send"]
audience = "mail"
impact = "read"
summary = "Another service"

[clients.desk]
summary = "Desk"
actors = "agent:*"

[roles.clerk]
summary = "Clerk"
allow = ["tickets.get", "kb.search"]
[roles.writer]
summary = "Writer"
require_approval = ["ticket.update"]
allow = ["kb.search"]

[routes."/support/send"]
summary = "Send"
clients = ["desk"]
tenants = ["acme"]
actors = "agent:*"
roles = ["clerk"]
subject_roles = ["writer"]
allow = ["mail.send"]
ttl_seconds = 600
proof = "always"

[routes."/seldom"]
summary = "Seldom"
clients = ["desk"]
tenants = ["acme"]
actors = "agent:*"
allow = ["tickets.get"]
ttl_seconds = 600
proof = "waived"
"#;

fn policy() -> Policy {
    let files = PolicyFiles::from([("policy.toml", POLICY)]);
    Policy::parse(&files).unwrap_or_else(|errors| panic!("{errors}"))
}

fn token(number: u8, roles: &[&str], tools: &[&str]) -> hallpass_journal::Minted {
    let mut token = minted(number);
    token.assurance = SubjectAssurance::Verified;
    token.roles = roles.iter().map(|role| Role::new(role).unwrap()).collect();
    token.tools = tools.iter().map(|tool| tool.parse().unwrap()).collect();
    token.needs_approval = match roles.contains(&"writer") {
        true => vec!["ticket.update".parse().unwrap()],
        false => Vec::new(),
    };
    token
}

const OF_CLERK: [&str; 3] = ["kb.search", "mail.send", "tickets.get"];

/// Rows as text, and those that can go.
fn unused(paper: &Paper, routes: bool, since: Option<i64>) -> Vec<String> {
    let policy = policy();
    let mut usage = Usage::new(&policy, since.map(at));
    for record in paper.records() {
        usage.take(&record).unwrap();
    }
    let unused = usage.unused(routes);
    unused
        .iter()
        .map(|it| {
            let what = it.kept.map_or("goes", Kept::as_str);
            format!("{} {} by {}: {what}", it.route, it.tool, it.source)
        })
        .collect()
}

fn called(call: u16, number: u8, tool: &str) -> hallpass_journal::Decided {
    let mut decided = allowed(call, number);
    decided.tool = Some(tool.parse().unwrap());
    decided
}

#[test]
fn what_was_called_is_used_by_all_who_have_it() {
    let paper = Paper::new("a", 1)
        .with(mint(token(1, &["clerk"], &OF_CLERK)))
        .with(mint(token(2, &["clerk", "writer"], &OF_CLERK)))
        .with(decided(called(1, 1, "tickets.get")))
        .with(decided(called(2, 1, "kb.search")));
    assert_eq!(
        unused(&paper, false, None),
        [
            "/seldom tickets.get by the route itself: nothing was minted under the route",
            "/support/send mail.send by the route itself: no call of its service is recorded here",
            "/support/send kb.search by role `writer`: others use it under this route",
            "/support/send ticket.update by role `writer`: goes",
        ]
    );
    let with_routes = unused(&paper, true, None);
    assert_eq!(
        with_routes[0],
        "/seldom tickets.get by the route itself: goes"
    );
}

#[test]
fn what_was_wanted_or_asked_for_by_name_is_used_and_what_was_not_granted_is_not() {
    let wanted = |code| {
        let mut call = denied(1, 2, code);
        call.tool = Some("ticket.update".parse().unwrap());
        let paper = Paper::new("a", 1)
            .with(mint(token(1, &["clerk"], &OF_CLERK)))
            .with(mint(token(2, &["clerk", "writer"], &OF_CLERK)))
            .with(decided(call));
        let rows = unused(&paper, false, None);
        !rows.iter().any(|row| row.contains("ticket.update"))
    };
    assert!(wanted(DenialCode::ApprovalRequired));
    assert!(wanted(DenialCode::TokenExpired));
    assert!(!wanted(DenialCode::ToolNotGranted));

    let by_name = Paper::new("a", 1)
        .with(mint(token(1, &["clerk"], &["kb.search"])))
        .with(decided(called(1, 1, "tickets.get")));
    let rows = unused(&by_name, false, None);
    assert!(
        !rows
            .iter()
            .any(|row| row.contains("kb.search by role `clerk`")),
        "{rows:?}"
    );
}

#[test]
fn what_was_used_before_the_time_does_not_count_but_its_token_is_known() {
    let paper = Paper::new("a", 1)
        .with(mint(token(1, &["clerk"], &OF_CLERK)))
        .with(decided(called(1, 1, "kb.search")))
        .at(100)
        .with(mint(token(2, &["clerk"], &OF_CLERK)))
        .with(decided(called(2, 1, "tickets.get")));
    let rows = unused(&paper, false, Some(50));
    let of_clerk: Vec<&String> = rows
        .iter()
        .filter(|row| row.contains("role `clerk`"))
        .collect();
    assert_eq!(of_clerk, ["/support/send kb.search by role `clerk`: goes"]);
}

#[test]
fn a_call_whose_mint_is_not_there_counts_for_everybody() {
    let paper = Paper::new("a", 1)
        .with(mint(token(1, &["clerk"], &OF_CLERK)))
        .with(decided(called(1, 9, "ticket.update")));
    let rows = unused(&paper, false, None);
    assert!(
        !rows.iter().any(|row| row.contains("ticket.update")),
        "{rows:?}"
    );
}
