//! The page that describes the format, held to the code.

use hallpass_keys::{Purpose, SigningKey};
use hallpass_policy::{
    AUDIENCES_PER_ROUTE_MAX, BOUND_ROLES_PER_ROUTE_MAX, CAVEAT_WORDS_BYTES_MAX, CAVEATS_MAX,
    CLAIMS_PER_CLIENT_MAX, CLIENTS_PER_POLICY_MAX, CLIENTS_PER_ROUTE_MAX, GROUPS_PER_POLICY_MAX,
    INCLUDE_DEPTH_MAX, ISSUERS_PER_POLICY_MAX, KEYS_PER_OPERATOR_MAX, MEMBERS_PER_GROUP_MAX,
    MintRequest, OPERATORS_PER_POLICY_MAX, PER_MINUTE_MAX, POLICY_FILE_BYTES_MAX, POLICY_FILES_MAX,
    Policy, PolicyFiles, PolicyRefusal, ROLES_PER_ISSUER_MAX, ROLES_PER_POLICY_MAX,
    ROLES_PER_ROUTE_MAX, ROUTES_PER_POLICY_MAX, RUN_SECONDS_MAX, TOOLS_PER_ROUTE_MAX,
    TTL_SECONDS_MAX, Verified, starter,
};
use hallpass_vocabulary::TOOLS_PER_CATALOGUE_MAX;

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

/// The examples of the page in one file, with a key in place of the word for one.
fn examples() -> String {
    let key = SigningKey::from_seed(Purpose::Operator, "dev".parse().unwrap(), [7; 32]);
    let examples: Vec<&str> = PAGE
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert_eq!(examples.len(), 7);
    examples
        .join("\n")
        .replace("OPERATOR-KEY", &key.verifying_key().to_string())
}

/// What they name and the page does not show.
const OTHERS: &str = r#"
    [tools."tickets.get"]
    audience = "tickets"
    impact = "read"
    summary = "Read one ticket"
    [tools."ticket.close"]
    audience = "tickets"
    impact = "destructive"
    summary = "Close a ticket"
"#;

#[test]
fn the_examples_on_the_page_are_a_policy() {
    let files = PolicyFiles::from([("docs.toml", &*examples()), ("others.toml", OTHERS)]);
    let policy = Policy::parse(&files).unwrap_or_else(|errors| panic!("{errors}"));
    let said: Vec<String> = policy
        .warnings()
        .iter()
        .map(|w| w.concern().to_string())
        .collect();
    assert_eq!(
        said,
        [
            "role `support`: `ticket.update` writes without an approval",
            "role `lead`: `ticket.update` writes without an approval",
            "tool `ticket.close`: nobody may call it, for no route that can be used grants it",
        ]
    );
}

#[test]
fn what_the_page_says_of_its_example_is_so() {
    let files = PolicyFiles::from([("docs.toml", &*examples()), ("others.toml", OTHERS)]);
    let policy = Policy::parse(&files).unwrap();
    let caveats = |role: &str| {
        let verified = Verified {
            roles: [role.parse().unwrap()].into(),
        };
        let terms = policy.decide(&MintRequest {
            client: &"support-orchestrator".parse().unwrap(),
            environment: &"prod".parse().unwrap(),
            route: &"/support/answer".parse().unwrap(),
            tenant: &"acme".parse().unwrap(),
            subject: &"user:alice".parse().unwrap(),
            verified: Some(&verified),
            actor: &"agent:support-bot".parse().unwrap(),
            tools: None,
            ttl: None,
        });
        let caveats = terms.unwrap().caveats().to_vec();
        caveats.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        caveats("support"),
        ["for ticket.update: /priority one of low, normal"]
    );
    assert_eq!(caveats("lead"), Vec::<String>::new());
}

#[test]
fn every_ceiling_is_on_the_page_as_the_code_has_it() {
    for (what, max) in [
        ("life of a token", format!("{TTL_SECONDS_MAX} seconds")),
        (
            "tools of a route with all its roles, and of a role",
            TOOLS_PER_ROUTE_MAX.to_string(),
        ),
        (
            "services these tools live at",
            AUDIENCES_PER_ROUTE_MAX.to_string(),
        ),
        (
            "roles of a route with all they include, given and admitted together",
            ROLES_PER_ROUTE_MAX.to_string(),
        ),
        (
            "roles under `subject_roles` with caveats",
            BOUND_ROLES_PER_ROUTE_MAX.to_string(),
        ),
        (
            "caveats of a grant, and of a token",
            CAVEATS_MAX.to_string(),
        ),
        (
            "words of the caveats of a token",
            format!("{CAVEAT_WORDS_BYTES_MAX} bytes"),
        ),
        (
            "steps from a role to one it includes",
            INCLUDE_DEPTH_MAX.to_string(),
        ),
        ("length of a run", format!("{RUN_SECONDS_MAX} seconds")),
        ("rates", format!("{PER_MINUTE_MAX} a minute")),
        (
            "clients of a route, by name or by pattern",
            CLIENTS_PER_ROUTE_MAX.to_string(),
        ),
        ("claims of a client", CLAIMS_PER_CLIENT_MAX.to_string()),
        (
            "claim values of an issuer that give roles",
            ROLES_PER_ISSUER_MAX.to_string(),
        ),
        ("keys of an operator", KEYS_PER_OPERATOR_MAX.to_string()),
        ("members of a group", MEMBERS_PER_GROUP_MAX.to_string()),
        ("tools in all", TOOLS_PER_CATALOGUE_MAX.to_string()),
        (
            "routes, clients, and roles in all, each",
            ROUTES_PER_POLICY_MAX.to_string(),
        ),
        (
            "operators, and groups in all, each",
            OPERATORS_PER_POLICY_MAX.to_string(),
        ),
        ("issuers in all", ISSUERS_PER_POLICY_MAX.to_string()),
        ("files, schemas counted", POLICY_FILES_MAX.to_string()),
        ("a file", format!("{POLICY_FILE_BYTES_MAX} bytes")),
    ] {
        let row = format!("| {what} | {max} |");
        assert!(PAGE.contains(&row), "docs/policy.md lacks `{row}`");
    }
    assert_eq!(ROUTES_PER_POLICY_MAX, CLIENTS_PER_POLICY_MAX);
    assert_eq!(ROUTES_PER_POLICY_MAX, ROLES_PER_POLICY_MAX);
    assert_eq!(OPERATORS_PER_POLICY_MAX, GROUPS_PER_POLICY_MAX);
}

#[cfg(unix)]
#[test]
fn the_command_on_the_page_prints_the_digest() {
    let directory = tempfile::tempdir().unwrap();
    // Byte order, not that of a language; and nothing that is no part of the policy.
    for (name, text) in [
        ("b.toml", starter()),
        ("B.toml", "# nothing\n"),
        ("a-schema.json", "{}"),
        ("notes.md", "no part of it"),
        ("a.toml.bak", "nor this"),
    ] {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    let command = PAGE.split("```sh\n").nth(1).unwrap();
    let command = command.split("```").next().unwrap();
    let output = std::process::Command::new("sh")
        .args(["-c", command])
        .current_dir(directory.path())
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let files = PolicyFiles::read(directory.path()).unwrap();
    let digest = format!("sha256:{}", printed.split_whitespace().next().unwrap());
    assert_eq!(Policy::parse(&files).unwrap().digest(), digest);
}
