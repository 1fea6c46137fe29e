//! Typed decisions against the Biscuit engine, over generated grants, caveats and calls; and deliberately broken
//! evaluators, each of which the same cases must catch.

mod caveats;
pub mod dice;
pub mod generate;

use std::collections::{BTreeMap, BTreeSet};

use hallpass_token::engine::{Engine, EngineVerdict};
use hallpass_token::{AdmittedToken, Clearance, UnverifiedToken, mint};
use hallpass_vocabulary::DenialCode;

use self::caveats::{Flaw, Stated};
pub use self::dice::Dice;
pub use self::generate::arguments;
use crate::fixtures::{Call, approver, attenuated, next, root, verified};

const CALLS_PER_TOKEN: u64 = 10;

struct Case {
    token: AdmittedToken,
    /// The caveats of each block, the authority block first.
    blocks: Vec<Vec<Stated>>,
    call: Call,
    engine: EngineVerdict,
}

/// Generates the cases of so many tokens and hands each over.
fn generate(seed: u64, tokens: u64, mut each: impl FnMut(Case)) {
    let mut dice = Dice(seed);
    for number in 0..tokens {
        let approvers = [approver(9).verifying_key(), approver(8).verifying_key()];
        let approvers = &approvers[..dice.roll(3) as usize];
        let some = |dice: &mut Dice, least: u64| -> Vec<Stated> {
            (0..least + dice.roll(4) / 3)
                .map(|_| generate::caveat(dice))
                .collect()
        };
        let minted_with = some(&mut dice, 0);
        let parsed = |caveats: &[Stated]| -> Vec<_> {
            let words = caveats.iter().map(Stated::words);
            words
                .map(|words| {
                    words
                        .parse()
                        .unwrap_or_else(|error| panic!("{words}: {error}"))
                })
                .collect()
        };
        let text = mint(
            &generate::grant(&mut dice),
            &parsed(&minted_with),
            &root(1),
            approvers,
            next(2),
        );
        let mut text = text.unwrap().expose().to_owned();
        let mut blocks = vec![minted_with];
        for _ in 0..dice.roll(3) {
            let caveats = some(&mut dice, 1);
            text = attenuated(&text, &parsed(&caveats)).expose().to_owned();
            blocks.push(caveats);
        }
        if number % 5 == 0 {
            let token = UnverifiedToken::parse(&text).unwrap();
            text = token.seal().unwrap().expose().to_owned();
        }
        let verified = verified(&text);
        let token = verified.admit().unwrap();
        let engine = Engine::load(&verified).unwrap();
        for _ in 0..CALLS_PER_TOKEN {
            let call = generate::call(&mut dice);
            let engine = engine.decide(&call.facts());
            each(Case {
                token: token.clone(),
                blocks: blocks.clone(),
                call,
                engine,
            });
        }
    }
}

/// Whether the evaluator of [`caveats`], written from the documentation, with at most one flaw, allows the call.
fn evaluate(case: &Case, flaw: Option<Flaw>) -> bool {
    let flawed = |this| flaw == Some(this);
    let grant = case.token.grant();
    let call = &case.call;
    let last = case.blocks.len() - 1;
    let caveats: Vec<&Stated> = case
        .blocks
        .iter()
        .enumerate()
        .filter(|(block, _)| !(flawed(Flaw::LastBlockIgnored) && *block == last && last > 0))
        .flat_map(|(_, caveats)| {
            let taken = if flawed(Flaw::OnlyFirstCaveatOfABlock) {
                1
            } else {
                caveats.len()
            };
            caveats.iter().take(taken)
        })
        .collect();

    let now = call.now.unix_seconds();
    let mut ends: Vec<i64> = caveats
        .iter()
        .filter_map(|caveat| match caveat {
            Stated::ExpiresBefore(end) => Some(end.unix_seconds()),
            _ => None,
        })
        .collect();
    if flawed(Flaw::FirstExpiryWins) {
        ends.truncate(1);
    }
    ends.push(grant.expires.unix_seconds());
    let in_time = ends
        .iter()
        .all(|end| now < *end || (flawed(Flaw::ExpiryInclusive) && now == *end));

    let blocks = case.blocks.len();
    let mut tool_sets: Vec<bool> = Vec::new();
    let mut all_hold = true;
    for caveat in caveats {
        let holds = caveat.holds(call, blocks, flaw);
        match caveat {
            Stated::OnlyTools(_) => tool_sets.push(holds),
            Stated::OnlyServices(_) if flawed(Flaw::AudienceCaveatIgnored) => {}
            _ => all_hold &= holds,
        }
    }
    let tools_hold = if flawed(Flaw::ToolSetsUnited) {
        tool_sets.is_empty() || tool_sets.contains(&true)
    } else {
        !tool_sets.contains(&false)
    };
    let granted = grant.tools.contains(&call.tool)
        || (flawed(Flaw::ApprovalIgnored) && grant.needs_approval.contains(&call.tool));

    in_time
        && (grant.environment == call.environment || flawed(Flaw::EnvironmentIgnored))
        && grant.audiences.contains(&call.audience)
        && (granted || flawed(Flaw::ToolsIgnored))
        && tools_hold
        && all_hold
}

/// How often each caveat held and failed, and each code was the answer.
#[derive(Default)]
struct Coverage {
    cases: u64,
    codes: BTreeMap<String, u64>,
    caveats: BTreeMap<String, (u64, u64)>,
}

