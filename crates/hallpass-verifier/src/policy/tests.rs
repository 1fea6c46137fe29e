//! Each kind of rule from both sides, whom it concerns, and the order among rules.

use hallpass_args::Arguments;
use hallpass_keys::{Purpose, SigningKey};
use hallpass_token::{Caveat, GrantSpec};

use super::*;
use crate::cache::tests::{NOW, grant_spec};

/// How a call of a token breaks a policy, in words.
fn breach(
    policy: &ServicePolicy,
    tool: &str,
    arguments: &str,
    change: impl FnOnce(&mut GrantSpec),
) -> Option<String> {
    let mut spec = grant_spec();
    change(&mut spec);
    let grant = Grant::new(spec).unwrap();
    let call = CallFacts {
        now: NOW,
        audience: &"tickets".parse().unwrap(),
        environment: &"dev".parse().unwrap(),
        tool: &tool.parse().unwrap(),
        arguments: &Arguments::parse(arguments.as_bytes()).unwrap(),
    };
    let breach = policy.check(&grant, &call).err();
    breach.map(|breach| breach.to_string())
}

fn only(rule: Rule) -> ServicePolicy {
    ServicePolicy::none().with(rule).unwrap()
}

fn caveat(words: &str) -> Caveat {
    words.parse().unwrap()
}

fn with_roles(roles: &[&str]) -> impl FnOnce(&mut GrantSpec) {
    let roles = roles.iter().map(|role| role.parse().unwrap()).collect();
    |spec| spec.roles = roles
}

fn of_tenant(tenant: &str) -> impl FnOnce(&mut GrantSpec) {
    let tenant = tenant.parse().unwrap();
    |spec| spec.tenant = tenant
}

#[test]
fn without_rules_nothing_is_broken() {
    let none = ServicePolicy::none();
    assert_eq!(breach(&none, "ticket.close", "{}", |_| ()), None);
}

#[test]
fn a_denied_tool_is_denied_and_no_other() {
    let policy = only(Rule::deny("no-closing").tools(["ticket.close"]));
    assert_eq!(
        breach(&policy, "ticket.close", "{}", |_| ()).unwrap(),
        "rule `no-closing` denies the call"
    );
    assert_eq!(breach(&policy, "ticket.update", "{}", |_| ()), None);
}

#[test]
fn without_tools_a_rule_concerns_every_tool() {
    // The tools of rules before and behind it are no exception.
    let policy = only(Rule::require_holder("holder").tools(["kb.search"]))
        .with(Rule::deny("closed").reason("Moved to the new service on 1 March."))
        .unwrap()
        .with(Rule::require_holder("again").tools(["ticket.close"]))
        .unwrap();
    for tool in ["ticket.close", "kb.other"] {
        assert_eq!(
            breach(&policy, tool, "{}", |_| ()).unwrap(),
            "rule `closed` denies the call: Moved to the new service on 1 March."
        );
    }
}

