//! Each refusal, and what narrowing does.

use std::time::Duration;

use hallpass_policy::{MintRequest, Policy, PolicyFiles, PolicyRefusal, Terms, Verified, starter};
use hallpass_token::BudgetUnit;
use hallpass_vocabulary::ToolName;

/// Beside the starter policy: what it has no example of.
const FURTHER: &str = r#"
[clients.night]
summary = "Works at night, with one agent"
actors = "agent:owl"

[issuers.staff]
issuer = "https://id.example.com"
audience = "hallpass"
algorithms = ["EdDSA"]
for = ["subjects"]

[routes."/night"]
summary = "Verified work in production, within bounds"
clients = ["night"]
tenants = ["acme"]
environments = ["prod"]
actors = "agent:*"
verified = true
subject_roles = ["triage"]
allow = ["kb.search"]
ttl_seconds = 60
run_max_seconds = 120
proof = "always"
budgets = { calls = 25 }
"#;

struct Ask {
    client: &'static str,
    route: &'static str,
    tenant: &'static str,
    actor: &'static str,
    tools: Option<Vec<&'static str>>,
    ttl_seconds: Option<u64>,
    environment: &'static str,
    proven: Option<&'static [&'static str]>,
}

const GOOD: Ask = Ask {
    client: "demo-orchestrator",
    route: "/support/send",
    tenant: "acme",
    actor: "agent:support-bot",
    tools: None,
    ttl_seconds: None,
    environment: "dev",
    proven: None,
};

const NIGHT: Ask = Ask {
    client: "night",
    route: "/night",
    actor: "agent:owl",
    environment: "prod",
    proven: Some(&["triage"]),
    ..GOOD
};

fn decide(ask: &Ask) -> Result<Terms, PolicyRefusal> {
    let files = PolicyFiles::from([("starter.toml", starter()), ("further.toml", FURTHER)]);
    let policy = Policy::parse(&files).unwrap();
    let verified = ask.proven.map(|roles| Verified {
        roles: roles.iter().map(|role| role.parse().unwrap()).collect(),
    });
    let tools: Option<Vec<ToolName>> = ask
        .tools
        .as_ref()
        .map(|tools| tools.iter().map(|t| t.parse().unwrap()).collect());
    policy.decide(&MintRequest {
        client: &ask.client.parse().unwrap(),
        route: &ask.route.parse().unwrap(),
        tenant: &ask.tenant.parse().unwrap(),
        subject: &"user:alice".parse().unwrap(),
        verified: verified.as_ref(),
        environment: &ask.environment.parse().unwrap(),
        actor: &ask.actor.parse().unwrap(),
        tools: tools.as_deref(),
        ttl: ask.ttl_seconds.map(Duration::from_secs),
    })
}

fn names<'a>(tools: impl IntoIterator<Item = &'a ToolName>) -> Vec<&'a str> {
    tools.into_iter().map(ToolName::as_str).collect()
}

#[test]
fn the_whole_route_when_nothing_is_narrowed() {
    let terms = decide(&GOOD).unwrap();
    assert_eq!(names(terms.tools()), ["kb.search", "tickets.get"]);
    assert_eq!(names(terms.needs_approval()), ["ticket.update"]);
    assert_eq!(terms.audiences().len(), 1);
    assert_eq!(terms.ttl(), Duration::from_secs(600));
}

#[test]
fn each_refusal() {
    let cases = [
        (
            "route_unknown",
            Ask {
                route: "/support/other",
                ..GOOD
            },
        ),
        (
            "client_not_allowed",
            Ask {
                client: "someone-else",
                ..GOOD
            },
        ),
        (
            "client_not_allowed",
            Ask {
                client: "undeclared",
                ..GOOD
            },
        ),
        (
            "environment_not_allowed",
            Ask {
                environment: "dev",
                ..NIGHT
            },
        ),
        (
            "subject_unverified",
            Ask {
                proven: None,
                ..NIGHT
            },
        ),
        (
            "actor_not_allowed",
            Ask {
                // The route has it, the client has not.
                actor: "agent:lark",
                ..NIGHT
            },
        ),
        (
            "tool_not_in_route",
            Ask {
                tools: Some(vec!["ticket.close"]),
                proven: Some(&["reader"]),
                ..NIGHT
            },
        ),
        (
            "tenant_not_allowed",
            Ask {
                tenant: "initech",
                ..GOOD
            },
        ),
        (
            "actor_not_allowed",
            Ask {
                route: "/ops/triage",
                ..GOOD
            },
        ),
        (
            "tool_not_in_route",
            Ask {
                tools: Some(vec!["kb.search", "ticket.close"]),
                ..GOOD
            },
        ),
        (
            "tool_not_in_route",
            Ask {
                tools: Some(vec!["no.such_tool"]),
                ..GOOD
            },
        ),
        (
            "tools_empty",
            Ask {
                tools: Some(vec![]),
                ..GOOD
            },
        ),
        (
            "ttl_too_long",
            Ask {
                ttl_seconds: Some(601),
                ..GOOD
            },
        ),
        (
            "ttl_too_short",
            Ask {
                ttl_seconds: Some(0),
                ..GOOD
            },
        ),
    ];
    for (code, ask) in &cases {
        assert_eq!(decide(ask).unwrap_err().code(), *code);
    }
    for refusal in PolicyRefusal::ALL {
        assert!(
            cases.iter().any(|(code, _)| *code == refusal.code()),
            "{refusal:?} is not tried"
        );
    }
}