impl Coverage {
    fn note(&mut self, case: &Case, typed: Result<Clearance, hallpass_token::Denial>) {
        self.cases += 1;
        let name = match typed {
            Ok(Clearance::Allow) => "allow".to_owned(),
            Ok(Clearance::NeedsApproval) => "approval_required".to_owned(),
            Err(denial) if denial.caveat.is_some() => format!("{} by a caveat", denial.code),
            Err(denial) => denial.code.to_string(),
        };
        *self.codes.entry(name).or_default() += 1;
        for caveat in case.blocks.iter().flatten() {
            let (held, failed) = self.caveats.entry(caveat.name()).or_default();
            let holds = match caveat {
                Stated::ExpiresBefore(end) => case.call.now.unix_seconds() < end.unix_seconds(),
                caveat => caveat.holds(&case.call, case.blocks.len(), None),
            };
            *(if holds { held } else { failed }) += 1;
        }
    }

    fn report(&self) {
        println!("{} cases", self.cases);
        for (code, count) in &self.codes {
            println!("  {count:>9} {code}");
        }
        for (caveat, (held, failed)) in &self.caveats {
            println!("  {held:>9} held, {failed:>9} failed: {caveat}");
        }
    }
}

/// One case, decided by all three: typed, by the engine, and by the evaluator written from the documentation.
fn agree(case: &Case, coverage: &mut Coverage) {
    let typed = case.token.decide(&case.call.facts());
    coverage.note(case, typed);
    // When a token was issued is not in its Datalog.
    if typed.is_err_and(|denial| denial.code == DenialCode::TokenNotYetValid) {
        return;
    }
    let allowed = typed == Ok(Clearance::Allow);
    let expected = if allowed {
        EngineVerdict::Allow
    } else {
        EngineVerdict::Deny
    };
    let told = || {
        let caveats: Vec<String> = case.blocks.iter().flatten().map(Stated::words).collect();
        let arguments = String::from_utf8_lossy(case.call.arguments.canonical()).into_owned();
        format!("{typed:?}\n{caveats:#?}\n{:?}\n{arguments}", case.call)
    };
    assert_eq!(case.engine, expected, "the engine: {}", told());
    assert_eq!(
        evaluate(case, None),
        allowed,
        "the documentation: {}",
        told()
    );
}

#[test]
fn typed_decisions_are_the_engines() {
    // The long form: HALLPASS_CASES=3000000.
    let cases: u64 = std::env::var("HALLPASS_CASES").map_or(50_000, |cases| {
        cases.parse().expect("HALLPASS_CASES is a number")
    });
    let tokens = cases.div_ceil(CALLS_PER_TOKEN);
    let halves = std::thread::scope(|threads| {
        let half = |seed| {
            threads.spawn(move || {
                let mut coverage = Coverage::default();
                generate(seed, tokens.div_ceil(2), |case| agree(&case, &mut coverage));
                coverage
            })
        };
        let halves = [half(2026), half(1226)];
        halves.map(|half| half.join().unwrap())
    });
    let mut coverage = Coverage::default();
    for half in halves {
        coverage.cases += half.cases;
        for (code, count) in half.codes {
            *coverage.codes.entry(code).or_default() += count;
        }
        for (caveat, (held, failed)) in half.caveats {
            let sum = coverage.caveats.entry(caveat).or_default();
            *sum = (sum.0 + held, sum.1 + failed);
        }
    }
    coverage.report();
    assert!(coverage.cases >= cases);
    for code in [
        "allow",
        "approval_required",
        "caveat_failed by a caveat",
        "token_expired",
        "token_expired by a caveat",
        "token_not_yet_valid",
        "tool_not_granted",
        "wrong_audience",
        "wrong_audience by a caveat",
        "wrong_environment",
    ] {
        let count = coverage.codes.get(code).copied().unwrap_or(0);
        assert!(count >= 200, "`{code}` was the answer {count} times");
    }
    let names: BTreeSet<&str> = coverage.caveats.keys().map(String::as_str).collect();
    assert_eq!(names.len(), 38, "{names:?}");
    for (caveat, (held, failed)) in &coverage.caveats {
        assert!(
            *held >= 100 && *failed >= 100,
            "{caveat}: held {held}, failed {failed}"
        );
    }
}

#[test]
fn every_broken_evaluator_is_caught() {
    let mut caught: BTreeMap<String, u64> = BTreeMap::new();
    let mut cases = 0;
    generate(7, 2_400, |case| {
        cases += 1;
        let allowed = case.engine == EngineVerdict::Allow;
        let too_early = case
            .token
            .check_time(&case.call.facts())
            .is_err_and(|denial| denial.code == DenialCode::TokenNotYetValid);
        if too_early {
            return;
        }
        assert_eq!(
            evaluate(&case, None),
            allowed,
            "the evaluator without a flaw"
        );
        for flaw in Flaw::ALL {
            let count = caught.entry(format!("{flaw:?}")).or_default();
            *count += u64::from(evaluate(&case, Some(flaw)) != allowed);
        }
    });
    println!("caught of {cases} cases: {caught:#?}");
    assert_eq!(caught.len(), Flaw::ALL.len());
    for (flaw, count) in caught {
        assert!(count > 0, "{flaw} went unnoticed");
    }
}
