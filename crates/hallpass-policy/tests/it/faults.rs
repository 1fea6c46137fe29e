//! What a policy may not say, and how precisely it is told.

use std::fmt::Write;

use hallpass_policy::{
    AUDIENCES_PER_ROUTE_MAX, POLICY_FILE_BYTES_MAX, POLICY_FILE_NAME_CHARS_MAX, Policy,
    ROLES_PER_ROUTE_MAX, TOOLS_PER_ROUTE_MAX,
};

const TOOLS: &str = r#"
[clients.orchestrator]
summary = "The orchestrator"
actors = "agent:*"
[tools."kb.search"]
audience = "tickets"
impact = "read"
summary = "Search"
[tools."crm.read"]
audience = "crm"
impact = "read"
summary = "Read a customer"
[tools."ticket.close"]
audience = "tickets"
impact = "destructive"
summary = "Close"
[roles.agent]
summary = "An agent"
"#;

const CLIENT: &str = "[clients.orchestrator]\nsummary=\"s\"\nactors=\"agent:*\"\n";

const ROUTE: &str = r#"[routes."/r"]
summary = "a route"
clients = ["orchestrator"]
tenants = ["acme"]
actors = "agent:*"
allow = ["kb.search"]
ttl_seconds = 600
proof = "waived"
"#;

/// The faults of a route with these lines replaced, as they are printed.
fn faults(replace: &[(&str, &str)]) -> String {
    let mut text = ROUTE.to_owned();
    for (from, to) in replace {
        assert!(text.contains(from), "`{from}` is not in the route");
        text = text.replace(from, to);
    }
    match Policy::parse(&[("tools.toml", TOOLS), ("routes.toml", &text)].into()) {
        Ok(_) => "accepted".to_owned(),
        Err(errors) => errors.to_string(),
    }
}

#[test]
fn the_route_under_test_is_accepted_as_it_stands() {
    assert_eq!(faults(&[]), "accepted");
}

#[test]
fn each_fault_names_its_file_and_line_and_what_to_write() {
    let cases: &[(&str, &[(&str, &str)])] = &[
        ("unknown key", &[("proof =", "prooff =")]),
        ("missing key", &[("ttl_seconds = 600\n", "")]),
        ("wrong type", &[("600", "\"600\"")]),
        ("not TOML", &[("[\"acme\"]", "[\"acme\"")]),
        ("unknown word", &[("\"waived\"", "\"maybe\"")]),
        ("bad route name", &[("/r", "r")]),
        ("unknown tool, near", &[("kb.search", "kb.serch")]),
        ("unknown tool, far", &[("kb.search", "shell.run")]),
        (
            "tool twice",
            &[("[\"kb.search\"]", "[\"kb.search\", \"kb.search\"]")],
        ),
        ("client pattern", &[("orchestrator", "orch*tor")]),
        ("client name", &[("orchestrator", "Orchestrator")]),
        ("tenant name", &[("acme", "ac me")]),
        (
            "tenant wildcard among others",
            &[("[\"acme\"]", "[\"acme\", \"*\"]")],
        ),
        ("actor that is no agent", &[("agent:*", "user:*")]),
        ("every actor of every kind", &[("agent:*", "*")]),
        ("life of nothing", &[("600", "0")]),
        ("life too long", &[("600", "901")]),
        ("summary missing its words", &[("a route", "")]),
        (
            "write without approval",
            &[("kb.search", "ticket.close"), ("\"waived\"", "\"always\"")],
        ),
        (
            "both sides",
            &[("proof =", "require_approval = [\"kb.search\"]\nproof =")],
        ),
        (
            "proof waived for a write, no reason",
            &[("proof =", "require_approval = [\"ticket.close\"]\nproof =")],
        ),
        (
            "proof waived for two services, no reason",
            &[("\"kb.search\"", "\"kb.search\", \"crm.read\"")],
        ),
        (
            "reads bearer at two services",
            &[
                ("\"kb.search\"", "\"kb.search\", \"crm.read\""),
                ("\"waived\"", "\"writes\""),
            ],
        ),
        (
            "waiver of nothing",
            &[(
                "\"waived\"",
                "\"always\"\nwaiver = \"because it is convenient\"",
            )],
        ),
        (
            "thin reason",
            &[("\"waived\"", "\"waived\"\nwaiver = \"todo\"")],
        ),
        (
            "approval waived for a read",
            &[(
                "\"waived\"",
                "\"waived\"\n[routes.\"/r\".without_approval]\n\"kb.search\" = \"searching is harmless\"",
            )],
        ),
        (
            "role twice",
            &[("proof =", "roles = [\"agent\", \"agent\"]\nproof =")],
        ),
        (
            "client twice",
            &[("[\"orchestrator\"]", "[\"orchestrator\", \"orchestrator\"]")],
        ),
        ("tenant twice", &[("[\"acme\"]", "[\"acme\", \"acme\"]")]),
    ];
    let mut report = String::new();
    for (title, replace) in cases {
        let said = faults(replace);
        assert_ne!(said, "accepted", "{title}");
        writeln!(report, "# {title}\n{said}\n").unwrap();
    }
    insta::assert_snapshot!(report);
}

