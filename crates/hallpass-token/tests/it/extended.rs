//! The extended profile: other checks within bounds and a service's Datalog policy, in the engine.

use hallpass_args::Arguments;
use hallpass_token::describe::Description;
use hallpass_token::limits::{EXTENDED_PREDICATES_MAX, EXTENDED_WORK_MAX};
use hallpass_token::{
    AdmissionError, AdmittedToken, Clearance, DatalogPolicy, InvalidDatalogPolicy, Profile,
    Unbounded,
};
use hallpass_vocabulary::DenialCode;

use crate::fixtures::{Call, call, verified};
use crate::forge;

fn extended(checks: &str) -> AdmittedToken {
    let token = verified(&forge::appended(checks));
    assert!(token.admit().is_err(), "no published caveat: {checks}");
    let token = token.admit_as(Profile::Extended);
    token.unwrap_or_else(|error| panic!("{checks}: {error}"))
}

fn unbounded(checks: &str) -> Unbounded {
    match verified(&forge::appended(checks)).admit_as(Profile::Extended) {
        Err(error @ AdmissionError::CheckUnbounded { reason, .. }) => {
            assert_eq!(error.code(), DenialCode::CaveatUnknown);
            reason
        }
        other => panic!("{checks}: {:?}", other.map(|_| "admitted")),
    }
}

fn with(arguments: &str) -> Call {
    Call {
        arguments: Arguments::parse(arguments.as_bytes()).unwrap(),
        ..call()
    }
}

fn decide(token: &AdmittedToken, arguments: &str) -> Result<Clearance, DenialCode> {
    let call = with(arguments);
    token.decide(&call.facts()).map_err(|denial| denial.code)
}

#[test]
fn other_checks_are_decided_by_the_engine() {
    let allow = Ok(Clearance::Allow);
    let failed = Err(DenialCode::CaveatFailed);
    for (checks, holds, fails) in [
        (
            r#"check if call:arg_int("/limit", $n), $n > 5, $n !== 7;"#,
            r#"{"limit":6}"#,
            r#"{"limit":7}"#,
        ),
        (
            r#"check if call:arg_str("/mode", $m), $m == "fast" or call:arg_bool("/force", true);"#,
            r#"{"force":true}"#,
            r#"{"mode":"slow","force":false}"#,
        ),
        // What is granted can be asked too, and two arguments compared.
        (
            r#"check if role("support_agent"), call:arg_int("/from", $a), call:arg_int("/to", $b), $a <= $b;"#,
            r#"{"from":1,"to":2}"#,
            r#"{"from":3,"to":2}"#,
        ),
        (
            r#"check all call:item_str("/tags", $t), $t.length() < 5;"#,
            r#"{"tags":["a","bcde"]}"#,
            r#"{"tags":["a","bcdef"]}"#,
        ),
        (
            r#"check if call:arg_path("/p", $p), !$p.contains("secret");"#,
            r#"{"p":"/a/./b"}"#,
            r#"{"p":"/a/secret"}"#,
        ),
    ] {
        let token = extended(checks);
        assert!(!token.is_standard());
        assert_eq!(decide(&token, holds), allow, "{checks} {holds}");
        assert_eq!(decide(&token, fails), failed, "{checks} {fails}");
        assert_eq!(decide(&token, "{}"), failed, "{checks} without arguments");
    }
}

