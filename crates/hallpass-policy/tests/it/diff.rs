//! Every kind of change: its direction and its sentence.

use std::collections::BTreeSet;

use hallpass_policy::{Change, ChangeKind, Direction, Policy, PolicyFiles};

use crate::diff_policy::POLICY;

fn parse(text: &str) -> Policy {
    match Policy::parse(&PolicyFiles::from([("it.toml", text)])) {
        Ok(policy) => policy,
        Err(errors) => panic!("{errors}"),
    }
}

/// The policy with these texts replaced, one after the other.
fn rewritten(replace: &[(&str, &str)]) -> String {
    let mut text = POLICY.to_owned();
    for (from, to) in replace {
        assert!(text.contains(from), "`{from}` is not in the policy");
        text = text.replace(from, to);
    }
    text
}

fn changes(replace: &[(&str, &str)]) -> Vec<Change> {
    parse(POLICY).changes_to(&parse(&rewritten(replace)))
}

fn said(changes: &[Change]) -> String {
    let lines: Vec<String> = changes
        .iter()
        .map(|it| {
            format!(
                "{:<9} {:<18} {it}",
                it.direction().as_str(),
                it.kind().as_str()
            )
        })
        .collect();
    lines.join("\n")
}

const OTHER_KEY: &str = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025";