#[test]
fn the_first_failure_wins_and_a_client_learns_nothing_of_a_route_it_may_not_use() {
    let everything_wrong = Ask {
        client: "someone-else",
        environment: "staging",
        tenant: "initech",
        tools: Some(vec!["no.such_tool"]),
        ttl_seconds: Some(9000),
        ..GOOD
    };
    let hidden = decide(&everything_wrong).unwrap_err();
    let absent = decide(&Ask {
        route: "/nothing/here",
        ..everything_wrong
    })
    .unwrap_err();
    assert_ne!(hidden, absent);
    assert_eq!(hidden.public_code(), absent.public_code());
}

#[test]
fn the_order_of_the_checks_is_the_one_on_the_page() {
    // Everything is wrong; each step mends what was told.
    let mut ask = Ask {
        client: "demo-orchestrator",
        tenant: "initech",
        environment: "dev",
        proven: None,
        actor: "agent:lark",
        tools: Some(vec!["no.such_tool"]),
        ttl_seconds: Some(9000),
        ..NIGHT
    };
    let mut told = Vec::new();
    let mends: [fn(&mut Ask); 7] = [
        |ask| ask.client = NIGHT.client,
        |ask| ask.environment = NIGHT.environment,
        |ask| ask.tenant = NIGHT.tenant,
        |ask| ask.proven = NIGHT.proven,
        |ask| ask.actor = NIGHT.actor,
        |ask| ask.tools = None,
        |ask| ask.ttl_seconds = None,
    ];
    for mend in mends {
        told.push(decide(&ask).unwrap_err().code());
        mend(&mut ask);
    }
    assert!(decide(&ask).is_ok());
    assert_eq!(
        told,
        [
            "client_not_allowed",
            "environment_not_allowed",
            "tenant_not_allowed",
            "subject_unverified",
            "actor_not_allowed",
            "tool_not_in_route",
            "ttl_too_long",
        ]
    );
}

#[test]
fn terms_say_what_the_run_is_bound_by() {
    let terms = decide(&NIGHT).unwrap();
    assert_eq!(terms.run_max(), Duration::from_secs(120));
    assert_eq!(terms.budgets().get(&BudgetUnit::Calls), Some(&25));
    assert_eq!(terms.budgets().len(), 1);
    let roles: Vec<_> = terms.roles().iter().map(|role| role.as_str()).collect();
    assert_eq!(roles, ["reader", "triage"]);
    let caveats: Vec<_> = terms.caveats().iter().map(ToString::to_string).collect();
    assert_eq!(caveats, ["for ticket.close: only arguments id, reason"]);
    let plain = decide(&GOOD).unwrap();
    assert_eq!(plain.run_max(), Duration::from_secs(24 * 60 * 60));
    assert!(plain.budgets().is_empty() && plain.caveats().is_empty());
}

#[test]
fn a_narrower_request_carries_only_the_caveats_of_its_tools() {
    let ask = Ask {
        tools: Some(vec!["ticket.update", "kb.search"]),
        ..NIGHT
    };
    assert_eq!(decide(&ask).unwrap().caveats(), []);
}

#[test]
fn narrowing_keeps_each_tool_on_its_side() {
    let ask = Ask {
        tools: Some(vec!["ticket.update", "kb.search", "kb.search"]),
        ttl_seconds: Some(60),
        ..GOOD
    };
    let terms = decide(&ask).unwrap();
    assert_eq!(names(terms.tools()), ["kb.search"]);
    assert_eq!(names(terms.needs_approval()), ["ticket.update"]);
    assert_eq!(terms.ttl(), Duration::from_secs(60));
}

#[test]
fn narrowing_drops_the_services_of_the_tools_left_out() {
    let text = r#"
        [clients.c]
        summary = "client"
        actors = "agent:*"
        [tools."a.read"]
        audience = "one"
        impact = "read"
        summary = "read"
        [tools."b.read"]
        audience = "two"
        impact = "read"
        summary = "read"
        [routes."/r"]
        summary = "both"
        clients = ["c"]
        tenants = ["t"]
        actors = "agent:x"
        allow = ["a.read", "b.read"]
        ttl_seconds = 60
        proof = "always"
    "#;
    let policy = Policy::parse(&[("p.toml", text)].into()).unwrap();
    let (client, route, tenant) = (
        "c".parse().unwrap(),
        "/r".parse().unwrap(),
        "t".parse().unwrap(),
    );
    let (subject, actor) = ("user:u".parse().unwrap(), "agent:x".parse().unwrap());
    let only = ["b.read".parse().unwrap()];
    let whole = MintRequest {
        client: &client,
        route: &route,
        tenant: &tenant,
        subject: &subject,
        verified: None,
        environment: &hallpass_vocabulary::Environment::new("dev").unwrap(),
        actor: &actor,
        tools: None,
        ttl: None,
    };
    let audiences = |request| {
        let terms = policy.decide(&request).unwrap();
        terms
            .audiences()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(audiences(whole), ["one", "two"]);
    assert_eq!(
        audiences(MintRequest {
            tools: Some(&only),
            ..whole
        }),
        ["two"]
    );
}
