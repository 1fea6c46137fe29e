//! What an explanation says is what is decided.

use hallpass_policy::{Cell, GrantSource, Policy, PolicyFiles, Question, Verified};
use hallpass_vocabulary::{Environment, ToolName};

const POLICY: &str = r#"
[tools."kb.search"]
audience = "tickets"
impact = "read"
summary = "Search"
[tools."ticket.update"]
audience = "tickets"
impact = "write"
summary = "Change a ticket"
[tools."ticket.close"]
audience = "tickets"
impact = "destructive"
summary = "Close a ticket"

[clients.desk]
summary = "The desk"
actors = "agent:desk-*"
[clients.spare]
summary = "Another"
actors = "agent:*"

[issuers.people]
issuer = "https://people.example"
audience = "hallpass"
algorithms = ["ES256"]
for = ["subjects"]

[roles.reader]
summary = "Reads"
allow = ["kb.search"]
[roles.support]
summary = "Answers"
includes = ["reader"]
require_approval = ["ticket.update"]
caveats = ["/status one of open, pending"]
[roles.lead]
summary = "Leads"
allow = ["ticket.update"]
without_approval = { "ticket.update" = "Leads know what they do." }

[routes."/desk"]
summary = "Work"
clients = ["desk"]
tenants = ["acme"]
environments = ["prod"]
actors = "agent:*"
verified = true
roles = ["reader"]
subject_roles = ["support", "lead"]
allow = ["ticket.close"]
without_approval = { "ticket.close" = "Denied below anyway." }
deny = ["ticket.close"]
ttl_seconds = 600
proof = "writes"

[routes."/open"]
summary = "Read"
clients = ["*"]
tenants = ["*"]
actors = "agent:desk-1"
roles = ["reader"]
ttl_seconds = 60
proof = "waived"
"#;

fn policy() -> Policy {
    Policy::parse(&PolicyFiles::from([("it.toml", POLICY)])).unwrap()
}

fn questions() -> Vec<Question> {
    let verified = |roles: &[&str]| {
        Some(Verified {
            roles: roles.iter().map(|role| role.parse().unwrap()).collect(),
        })
    };
    let subjects = [
        None,
        verified(&[]),
        verified(&["support"]),
        verified(&["lead"]),
        verified(&["support", "lead"]),
    ];
    let asked: [Option<Vec<ToolName>>; 3] = [
        None,
        Some(vec!["kb.search".parse().unwrap()]),
        Some(vec![
            "ticket.update".parse().unwrap(),
            "ticket.close".parse().unwrap(),
        ]),
    ];
    let mut all = Vec::new();
    for route in ["/desk", "/open", "/nowhere"] {
        for client in ["desk", "spare", "stranger"] {
            for (tenant, environment) in [("acme", "prod"), ("acme", "dev"), ("globex", "prod")] {
                for actor in ["agent:desk-1", "agent:other"] {
                    for verified in &subjects {
                        for tools in &asked {
                            for ttl in [None, Some(0), Some(60), Some(601)] {
                                all.push(Question {
                                    client: client.parse().unwrap(),
                                    environment: Environment::new(environment).unwrap(),
                                    route: route.parse().unwrap(),
                                    tenant: tenant.parse().unwrap(),
                                    subject: "user:alice".parse().unwrap(),
                                    verified: verified.clone(),
                                    actor: actor.parse().unwrap(),
                                    tools: tools.clone(),
                                    ttl: ttl.map(std::time::Duration::from_secs),
                                });
                            }
                        }
                    }
                }
            }
        }
    }
    all
}