#[test]
fn every_kind_of_change_has_its_sentence() {
    let another_tool = "[tools.\"ticket.read\"]\naudience = \"tickets\"\nimpact = \"read\"\nsummary = \"x\"\n\n[clients.desk]";
    let another_route = "[routes.\"/other\"]\nsummary = \"x\"\nclients = [\"spare\"]\ntenants = [\"*\"]\nactors = \"agent:*\"\nallow = [\"kb.search\"]\nrequire_approval = [\"ticket.close\"]\nttl_seconds = 60\nproof = \"writes\"\n\n[operators.\"op:dana\"]";
    let another_operator = format!(
        "[operators.\"op:li\"]\nperson = \"li\"\nkeys = [\"{OTHER_KEY}\"]\nroles = [\"admin\"]\n\n[groups.leads]"
    );
    let both_keys = format!("12af4660c\", \"{OTHER_KEY}\"]");
    let spare = "[clients.spare]\nsummary = \"Another desk\"\nactors = \"agent:spare-*\"\n";
    let (_, both_clients) = POLICY.split_once("[clients.desk]").unwrap();
    let (both_clients, _) = both_clients.split_once("[issuers.cluster]").unwrap();
    let both_clients = format!("[clients.desk]{both_clients}");
    let leads = "[groups.leads]\nsummary = \"Who may approve\"\nmembers = [\"op:dana\"]\n";
    let another_group =
        format!("{leads}\n[groups.more]\nsummary = \"x\"\nmembers = [\"op:dana\"]\n");
    let close = "[tools.\"ticket.close\"]\naudience = \"tickets\"\nimpact = \"destructive\"\nsummary = \"Close a ticket\"\n";
    let another_issuer = "[issuers.other]\nissuer = \"https://other.example\"\naudience = \"hallpass\"\nalgorithms = [\"EdDSA\"]\nfor = [\"subjects\"]\n\n[roles.reader]";
    let waived = "allow = [\"ticket.update\"]\nwithout_approval = { \"ticket.update\" = \"It can be changed back.\" }";
    // Each there and back: what narrows one way must widen the other, or change nothing both ways.
    let cases: &[(&str, &[(&str, &str)])] = &[
        (
            "route: client",
            &[("clients = [\"desk\"]", "clients = [\"desk\", \"spare\"]")],
        ),
        (
            "route: every client",
            &[("clients = [\"desk\"]", "clients = [\"*\"]")],
        ),
        (
            "route: actors",
            &[(
                "environments = [\"dev\", \"prod\"]\nactors = \"agent:*\"",
                "environments = [\"dev\", \"prod\"]\nactors = \"agent:desk-*\"",
            )],
        ),
        (
            "client: actors",
            &[(
                "summary = \"The desk\"\nactors = \"agent:*\"",
                "summary = \"The desk\"\nactors = \"agent:desk\"",
            )],
        ),
        ("route: tenants", &[("\"globex\"", "\"initech\"")]),
        (
            "route: every tenant",
            &[("[\"acme\", \"globex\"]", "[\"*\"]")],
        ),
        ("route: environments", &[("\"dev\", \"prod\"", "\"dev\"")]),
        (
            "route: every environment",
            &[("environments = [\"dev\", \"prod\"]\n", "")],
        ),
        ("route: verified", &[("verified = true\n", "")]),
        (
            "route: tool",
            &[(
                "allow = [\"kb.search\"]\nrequire_approval = [\"ticket.close\"]\ndeny",
                "allow = []\nrequire_approval = [\"ticket.close\"]\ndeny",
            )],
        ),
        (
            "route: approval",
            &[
                (
                    "require_approval = [\"ticket.close\"]\ndeny",
                    "allow = [\"ticket.close\"]\nwithout_approval = { \"ticket.close\" = \"Nobody minds this.\" }\ndeny",
                ),
                ("allow = [\"kb.search\"]\nallow = ", "allow = "),
            ],
        ),
        (
            "route: deny",
            &[("deny = []", "deny = [\"ticket.update\", \"ticket.close\"]")],
        ),
        (
            "route: deny of what nobody gives",
            &[
                ("deny = []", "deny = [\"ticket.update\"]"),
                (
                    "subject_roles = [\"support\"]\n",
                    "subject_roles = [\"reader\"]\n",
                ),
            ],
        ),
        (
            "route: subject roles",
            &[(
                "subject_roles = [\"support\"]",
                "subject_roles = [\"reader\"]",
            )],
        ),
        (
            "route: roles",
            &[("verified = true", "verified = true\nroles = [\"reader\"]")],
        ),
        ("route: life", &[("ttl_seconds = 600", "ttl_seconds = 900")]),
        (
            "route: run",
            &[("run_max_seconds = 3600", "run_max_seconds = 7200")],
        ),
        ("route: run by default", &[("run_max_seconds = 3600\n", "")]),
        ("route: budget", &[("{ calls = 100 }", "{ calls = 10 }")]),
        (
            "route: no budget",
            &[("{ calls = 100 }", "{ usd_micros = 5 }")],
        ),
        ("route: proof", &[("\"writes\"", "\"always\"")]),
        (
            "route: no proof",
            &[(
                "proof = \"writes\"",
                "proof = \"waived\"\nwaiver = \"Nobody can prove yet.\"",
            )],
        ),
        ("route: new", &[("[operators.\"op:dana\"]", another_route)]),
        (
            "role: waives an approval",
            &[("require_approval = [\"ticket.update\"]", waived)],
        ),
        ("role: caveat", &[("open, pending", "open")]),
        (
            "role: no caveat",
            &[(
                "caveats = [\"for ticket.update: /status one of open, pending\"]\n",
                "",
            )],
        ),
        (
            "role: a caveat more",
            &[(
                "open, pending\"",
                "open, pending\", \"for ticket.update: /n<=1\"",
            )],
        ),
        (
            "role: a tool",
            &[(
                "summary = \"Reads\"\nallow = [\"kb.search\"]",
                "summary = \"Reads\"\nallow = []\nrequire_approval = [\"ticket.close\", \"ticket.update\"]",
            )],
        ),
        ("role: includes", &[("includes = [\"reader\"]\n", "")]),
        (
            "role: new",
            &[(
                "[roles.support]",
                "[roles.more]\nsummary = \"x\"\nallow = [\"ticket.close\"]\nwithout_approval = { \"ticket.close\" = \"Nobody minds this.\" }\n\n[roles.support]",
            )],
        ),
        ("client: identity", &[("system:desk", "system:other")]),
        ("client: claims", &[("claims = { zone = \"a\" }\n", "")]),
        (
            "client: no identity",
            &[(
                "issuer = \"cluster\"\nsubject = \"system:desk\"\nclaims = { zone = \"a\" }\n",
                "",
            )],
        ),
        (
            "client: rate",
            &[("mints_per_minute = 60\n", "mints_per_minute = 61\n")],
        ),
        (
            "client: no rate of its own",
            &[("mints_per_minute = 60\nissuer", "issuer")],
        ),
        ("client: gone", &[(spare, "")]),
        (
            "limits",
            &[
                (
                    "client_mints_per_minute = 600\n",
                    "client_mints_per_minute = 601\n",
                ),
                (
                    "tenant_mints_per_minute = 6000\n",
                    "tenant_mints_per_minute = 5000\n",
                ),
            ],
        ),
        (
            "issuer: iss",
            &[(
                "issuer = \"https://cluster.example\"",
                "issuer = \"https://other.example\"",
            )],
        ),
        (
            "issuer: audience",
            &[("audience = \"hallpass\"", "audience = \"other\"")],
        ),
        (
            "issuer: keys",
            &[(
                "jwks_url = \"https://cluster.example/keys\"",
                "jwks_file = \"keys.json\"",
            )],
        ),
        (
            "issuer: discovery and certificates",
            &[(
                "jwks_url = \"https://cluster.example/keys\"",
                "ca_file = \"ca.pem\"",
            )],
        ),
        (
            "issuer: algorithms",
            &[("[\"ES256\"]", "[\"ES256\", \"EdDSA\"]")],
        ),
        (
            "issuer: whom",
            &[
                ("for = [\"clients\", \"subjects\"]", "for = [\"clients\"]"),
                (
                    "roles_claim = \"groups\"\nroles = { team = \"support\" }\ntenant_claim = \"org\"\n",
                    "",
                ),
                ("verified = true\nsubject_roles = [\"support\"]\n", ""),
            ],
        ),
        (
            "issuer: subjects",
            &[("tenant_claim", "subject_claim = \"email\"\ntenant_claim")],
        ),
        (
            "issuer: tenant",
            &[("tenant_claim = \"org\"", "tenant_claim = \"company\"")],
        ),
        ("issuer: no tenant", &[("tenant_claim = \"org\"\n", "")]),
        (
            "issuer: roles",
            &[(
                "team = \"support\"",
                "team = \"support\", crew = \"reader\"",
            )],
        ),
        ("issuer: new", &[("[roles.reader]", another_issuer)]),
        (
            "operator: roles",
            &[("[\"auditor\"]", "[\"auditor\", \"admin\"]")],
        ),
        ("operator: keys", &[("12af4660c\"]", &both_keys)]),
        (
            "operator: person",
            &[("person = \"dana\"", "person = \"somebody\"")],
        ),
        ("operator: new", &[("[groups.leads]", &another_operator)]),
        (
            "group: members",
            &[
                ("[groups.leads]", &another_operator),
                (
                    "members = [\"op:dana\"]",
                    "members = [\"op:dana\", \"op:li\"]",
                ),
            ],
        ),
        ("group: new", &[(leads, &another_group)]),
        (
            "tool: audience",
            &[
                (
                    "[tools.\"ticket.close\"]\naudience = \"tickets\"",
                    "[tools.\"ticket.close\"]\naudience = \"archive\"",
                ),
                ("proof = \"writes\"", "proof = \"always\""),
            ],
        ),
        ("tool: impact", &[("\"destructive\"", "\"write\"")]),
        (
            "tool: recorded",
            &[("recorded = [\"/id\"]", "recorded = [\"/id\", \"/status\"]")],
        ),
        (
            "tool: sensitive",
            &[(
                "sensitive = [\"/note\"]",
                "sensitive = [\"/note\", \"/iban\"]",
            )],
        ),
        (
            "tool: schema",
            &[(
                "undo = ",
                "schema = { type = \"object\", properties = {} }\nundo = ",
            )],
        ),
        (
            "tool: limits",
            &[("calls_per_minute = 60", "calls_per_minute = 61")],
        ),
        (
            "tool: no limits",
            &[("limits = { calls_per_minute = 60 }\n", "")],
        ),
        ("tool: card", &[("\"Change it back\"", "\"Nobody can\"")]),
        ("tool: new", &[("[clients.desk]", another_tool)]),
        (
            "tool: gone",
            &[(close, ""), ("require_approval = [\"ticket.close\"]\n", "")],
        ),
        ("clients: not declared", &[(&both_clients, "")]),
        (
            "words",
            &[
                ("Work at the desk", "Work"),
                ("\"Reads\"", "\"Reads it\""),
                ("\"Search\"", "\"Find\""),
            ],
        ),
    ];
    let mut shown = String::new();
    let mut kinds = BTreeSet::new();
    for (name, replace) in cases {
        let there = changes(replace);
        let back = parse(&rewritten(replace)).changes_to(&parse(POLICY));
        assert!(!there.is_empty() && !back.is_empty(), "{name}");
        kinds.extend(there.iter().chain(&back).map(Change::kind));
        shown.push_str(&format!(
            "# {name}\n{}\n# and back\n{}\n\n",
            said(&there),
            said(&back)
        ));
    }
    let missing: Vec<_> = ChangeKind::ALL
        .iter()
        .filter(|it| !kinds.contains(it))
        .collect();
    assert!(missing.is_empty(), "no case of {missing:?}");
    insta::assert_snapshot!(shown);
}