#[test]
fn arguments_are_named_by_pointers_that_are_looked_at_one_by_one() {
    let many: Vec<String> = (0..17).map(|n| format!("\"/{n}\"")).collect();
    let many = many.join(",\n");
    let cases = [
        (
            "accepted",
            "recorded = [\"/ticket\", \"/page/size\"]\nsensitive = [\"/iban\", \"/a~1b\"]",
        ),
        ("no pointer", "recorded = [\n\"/ticket\",\n\"page\"]"),
        ("all arguments", "recorded = [\"\"]"),
        ("bad escape", "sensitive = [\"/a~2\"]"),
        ("no list", "sensitive = \"/iban\""),
        ("twice", "sensitive = [\n\"/iban\",\n\"/iban\"]"),
        ("too many", &*format!("recorded = [\n{many}]")),
        ("both", "recorded = [\"/iban\"]\nsensitive = [\"/iban\"]"),
        (
            "around a sensitive one, in another case",
            "recorded = [\n\"/ok\",\n\"/Customer\"]\nsensitive = [\"/customer/iban\"]",
        ),
        (
            "in a sensitive one",
            "recorded = [\"/customer/iban\"]\nsensitive = [\"/customer\"]",
        ),
        (
            "another item",
            "recorded = [\"/items/1\"]\nsensitive = [\"/items/0/pin\"]",
        ),
    ];
    let mut report = String::new();
    for (title, lists) in cases {
        let text = format!(
            "[tools.\"ticket.close\"]\naudience = \"t\"\nimpact = \"read\"\nsummary = \"s\"\n{lists}\n"
        );
        let said = match Policy::parse(&[("tools.toml", &text)].into()) {
            Ok(_) => "accepted".to_owned(),
            Err(errors) => errors.to_string(),
        };
        writeln!(report, "# {title}\n{said}\n").unwrap();
    }
    insta::assert_snapshot!(report);
}

