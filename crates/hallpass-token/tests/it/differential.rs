//! Typed decisions against the Biscuit engine, over generated grants, caveats and calls; and deliberately broken
//! deciders, each of which the same cases must catch.

use std::collections::{BTreeMap, BTreeSet};

use hallpass_keys::Digest;
use hallpass_token::engine::{Engine, EngineVerdict};
use hallpass_token::{AdmittedToken, Caveat, Clearance, Grant, NameSet, mint};
use hallpass_vocabulary::{Audience, DenialCode, Timestamp, ToolName};

use crate::fixtures::{
    Call, approver, at, attenuated, call, environment, next, root, set, spec, verified,
};

const TOKENS: u64 = 2_500;
const CALLS_PER_TOKEN: u64 = 8;

const TOOLS: [&str; 6] = [
    "kb.search",
    "tickets.get",
    "ticket.update",
    "ticket.close",
    "wiki.read",
    "mail.send",
];
const AUDIENCES: [&str; 4] = ["tickets", "kb", "mail", "wiki"];

/// A small deterministic generator (splitmix64), so that every run sees the same cases.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len() as u64) as usize]
    }

    /// Each with a chance of `in_ten`, and at least one.
    fn some<'a>(&mut self, from: &[&'a str], in_ten: u64) -> Vec<&'a str> {
        let mut some: Vec<_> = from
            .iter()
            .copied()
            .filter(|_| self.roll(10) < in_ten)
            .collect();
        if some.is_empty() {
            some.push(self.pick(from));
        }
        some
    }

    fn seconds(&mut self, from: i64, to: i64) -> Timestamp {
        at(from + self.roll((to - from) as u64 + 1) as i64)
    }
}

fn generate_grant(dice: &mut Dice) -> Grant {
    let mut spec = spec();
    spec.tools = BTreeSet::new();
    spec.needs_approval = BTreeSet::new();
    for tool in dice.some(&TOOLS, 7) {
        let into = if dice.roll(4) == 0 {
            &mut spec.needs_approval
        } else {
            &mut spec.tools
        };
        into.insert(tool.parse().unwrap());
    }
    spec.audiences = set(&dice.some(&AUDIENCES, 6));
    spec.expires = dice.seconds(1, 30);
    Grant::new(spec).unwrap()
}

fn generate_caveat(dice: &mut Dice) -> Caveat {
    match dice.roll(3) {
        0 => Caveat::ExpiresBefore(dice.seconds(1, 30)),
        1 => {
            Caveat::OnlyAudiences(NameSet::new(set::<Audience>(&dice.some(&AUDIENCES, 8))).unwrap())
        }
        _ => Caveat::OnlyTools(NameSet::new(set::<ToolName>(&dice.some(&TOOLS, 8))).unwrap()),
    }
}

fn generate_call(dice: &mut Dice) -> Call {
    Call {
        // One in sixteen before the token is issued; milliseconds, so that rounding matters.
        now: match dice.roll(16) {
            0 => dice.seconds(-90, -1),
            _ => Timestamp::from_unix_ms(dice.seconds(0, 20).unix_ms() + dice.roll(2) as i64 * 999),
        },
        audience: dice.pick(&AUDIENCES).parse().unwrap(),
        environment: environment(if dice.roll(12) == 0 { "prod" } else { "dev" }),
        tool: dice.pick(&TOOLS).parse().unwrap(),
        arguments: Digest::of(b"{}"),
    }
}

struct Case {
    token: AdmittedToken,
    call: Call,
    engine: EngineVerdict,
}

