//! What the sections around tools and routes may not say, and how precisely it is told.

use std::fmt::Write;

use hallpass_keys::{Purpose, SigningKey};
use hallpass_policy::{Algorithm, KeySource, Policy, PolicyFiles, Undo, Vouches};

const BASE: &str = r#"[tools."kb.search"]
audience = "kb"
impact = "read"
summary = "Search"
[tools."ticket.update"]
audience = "kb"
impact = "write"
summary = "Update"
[clients.desk]
summary = "The desk"
actors = "agent:*"
mints_per_minute = 60
issuer = "cluster"
subject = "sa:desk"
claims = { ns = "agents" }
[issuers.cluster]
issuer = "https://cluster.example"
audience = "hallpass"
algorithms = ["ES256", "RS256"]
for = ["clients"]
[issuers.staff]
issuer = "https://staff.example"
audience = "hallpass"
algorithms = ["EdDSA"]
for = ["subjects"]
roles_claim = "groups"
roles = { "support-team" = "support" }
[roles.reader]
summary = "Reads"
allow = ["kb.search"]
[roles.support]
summary = "Answers"
includes = ["reader"]
require_approval = ["ticket.update"]
caveats = ["for ticket.update: /n<=1"]
[operators."op:dana"]
person = "dana"
keys = ["KEY1"]
roles = ["admin"]
[operators."op:li"]
person = "li"
keys = ["KEY2"]
roles = ["auditor", "approver"]
[groups.leads]
summary = "Leads"
members = ["op:dana", "op:li"]
[limits]
client_mints_per_minute = 100
[routes."/r"]
summary = "A route"
clients = ["desk"]
tenants = ["acme"]
actors = "agent:*"
subject_roles = ["support"]
ttl_seconds = 60
run_max_seconds = 3600
proof = "always"
budgets = { calls = 5, usd_micros = 10 }
"#;

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(Purpose::Operator, "dev".parse().unwrap(), [number; 32])
}

fn files(replace: &[(&str, &str)], beside: &[(&str, &str)]) -> PolicyFiles {
    let mut text = BASE.to_owned();
    for (from, to) in replace {
        assert!(text.contains(from), "`{from}` is not in the policy");
        text = text.replacen(from, to, 1);
    }
    for number in [1, 2] {
        let hex = key(number).verifying_key().to_string();
        text = text.replace(&format!("KEY{number}"), &hex);
    }
    PolicyFiles::new(beside.iter().copied().chain([("p.toml", &*text)]))
}

fn said(replace: &[(&str, &str)], beside: &[(&str, &str)]) -> String {
    match Policy::parse(&files(replace, beside)) {
        Ok(_) => "accepted".to_owned(),
        Err(errors) => errors.to_string(),
    }
}

#[test]
fn every_section_is_there_to_be_asked() {
    let policy = Policy::parse(&files(&[], &[])).unwrap();
    assert_eq!(policy.warnings(), []);
    let desk = "desk".parse().unwrap();
    let (cluster, staff) = ("cluster".parse().unwrap(), "staff".parse().unwrap());
    let client = policy.client(&desk).unwrap();
    assert_eq!(
        (client.summary(), client.mints_per_minute()),
        ("The desk", Some(60))
    );
    assert_eq!(policy.client_mints_per_minute(&desk), 60);
    assert_eq!(
        policy.client_mints_per_minute(&"other".parse().unwrap()),
        100
    );
    assert_eq!(policy.limits().tenant_mints_per_minute(), 60_000);

    let claim = |text: &'static str| move |name: &str| (name == "ns").then_some(text);
    let found = |issuer, subject, text| {
        let found = policy.client_of_workload(issuer, subject, claim(text));
        found.map(|(client, _)| client.as_str())
    };
    assert_eq!(found(&cluster, "sa:desk", "agents"), Some("desk"));
    assert_eq!(found(&cluster, "sa:desk", "other"), None);
    assert_eq!(found(&cluster, "sa:des", "agents"), None);
    assert_eq!(found(&staff, "sa:desk", "agents"), None);

    let (name, issuer) = policy.issuer_of("https://staff.example").unwrap();
    assert_eq!(name.as_str(), "staff");
    assert_eq!(issuer.algorithms(), [Algorithm::EdDsa]);
    assert!(issuer.vouches_for(Vouches::Subjects) && !issuer.vouches_for(Vouches::Clients));
    assert_eq!(*issuer.keys(), KeySource::Discovery);
    let subjects = issuer.subjects();
    assert_eq!((subjects.subject(), subjects.prefix()), ("sub", "user:"));
    assert_eq!(
        subjects.roles().get("support-team").unwrap().as_str(),
        "support"
    );

    let dana = policy.operator_of_key(&key(1).id()).unwrap();
    assert_eq!(
        (dana.operator.as_str(), dana.key),
        ("op:dana", &key(1).verifying_key())
    );
    assert!(policy.operator_of_key(&key(3).id()).is_none());
    let leads = policy.group(&"leads".parse().unwrap()).unwrap();
    assert_eq!(leads.members().len(), 2);
    assert_eq!(policy.operators().count(), 2);
}

