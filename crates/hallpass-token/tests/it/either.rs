//! Several grants of one tool, combined: what one of them allows.

use hallpass_args::Arguments;
use hallpass_token::engine::{Engine, EngineVerdict};
use hallpass_token::{ArgumentRule, Caveat, Clearance, Grant, InvalidArgumentCaveat};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::fixtures::{attenuated, call};

/// Grants of a tool, each with its rules on few arguments.
pub fn grants() -> impl Strategy<Value = Vec<Vec<ArgumentRule>>> {
    const RULES: [&str; 12] = [
        "/n<=3",
        "/n>=3",
        "/n one of 2, 4",
        "/s==a",
        "/s starts with a",
        "/s not one of b",
        "/o/p==true",
        "/o/p==null",
        "only arguments n, s",
        "no arguments",
        "/l count<=1",
        "/s length in 1..2",
    ];
    let rule = proptest::sample::select(&RULES[..]).prop_map(rule);
    vec(vec(rule, 1..=4), 1..=8)
}

fn rule(words: &str) -> ArgumentRule {
    match words.parse().unwrap() {
        Caveat::Argument(caveat) => caveat.rule(),
        other => panic!("{other}"),
    }
}

/// Arguments on both sides of the rules of [`grants`].
fn arguments() -> impl Strategy<Value = String> {
    let n = proptest::sample::select(&["", "2", "3", "4", "\"3\"", "2.5"][..]);
    let s = proptest::sample::select(&["", "\"a\"", "\"abc\"", "\"b\"", "null"][..]);
    let o =
        proptest::sample::select(&["", "{\"p\":true}", "{\"p\":null}", "{\"P\":1,\"p\":true}"][..]);
    let l = proptest::sample::select(&["", "[]", "[1,2]"][..]);
    (n, s, o, l).prop_map(|(n, s, o, l)| {
        let named = [("n", n), ("s", s), ("o", o), ("l", l)].into_iter();
        let there = named.filter(|(_, value)| !value.is_empty());
        let members: Vec<String> = there
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        format!("{{{}}}", members.join(","))
    })
}

proptest! {
    /// Several grants allow what one of them allows: said by `either`, and by the fewest caveats, in a token, and asked of the
    /// engine.
    #[test]
    fn the_union_of_grants_allows_what_one_of_them_does(
        grants in grants(),
        shared in option::of(Just("each /l one of 1, 2")),
        arguments in arguments(),
    ) {
        let grants: Vec<Vec<ArgumentRule>> = grants
            .into_iter()
            .map(|rules| rules.into_iter().chain(shared.map(rule)).collect())
            .collect();
        let mut call = call();
        call.arguments = Arguments::parse(arguments.as_bytes()).unwrap();
        let holds = |rule: &ArgumentRule| match Caveat::on_arguments(None, rule.clone()) {
            Caveat::Argument(caveat) => caveat.unmet(&call.facts()).is_none(),
            other => panic!("{other}"),
        };
        let one_allows = grants.iter().any(|rules| rules.iter().all(holds));

        let base = crate::fixtures::minted(&Grant::new(crate::fixtures::spec()).unwrap());
        let allows = |caveats: &[Caveat]| {
            let verified = crate::fixtures::verified(attenuated(base.expose(), caveats).expose());
            let answer = verified.admit().unwrap().decide(&call.facts());
            let engine = Engine::load(&verified).unwrap().decide(&call.facts());
            let allows = answer == Ok(Clearance::Allow);
            let expected = if allows { EngineVerdict::Allow } else { EngineVerdict::Deny };
            assert_eq!(engine, expected, "{caveats:?}");
            allows
        };
        let caveats = Caveat::any_of(None, grants.clone()).unwrap();
        prop_assert_eq!(allows(&caveats), one_allows, "{:?}", &caveats);
        if let Ok(caveat) = Caveat::either(None, grants) {
            prop_assert_eq!(allows(std::slice::from_ref(&caveat)), one_allows, "{}", caveat);
            // Alternatives that are alternatives again, multiplied out.
            let again = Caveat::any_of(None, [vec![rule(&caveat.to_string())], vec![rule("/l count<=1")]]);
            let more = one_allows || holds(&rule("/l count<=1"));
            match again {
                Ok(again) => prop_assert_eq!(allows(&again), more, "{:?}", again),
                Err(error) => prop_assert_eq!(error, InvalidArgumentCaveat::Alternatives),
            }
        }
    }
}
