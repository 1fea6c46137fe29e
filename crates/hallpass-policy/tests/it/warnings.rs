//! What a policy may say and is asked about again.

use hallpass_policy::{Policy, PolicyFiles};

const BASE: &str = r#"
[clients.desk]
summary = "The support desk"
actors = "agent:desk-*"
[tools."kb.search"]
audience = "kb"
impact = "read"
summary = "Search"
[tools."ticket.update"]
audience = "kb"
impact = "write"
summary = "Update"
[tools."ticket.close"]
audience = "kb"
impact = "destructive"
summary = "Close"
[routes."/r"]
summary = "A route"
clients = ["desk"]
tenants = ["acme"]
actors = "agent:desk-*"
allow = ["kb.search"]
require_approval = ["ticket.update", "ticket.close"]
ttl_seconds = 60
proof = "writes"
"#;

/// The warnings of the policy with these replaced and this added.
fn warnings(replace: &[(&str, &str)], further: &str, files: &[(&str, &str)]) -> Vec<String> {
    let mut text = BASE.to_owned();
    for (from, to) in replace {
        assert!(text.contains(from), "`{from}` is not in the policy");
        text = text.replace(from, to);
    }
    text += further;
    let all = files.iter().copied().chain([("p.toml", &*text)]);
    let policy = Policy::parse(&PolicyFiles::new(all)).unwrap_or_else(|e| panic!("{e}\n{text}"));
    policy.warnings().iter().map(ToString::to_string).collect()
}

#[test]
fn the_policy_under_test_has_none() {
    assert_eq!(warnings(&[], "", &[]), Vec::<String>::new());
}

/// Title, what is replaced, and what is added.
type Case = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
);

#[test]
fn each_warning_names_its_file_and_line() {
    let cases: &[Case] = &[
        ("any client", &[("[\"desk\"]", "[\"*\"]")], ""),
        ("any tenant", &[("[\"acme\"]", "[\"*\"]")], ""),
        (
            "a write without approval in a route",
            &[
                ("\"ticket.update\", ", ""),
                ("[\"kb.search\"]", "[\"kb.search\", \"ticket.update\"]"),
            ],
            "[routes.\"/r\".without_approval]\n\"ticket.update\" = \"It can be changed back.\"\n",
        ),
        (
            "the same, when an approval is needed after all",
            &[
                ("[\"kb.search\"]", "[\"kb.search\", \"ticket.update\"]"),
                ("\"ticket.update\", ", ""),
                ("proof =", "roles = [\"careful\"]\nproof ="),
            ],
            "[routes.\"/r\".without_approval]\n\"ticket.update\" = \"It can be changed back.\"\n\
             [roles.careful]\nsummary = \"Careful\"\nrequire_approval = [\"ticket.update\"]\n",
        ),
        (
            "a write without approval in a role",
            &[
                ("proof =", "roles = [\"bold\"]\nproof ="),
                ("\"ticket.update\", \"ticket.close\"", "\"ticket.close\""),
            ],
            "[roles.bold]\nsummary = \"Bold\"\nallow = [\"ticket.update\"]\n\
             [roles.bold.without_approval]\n\"ticket.update\" = \"It can be changed back.\"\n",
        ),
        (
            "only some subjects get around the approval",
            &[
                ("proof =", "subject_roles = [\"bold\"]\nproof ="),
                ("\"ticket.update\", \"ticket.close\"", "\"ticket.close\""),
            ],
            "[roles.bold]\nsummary = \"Bold\"\nallow = [\"ticket.update\"]\n\
             [roles.bold.without_approval]\n\"ticket.update\" = \"It can be changed back.\"\n",
        ),
        (
            "it acts on something else",
            &[
                ("proof =", "subject_roles = [\"bold\"]\nproof ="),
                ("\"ticket.update\", \"ticket.close\"", "\"ticket.close\""),
                (
                    "summary = \"Update\"",
                    "summary = \"Update\"\nacts_on = \"draft\"",
                ),
            ],
            "[roles.bold]\nsummary = \"Bold\"\nallow = [\"ticket.update\"]\n\
             [roles.bold.without_approval]\n\"ticket.update\" = \"It can be changed back.\"\n",
        ),
        (
            "proofs waived where something writes",
            &[(
                "\"writes\"",
                "\"waived\"\nwaiver = \"The network is trusted.\"",
            )],
            "",
        ),
        ("no client", &[("[\"desk\"]", "[]")], ""),
        ("no tenant", &[("[\"acme\"]", "[]")], ""),
        (
            "no environment",
            &[("tenants", "environments = []\ntenants")],
            "",
        ),
        (
            "no agent for route and client",
            &[(
                "actors = \"agent:desk-*\"\nallow",
                "actors = \"agent:night-*\"\nallow",
            )],
            "",
        ),
        (
            "nobody to verify subjects",
            &[("tenants", "verified = true\ntenants")],
            "",
        ),
        (
            "an issuer for clients verifies no subject",
            &[("tenants", "verified = true\ntenants")],
            "[issuers.i]\nissuer = \"https://i.example\"\naudience = \"a\"\nalgorithms = [\"ES256\"]\nfor = [\"clients\"]\n",
        ),
        (
            "no tools",
            &[
                ("[\"kb.search\"]", "[]"),
                ("[\"ticket.update\", \"ticket.close\"]", "[]"),
            ],
            "",
        ),
        (
            "given and denied",
            &[("proof =", "deny = [\"kb.search\"]\nproof =")],
            "",
        ),
        (
            "a tool nobody may call",
            &[],
            "[tools.\"x.y\"]\naudience = \"kb\"\nimpact = \"read\"\nsummary = \"s\"\n",
        ),
        (
            "a role nobody has",
            &[],
            "[roles.ghost]\nsummary = \"Nobody\"\n",
        ),
        (
            "a client without routes",
            &[],
            "[clients.ghost]\nsummary = \"Nobody\"\nactors = \"agent:*\"\n",
        ),
    ];
    let mut report = String::new();
    for (title, replace, further) in cases {
        let said = warnings(replace, further, &[]).join("\n");
        report += &format!("# {title}\n{said}\n\n");
    }
    insta::assert_snapshot!(report);
}

