//! A service's own rules as it gives them: the two forms of a policy, and what may not be said in either.

use std::fmt::Write as _;

use hallpass_token::Caveat;
use hallpass_verifier::{
    NAMES_PER_LIST_MAX, REASON_CHARS_MAX, REQUIREMENTS_PER_RULE_MAX, RULES_MAX, Rule, RuleFault,
    ServicePolicy,
};

fn only(rule: Rule) -> ServicePolicy {
    ServicePolicy::none().with(rule).unwrap()
}

fn caveat(words: &str) -> Caveat {
    words.parse().unwrap()
}

/// Every key once.
const WHOLE: &str = r#"
[[rule]]
name = "only-leads-close"
reason = "Closing cannot be undone."
deny = true
tools = ["ticket.close"]
roles = ["intern", "support_agent"]
except_roles = ["lead"]

[[rule]]
name = "small-pages"
tools = ["kb.search"]
tenants = ["acme"]
require = ["/limit <= 100", "/query length<=200"]

[[rule]]
name = "writes-are-bound"
tools = ["ticket.close", "ticket.update"]
except_tenants = ["globex"]
require_holder = true

[[rule]]
name = "known-subjects"
require_verified_subject = true
"#;

#[test]
fn a_file_and_a_program_say_the_same() {
    let built = ServicePolicy::none()
        .with(
            Rule::deny("only-leads-close")
                .reason("Closing cannot be undone.")
                .tools(["ticket.close"])
                .roles(["support_agent", "intern"])
                .except_roles(["lead"]),
        )
        .unwrap()
        .with(
            Rule::require(
                "small-pages",
                [
                    Caveat::arg("/limit").at_most(100).unwrap(),
                    Caveat::arg("/query").length(None, Some(200)).unwrap(),
                ],
            )
            .tools(["kb.search"])
            .tenants(["acme"]),
        )
        .unwrap()
        .with(
            Rule::require_holder("writes-are-bound")
                .tools(["ticket.update", "ticket.close"])
                .except_tenants(["globex"]),
        )
        .unwrap()
        .with(Rule::require_verified_subject("known-subjects"))
        .unwrap();
    let read: ServicePolicy = toml::from_str(WHOLE).unwrap();
    assert_eq!(read, built);
    // Any format of serde will do.
    let json = serde_json::to_string(&toml::from_str::<toml::Value>(WHOLE).unwrap()).unwrap();
    assert_eq!(serde_json::from_str::<ServicePolicy>(&json).unwrap(), built);
}

#[test]
fn what_is_built_wrong_is_told_with_the_name_of_the_rule() {
    let fault = |rule: Rule| {
        let policy = only(Rule::deny("first"));
        policy.with(rule).unwrap_err().to_string()
    };
    let rule = || Rule::deny("r");
    let many = |count| (0..count).map(|n| format!("role-{n}")).collect::<Vec<_>>();
    let bounds = (0..17).map(|n| caveat(&format!("/n<={n}")));
    let mut report = String::new();
    for rule in [
        Rule::deny("first"),
        Rule::deny(""),
        Rule::deny("A\u{1b}[2J"),
        Rule::deny(&"a".repeat(65)),
        rule().tools([""; 0]),
        rule().tools(["kb.search", "kb.search"]),
        rule().tools(["search"]),
        rule().tools(["kb.search"]).tools(["kb.get"]),
        rule().roles(many(257)),
        rule().roles(["a", "b"]).except_roles(["c", "b"]),
        rule().tenants(["acme"]).except_tenants(["acme"]),
        rule().reason(""),
        rule().reason("two\nlines"),
        rule().reason(" spaced"),
        rule().reason("\u{202e}back"),
        rule().reason(&"a".repeat(201)),
        rule().reason("once").reason("twice"),
        Rule::require("r", []),
        Rule::require("r", bounds),
        Rule::require("r", [caveat("/n<=1"), caveat("/n <= 1")]),
        Rule::require("r", [caveat("only tools kb.search")]),
        Rule::require("r", [caveat("at most 3 blocks")]),
        Rule::require("r", [caveat("for kb.search: /n<=1")]),
    ] {
        writeln!(report, "{}", fault(rule)).unwrap();
    }
    insta::assert_snapshot!(report);
    assert!(
        only(rule().roles(many(256))).names().eq(["r"]),
        "as many as there may be"
    );
}

#[test]
fn rules_are_bounded_in_number() {
    let mut policy = ServicePolicy::none();
    for number in 0..RULES_MAX {
        policy = policy.with(Rule::deny(&format!("r{number}"))).unwrap();
    }
    let error = policy.with(Rule::deny("more")).unwrap_err();
    assert_eq!(error.fault, RuleFault::RulesTooMany);
}