#[test]
fn each_fault_of_a_section_names_its_line_and_what_was_meant() {
    let cases: &[(&str, &[(&str, &str)])] = &[
        ("unknown section", &[("[limits]", "[limit]")]),
        (
            "unknown key of a client",
            &[("mints_per_minute", "mints_a_minute")],
        ),
        ("unknown key of an issuer", &[("roles_claim", "role_claim")]),
        ("unknown key of a budget", &[("usd_micros", "usd_micro")]),
        // Clients.
        (
            "unknown client",
            &[("clients = [\"desk\"]", "clients = [\"dest\"]")],
        ),
        (
            "pattern no client fits",
            &[("clients = [\"desk\"]", "clients = [\"x*\"]")],
        ),
        (
            "client's actors",
            &[("actors = \"agent:*\"\nmints", "actors = \"user:*\"\nmints")],
        ),
        ("rate of nothing", &[("= 60\n", "= 0\n")]),
        ("rate too high", &[("= 60\n", "= 1000001\n")]),
        ("subject without issuer", &[("issuer = \"cluster\"\n", "")]),
        ("issuer without subject", &[("subject = \"sa:desk\"\n", "")]),
        (
            "claims alone",
            &[("issuer = \"cluster\"\nsubject = \"sa:desk\"\n", "")],
        ),
        (
            "unknown issuer",
            &[("issuer = \"cluster\"", "issuer = \"clutser\"")],
        ),
        (
            "issuer not for clients",
            &[("issuer = \"cluster\"", "issuer = \"staff\"")],
        ),
        (
            "two clients of one workload",
            &[(
                "[issuers.cluster]",
                "[clients.two]\nsummary = \"Two\"\nactors = \"agent:*\"\nissuer = \"cluster\"\nsubject = \"sa:desk\"\nclaims = { pod = \"x\" }\n[issuers.cluster]",
            )],
        ),
        (
            "a subject with a line end",
            &[("\"sa:desk\"", "\"sa:desk\\n\"")],
        ),
        // Issuers.
        ("symmetric algorithm", &[("\"ES256\"", "\"HS256\"")]),
        ("no algorithm", &[("[\"EdDSA\"]", "[]")]),
        ("algorithm twice", &[("\"ES256\"", "\"RS256\"")]),
        ("for nobody", &[("for = [\"clients\"]", "for = []")]),
        (
            "for somebody else",
            &[("for = [\"clients\"]", "for = [\"client\"]")],
        ),
        (
            "discovery without TLS",
            &[("https://cluster", "http://cluster")],
        ),
        (
            "discovery under no URL",
            &[("https://cluster.example", "cluster")],
        ),
        (
            "keys from a URL without TLS",
            &[(
                "for = [\"clients\"]",
                "for = [\"clients\"]\njwks_url = \"http://10.0.0.1/jwks\"",
            )],
        ),
        (
            "keys twice",
            &[(
                "for = [\"clients\"]",
                "for = [\"clients\"]\njwks_url = \"https://a.example\"\njwks_file = \"a.json\"",
            )],
        ),
        (
            "certificates for a file",
            &[(
                "for = [\"clients\"]",
                "for = [\"clients\"]\nca_file = \"ca.pem\"\njwks_file = \"a.json\"",
            )],
        ),
        ("one issuer twice", &[("https://staff", "https://cluster")]),
        (
            "keys on subjects, not for subjects",
            &[("for = [\"subjects\"]", "for = [\"clients\"]")],
        ),
        (
            "roles without their claim",
            &[("roles_claim = \"groups\"\n", "")],
        ),
        (
            "a claim without roles",
            &[("roles = { \"support-team\" = \"support\" }\n", "")],
        ),
        (
            "unknown role of an issuer",
            &[("= \"support\" }", "= \"suport\" }")],
        ),
        (
            "a prefix of agents",
            &[(
                "for = [\"subjects\"]",
                "for = [\"subjects\"]\nsubject_prefix = \"agent:\"",
            )],
        ),
        // Roles.
        ("unknown role", &[("[\"support\"]", "[\"suport\"]")]),
        ("unknown included role", &[("[\"reader\"]", "[\"raeder\"]")]),
        (
            "a role that includes itself",
            &[("[\"reader\"]", "[\"reader\", \"support\"]")],
        ),
        (
            "roles in a circle",
            &[(
                "summary = \"Reads\"",
                "summary = \"Reads\"\nincludes = [\"support\"]",
            )],
        ),
        (
            "unknown tool of a role",
            &[("allow = [\"kb.search\"]", "allow = [\"kb.serach\"]")],
        ),
        (
            "write without a reason in a role",
            &[("require_approval", "allow")],
        ),
        (
            "given and admitted",
            &[("ttl_seconds", "roles = [\"support\"]\nttl_seconds")],
        ),
        // Caveats.
        ("no caveat", &[("/n<=1", "/n<1")]),
        (
            "a caveat not on arguments",
            &[("for ticket.update: /n<=1", "at most 3 blocks")],
        ),
        (
            "a caveat for a foreign tool",
            &[("for ticket.update", "for kb.search")],
        ),
        (
            "a caveat for a tool that was misspelt",
            &[("for ticket.update", "for ticket.updat")],
        ),
        (
            "a caveat of a grant without tools",
            &[("ttl_seconds", "caveats = [\"/n<=1\"]\nttl_seconds")],
        ),
        (
            "a caveat twice",
            &[(
                "[\"for ticket.update: /n<=1\"]",
                "[\"/n<=1\", \"for ticket.update: /n<=1\"]",
            )],
        ),
        (
            "alternatives nobody can say",
            &[
                ("/n<=1", "each /n one of a"),
                (
                    "ttl_seconds",
                    "require_approval = [\"ticket.update\"]\ncaveats = [\"/m==1\"]\nttl_seconds",
                ),
            ],
        ),
        // Operators and groups.
        ("no key", &[("keys = [\"KEY1\"]", "keys = []")]),
        ("not a key", &[("KEY1", "abc")]),
        (
            "a weak key",
            &[(
                "KEY1",
                "0000000000000000000000000000000000000000000000000000000000000000",
            )],
        ),
        ("a key of two", &[("KEY2", "KEY1")]),
        (
            "an operator without roles",
            &[("roles = [\"admin\"]", "roles = []")],
        ),
        (
            "an unknown role of an operator",
            &[("roles = [\"admin\"]", "roles = [\"amdin\"]")],
        ),
        ("unknown member", &[("\"op:li\"]", "\"op:lu\"]")]),
        ("no members", &[("[\"op:dana\", \"op:li\"]", "[]")]),
        ("a member that is no operator", &[("\"op:li\"]", "\"li\"]")]),
        // Routes.
        (
            "unknown denied tool",
            &[("ttl_seconds", "deny = [\"ticket.updat\"]\nttl_seconds")],
        ),
        (
            "an environment twice",
            &[("tenants", "environments = [\"dev\", \"dev\"]\ntenants")],
        ),
        (
            "no environment's name",
            &[("tenants", "environments = [\"Dev\"]\ntenants")],
        ),
        ("a run shorter than a token", &[("= 3600", "= 59")]),
        ("a run without end", &[("= 3600", "= 2592001")]),
        ("a budget of nothing", &[("calls = 5", "calls = 0")]),
        (
            "a budget too large",
            &[("usd_micros = 10", "usd_micros = 9007199254740992")],
        ),
        // Tools.
        (
            "a noun that is none",
            &[(
                "summary = \"Update\"",
                "summary = \"Update\"\nacts_on = \"the ticket\"",
            )],
        ),
        (
            "an undo that is no tool",
            &[(
                "summary = \"Update\"",
                "summary = \"Update\"\nundo = \"ticket.updat\"",
            )],
        ),
        (
            "a preview of nothing",
            &[(
                "summary = \"Update\"",
                "summary = \"Update\"\npreview = \"\"",
            )],
        ),
        (
            "no schema file",
            &[(
                "summary = \"Update\"",
                "summary = \"Update\"\nschema = \"update.json\"",
            )],
        ),
        (
            "a schema of another kind",
            &[("summary = \"Update\"", "summary = \"Update\"\nschema = [1]")],
        ),
        (
            "a date in a schema",
            &[(
                "summary = \"Update\"",
                "summary = \"Update\"\nschema = { default = 2026-01-01 }",
            )],
        ),
        (
            "a limit of nothing",
            &[(
                "summary = \"Update\"",
                "summary = \"Update\"\nlimits = { calls_per_minute = 0 }",
            )],
        ),
    ];
    let mut report = String::new();
    for (title, replace) in cases {
        let told = said(replace, &[]);
        assert_ne!(told, "accepted", "{title}");
        writeln!(report, "# {title}\n{told}\n").unwrap();
    }
    insta::assert_snapshot!(report);
}

