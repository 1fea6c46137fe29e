//! What the sections around tools and routes may not say, and how precisely it is told.

use std::fmt::Write;

use crate::section_policy::said;

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
