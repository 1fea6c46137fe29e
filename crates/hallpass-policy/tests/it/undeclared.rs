//! Policies of release 0.1.0: no file declares a client or a role, and routes name them all.

use hallpass_policy::{
    ChangeKind, Direction, MintRequest, Policy, PolicyFiles, PolicyRefusal, Terms,
};

/// The starter policy that release wrote.
const RELEASED: &str =
    include_str!("../../../../testdata/golden/authority-0.1.0/authority/policy/starter.toml");

const TOOLS: &str = r#"
[tools."kb.search"]
audience = "kb"
impact = "read"
summary = "Search"
"#;

const ROUTE: &str = r#"
[routes."/r"]
summary = "A route"
clients = ["desk", "batch-*"]
tenants = ["acme"]
actors = "agent:*"
roles = ["reader", "writer"]
allow = ["kb.search"]
ttl_seconds = 60
proof = "waived"
"#;

const DECLARED: &str = r#"
[clients.desk]
summary = "The desk"
actors = "agent:*"
[clients.batch-1]
summary = "A batch"
actors = "agent:batch-*"
"#;

const ROLES: &str = "[roles.reader]\nsummary = \"s\"\n[roles.writer]\nsummary = \"s\"\n";

fn parse(files: &[&str]) -> Result<Policy, String> {
    let text = files.join("\n");
    Policy::parse(&PolicyFiles::from([("p.toml", &*text)])).map_err(|errors| errors.to_string())
}

fn decide(policy: &Policy, client: &str, actor: &str) -> Result<Terms, PolicyRefusal> {
    policy.decide(&MintRequest {
        client: &client.parse().unwrap(),
        environment: &"dev".parse().unwrap(),
        route: &"/r".parse().unwrap(),
        tenant: &"acme".parse().unwrap(),
        subject: &"user:alice".parse().unwrap(),
        verified: None,
        actor: &actor.parse().unwrap(),
        tools: None,
        ttl: None,
    })
}

fn warnings(policy: &Policy) -> Vec<String> {
    policy.warnings().iter().map(ToString::to_string).collect()
}

#[test]
fn the_starter_policy_of_0_1_0_holds_together_and_is_asked_about_once() {
    let policy = parse(&[RELEASED]).unwrap();
    assert!(!policy.declares_clients());
    let said = warnings(&policy);
    let undeclared: Vec<_> = said
        .iter()
        .filter(|it| it.contains("not declared"))
        .collect();
    assert_eq!(
        undeclared,
        [
            "p.toml:46: clients are not declared: every name that a route's `clients` fit is one, and may name any agent of \
             that route"
        ]
    );
    let others: Vec<_> = said
        .iter()
        .filter(|it| it.contains("nobody can use it") || it.contains("no route is for it"))
        .collect();
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn whoever_a_route_names_is_a_client_and_nobody_else() {
    let policy = parse(&[TOOLS, ROUTE]).unwrap();
    for client in ["desk", "batch-1", "batch-2"] {
        assert!(decide(&policy, client, "agent:any").is_ok(), "{client}");
        let id = client.parse().unwrap();
        assert!(policy.client(&id).unwrap().workload().is_none());
        assert_eq!(
            policy.client_mints_per_minute(&id),
            policy.limits().client_mints_per_minute()
        );
    }
    let named: Vec<_> = policy
        .clients()
        .map(|(client, _)| client.as_str())
        .collect();
    assert_eq!(named, ["desk"]);
    for stranger in ["des", "desk-1", "batc", "other"] {
        assert_eq!(policy.client(&stranger.parse().unwrap()), None);
        let refused = decide(&policy, stranger, "agent:any");
        assert_eq!(refused, Err(PolicyRefusal::ClientNotAllowed), "{stranger}");
    }
    let narrower = ROUTE.replace("agent:*", "agent:r-*");
    let policy = parse(&[TOOLS, &narrower]).unwrap();
    let refused = decide(&policy, "batch-1", "agent:any");
    assert_eq!(refused, Err(PolicyRefusal::ActorNotAllowed));
}

#[test]
fn roles_of_routes_are_names_without_grants() {
    let policy = parse(&[TOOLS, ROUTE]).unwrap();
    let terms = decide(&policy, "desk", "agent:any").unwrap();
    let roles: Vec<_> = terms.roles().iter().map(|role| role.as_str()).collect();
    assert_eq!(roles, ["reader", "writer"]);
    assert_eq!(terms.tools().len(), 1);
    assert!(terms.caveats().is_empty());
    assert!(policy.role(&"other".parse().unwrap()).is_none());
    assert_eq!(
        warnings(&policy),
        [
            "p.toml:10: clients are not declared: every name that a route's `clients` fit is one, and may name any agent of \
             that route",
            "p.toml:13: roles are not declared: those that routes give are names, and grant nothing",
        ]
    );
    // A subject's own roles came with declared ones.
    let admitted = ROUTE.replace("allow =", "subject_roles = [\"lead\"]\nallow =");
    let refused = parse(&[TOOLS, &admitted]).unwrap_err();
    assert!(refused.contains("no role `lead` is defined"), "{refused}");
}

#[test]
fn one_declaration_and_everything_is_strict() {
    let client = "[clients.desk]\nsummary = \"s\"\nactors = \"agent:*\"\n";
    let refused = parse(&[TOOLS, ROUTE, client]).unwrap_err();
    assert!(
        refused.contains("no client `batch-*` is defined"),
        "{refused}"
    );
    assert!(!refused.contains("role"), "{refused}");
    let role = "[roles.reader]\nsummary = \"s\"\n";
    let refused = parse(&[TOOLS, ROUTE, role]).unwrap_err();
    assert!(refused.contains("no role `writer` is defined"), "{refused}");
    assert!(!refused.contains("client"), "{refused}");
    let policy = parse(&[TOOLS, ROUTE, DECLARED, ROLES]).unwrap();
    assert_eq!(warnings(&policy), Vec::<String>::new());
    // In whichever file.
    let files = [("a.toml", ROUTE), ("b.toml", client), ("c.toml", TOOLS)];
    let refused = Policy::parse(&PolicyFiles::from(files)).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("no client `batch-*` is defined")
    );
}