#[test]
fn arguments_are_as_required_and_the_denial_does_not_tell_them() {
    let policy = only(
        Rule::require(
            "small-pages",
            [caveat("/limit<=100"), caveat("only arguments limit, query")],
        )
        .tools(["kb.search"]),
    );
    let broken = |arguments| breach(&policy, "kb.search", arguments, |_| ());
    assert_eq!(broken(r#"{"limit":100,"query":"a"}"#), None);
    assert_eq!(
        broken(r#"{"limit":4242}"#).unwrap(),
        "rule `small-pages` requires `/limit<=100`, and the argument `/limit` is not what it allows"
    );
    assert_eq!(
        broken(r#"{"limit":"4242"}"#).unwrap(),
        "rule `small-pages` requires `/limit<=100`, and the argument `/limit` is a string, not an integer"
    );
    assert_eq!(
        broken("{}").unwrap(),
        "rule `small-pages` requires `/limit<=100`, and the argument `/limit` is missing"
    );
    assert_eq!(
        broken("{\"limit\":1,\"\\u001b[2J\":\"hidden\"}").unwrap(),
        "rule `small-pages` requires `only arguments limit, query`, and the call has an argument `\\u{1b}[2J`"
    );
    assert_eq!(breach(&policy, "tickets.get", "{}", |_| ()), None);
}

#[test]
fn a_long_requirement_is_told_shortened_and_a_strange_one_escaped() {
    let long = format!("/q one of {}", "a".repeat(200));
    let policy = only(Rule::require("long", [caveat(&long)]));
    let told = breach(&policy, "kb.search", "{}", |_| ()).unwrap();
    assert!(told.len() < 300 && told.contains("aaa…`, and"), "{told}");
    let strange = Caveat::arg("/q").equals("\u{202e}").unwrap();
    let policy = only(Rule::require("strange", [strange]));
    let told = breach(&policy, "kb.search", "{}", |_| ()).unwrap();
    assert!(told.contains("\\u202e"), "{told}");
}

#[test]
fn a_holder_is_required_by_the_key_in_the_token() {
    let policy = only(Rule::require_holder("bound"));
    assert_eq!(
        breach(&policy, "kb.search", "{}", |_| ()).unwrap(),
        "rule `bound` requires a token that is bound to a key"
    );
    let key = SigningKey::from_seed(Purpose::Run, "dev".parse().unwrap(), [7; 32]);
    let bound = |spec: &mut GrantSpec| spec.holder = Some(key.verifying_key());
    assert_eq!(breach(&policy, "kb.search", "{}", bound), None);
}

#[test]
fn a_subject_is_verified_or_not() {
    use hallpass_vocabulary::SubjectAssurance::{Asserted, Verified};
    let policy = only(Rule::require_verified_subject("known"));
    assert_eq!(
        breach(&policy, "kb.search", "{}", |spec| spec.assurance = Asserted).unwrap(),
        "rule `known` requires a verified subject, and the token's is asserted"
    );
    assert_eq!(
        breach(&policy, "kb.search", "{}", |spec| spec.assurance = Verified),
        None
    );
}

#[test]
fn roles_choose_whom_a_rule_concerns() {
    let denied = |rule: Rule, roles: &[&str]| {
        breach(&only(rule), "kb.search", "{}", with_roles(roles)).is_some()
    };
    let interns = || Rule::deny("r").roles(["intern", "trainee"]);
    assert!(denied(interns(), &["intern"]));
    assert!(denied(interns(), &["lead", "trainee"]));
    assert!(!denied(interns(), &["lead"]));
    assert!(!denied(interns(), &[]));
    let not_leads = || Rule::deny("r").except_roles(["lead", "owner"]);
    assert!(denied(not_leads(), &[]));
    assert!(denied(not_leads(), &["intern"]));
    assert!(!denied(not_leads(), &["intern", "owner"]));
    let both = || Rule::deny("r").roles(["intern"]).except_roles(["lead"]);
    assert!(denied(both(), &["intern"]));
    assert!(!denied(both(), &["intern", "lead"]));
    assert!(!denied(both(), &[]));
}

#[test]
fn tenants_choose_whom_a_rule_concerns() {
    let denied =
        |rule: Rule, tenant| breach(&only(rule), "kb.search", "{}", of_tenant(tenant)).is_some();
    assert!(denied(Rule::deny("r").tenants(["acme"]), "acme"));
    assert!(!denied(Rule::deny("r").tenants(["acme"]), "globex"));
    assert!(denied(Rule::deny("r").except_tenants(["acme"]), "globex"));
    assert!(!denied(Rule::deny("r").except_tenants(["acme"]), "acme"));
}

#[test]
fn every_kind_of_rule_can_be_narrowed() {
    let rules: [fn() -> Rule; 4] = [
        || Rule::deny("r"),
        || Rule::require("r", [caveat("/limit<=1")]),
        || Rule::require_holder("r"),
        || Rule::require_verified_subject("r"),
    ];
    for rule in rules {
        let denied = |rule: Rule| breach(&only(rule), "kb.search", "{}", |_| ()).is_some();
        assert!(denied(rule()));
        assert!(!denied(rule().roles(["nobody"])), "{:?}", rule());
        assert!(!denied(rule().tenants(["nobody"])), "{:?}", rule());
        assert!(!denied(rule().tools(["kb.other"])), "{:?}", rule());
    }
}

#[test]
fn the_first_broken_rule_answers() {
    let rules = || {
        [
            Rule::require("one", [caveat("/limit<=100")]).tools(["kb.search"]),
            Rule::deny("two"),
            Rule::deny("three").tools(["kb.search"]),
        ]
    };
    let told = |rules: &mut dyn Iterator<Item = Rule>, arguments| {
        let mut policy = ServicePolicy::none();
        for rule in rules {
            policy = policy.with(rule).unwrap();
        }
        breach(&policy, "kb.search", arguments, |_| ()).unwrap()
    };
    let names = |told: String| told.split('`').nth(1).unwrap().to_owned();
    assert_eq!(names(told(&mut rules().into_iter(), "{}")), "one");
    assert_eq!(
        names(told(&mut rules().into_iter(), r#"{"limit":1}"#)),
        "two"
    );
    assert_eq!(names(told(&mut rules().into_iter().rev(), "{}")), "three");
}
