//! The law of a service's own rules: one more of them never allows what was denied.

use std::sync::Arc;

use hallpass_args::{Arguments, ToolCall};
use hallpass_keys::Purpose;
use hallpass_token::TokenText;
use hallpass_verifier::{
    Disclosure, JournalledArguments, Rule, ServicePolicy, Setup, Tenancy, Verifier,
};
use hallpass_vocabulary::{DenialCode, SubjectAssurance};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use crate::world::*;

const TOOLS: [&str; 4] = ["kb.search", "tickets.get", "ticket.update", "ticket.close"];
const ROLES: [&str; 3] = ["intern", "lead", "support_agent"];
const TENANTS: [&str; 2] = ["acme", "globex"];

/// A rule without its name. An empty list is none.
#[derive(Debug, Clone)]
struct Draft {
    effect: u8,
    caveat: &'static str,
    tools: Vec<&'static str>,
    roles: [Vec<&'static str>; 2],
    tenants: [Vec<&'static str>; 2],
}

impl Draft {
    fn rule(&self, name: &str) -> Rule {
        let mut rule = match self.effect {
            0 => Rule::deny(name),
            1 => Rule::require_holder(name),
            2 => Rule::require_verified_subject(name),
            _ => Rule::require(name, [self.caveat.parse().unwrap()]),
        };
        if !self.tools.is_empty() {
            rule = rule.tools(&self.tools);
        }
        let ([roles, not_roles], [tenants, not_tenants]) = (&self.roles, &self.tenants);
        if !roles.is_empty() {
            rule = rule.roles(roles);
        }
        if !not_roles.is_empty() {
            rule = rule.except_roles(not_roles);
        }
        if !tenants.is_empty() {
            rule = rule.tenants(tenants);
        }
        if !not_tenants.is_empty() {
            rule = rule.except_tenants(not_tenants);
        }
        rule
    }
}

/// Two lists with nothing in both, each mostly empty.
fn apart(names: &'static [&'static str]) -> impl Strategy<Value = [Vec<&'static str>; 2]> {
    let sides = vec(0..8_u8, names.len());
    sides.prop_map(|sides| {
        [0, 1].map(|side| {
            let on_it = names.iter().zip(&sides).filter(|(_, at)| **at == side);
            on_it.map(|(name, _)| *name).collect()
        })
    })
}

/// Rules that calls break about as often as not.
fn draft() -> impl Strategy<Value = Draft> {
    let caveats = select(vec![
        "/limit<=10",
        "/limit>=10",
        "/mode one of fast, slow",
        "only arguments limit, mode",
        "no arguments",
        "either /limit<=10 and /mode==fast or no arguments",
    ]);
    let tools = subsequence(&TOOLS, 0..=3);
    let parts = (0..4_u8, caveats, tools, apart(&ROLES), apart(&TENANTS));
    parts.prop_map(|(effect, caveat, tools, roles, tenants)| Draft {
        effect,
        caveat,
        tools,
        roles,
        tenants,
    })
}

/// A token and a call that it mostly allows.
fn asked() -> impl Strategy<Value = (TokenText, ToolCall)> {
    let who = (
        subsequence(&TENANTS, 1),
        subsequence(&ROLES, 0..=2),
        any::<bool>(),
        any::<bool>(),
    );
    let what = (
        select(&TOOLS[..]),
        select(vec![
            "{}",
            r#"{"limit":5}"#,
            r#"{"limit":10,"mode":"fast"}"#,
            r#"{"limit":50,"mode":"slow"}"#,
            r#"{"mode":7,"more":1}"#,
        ]),
        select(vec![
            None,
            None,
            None,
            Some("only tools kb.search, ticket.close"),
            Some("/limit<=10"),
        ]),
    );
    (who, what).prop_map(
        |((tenants, roles, bound, verified), (name, arguments, narrowing))| {
            let mut text = token(|spec| {
                spec.tenant = tenant(tenants[0]);
                spec.roles = roles.iter().map(|role| role.parse().unwrap()).collect();
                spec.holder = bound.then(|| key(Purpose::Run, "prod", 77).verifying_key());
                if verified {
                    spec.assurance = SubjectAssurance::Verified;
                }
            });
            if let Some(words) = narrowing {
                text = narrowed(&text, words.parse().unwrap());
            }
            let mut call = call(name);
            call.args = Arguments::parse(arguments.as_bytes()).unwrap();
            (text, call)
        },
    )
}

/// One more rule, wherever it is put, leaves every denial a denial, and denies in no other name than its own.
#[test]
fn a_rule_never_turns_a_denial_into_an_allow() {
    const POLICIES: usize = 250;
    const CALLS: usize = 10;
    let world = World::new();
    let ruled_by = |policy| {
        Verifier::new(Setup {
            audience: audience("tickets"),
            environment: env("prod"),
            tenancy: Tenancy::Many,
            policy,
            journalled: JournalledArguments::none(),
            disclosure: Disclosure::Code,
            profile: hallpass_verifier::Profile::Standard,
            spend: hallpass_verifier::Spend::ThisJournal,
            recording: hallpass_verifier::Recording::standard(),
            journal: world.journal.clone(),
            snapshots: Arc::clone(&world.snapshots),
            clock: Arc::new(hallpass_testkit::FixedClock::at(NOW)),
        })
    };
    let (rules, calls) = (
        (vec(draft(), 0..3), draft(), any::<Index>()),
        vec(asked(), CALLS),
    );
    let mut runner = TestRunner::deterministic();
    let (mut stays_denied, mut denied_now, mut stays_allowed) = (0, 0, 0);
    for _ in 0..POLICIES {
        let (fewer, one_more, place) = rules.new_tree(&mut runner).unwrap().current();
        let together = |with_it: bool| {
            let mut rules: Vec<Rule> = fewer
                .iter()
                .enumerate()
                .map(|(n, rule)| rule.rule(&format!("r{n}")))
                .collect();
            if with_it {
                rules.insert(place.index(rules.len() + 1), one_more.rule("one-more"));
            }
            let mut policy = ServicePolicy::none();
            for rule in rules {
                policy = policy.with(rule).unwrap();
            }
            ruled_by(policy)
        };
        let (without, with) = (together(false), together(true));
        for (token, call) in calls.new_tree(&mut runner).unwrap().current() {
            let answer = |verifier: &Verifier| {
                let checked = verifier.check(Some(token.expose()), call.clone(), NOW);
                checked.denial()
            };
            match (answer(&without), answer(&with)) {
                (None, None) => stays_allowed += 1,
                (None | Some(DenialCode::ApprovalRequired), Some(DenialCode::PolicyDenied)) => {
                    denied_now += 1;
                }
                (before, after) => {
                    assert_eq!(before, after, "{call:?}");
                    stays_denied += 1;
                }
            }
        }
    }
    println!(
        "{stays_denied} stay denied, {denied_now} are denied now, {stays_allowed} stay allowed"
    );
    for often in [stays_denied, denied_now, stays_allowed] {
        assert!(often > 200, "{stays_denied}, {denied_now}, {stays_allowed}");
    }
}