fn cases(tokens: u64) -> Vec<Case> {
    let mut dice = Dice(2026);
    let mut cases = Vec::new();
    for number in 0..tokens {
        let approvers = [approver(9).verifying_key(), approver(8).verifying_key()];
        let approvers = &approvers[..dice.roll(3) as usize];
        let text = mint(&generate_grant(&mut dice), &root(1), approvers, next(2)).unwrap();
        let mut text = text.expose().to_owned();
        for _ in 0..dice.roll(4) {
            let caveats: Vec<_> = (0..=dice.roll(2))
                .map(|_| generate_caveat(&mut dice))
                .collect();
            text = attenuated(&text, &caveats).expose().to_owned();
        }
        if number % 5 == 0 {
            let token = hallpass_token::UnverifiedToken::parse(&text).unwrap();
            text = token.seal().unwrap().expose().to_owned();
        }
        let verified = verified(&text);
        let token = verified.admit().unwrap();
        let engine = Engine::load(&verified).unwrap();
        for _ in 0..CALLS_PER_TOKEN {
            let call = generate_call(&mut dice);
            let engine = engine.decide(&call.facts());
            cases.push(Case {
                token: token.clone(),
                call,
                engine,
            });
        }
    }
    cases
}

#[test]
fn typed_decisions_are_the_engines() {
    let cases = cases(TOKENS);
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for case in &cases {
        let typed = case.token.decide(&case.call.facts());
        let name = match typed {
            Ok(Clearance::Allow) => "allow".to_owned(),
            Ok(Clearance::NeedsApproval) => "needs approval".to_owned(),
            Err(denial) => {
                let by = if denial.caveat.is_some() {
                    " by caveat"
                } else {
                    ""
                };
                format!("{}{by}", denial.code)
            }
        };
        *seen.entry(name).or_default() += 1;
        // When a token was issued is not in its Datalog.
        if typed.is_err_and(|denial| denial.code == DenialCode::TokenNotYetValid) {
            continue;
        }
        let expected = match typed {
            Ok(Clearance::Allow) => EngineVerdict::Allow,
            _ => EngineVerdict::Deny,
        };
        assert_eq!(
            case.engine, expected,
            "{:?} {:?} {:?}",
            typed, case.call, case.token
        );
    }
    println!("{} cases: {seen:?}", cases.len());
    assert!(cases.len() >= 20_000);
    for outcome in [
        "allow",
        "caveat_failed by caveat",
        "needs approval",
        "token_expired",
        "token_expired by caveat",
        "token_not_yet_valid",
        "tool_not_granted",
        "wrong_audience",
        "wrong_audience by caveat",
        "wrong_environment",
    ] {
        let count = seen.get(outcome).copied().unwrap_or(0);
        assert!(count >= 100, "`{outcome}` was generated {count} times");
    }
}

/// A mistake somebody could make in the decider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    ApprovalIgnored,
    AudienceCaveatIgnored,
    EnvironmentIgnored,
    ExpiryInclusive,
    FirstExpiryWins,
    LastBlockIgnored,
    OnlyFirstCaveatOfABlock,
    ToolSetsUnited,
    ToolsIgnored,
}