#[test]
fn named_arguments_are_in_the_catalogue() {
    let text = "[tools.\"ticket.close\"]\naudience = \"t\"\nimpact = \"read\"\nsummary = \"s\"\nrecorded = [\"/b\", \"/a\"]\nsensitive = [\"/iban\"]\n";
    let policy = Policy::parse(&[("tools.toml", text)].into()).unwrap();
    let tool = policy.catalogue().iter().next().unwrap();
    let listed = |list: &hallpass_vocabulary::Pointers| {
        list.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(listed(&tool.recorded), ["/b", "/a"]);
    assert_eq!(listed(&tool.sensitive), ["/iban"]);
}

#[test]
fn all_faults_of_a_policy_are_told_at_once() {
    let said = faults(&[("600", "901"), ("acme", "ac me"), ("kb.search", "kb.serch")]);
    assert_eq!(said.lines().count(), 3, "{said}");
}

#[test]
fn a_write_is_allowed_with_a_reason_of_its_own() {
    let write = [("kb.search", "ticket.close"), ("\"waived\"", "\"always\"")];
    assert!(faults(&write).contains("require_approval"));
    let reasoned = "\"always\"\n[routes.\"/r\".without_approval]\n\"ticket.close\" = \"closing is what this agent is for\"";
    assert_eq!(faults(&[write[0], ("\"waived\"", reasoned)]), "accepted");
}

#[test]
fn a_name_is_defined_once_over_all_files() {
    let both = format!("{TOOLS}\n{ROUTE}");
    let twice = Policy::parse(&[("a.toml", &both), ("b.toml", &both)].into()).unwrap_err();
    let said = twice.to_string();
    assert!(
        said.contains("b.toml:5: tool `kb.search` is already defined in `a.toml`"),
        "{said}"
    );
    assert!(
        said.contains("route `/r` is already defined in `a.toml`"),
        "{said}"
    );
}

#[test]
fn a_route_holds_as_many_tools_as_a_token_and_not_one_more() {
    let with = |count: usize| {
        let mut text = CLIENT.to_owned();
        let mut list = Vec::new();
        for n in 0..count {
            write!(
                text,
                "[tools.\"t.n{n}\"]\naudience=\"a\"\nimpact=\"read\"\nsummary=\"s\"\n"
            )
            .unwrap();
            list.push(format!("\"t.n{n}\""));
        }
        // Half on each side: the ceiling is on both together.
        let (left, right) = list.split_at(count / 2);
        text += &ROUTE
            .replace("[\"kb.search\"]", &format!("[{}]", left.join(",")))
            .replace(
                "proof =",
                &format!("require_approval = [{}]\nproof =", right.join(",")),
            );
        Policy::parse(&[("p.toml", &text)].into())
            .map(|_| ())
            .map_err(|e| e.to_string())
    };
    assert_eq!(with(TOOLS_PER_ROUTE_MAX), Ok(()));
    assert!(
        with(TOOLS_PER_ROUTE_MAX + 1)
            .unwrap_err()
            .contains("more than 64 tools")
    );
}

#[test]
fn a_file_name_that_could_pass_for_another_file_or_hide_from_a_shell_is_refused() {
    // Without this rule the digest of this one file is the digest of two.
    let second = format!("a.toml\n{}  b.toml", "0".repeat(64));
    let long = format!("{}.toml", "a".repeat(POLICY_FILE_NAME_CHARS_MAX - 4));
    for name in [
        second.as_str(),
        &long,
        "",
        ".hidden.toml",
        "-n.toml",
        "a b.toml",
        "a\\.toml",
        "a.txt",
        "\u{e4}.toml",
    ] {
        let said = Policy::parse(&[(name, TOOLS)].into())
            .unwrap_err()
            .to_string();
        assert!(said.contains(":1: the name of a policy file"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    for name in ["a.toml", "10-base_tools.v2.toml", &long[1..]] {
        assert!(Policy::parse(&[(name, TOOLS)].into()).is_ok(), "{name}");
    }
}

#[test]
fn an_oversized_file_is_refused_unread() {
    let text = "#".repeat(POLICY_FILE_BYTES_MAX + 1);
    let said = Policy::parse(&[("big.toml", &text)].into())
        .unwrap_err()
        .to_string();
    assert!(said.starts_with("big.toml:1: the file is larger"), "{said}");
}

#[test]
fn warnings_point_at_what_is_probably_not_meant() {
    let text = format!(
        "{TOOLS}\n{}\n{}",
        ROUTE
            .replace("\"acme\"", "\"*\"")
            .replace("\"orchestrator\"", "\"*\""),
        ROUTE
            .replace("/r", "/empty")
            .replace("\"kb.search\"", "")
            .replace("\"acme\"", ""),
    );
    let policy = Policy::parse(&[("p.toml", &text)].into()).unwrap();
    let warnings: Vec<_> = policy.warnings().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(warnings.join("\n"));
}

#[test]
fn the_digest_follows_the_bytes() {
    let parse = |text: &str| {
        Policy::parse(&[("p.toml", text)].into())
            .unwrap()
            .digest()
            .to_owned()
    };
    assert_eq!(parse(TOOLS), parse(TOOLS));
    assert_ne!(parse(TOOLS), parse(&format!("{TOOLS}# a comment\n")));
    assert!(parse(TOOLS).starts_with("sha256:"));
}

#[test]
fn a_route_spans_as_many_services_and_gives_as_many_roles_as_a_token_can_say() {
    let with = |services: usize, roles: usize| {
        let mut text = CLIENT.to_owned();
        let mut tools = Vec::new();
        for n in 0..services {
            write!(
                text,
                "[tools.\"t.n{n}\"]\naudience=\"a{n}\"\nimpact=\"read\"\nsummary=\"s\"\n"
            )
            .unwrap();
            tools.push(format!("\"t.n{n}\""));
        }
        let roles: Vec<String> = (0..roles).map(|n| format!("\"r{n}\"")).collect();
        for role in &roles {
            writeln!(text, "[roles.{role}]\nsummary=\"s\"").unwrap();
        }
        text += &ROUTE
            .replace("[\"kb.search\"]", &format!("[{}]", tools.join(",")))
            .replace(
                "\"waived\"",
                &format!("\"always\"\nroles = [{}]", roles.join(",")),
            );
        Policy::parse(&[("p.toml", &text)].into())
            .map(|_| ())
            .map_err(|e| e.to_string())
    };
    assert_eq!(with(AUDIENCES_PER_ROUTE_MAX, ROLES_PER_ROUTE_MAX), Ok(()));
    assert!(
        with(AUDIENCES_PER_ROUTE_MAX + 1, 0)
            .unwrap_err()
            .contains("more than 16 services")
    );
    assert!(
        with(1, ROLES_PER_ROUTE_MAX + 1)
            .unwrap_err()
            .contains("more than 16 roles")
    );
}