#[test]
fn published_caveats_beside_other_checks_hold_too() {
    let token = extended(
        r#"check if call:tool($t), {"kb.search"}.contains($t);
           check if call:arg_int("/limit", $n), $n > 5;"#,
    );
    assert_eq!(token.caveats().len(), 1);
    assert_eq!(decide(&token, r#"{"limit":6}"#), Ok(Clearance::Allow));
    let other_tool = Call {
        tool: "tickets.get".parse().unwrap(),
        ..with(r#"{"limit":6}"#)
    };
    let denial = token.decide(&other_tool.facts()).unwrap_err();
    assert_eq!(denial.code, DenialCode::CaveatFailed);
    let explained = token.explain(&denial, &other_tool.facts());
    assert_eq!(
        explained,
        "block 1 of the token says `only tools kb.search`"
    );
    let too_few = with(r#"{"limit":5}"#);
    let denial = token.decide(&too_few.facts()).unwrap_err();
    let explained = token.explain(&denial, &too_few.facts());
    assert_eq!(
        explained,
        r#"block 1 of the token has `check if call:arg_int("/limit", $n), $n > 5`"#
    );
}

/// Other checks are decided over facts and checks that were rebuilt from what was admitted. The engine over the token
/// itself says the same.
#[test]
fn what_was_rebuilt_is_decided_as_the_token_itself() {
    use crate::differential::{Dice, arguments};
    use hallpass_token::engine::{Engine, EngineVerdict};

    const CHECKS: [&str; 14] = [
        r#"check if call:arg_int("/limit", $n), $n > 5;"#,
        r#"check if call:arg_int("/limit", $n), $n !== 10, $n < 100;"#,
        r#"check if call:arg_str("/mode", $m), $m == "fast" or call:arg_str("/mode", $m), $m.length() < 4;"#,
        r#"check if call:arg_str("/mode", $m), $m != "slow";"#,
        r#"check all call:item_int("/limits", $n), $n >= 1;"#,
        r#"check if call:item_int("/limits", $n), $n >= 100;"#,
        r#"check if call:arg_int("/limit", $a), call:item_int("/limits", $b), $a === $b;"#,
        r#"check if call:arg_path("/path", $p), !$p.contains("evil");"#,
        r#"check if role("support_agent");"#,
        r#"check if role($r), $r === "admin";"#,
        r#"check if call:kind("/odd", "object") or call:kind("/odd", "int");"#,
        r#"check if call:tool($t), tools($s), $s.contains($t), !($t === "tickets.get");"#,
        r#"check if call:arg_bool("/flag", $f), $f;"#,
        r#"check if call:arg_names($n), $n.length() > 6;"#,
    ];
    let mut dice = Dice(11);
    let (mut allowed, mut denied, mut undecided) = (0, 0, 0);
    for _ in 0..300 {
        let checks: String = (0..=dice.roll(2)).map(|_| dice.pick(&CHECKS)).collect();
        let verified = verified(&forge::appended(&checks));
        let token = verified.admit_as(Profile::Extended).unwrap();
        let engine = Engine::load(&verified).unwrap();
        for _ in 0..8 {
            let call = Call {
                tool: dice.pick(&["kb.search", "tickets.get"]).parse().unwrap(),
                arguments: arguments(&mut dice),
                ..call()
            };
            let ours = match token.decide(&call.facts()) {
                Ok(_) => EngineVerdict::Allow,
                Err(denial) if denial.code == DenialCode::Overloaded => {
                    EngineVerdict::CouldNotEvaluate
                }
                Err(_) => EngineVerdict::Deny,
            };
            *match ours {
                EngineVerdict::Allow => &mut allowed,
                EngineVerdict::Deny => &mut denied,
                EngineVerdict::CouldNotEvaluate => &mut undecided,
            } += 1;
            assert_eq!(engine.decide(&call.facts()), ours, "{checks} {call:?}");
        }
    }
    println!("{allowed} allowed, {denied} denied, {undecided} not decided");
    assert!(allowed > 200 && denied > 200, "{allowed} {denied}");
}

#[test]
fn what_cannot_be_bounded_is_refused() {
    let five = ["role($a)"; EXTENDED_PREDICATES_MAX + 1].join(", ");
    let many = |count: usize, what: &str, between: &str| vec![what; count].join(between);
    for (checks, reason) in [
        (format!("check if {five};"), Unbounded::Predicates),
        (
            format!("check if {};", many(5, "role(\"a\")", " or ")),
            Unbounded::Queries,
        ),
        (
            format!("check if role($a), {};", many(9, "$a === \"a\"", ", ")),
            Unbounded::Expressions,
        ),
        (
            format!("check if {}true;", many(33, "!", "")),
            Unbounded::Steps,
        ),
        ("reject if role(\"a\");".to_owned(), Unbounded::NotAdmitted),
        (
            "check if role($a), $a.matches(\"a*\");".to_owned(),
            Unbounded::NotAdmitted,
        ),
        (
            "check if budget($u, $n), $n + 1 > 5;".to_owned(),
            Unbounded::NotAdmitted,
        ),
        (
            "check if role($a), $a + $a === \"aa\";".to_owned(),
            Unbounded::NotAdmitted,
        ),
        (
            "check if tools($s), $s.any($x -> $x === \"a\");".to_owned(),
            Unbounded::NotAdmitted,
        ),
        (
            "check if role($a), $a === \"a\" && $a === \"b\";".to_owned(),
            Unbounded::NotAdmitted,
        ),
        (
            "check if role($a), $a.extern::f();".to_owned(),
            Unbounded::NotAdmitted,
        ),
        (
            "check if role($a), $a.type() === \"string\";".to_owned(),
            Unbounded::NotAdmitted,
        ),
        ("check if role(null);".to_owned(), Unbounded::NotAdmitted),
        ("check if role([1]);".to_owned(), Unbounded::NotAdmitted),
        (
            "check if role({\"a\": 1});".to_owned(),
            Unbounded::NotAdmitted,
        ),
    ] {
        assert_eq!(unbounded(&checks), reason, "{checks}");
    }
    // Rules, facts and scopes are refused in both profiles, before any check is looked at.
    for structure in [
        "role(\"admin\");",
        "role($a) <- role($a);",
        "check if role(\"a\") trusting previous;",
    ] {
        let token = verified(&forge::appended(structure));
        assert!(token.admit_as(Profile::Extended).is_err(), "{structure}");
    }
}

#[test]
fn too_much_work_is_no_verdict_and_costs_nothing() {
    // Sixteen combinations to the fourth are within bounds, 1,000 squared are not.
    let token = extended(r#"check if call:item_int("/n", $a), call:item_int("/n", $b), $a > $b;"#);
    let numbers = |count: usize| {
        let numbers: Vec<String> = (0..count).map(|n| n.to_string()).collect();
        format!(r#"{{"n":[{}]}}"#, numbers.join(","))
    };
    assert_eq!(decide(&token, &numbers(16)), Ok(Clearance::Allow));
    let started = std::time::Instant::now();
    assert_eq!(decide(&token, &numbers(1_000)), Err(DenialCode::Overloaded));
    println!("refused in {:?}", started.elapsed());
    let call = with(&numbers(1_000));
    let denial = token.decide(&call.facts()).unwrap_err();
    assert_eq!(
        token.explain(&denial, &call.facts()),
        "the checks of the token could not be evaluated within bounds"
    );
    // What fails inside the engine is no verdict either.
    let mistyped = extended(r#"check if call:arg_int("/n", $a), $a.contains(5);"#);
    assert_eq!(decide(&mistyped, r#"{"n":1}"#), Err(DenialCode::Overloaded));
}

#[test]
fn a_policy_decides_what_the_token_leaves() {
    let policy = DatalogPolicy::parse(
        r#"deny if role("support_agent"), call:arg_int("/limit", $n), $n > 100;
           allow if call:tool("kb.search");
           check if tenant("acme");"#,
        ["/limit".parse().unwrap()],
    )
    .unwrap();
    let plain = verified(crate::fixtures::minted(&crate::fixtures::grant()).expose());
    let token = plain.admit_as(Profile::Extended).unwrap();
    assert!(token.is_standard());
    let ask = |token: &AdmittedToken, call: &Call| {
        token
            .check_in_engine(&call.facts(), Some(&policy))
            .map_err(|denial| denial.code)
    };
    assert_eq!(ask(&token, &with(r#"{"limit":100}"#)), Ok(()));
    assert_eq!(
        ask(&token, &with(r#"{"limit":101}"#)),
        Err(DenialCode::PolicyDenied)
    );
    let nothing_matches = Call {
        tool: "tickets.get".parse().unwrap(),
        ..call()
    };
    assert_eq!(ask(&token, &nothing_matches), Err(DenialCode::PolicyDenied));
    // A check of the token that fails is the token's, whatever the policy says.
    let narrowed = extended(r#"check if call:arg_int("/limit", $n), $n > 5;"#);
    assert_eq!(
        ask(&narrowed, &with(r#"{"limit":5}"#)),
        Err(DenialCode::CaveatFailed)
    );
    assert_eq!(
        ask(&narrowed, &with(r#"{"limit":101}"#)),
        Err(DenialCode::PolicyDenied)
    );
    // A check of the policy is the policy's.
    let other = DatalogPolicy::parse("check if tenant(\"globex\"); allow if true;", []).unwrap();
    assert_eq!(
        token
            .check_in_engine(&call().facts(), Some(&other))
            .map_err(|denial| denial.code),
        Err(DenialCode::PolicyDenied)
    );
}

#[test]
fn a_policy_that_cannot_be_is_refused_when_it_is_read() {
    let refused = |text: &str| DatalogPolicy::parse(text, []).unwrap_err();
    assert_eq!(refused("deny if true;"), InvalidDatalogPolicy::NoAllow);
    assert_eq!(refused(""), InvalidDatalogPolicy::NoAllow);
    assert!(matches!(
        refused("allow if tool(;"),
        InvalidDatalogPolicy::Syntax { .. }
    ));
    assert_eq!(refused(&" ".repeat(20_000)), InvalidDatalogPolicy::TooLarge);
    for deep in ["(", "!", "{", "[", "[1,", "{1,", "!(", "(\")\" + "] {
        let text = format!("allow if {}true;", deep.repeat(2_000));
        assert_eq!(refused(&text), InvalidDatalogPolicy::TooDeep, "{deep}");
    }
    // What is long and not deep, and what a text holds.
    let negations = ["!(1 > 2)"; 100].join(", ");
    let brackets = "(".repeat(100);
    let flat = format!(r#"allow if {negations}; deny if role("\"{brackets}"), [1, 2] === [3];"#);
    assert!(DatalogPolicy::parse(&flat, []).is_ok());
}

/// Looks for the most expensive token and call that are within bounds: by changing the most expensive one so far. The
/// long form: HALLPASS_SEARCH=20000.
#[test]
fn the_most_expensive_token_that_is_admitted_is_cheap_enough() {
    use crate::differential::Dice;

    #[derive(Clone)]
    struct Try {
        bodies: Vec<Vec<u64>>,
        steps: u64,
        elements: u64,
        text: u64,
    }

    fn token_and_call(attempt: &Try) -> (String, String) {
        const PREDICATES: [&str; 8] = [
            r#"role($a)"#,
            r#"call:item_str("/x", $b)"#,
            r#"call:item_str("/x", $c)"#,
            r#"call:item_length("/x", $d)"#,
            r#"tools($e)"#,
            r#"call:kind("/x", $f)"#,
            r#"call:arg_str("/y", $g)"#,
            r#"call:item_path("/x", $h)"#,
        ];
        let checks = attempt.bodies.iter().map(|body| {
            let predicates: Vec<&str> = body
                .iter()
                .map(|n| PREDICATES[*n as usize % PREDICATES.len()])
                .collect();
            let text = predicates.iter().find_map(|predicate| {
                let name = predicate.rsplit_once('$')?.1.trim_end_matches(')');
                ["b", "c", "g", "h"].contains(&name).then_some(name)
            });
            // Never true, so that every combination is tried.
            let step = text.map_or("1 > 2".to_owned(), |name| {
                format!("${name}.contains(\"zz\")")
            });
            let steps = vec![step; attempt.steps as usize].join(", ");
            format!("check if {}, {steps};", predicates.join(", "))
        });
        let checks: String = checks.collect();
        let elements: Vec<String> = (0..attempt.elements)
            .map(|n| format!("\"{}{n}\"", "y".repeat(attempt.text as usize)))
            .collect();
        let arguments = format!(
            r#"{{"x":[{}],"y":"{}"}}"#,
            elements.join(","),
            "y".repeat(attempt.text as usize)
        );
        (checks, arguments)
    }

    let tries: u64 = std::env::var("HALLPASS_SEARCH").map_or(400, |tries| {
        tries.parse().expect("HALLPASS_SEARCH is a number")
    });
    let mut dice = Dice(3);
    let mut best = Try {
        bodies: vec![vec![0]],
        steps: 1,
        elements: 1,
        text: 1,
    };
    let (mut worst, mut evaluated, mut refused) = (std::time::Duration::ZERO, 0, 0);
    for _ in 0..tries {
        let mut attempt = best.clone();
        for _ in 0..=dice.roll(3) {
            match dice.roll(6) {
                0 => attempt
                    .bodies
                    .push((0..=dice.roll(4)).map(|_| dice.roll(8)).collect()),
                1 if attempt.bodies.len() > 1 => {
                    attempt.bodies.pop();
                }
                2 => {
                    let body = dice.roll(attempt.bodies.len() as u64) as usize;
                    attempt.bodies[body].push(dice.roll(8));
                    attempt.bodies[body].truncate(EXTENDED_PREDICATES_MAX);
                }
                3 => attempt.steps = dice.roll(8) + 1,
                4 => attempt.elements = [1, 4, 16, 64, 256, 1_000][dice.roll(6) as usize],
                _ => attempt.text = [1, 16, 128, 1_024, 8_192, 60_000][dice.roll(6) as usize],
            }
        }
        attempt.bodies.truncate(16);
        attempt
            .bodies
            .iter_mut()
            .for_each(|body| body.truncate(EXTENDED_PREDICATES_MAX));
        let (checks, arguments) = token_and_call(&attempt);
        let Ok(arguments) = Arguments::parse(arguments.as_bytes()) else {
            continue;
        };
        let token = verified(&forge::appended(&checks));
        let Ok(token) = token.admit_as(Profile::Extended) else {
            continue;
        };
        let call = Call {
            arguments,
            ..call()
        };
        let timed = || {
            let started = std::time::Instant::now();
            let verdict = token.check_in_engine(&call.facts(), None);
            (started.elapsed(), verdict)
        };
        let (mut took, verdict) = timed();
        if took > worst {
            // Whoever was preempted is not expensive.
            took = took.min(timed().0).min(timed().0);
        }
        if verdict.is_err_and(|denial| denial.code == DenialCode::Overloaded) {
            refused += 1;
        } else {
            evaluated += 1;
            if took > worst {
                (worst, best) = (took, attempt);
            }
        }
    }
    println!(
        "{evaluated} within {EXTENDED_WORK_MAX} units of work, {refused} beyond; the most expensive: {worst:?}"
    );
    println!(
        "{} checks, {} elements, texts of {} bytes",
        best.bodies.len(),
        best.elements,
        best.text
    );
    assert!(evaluated > 50 && refused > 5, "{evaluated} {refused}");
    // The engine's own limit is a backstop that is never reached.
    assert!(worst < std::time::Duration::from_millis(250), "{worst:?}");
}

#[test]
fn a_token_with_another_check_was_made_from_the_one_without() {
    let check = r#"check if call:arg_int("/limit", $n), $n > 5, $n !== 7"#;
    let narrower = extended(&format!("{check};")).describe();
    let before = Description {
        caveats: Vec::new(),
        other_checks: Vec::new(),
        blocks: 1,
        ..narrower.clone()
    };
    assert!(before.is_narrowed_to(&narrower) && !narrower.is_narrowed_to(&before));
    let given_up = before.given_up(&narrower);
    assert!(!given_up.is_nothing());
    assert_eq!(given_up.other_checks, [check]);
    // Another check in the same place is another token's.
    let other = extended("check if call:arg_int($p, $n);").describe();
    assert!(!narrower.is_narrowed_to(&other));
}