#[test]
fn the_same_policy_changes_nothing() {
    assert_eq!(changes(&[]), []);
    // In another order, under another name, in two files, and with comments.
    let (tools, rest) = POLICY.split_once("[clients.desk]").unwrap();
    let rest = format!("# a comment\n[clients.desk]{rest}");
    let moved = Policy::parse(&PolicyFiles::from([("a.toml", &*rest), ("b.toml", tools)])).unwrap();
    assert_eq!(parse(POLICY).changes_to(&moved), []);
    assert_ne!(parse(POLICY).digest(), moved.digest());
}

/// What a request gets is the same, so nothing widens and nothing narrows.
#[test]
fn a_grant_that_moved_is_no_change() {
    let cases: &[(&str, &[(&str, &str)])] = &[
        (
            "from an included role to the one that includes it",
            &[
                (
                    "summary = \"Reads\"\nallow = [\"kb.search\"]",
                    "summary = \"Reads\"",
                ),
                (
                    "includes = [\"reader\"]",
                    "includes = [\"reader\"]\nallow = [\"kb.search\"]",
                ),
            ],
        ),
        (
            "what the route gives anyway, from the role",
            &[(
                "summary = \"Reads\"\nallow = [\"kb.search\"]",
                "summary = \"Reads\"",
            )],
        ),
        (
            "given and denied",
            &[(
                "require_approval = [\"ticket.close\"]\ndeny = []",
                "require_approval = [\"ticket.close\"]\ndeny = []\n",
            )],
        ),
        (
            "a caveat without its tools, where the grant has only that tool",
            &[("for ticket.update: /status", "/status")],
        ),
        (
            "a client by its pattern",
            &[("clients = [\"desk\"]", "clients = [\"des*\"]")],
        ),
        (
            "agents narrowed twice",
            &[(
                "environments = [\"dev\", \"prod\"]\nactors = \"agent:*\"",
                "environments = [\"dev\", \"prod\"]\nactors = \"agent:*\"",
            )],
        ),
    ];
    for (name, replace) in cases {
        let found = changes(replace);
        let effective: Vec<_> = found
            .iter()
            .filter(|it| it.direction() != Direction::Neutral)
            .collect();
        assert!(effective.is_empty(), "{name}: {effective:?}");
    }
}