/// The decider again, written from the documentation, with at most one flaw. Whether it allows the call.
fn decider(token: &AdmittedToken, call: &Call, flaw: Option<Flaw>) -> bool {
    let flawed = |this| flaw == Some(this);
    let grant = token.grant();
    let last = token.blocks() - 1;
    let caveats: Vec<&Caveat> = token
        .caveats()
        .iter()
        .filter(|placed| !(flawed(Flaw::LastBlockIgnored) && placed.place.block == last))
        .filter(|placed| !(flawed(Flaw::OnlyFirstCaveatOfABlock) && placed.place.check > 0))
        .map(|placed| &placed.caveat)
        .collect();

    let now = call.now.unix_seconds();
    let mut ends: Vec<i64> = caveats
        .iter()
        .filter_map(|caveat| match caveat {
            Caveat::ExpiresBefore(end) => Some(end.unix_seconds()),
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

    let tool_sets: Vec<bool> = caveats
        .iter()
        .filter_map(|caveat| match caveat {
            Caveat::OnlyTools(tools) => Some(tools.contains(&call.tool)),
            _ => None,
        })
        .collect();
    let tool_caveats = if flawed(Flaw::ToolSetsUnited) {
        tool_sets.is_empty() || tool_sets.contains(&true)
    } else {
        !tool_sets.contains(&false)
    };
    let audience_caveats = caveats.iter().all(|caveat| match caveat {
        Caveat::OnlyAudiences(audiences) => audiences.contains(&call.audience),
        _ => true,
    });
    let granted = grant.tools.contains(&call.tool)
        || (flawed(Flaw::ApprovalIgnored) && grant.needs_approval.contains(&call.tool));

    in_time
        && (grant.environment == call.environment || flawed(Flaw::EnvironmentIgnored))
        && grant.audiences.contains(&call.audience)
        && (audience_caveats || flawed(Flaw::AudienceCaveatIgnored))
        && (granted || flawed(Flaw::ToolsIgnored))
        && tool_caveats
}

#[test]
fn every_broken_decider_is_caught() {
    let cases = cases(300);
    let disagreements = |flaw| {
        cases
            .iter()
            .filter(|case| {
                decider(&case.token, &case.call, flaw) != (case.engine == EngineVerdict::Allow)
            })
            .count()
    };
    assert_eq!(disagreements(None), 0, "the decider without a flaw");
    for flaw in [
        Flaw::ApprovalIgnored,
        Flaw::AudienceCaveatIgnored,
        Flaw::EnvironmentIgnored,
        Flaw::ExpiryInclusive,
        Flaw::FirstExpiryWins,
        Flaw::LastBlockIgnored,
        Flaw::OnlyFirstCaveatOfABlock,
        Flaw::ToolSetsUnited,
        Flaw::ToolsIgnored,
    ] {
        let caught = disagreements(Some(flaw));
        println!("{flaw:?}: caught by {caught} of {} cases", cases.len());
        assert!(caught > 0, "{flaw:?} went unnoticed");
    }
}

#[test]
fn the_engine_honours_the_approval_the_template_asks_for() {
    use biscuit_auth::builder::AuthorizerBuilder;

    let mut grant = spec();
    grant.tools = set(&["kb.search"]);
    let grant = Grant::new(grant).unwrap();
    let arguments = Digest::of(b"{}");
    let approved = |run: &str, tool: &str, arguments: &Digest, until: &str| {
        format!(r#"approved("{run}", "{tool}", "{arguments}", "apr_1", {until});"#)
    };
    let run = grant.run.to_string();
    let later = "2026-11-21T09:35:00Z";
    let verdict = |signer: &hallpass_keys::SigningKey, block: &str| {
        let text = mint(
            &grant,
            &root(1),
            &[approver(9).verifying_key(), approver(8).verifying_key()],
            next(2),
        );
        let text = crate::forge::third_party(text.unwrap().expose(), signer, block);
        let call = call();
        let facts = format!(
            r#"time({now}); call:audience("tickets"); call:env("dev"); call:tool("ticket.close");
               call:args("{arguments}"); call:blocks(2); allow if true;"#,
            now = call.now.to_string().replace(".000", ""),
        );
        let authorizer = AuthorizerBuilder::new().code(facts).unwrap();
        authorizer
            .build(&crate::forge::biscuit(&text))
            .unwrap()
            .authorize()
            .is_ok()
    };
    let good = approved(&run, "ticket.close", &arguments, later);
    assert!(
        verdict(&approver(9), &good) && verdict(&approver(8), &good),
        "either key approves"
    );
    assert!(!verdict(&approver(7), &good), "a foreign key does not");
    let other_run = hallpass_vocabulary::RunId::new(at(0), [9; 10]).to_string();
    for bad in [
        approved(&other_run, "ticket.close", &arguments, later),
        approved(&run, "kb.search", &arguments, later),
        approved(&run, "ticket.close", &Digest::of(b"{\"a\":1}"), later),
        approved(&run, "ticket.close", &arguments, "2026-11-21T09:30:10Z"),
        "check if true;".to_owned(),
    ] {
        assert!(!verdict(&approver(9), &bad), "{bad}");
    }
}