#[test]
fn what_is_written_wrong_is_told_with_its_line() {
    const GOOD: &str = "[[rule]]\nname = \"good\"\ndeny = true\n\n";
    let cases = [
        ("an empty file", ""),
        ("no rules", "rule = []"),
        ("another name for the rules", "[[rules]]\nname = \"r\""),
        (
            "one rule that is no list",
            "[rule]\nname = \"r\"\ndeny = true",
        ),
        ("not TOML", "[[rule]]\nname = \"r\ndeny = true"),
        ("unknown key", "[[rule]]\nname = \"r\"\nallow = true"),
        (
            "a misspelt filter",
            "[[rule]]\nname = \"r\"\ndeny = true\nrole = [\"intern\"]",
        ),
        ("no name", "[[rule]]\ndeny = true"),
        ("no such name", "[[rule]]\ndeny = true\nname = \"The Rule\""),
        (
            "a name twice",
            "[[rule]]\nname = \"good\"\nrequire_holder = true",
        ),
        (
            "no effect",
            "[[rule]]\nname = \"r\"\ntools = [\"kb.search\"]",
        ),
        (
            "two effects",
            "[[rule]]\nname = \"r\"\ndeny = true\nrequire_holder = true",
        ),
        (
            "an effect that is off",
            "[[rule]]\nname = \"r\"\nrequire_holder = false",
        ),
        (
            "an effect that is a list",
            "[[rule]]\nname = \"r\"\ndeny = [\"ticket.close\"]",
        ),
        (
            "a key twice",
            "[[rule]]\nname = \"r\"\ndeny = true\ndeny = true",
        ),
        (
            "an empty list",
            "[[rule]]\nname = \"r\"\ndeny = true\ntools = []",
        ),
        (
            "a name twice in a list",
            "[[rule]]\nname = \"r\"\ndeny = true\nroles = [\"a\", \"a\"]",
        ),
        (
            "one name that is no list",
            "[[rule]]\nname = \"r\"\ndeny = true\nroles = \"a\"",
        ),
        (
            "no tool",
            "[[rule]]\nname = \"r\"\ndeny = true\ntools = [\n  \"kb.search\",\n  \"*\",\n]",
        ),
        (
            "no role",
            "[[rule]]\nname = \"r\"\ndeny = true\nexcept_roles = [\"Lead\"]",
        ),
        (
            "no tenant",
            "[[rule]]\nname = \"r\"\ndeny = true\ntenants = [\"ac me\"]",
        ),
        (
            "for and against",
            "[[rule]]\nname = \"r\"\ndeny = true\nroles = [\"a\"]\nexcept_roles = [\"a\"]",
        ),
        (
            "a reason of two lines",
            "[[rule]]\nname = \"r\"\ndeny = true\nreason = \"a\\nb\"",
        ),
        ("nothing required", "[[rule]]\nname = \"r\"\nrequire = []"),
        (
            "no caveat",
            "[[rule]]\nname = \"r\"\nrequire = [\n  \"/limit<=100\",\n  \"/limit<100\",\n]",
        ),
        (
            "a caveat on something else",
            "[[rule]]\nname = \"r\"\nrequire = [\n  \"/limit<=100\",\n  \"only tools kb.search\",\n]",
        ),
        (
            "a caveat for some tools",
            "[[rule]]\nname = \"r\"\nrequire = [\"for kb.search: /limit<=100\"]",
        ),
        (
            "a caveat twice",
            "[[rule]]\nname = \"r\"\nrequire = [\"/limit<=100\", \"/limit <= 100\"]",
        ),
    ];
    let mut report = String::new();
    for (case, text) in cases {
        // Behind a good rule, so that the line is not the first by chance.
        let file = match text {
            text if text.starts_with("[[rule]]") => format!("{GOOD}{text}"),
            text => text.to_owned(),
        };
        let error = toml::from_str::<ServicePolicy>(&file).unwrap_err();
        let before = &file[..error.span().map_or(0, |span| span.start)];
        let line = 1 + before.matches('\n').count();
        let shown = file.lines().nth(line - 1).unwrap_or_default();
        writeln!(report, "# {case}\n{line}: {shown}\n{}\n", error.message()).unwrap();
    }
    insta::assert_snapshot!(report);
}

const PAGE: &str = include_str!("../../../../docs/service-policy.md");

#[test]
fn the_page_is_a_policy_and_has_every_key() {
    let example = PAGE.split("```toml\n").nth(1).unwrap();
    let example = example.split("```").next().unwrap();
    let policy: ServicePolicy = toml::from_str(example).unwrap();
    let built = ServicePolicy::none()
        .with(
            Rule::require(
                "small-pages",
                [caveat("/limit in 1..10"), caveat("/query length<=200")],
            )
            .reason("Larger pages crowd out other searches.")
            .tools(["kb.search"]),
        )
        .and_then(|policy| {
            policy.with(
                Rule::deny("only-leads-close")
                    .tools(["ticket.close"])
                    .except_roles(["lead"]),
            )
        })
        .and_then(|policy| {
            policy.with(
                Rule::require_holder("writes-are-bound").tools(["ticket.update", "ticket.close"]),
            )
        })
        .and_then(|policy| {
            policy
                .with(Rule::require_verified_subject("globex-knows-its-people").tenants(["globex"]))
        });
    assert_eq!(policy, built.unwrap());
    // The keys are those that an unknown one is answered with.
    let unknown = toml::from_str::<ServicePolicy>("[[rule]]\nunknown = 1").unwrap_err();
    let keys: Vec<&str> = unknown.message().split('`').skip(3).step_by(2).collect();
    assert_eq!(keys.len(), 11, "{keys:?}");
    for key in keys {
        let row = format!("| `{key}");
        assert!(PAGE.contains(&row), "docs/service-policy.md lacks `{row}`");
    }
    for bound in [
        format!("1 to {RULES_MAX} rules"),
        format!("{NAMES_PER_LIST_MAX} names in a list"),
        format!("{REQUIREMENTS_PER_RULE_MAX} requirements in a rule"),
        format!("at most {REASON_CHARS_MAX} characters"),
    ] {
        assert!(
            PAGE.contains(&bound),
            "docs/service-policy.md lacks `{bound}`"
        );
    }
}