#[test]
fn widenings_come_first_and_kinds_have_words_of_their_own() {
    let found = changes(&[
        ("\"globex\"", "\"initech\""),
        ("Work at", "At"),
        ("= 600\n", "= 60\n"),
    ]);
    let directions: Vec<_> = found.iter().map(Change::direction).collect();
    assert_eq!(directions.first(), Some(&Direction::Widening));
    assert_eq!(directions.last(), Some(&Direction::Neutral));
    let words: BTreeSet<_> = ChangeKind::ALL.iter().map(|it| it.as_str()).collect();
    assert_eq!(words.len(), ChangeKind::ALL.len());
    assert!(ChangeKind::ALL.is_sorted_by_key(|it| it.as_str()));
}

/// What one sentence says of both is not the same for that.
#[test]
fn issuers_that_differ_and_read_alike_are_told_apart() {
    let issuer = |lines: &str| {
        format!(
            "{POLICY}\n[issuers.odd]\nissuer = \"https://odd.example\"\naudience = \"hallpass\"\nalgorithms = [\"EdDSA\"]\nfor = [\"subjects\"]\n{lines}\n"
        )
    };
    let old = issuer("roles_claim = \"a=b\"\nroles = { \"c\" = \"reader\" }");
    let new = issuer("roles_claim = \"a\"\nroles = { \"b=c\" = \"reader\" }");
    let changes = parse(&old).changes_to(&parse(&new));
    let wider = changes
        .iter()
        .any(|it| it.direction() == Direction::Widening);
    assert!(wider, "{}", said(&changes));
}