/// Each difference between the two, as it is said.
fn said(from: &Policy, to: &Policy) -> Vec<String> {
    let changes = from.changes_to(to);
    let mut said = Vec::new();
    for change in changes {
        if change.direction() != Direction::Neutral {
            said.push(format!("{} {change}", change.direction().as_str()));
        }
    }
    said
}

#[test]
fn to_declare_no_longer_is_a_widening_and_to_declare_a_narrowing() {
    let before = parse(&[TOOLS, ROUTE, ROLES, DECLARED]).unwrap();
    let after = parse(&[TOOLS, ROUTE, ROLES]).unwrap();
    assert_eq!(
        said(&before, &after),
        [
            "widening clients: they are not declared: whoever a route names is one, and may name any agent of that route",
            "widening route `/r`: further clients may use it: `batch-*`",
        ]
    );
    assert_eq!(
        said(&after, &before),
        [
            "narrowing clients: they are declared",
            "narrowing route `/r`: `batch-1` may name agents `agent:batch-*`, no longer `agent:*`",
            "narrowing route `/r`: clients may no longer use it: `batch-*`",
        ]
    );
    // Where it changes nothing else.
    let one = ROUTE.replace(", \"batch-*\"", "");
    let desk = "[clients.desk]\nsummary = \"s\"\nactors = \"agent:*\"\n";
    let before = parse(&[TOOLS, &one, ROLES, desk]).unwrap();
    let after = parse(&[TOOLS, &one, ROLES]).unwrap();
    let changes = before.changes_to(&after);
    let widenings: Vec<_> = changes
        .iter()
        .filter(|it| it.direction() == Direction::Widening)
        .map(|it| it.kind())
        .collect();
    assert_eq!(widenings, [ChangeKind::ClientsDeclared]);
}

#[test]
fn patterns_of_undeclared_clients_are_compared_by_whom_they_fit() {
    let with = |clients: &str| {
        let route = ROUTE.replace("\"desk\", \"batch-*\"", clients);
        parse(&[TOOLS, ROLES, &route]).unwrap()
    };
    let (wide, narrow) = (with("\"batch-*\""), with("\"batch-1\", \"batch-x-*\""));
    assert_eq!(
        said(&wide, &narrow),
        ["narrowing route `/r`: clients may no longer use it: `batch-*`"]
    );
    assert_eq!(
        said(&narrow, &wide),
        ["widening route `/r`: further clients may use it: `batch-*`"]
    );
}