#[test]
fn keys_come_over_tls_or_from_this_machine() {
    for url in [
        "https://a.example/jwks",
        "http://localhost:1/k",
        "http://127.0.0.1/k",
        "http://[::1]:8/k",
    ] {
        let jwks = format!("for = [\"clients\"]\njwks_url = \"{url}\"");
        assert_eq!(
            said(&[("for = [\"clients\"]", &jwks)], &[]),
            "accepted",
            "{url}"
        );
    }
    // Where a file has the keys, an issuer may be any text.
    let file = [
        ("https://cluster.example", "kubernetes/serviceaccount"),
        (
            "for = [\"clients\"]",
            "for = [\"clients\"]\njwks_file = \"keys/cluster.json\"",
        ),
    ];
    assert_eq!(said(&file, &[]), "accepted");
}

#[test]
fn workloads_that_differ_in_a_claim_both_name_are_two_clients() {
    let second = |claims: &str| {
        let section = format!(
            "[clients.two]\nsummary = \"Two\"\nactors = \"agent:*\"\nissuer = \"cluster\"\nsubject = \"sa:desk\"\nclaims = {claims}\n[issuers.cluster]"
        );
        said(&[("[issuers.cluster]", &section)], &[])
    };
    assert_eq!(second("{ ns = \"other\" }"), "accepted");
    assert!(
        second("{ ns = \"agents\", pod = \"x\" }").contains("could be one of client `desk` too")
    );
    assert!(second("{}").contains("could be one of client `desk` too"));
}