#[test]
fn a_read_is_no_way_around_an_approval() {
    let read = "[tools.\"ticket.read\"]\naudience = \"kb\"\nimpact = \"read\"\nsummary = \"s\"\n";
    let said = warnings(
        &[("[\"kb.search\"]", "[\"kb.search\", \"ticket.read\"]")],
        read,
        &[],
    );
    assert_eq!(said, Vec::<String>::new());
}

/// What is said of `ticket.close`, which needs an approval, with this schema.
fn judged(schema: &str) -> Vec<String> {
    let to = "summary = \"Close\"\nschema = \"close.json\"";
    warnings(
        &[("summary = \"Close\"", to)],
        "",
        &[("close.json", schema)],
    )
}

#[test]
fn arguments_that_an_approver_cannot_judge() {
    let object =
        |properties: &str| format!("{{\"type\": \"object\", \"properties\": {{{properties}}}}}");
    let closed = r#""type": "object", "additionalProperties": false"#;
    let free: &[&str] = &[
        r#""x": {}"#,
        r#""x": true"#,
        r#""x": {"type": "object"}"#,
        r#""x": {"type": ["string", "object"]}"#,
        r#""x": {"type": "object", "properties": {"a": {"type": "string"}}}"#,
        r#""x": {"type": "object", "additionalProperties": {"type": "string"}}"#,
        r#""x": {"type": "array"}"#,
        r#""x": {"type": "array", "items": {"type": "object"}}"#,
        r##""x": {"$ref": "#/$defs/none"}"##,
        r##""x": {"$ref": "#/properties/x"}"##,
        r#""x": {"$ref": "https://example.com/schema"}"#,
        r#""x": {"anyOf": [{"type": "string"}, {"type": "object"}]}"#,
        r#""x": {"allOf": [{"type": "object"}, {"description": "any"}]}"#,
        r#""x": {"type": "object", "additionalProperties": false, "patternProperties": {"": {}}}"#,
        r#""x": {"type": "object", "additionalProperties": false, "properties": {"a": {"type": "object"}}}"#,
    ];
    for properties in free {
        let said = judged(&object(properties));
        assert_eq!(said.len(), 1, "{properties}: {said:?}");
        assert!(said[0].contains("`x` may be any object"), "{said:?}");
    }
    let fine = [
        r#""x": {"type": "string"}"#.to_owned(),
        r#""x": false"#.to_owned(),
        r#""x": {"enum": [1, {"a": 2}]}"#.to_owned(),
        r#""x": {"const": {"a": 2}}"#.to_owned(),
        format!(r#""x": {{{closed}}}"#),
        format!(r#""x": {{{closed}, "properties": {{"a": {{"type": "string"}}}}}}"#),
        r#""x": {"type": "array", "items": {"type": "string"}}"#.to_owned(),
        r##""x": {"$ref": "#/properties/y"}, "y": {"type": "string"}"##.to_owned(),
        r#""x": {"oneOf": [{"type": "string"}, {"type": "null"}]}"#.to_owned(),
        format!(r#""x": {{"allOf": [{{"type": "object"}}, {{{closed}}}]}}"#),
    ];
    for properties in &fine {
        assert_eq!(
            judged(&object(properties)),
            Vec::<String>::new(),
            "{properties}"
        );
    }
    let many = |count: usize| {
        let each = (0..count).map(|n| format!("\"a{n}\": {{\"type\": \"string\"}}"));
        judged(&object(&each.collect::<Vec<_>>().join(", ")))
    };
    assert_eq!(many(8), Vec::<String>::new());
    assert!(many(9)[0].contains("has 9 arguments"), "{:?}", many(9));
    // Nothing is said of a tool that needs no approval.
    let to = "summary = \"Search\"\nschema = \"open.json\"";
    let open = [("open.json", r#"{"properties": {"x": {}}}"#)];
    assert_eq!(
        warnings(&[("summary = \"Search\"", to)], "", &open),
        Vec::<String>::new()
    );
}

#[test]
fn a_schema_no_tool_names_is_told_with_its_file() {
    assert_eq!(
        warnings(&[], "", &[("left.json", "{}")]),
        ["left.json:1: no tool names this schema"]
    );
}
