//! Laws over generated values.

use std::collections::{BTreeMap, BTreeSet};

use hallpass_args::Arguments;
use hallpass_keys::Digest;
use hallpass_token::limits::{
    APPROVAL_KEYS_MAX, AUDIENCES_MAX, BUDGET_AMOUNT_MAX, ROLES_MAX, TTL_SECONDS_MAX,
};
use hallpass_token::{
    BudgetUnit, Caveat, CaveatOutcome, Clearance, Denial, Grant, GrantSpec, MintError, NameSet,
    UnverifiedToken, mint,
};
use hallpass_vocabulary::{ProofRule, RunId, SubjectAssurance, Timestamp, TokenId};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;

use crate::differential::dice::Dice;
use crate::differential::generate;
use crate::either::grants;
use crate::fixtures::{Call, admitted, approver, attenuated, call, environment, grant, next, root};

fn tool() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9_]{0,12}\\.[a-z][a-z0-9_]{0,12}"
}

fn label() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9-]{0,20}"
}

prop_compose! {
    fn who()(
        tenant in "[A-Za-z0-9][A-Za-z0-9._-]{0,30}",
        // Also names that are default symbols of every Biscuit.
        subject in prop_oneof!["user:[!#-&(-\\[\\]-_a-~]{1,40}", Just("user:admin".to_owned())],
        actor in "agent:[a-z0-9-]{1,30}",
        client in prop_oneof![label(), Just("service".to_owned())],
        route in "(/[a-z0-9_-]{1,10}){1,4}",
        roles in btree_set(prop_oneof!["[a-z][a-z0-9_-]{0,15}", Just("admin".to_owned())], 0..=ROLES_MAX),
    ) -> (String, String, String, String, String, BTreeSet<String>) {
        (tenant, subject, actor, client, route, roles)
    }
}

prop_compose! {
    fn spec()(
        (tenant, subject, actor, client, route, roles) in who(),
        audiences in btree_set(label(), 1..=AUDIENCES_MAX),
        tools in btree_set(tool(), 1..40),
        withheld in 0usize..40,
        budgets in btree_map(0usize..2, 0..=BUDGET_AMOUNT_MAX, 0..=2),
        holder in option::of(1u8..200),
        proof in 0usize..3,
        verified in any::<bool>(),
        ids in any::<[u8; 10]>(),
        issued in 0i64..4_000_000_000,
        ttl in 1..=TTL_SECONDS_MAX,
    ) -> GrantSpec {
        let issued = Timestamp::from_unix_seconds(issued);
        let tools: Vec<_> = tools.iter().map(|tool| tool.parse().unwrap()).collect();
        let (needs_approval, tools) = tools.split_at(withheld.min(tools.len()));
        GrantSpec {
            token: TokenId::new(issued, ids),
            run: RunId::new(issued, ids),
            tenant: tenant.parse().unwrap(),
            environment: environment("dev"),
            subject: subject.parse().unwrap(),
            assurance: if verified { SubjectAssurance::Verified } else { SubjectAssurance::Asserted },
            actor: actor.parse().unwrap(),
            client: client.parse().unwrap(),
            route: route.parse().unwrap(),
            roles: roles.iter().map(|role| role.parse().unwrap()).collect(),
            audiences: audiences.iter().map(|name| name.parse().unwrap()).collect(),
            tools: tools.iter().cloned().collect(),
            needs_approval: needs_approval.iter().cloned().collect(),
            budgets: budgets.into_iter().map(|(unit, amount)| (BudgetUnit::ALL[unit], amount)).collect(),
            holder: holder.map(|seed| approver(seed).verifying_key()),
            proof: [ProofRule::Always, ProofRule::Waived, ProofRule::Writes][proof],
            policy: Digest::of(&ids),
            issued,
            expires: issued.after(std::time::Duration::from_secs(ttl)),
            break_glass: None,
        }
    }
}