#[test]
fn schemas_are_read_as_strictly_as_arguments() {
    let named = [(
        "summary = \"Update\"",
        "summary = \"Update\"\nschema = \"update.json\"",
    )];
    let with = |text: &str| said(&named, &[("update.json", text)]);
    assert_eq!(with("{\"type\": \"object\"}"), "accepted");
    for (text, line) in [("{\n\"a\": 1,\n\"a\": 2}", 3), ("[]", 1), ("{", 1), ("", 1)] {
        let told = with(text);
        assert!(
            told.starts_with(&format!("update.json:{line}: the schema cannot be read: ")),
            "{text}: {told}"
        );
        assert_eq!(told.lines().count(), 1, "{told}");
    }
    let policy =
        Policy::parse(&files(&named, &[("update.json", "{\"type\": \"object\"}")])).unwrap();
    let update = policy.tool(&"ticket.update".parse().unwrap()).unwrap();
    assert_eq!(update.schema().unwrap()["type"], "object");
}

#[test]
fn what_a_tool_says_for_later_is_kept() {
    let told = "summary = \"Update\"\nundo = \"kb.search\"\npreview = \"\"\"\nSet {/n}\n\"\"\"\n\
                acts_on = \"case.file\"\nschema = { type = \"object\", maxProperties = 2 }\nlimits = { calls_per_minute = 7 }";
    let policy = Policy::parse(&files(&[("summary = \"Update\"", told)], &[])).unwrap();
    let update = policy.tool(&"ticket.update".parse().unwrap()).unwrap();
    assert_eq!(
        update.undo(),
        Some(&Undo::Tool("kb.search".parse().unwrap()))
    );
    assert_eq!(update.preview(), Some("Set {/n}\n"));
    assert_eq!(update.acts_on(), "case.file");
    assert_eq!(update.schema().unwrap()["maxProperties"], 2);
    assert_eq!(update.limits().calls_per_minute(), Some(7));
    let search = policy.tool(&"kb.search".parse().unwrap()).unwrap();
    assert_eq!(
        (search.acts_on(), search.undo(), search.schema()),
        ("kb", None, None)
    );
    let words = [(
        "summary = \"Update\"",
        "summary = \"Update\"\nundo = \"Set it back\"",
    )];
    let policy = Policy::parse(&files(&words, &[])).unwrap();
    let update = policy.tool(&"ticket.update".parse().unwrap()).unwrap();
    assert_eq!(update.undo(), Some(&Undo::Text("Set it back".to_owned())));
}

#[test]
fn one_file_has_the_limits() {
    let told = said(&[], &[("a.toml", "# limits\n[limits]\n")]);
    assert_eq!(told, "p.toml:47: `[limits]` is already in `a.toml`");
}

#[test]
fn a_file_that_cannot_be_read_hides_nothing_behind_what_it_would_have_defined() {
    let told = said(&[], &[("more.toml", "[clients.x\n")]);
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.starts_with("more.toml:1:"), "{told}");
}