#[test]
fn the_first_condition_that_fails_is_the_refusal_and_the_tools_are_those_of_the_terms() {
    let policy = policy();
    let (mut granted, mut refused) = (0, std::collections::BTreeSet::new());
    for question in questions() {
        let explained = policy.explain(&question);
        assert_eq!(explained.answer, policy.decide(&question.request()));
        let failed = explained.conditions.iter().find(|it| !it.holds);
        let failed = failed.map(|it| it.refusal);
        assert_eq!(
            failed,
            explained.answer.as_ref().err().copied(),
            "{question:?}"
        );
        let Ok(terms) = &explained.answer else {
            refused.insert(failed.unwrap().code());
            continue;
        };
        granted += 1;
        for reason in &explained.tools {
            let bound = terms
                .caveats()
                .iter()
                .any(|caveat| caveat.to_string().contains(reason.tool.as_str()));
            let cell = match (terms.tools().contains(&reason.tool), bound) {
                (true, false) => Cell::Allow,
                (true, true) => Cell::AllowBound,
                (false, bound) if terms.needs_approval().contains(&reason.tool) => {
                    if bound {
                        Cell::ApprovalBound
                    } else {
                        Cell::Approval
                    }
                }
                _ => Cell::No,
            };
            assert_eq!(reason.cell, cell, "{} {question:?}", reason.tool);
        }
        let roles: Vec<_> = explained
            .roles
            .iter()
            .filter(|it| it.counts)
            .map(|it| it.role.clone())
            .collect();
        assert_eq!(roles, terms.roles());
    }
    assert!(granted > 20, "{granted}");
    // Every refusal but the one that this policy cannot give: each route leaves a tool.
    assert_eq!(
        refused.len(),
        hallpass_policy::PolicyRefusal::ALL.len() - 1,
        "{refused:?}"
    );
}

#[test]
fn a_tool_is_told_with_every_grant_that_gives_it() {
    let policy = policy();
    let asked = |roles: &[&str]| {
        let mut question = questions().remove(0);
        question.verified = Some(Verified {
            roles: roles.iter().map(|role| role.parse().unwrap()).collect(),
        });
        policy.explain(&question)
    };
    let both = asked(&["support", "lead", "reader"]);
    let update = both
        .tools
        .iter()
        .find(|it| it.tool.as_str() == "ticket.update")
        .unwrap();
    // An approval anywhere is an approval; a grant without caveats frees.
    assert_eq!(update.cell, Cell::Approval);
    let sources: Vec<String> = update
        .grants
        .iter()
        .map(|it| it.source.to_string())
        .collect();
    assert_eq!(sources, ["role `lead`", "role `support`"]);
    assert_eq!(
        update.grants[0].reason.as_deref(),
        Some("Leads know what they do.")
    );
    assert_eq!(update.grants[1].caveats, ["/status one of open, pending"]);
    assert!(update.grants[1].with_approval && !update.grants[0].with_approval);
    let close = both
        .tools
        .iter()
        .find(|it| it.tool.as_str() == "ticket.close")
        .unwrap();
    assert!(close.denied && close.cell == Cell::No);
    assert_eq!(close.grants[0].source, GrantSource::Route);
    let words: Vec<String> = both
        .roles
        .iter()
        .map(|it| format!("{} {}: {}", it.role, it.counts, it.words))
        .collect();
    assert_eq!(
        words,
        [
            "lead true: the subject's token says it, and the route admits it",
            "reader true: the route gives it to every subject",
            "support true: the subject's token says it, and the route admits it",
        ]
    );
    assert_eq!(asked(&["support"]).tools[2].cell, Cell::ApprovalBound);
}

#[test]
fn the_grid_is_what_explanations_say() {
    let policy = policy();
    let grid = policy.grid();
    let rows: Vec<String> = grid
        .rows
        .iter()
        .map(|row| {
            let role = row.role.as_ref().map_or("any", |role| role.as_str());
            let cells: Vec<&str> = row.cells.iter().map(|cell| cell.as_str()).collect();
            format!("{} {role}: {}", row.route, cells.join(" | "))
        })
        .collect();
    assert_eq!(
        rows,
        [
            "/desk any: yes | - | -",
            "/desk lead: yes | - | yes",
            "/desk support: yes | - | approval, bound",
            "/open any: yes | - | -",
        ]
    );
}