fn caveat() -> impl Strategy<Value = Caveat> {
    prop_oneof![
        (0i64..4_000_000_000)
            .prop_map(|end| Caveat::ExpiresBefore(Timestamp::from_unix_seconds(end))),
        btree_set(label(), 1..10).prop_map(|names| {
            Caveat::OnlyAudiences(
                NameSet::new(names.iter().map(|name| name.parse().unwrap())).unwrap(),
            )
        }),
        btree_set(tool(), 1..10).prop_map(|names| {
            Caveat::OnlyTools(NameSet::new(names.iter().map(|name| name.parse().unwrap())).unwrap())
        }),
        (option::of(btree_set(tool(), 1..3)), grants()).prop_filter_map(
            "two different alternatives",
            |(tools, alternatives)| {
                let tools =
                    tools.map(|tools| tools.iter().map(|tool| tool.parse().unwrap()).collect());
                let tools = tools.map(|tools: Vec<_>| NameSet::new(tools).unwrap());
                Caveat::either(tools, alternatives).ok()
            }
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_minted_is_admitted_with_the_same_grant(spec in spec(), approvers in 0..=APPROVAL_KEYS_MAX) {
        let grant = Grant::new(spec).unwrap();
        let approvers: Vec<_> = (0..approvers).map(|n| approver(n as u8 + 1).verifying_key()).collect();
        match mint(&grant, &[], &root(1), &approvers, next(2)) {
            Ok(text) => {
                let token = admitted(text.expose());
                prop_assert_eq!(token.grant(), &grant);
                prop_assert_eq!(token.approval_keys().len(), approvers.len());
                prop_assert!(approvers.iter().all(|key| token.approval_keys().contains(key)));
                // The library reads it too, under the same root key.
                let library = crate::forge::biscuit(text.expose());
                prop_assert_eq!(library.root_key_id(), Some(root(1).id().hint()));
            }
            Err(error) => prop_assert!(matches!(error, MintError::TooLarge { .. }), "{}", error),
        }
    }

    #[test]
    fn attenuating_never_widens_and_comes_back_as_written(
        spec in spec(),
        blocks in vec(vec(caveat(), 1..4), 1..4),
        tool_at in 0usize..40,
        after_issue in 0u64..1000,
    ) {
        let grant = Grant::new(spec).unwrap();
        let text = mint(&grant, &[], &root(1), &[approver(1).verifying_key()], next(2)).unwrap();
        let mut call = call();
        call.now = grant.issued.after(std::time::Duration::from_secs(after_issue));
        call.audience = grant.audiences.iter().next().unwrap().clone();
        let granted: Vec<_> = grant.tools.iter().chain(&grant.needs_approval).collect();
        call.tool = granted[tool_at % granted.len()].clone();

        let mut text = text.expose().to_owned();
        let mut before = admitted(&text).decide(&call.facts());
        let mut written = Vec::new();
        for caveats in blocks {
            text = attenuated(&text, &caveats).expose().to_owned();
            written.extend(caveats);
            let token = admitted(&text);
            let read: Vec<_> = token.caveats().iter().map(|placed| placed.caveat.clone()).collect();
            prop_assert_eq!(&read, &written);
            prop_assert!(token.not_after() <= grant.expires);
            let now = token.decide(&call.facts());
            prop_assert!(before.is_ok() || now.is_err(), "{:?} became {:?}", before, now);
            if let (Ok(Clearance::NeedsApproval), Ok(now)) = (before, now) {
                prop_assert_eq!(now, Clearance::NeedsApproval);
            }
            before = now;
        }
    }

    #[test]
    fn words_of_a_caveat_are_the_caveat(caveat in caveat()) {
        prop_assert_eq!(caveat.to_string().parse(), Ok(caveat));
    }

    #[test]
    fn any_text_is_answered_without_panic(text in ".{0,300}", bytes in vec(any::<u8>(), 0..300)) {
        let _ = UnverifiedToken::parse(&text).map(|_| ());
        let _ = UnverifiedToken::parse(&format!("hp1.{text}")).map(|_| ());
        if let Ok(token) = UnverifiedToken::parse(&crate::forge::to_text(&bytes)) {
            let _ = token.describe();
        }
    }
}

#[test]
fn an_empty_budget_map_and_every_budget_round_trip() {
    let mut spec = crate::fixtures::spec();
    for budgets in [
        BTreeMap::new(),
        BTreeMap::from([
            (BudgetUnit::Calls, 0),
            (BudgetUnit::UsdMicros, BUDGET_AMOUNT_MAX),
        ]),
    ] {
        spec.budgets = budgets;
        let grant = Grant::new(spec.clone()).unwrap();
        assert_eq!(
            *admitted(crate::fixtures::minted(&grant).expose()).grant(),
            grant
        );
    }
}

#[test]
fn caveats_together_are_decided_as_each_alone() {
    use hallpass_args::Arguments;
    use hallpass_vocabulary::DenialCode;

    // Many look at the same: what a verifier derives once, and must not mix up.
    let words = [
        "/x<=10",
        "/x>=3",
        "/x not one of 5",
        "for kb.search: /x in 2..9",
        "for tickets.get: /x==4",
        "/x>=2.5",
        "either /x<=3 or /x>=5 and only arguments t, x",
        "for kb.search: either /x==2 or /x==5 or /t count<=1",
        "each /t starts with a",
        "each /t ends with b",
        "for kb.search: each /t contains b",
        "for tickets.get, mail.send: each /t one of ab",
        "each /t length<=3",
        "only arguments t, x",
        "at most 3 blocks",
    ];
    let caveats: Vec<Caveat> = words.iter().map(|words| words.parse().unwrap()).collect();
    let arguments = [
        r#"{"x":4,"t":["ab"]}"#,
        r#"{"x":5,"t":["ab","axb"]}"#,
        r#"{"x":2,"t":["ab","ba"]}"#,
        r#"{"x":"4","t":["ab",1]}"#,
        r#"{"x":4,"X":4,"t":[]}"#,
        r#"{"x":4,"t":["axxb"],"more":1}"#,
        r#"{"t":"ab"}"#,
    ];
    let base = crate::fixtures::minted(&Grant::new(crate::fixtures::spec()).unwrap());
    let alone = caveats.iter().map(|caveat| {
        let one = attenuated(base.expose(), std::slice::from_ref(caveat));
        admitted(one.expose())
    });
    let alone: Vec<_> = alone.collect();
    let mut dice = Dice(5);
    let (mut allowed, mut denied) = (0, 0);
    for _ in 0..600 {
        let some = |dice: &mut Dice| -> Vec<Caveat> {
            let count = dice.roll(7) + 1;
            let some = (0..count).map(|_| dice.roll(caveats.len() as u64) as usize);
            some.map(|n| caveats[n].clone()).collect()
        };
        let (first, second) = (some(&mut dice), some(&mut dice));
        let text = attenuated(attenuated(base.expose(), &first).expose(), &second);
        let together = admitted(text.expose());
        let mut call = call();
        call.tool = dice.pick(&["kb.search", "tickets.get"]).parse().unwrap();
        call.arguments = Arguments::parse(dice.pick(&arguments).as_bytes()).unwrap();
        let failing = together.caveats().iter().find(|placed| {
            let number = caveats.iter().position(|caveat| *caveat == placed.caveat);
            alone[number.unwrap()].decide(&call.facts()).is_err()
        });
        let expected = failing.map_or(Ok(Clearance::Allow), |placed| {
            Err((DenialCode::CaveatFailed, Some(placed.place)))
        });
        let decided = together.decide(&call.facts());
        let decided = decided.map_err(|denial| (denial.code, denial.caveat));
        assert_eq!(decided, expected, "{:?} {call:?}", together.caveats());
        if decided.is_ok() {
            allowed += 1;
        } else {
            denied += 1;
        }
    }
    assert!(allowed > 50 && denied > 50, "{allowed} {denied}");
}

/// Caveats as the differential test makes them: on arguments mostly, and close to the calls.
fn caveats(dice: &mut Dice, least: u64) -> Vec<Caveat> {
    let count = least + dice.roll(4) / 3;
    (0..count)
        .map(|_| generate::caveat(dice).words().parse().unwrap())
        .collect()
}

/// How much an answer lets happen: nothing, with an approval, at once.
fn width(answer: Result<Clearance, Denial>) -> usize {
    match answer {
        Err(_) => 0,
        Ok(Clearance::NeedsApproval) => 1,
        Ok(Clearance::Allow) => 2,
    }
}

#[test]
fn no_block_widens_a_token_with_caveats_on_arguments() {
    const TOKENS: u64 = 800;
    const BLOCKS_EACH: u64 = 6;
    const CALLS_EACH: u64 = 10;
    let mut dice = Dice(4711);
    // By the answer before the block and the one after it.
    let mut seen = [[0_u64; 3]; 3];
    for _ in 0..TOKENS {
        let minted_with = caveats(&mut dice, 0);
        let grant = generate::grant(&mut dice);
        let text = mint(&grant, &minted_with, &root(1), &[], next(2)).unwrap();
        let mut text = text.expose().to_owned();
        for _ in 0..dice.roll(3) {
            text = attenuated(&text, &caveats(&mut dice, 1))
                .expose()
                .to_owned();
        }
        let before = admitted(&text);
        let calls: Vec<Call> = (0..CALLS_EACH).map(|_| generate::call(&mut dice)).collect();
        for _ in 0..BLOCKS_EACH {
            let block = caveats(&mut dice, 1);
            let after = admitted(attenuated(&text, &block).expose());
            for call in &calls {
                let (before, after) = (before.decide(&call.facts()), after.decide(&call.facts()));
                seen[width(before)][width(after)] += 1;
                assert!(
                    width(after) <= width(before),
                    "{before:?} became {after:?} by {block:?} for {call:?}"
                );
            }
        }
    }
    let [
        [stays_denied, ..],
        [withheld_denied, stays_withheld, _],
        [allowed_denied, _, stays_allowed],
    ] = seen;
    println!(
        "{} triples: {stays_denied} stay denied, {allowed_denied} allowed ones are denied, {stays_allowed} stay allowed; \
         with an approval {withheld_denied} are denied and {stays_withheld} stay",
        TOKENS * BLOCKS_EACH * CALLS_EACH
    );
    for often in [stays_denied, allowed_denied, stays_allowed] {
        assert!(often >= 3_000, "{seen:?}");
    }
    for sometimes in [withheld_denied, stays_withheld] {
        assert!(sometimes >= 200, "{seen:?}");
    }
}

/// Caveats that look at the same are decided together. That changes no answer, whatever the tools they are for and wherever
/// they stand.
#[test]
fn caveats_that_are_decided_together_say_what_each_says() {
    let scopes = ["", "", "for kb.search: ", "for tickets.get: "];
    let tests = [
        "/n<=3",
        "/n<=5",
        "/n>=2",
        "/n in 1..4",
        "each /n<=3",
        "each /n<=5",
        "each /n>=2",
        "/s starts with a",
        "/s contains b",
        "/s one of ab, abc",
        "each /s starts with a",
        "each /s contains b",
        "/n==3",
        "/o/0<=4",
        "/o/0>=2",
        "/a~1b<=4",
        "/a~1b>=2",
        "/n count<=2",
        "only arguments n, s, o, a/b",
    ];
    let arguments = [
        r#"{"n":3,"s":"ab","o":[3],"a/b":3}"#,
        r#"{"n":5,"s":"b","o":[1],"a/b":5}"#,
        r#"{"n":[3,2],"s":["ab","b"],"o":[3,9],"a/b":2}"#,
        r#"{"n":[2,3],"s":["ab","abc"],"o":{"0":3},"a/b":2}"#,
        r#"{"n":[5,2,6],"s":"ab"}"#,
        r#"{"n":3,"N":3,"s":"ab","o":[3],"a/b":3}"#,
        "{}",
    ];
    let mut dice = Dice(7);
    let (mut denied, mut longest) = (0, 0);
    for _ in 0..400 {
        let mut some = |most| {
            let count = 1 + dice.roll(most);
            let words = (0..count).map(|_| format!("{}{}", dice.pick(&scopes), dice.pick(&tests)));
            words
                .map(|words| words.parse().unwrap())
                .collect::<Vec<Caveat>>()
        };
        let first = some(3);
        let mut text = mint(&grant(), &first, &root(1), &[], next(2)).unwrap();
        for _ in 0..some(7).len() {
            text = attenuated(text.expose(), &some(4));
        }
        let token = admitted(text.expose());
        longest = longest.max(token.caveats().len());
        for arguments in arguments {
            for tool in ["kb.search", "tickets.get"] {
                let call = Call {
                    tool: tool.parse().unwrap(),
                    arguments: Arguments::parse(arguments.as_bytes()).unwrap(),
                    ..call()
                };
                let each = token.explain_caveats(&call.facts());
                let failing = each
                    .iter()
                    .find(|one| matches!(one.outcome, CaveatOutcome::Fails { .. }));
                let place = token
                    .decide(&call.facts())
                    .err()
                    .map(|denial| denial.caveat.unwrap());
                assert_eq!(
                    place.map(|place| (place.block, place.check)),
                    failing.map(|one| (one.block, one.check)),
                    "{each:#?}"
                );
                denied += usize::from(failing.is_some());
            }
        }
    }
    println!("{denied} denied, {longest} caveats");
    assert!((1_000..5_500).contains(&denied) && longest > 20);
}
