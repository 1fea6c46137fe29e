//! What would be answered otherwise under another policy, and of what records do not tell.

use hallpass_evidence::{Answer, Asked, Replay, Replayed, Replays};
use hallpass_journal::{Claimed, Event, MintRefused, Minted, Text};
use hallpass_policy::{Policy, PolicyFiles};
use hallpass_vocabulary::{DenialCode, SubjectAssurance};
use serde_json::json;

use crate::paper::{Paper, allowed, at, decided, denied, mint, minted, spent, token};

/// A policy with this in its one route.
fn policy(route: &str) -> Policy {
    let text = format!(
        r#"
[tools."tickets.get"]
audience = "tickets"
impact = "read"
summary = "Read"

[tools."ticket.update"]
audience = "tickets"
impact = "write"
summary = "Write"

[tools."ticket.close"]
audience = "tickets"
impact = "destructive"
summary = "Close"

[clients.desk]
summary = "Desk"
actors = "agent:*"

[roles.closer]
summary = "Closes"
require_approval = ["ticket.close"]

[routes."/support/send"]
summary = "Send"
clients = ["desk"]
actors = "agent:*"
ttl_seconds = 600
proof = "waived"
waiver = "This is a test of what is said"
{route}
"#
    );
    let files = PolicyFiles::from([("policy.toml", text)]);
    Policy::parse(&files).unwrap_or_else(|errors| panic!("{errors}"))
}

const AS_MINTED: &str = r#"
tenants = ["acme"]
allow = ["tickets.get"]
require_approval = ["ticket.update"]
"#;

fn replayed(policy: &Policy, paper: &Paper) -> Replayed {
    let mut replay = Replay::new(policy, None);
    for record in paper.records() {
        replay.take(&record).unwrap();
    }
    replay.conclude()
}

/// Rows as text: what was asked, what it was, what it would be, why.
fn rows(replayed: &Replayed) -> Vec<String> {
    let rows = replayed.rows.iter();
    rows.map(|(row, often)| {
        let tool = row.tool.as_ref().map_or("-", |tool| tool.as_str());
        let now = row.now.map_or("?", Answer::as_str);
        let (asked, before) = (row.asked.as_str(), row.before.as_str());
        format!(
            "{asked} {tool} {before}->{now} x{}: {}",
            often.count, row.why
        )
    })
    .collect()
}

fn counts(same: u64, flipped: u64, undecided: u64, other: u64) -> Replays {
    Replays {
        same,
        flipped,
        undecided,
        other,
    }
}

fn paper() -> Paper {
    Paper::new("hallpass/dev/authority/1", 1).with(mint(minted(1)))
}

fn called(tool: &str) -> hallpass_journal::Decided {
    let mut call = allowed(1, 1);
    call.tool = Some(tool.parse().unwrap());
    call
}

#[test]
fn the_same_policy_changes_nothing() {
    let paper = paper()
        .with(decided(allowed(1, 1)))
        .with(decided(denied(2, 1, DenialCode::ToolNotGranted)))
        .with(decided(denied(3, 1, DenialCode::TokenExpired)));
    // What was not granted is granted by this policy: the record says another tool.
    let mut refused = denied(4, 1, DenialCode::ToolNotGranted);
    refused.tool = Some("ticket.close".parse().unwrap());
    let mut withheld = denied(5, 1, DenialCode::ApprovalRequired);
    withheld.tool = Some("ticket.update".parse().unwrap());
    let mut approved = called("ticket.update");
    approved.approval = Some(Claimed {
        id: "app_1".parse().unwrap(),
        until: at(9),
    });
    let paper = paper
        .with(decided(refused))
        .with(decided(withheld))
        .with(decided(approved));
    let replayed = replayed(&policy(AS_MINTED), &paper);
    assert_eq!(replayed.mints, counts(1, 0, 0, 0));
    // One call that the record says was not granted would be: its token was narrowed, or the policy was another.
    assert_eq!(replayed.calls, counts(4, 1, 0, 1));
    assert_eq!(
        rows(&replayed),
        ["call tickets.get deny->allow x1: the route gives it"]
    );
    assert_eq!(replayed.period, Some((at(1), at(7))));
    assert_eq!(replayed.policies.values().sum::<u64>(), 1);
}

#[test]
fn what_is_taken_away_flips_tokens_and_calls() {
    let narrower = policy("tenants = [\"acme\"]\nrequire_approval = [\"tickets.get\"]");
    let paper = paper()
        .with(decided(called("tickets.get")))
        .with(decided(called("ticket.update")));
    let replayed = replayed(&narrower, &paper);
    assert_eq!(replayed.mints, counts(0, 1, 0, 0));
    assert_eq!(
        rows(&replayed),
        [
            "call tickets.get allow->needs_approval x1: an approval is asked for",
            "mint tickets.get allow->needs_approval x1: the token has it otherwise",
            "call ticket.update allow->deny x1: the route does not give it",
            "mint ticket.update needs_approval->deny x1: the token has it no more; refused where it was asked for by name",
        ]
    );
    assert_eq!(replayed.rows[0].1.examples.len(), 1);
}

#[test]
fn a_request_that_would_be_refused_takes_its_calls_along() {
    let elsewhere = policy("tenants = [\"globex\"]\nallow = [\"tickets.get\"]");
    let replayed = replayed(&elsewhere, &paper().with(decided(allowed(1, 1))));
    assert_eq!(
        rows(&replayed),
        [
            "call tickets.get allow->deny x1: no token: `tenant_not_allowed`",
            "mint - allow->deny x1: `tenant_not_allowed`",
        ]
    );
    assert_eq!(
        (replayed.mints, replayed.calls),
        (counts(0, 1, 0, 0), counts(0, 1, 0, 0))
    );
}

#[test]
fn caveats_are_decided_where_the_record_shows_what_they_look_at() {
    let bound = |caveat: &str| {
        policy(&format!(
            "tenants = [\"acme\"]\nallow = [\"tickets.get\"]\nrequire_approval = [\"ticket.update\"]\ncaveats = ['for tickets.get: {caveat}']"
        ))
    };
    let mut shown = called("tickets.get");
    shown.record_arg(&"/id".parse().unwrap(), &json!("T-1"));
    shown.record_arg(&"/page/size".parse().unwrap(), &json!(10));
    let one = |policy: &Policy, call: &hallpass_journal::Decided| {
        rows(&replayed(policy, &paper().with(decided(call.clone()))))
    };
    assert_eq!(one(&bound("/id==T-1"), &shown), [""; 0]);
    assert_eq!(one(&bound("/page/size<=10"), &shown), [""; 0]);
    assert_eq!(
        one(&bound("/page/size<=9"), &shown),
        ["call tickets.get allow->deny x1: `/page/size<=9` does not hold"]
    );
    for hidden in ["/note==x", "only arguments id"] {
        let said = one(&bound(hidden), &shown);
        assert_eq!(
            said,
            [format!(
                "call tickets.get allow->? x1: `{hidden}` is on arguments of which the record has a digest only"
            )]
        );
    }
    // What the token demanded already, and more, is no news.
    let mut bound_before = minted(1);
    bound_before.caveats = vec!["for tickets.get: /note one of x, y".to_owned()];
    let paper = |call| {
        Paper::new("a", 1)
            .with(mint(bound_before.clone()))
            .with(decided(call))
    };
    let wider = bound("/note one of x, y, z");
    assert_eq!(
        rows(&replayed(&wider, &paper(called("tickets.get")))),
        [""; 0]
    );
    // What a caveat denied may have been the holder's, unless it is the same.
    let failed = denied(1, 1, DenialCode::CaveatFailed);
    let same = replayed(&bound("/note one of x, y"), &paper(failed.clone()));
    assert_eq!(same.calls, counts(0, 0, 1, 0));
    let free = replayed(&policy(AS_MINTED), &paper(failed));
    assert_eq!(
        rows(&free),
        ["call tickets.get deny->? x1: which caveat failed is not recorded"]
    );
}

#[test]
fn budgets_and_proofs_and_lives_are_decided_as_far_as_they_are_recorded() {
    let with = |line: &str| policy(&format!("{AS_MINTED}{line}"));
    let mut third = called("tickets.get");
    third.spent = Some(spent(Some(3), None));
    let mut with_budget = minted(1);
    with_budget.budgets = Some(spent(Some(9), None));
    let paper = |mint_: &Minted, call| {
        Paper::new("a", 1)
            .with(mint(mint_.clone()))
            .with(decided(call))
    };
    let three = with("budgets = { calls = 3 }");
    let two = with("budgets = { calls = 2 }");
    assert_eq!(
        rows(&replayed(&three, &paper(&with_budget, third.clone()))),
        [""; 0]
    );
    assert_eq!(
        rows(&replayed(&two, &paper(&with_budget, third))),
        ["call tickets.get allow->deny x1: the run had spent 3 of 2 `calls`"]
    );
    assert_eq!(
        rows(&replayed(&two, &paper(&minted(1), called("tickets.get")))),
        ["call tickets.get allow->? x1: what the run had spent of 2 `calls` is not recorded"]
    );
    let exhausted = denied(1, 1, DenialCode::BudgetExhausted);
    let again = |policy: &Policy| replayed(policy, &paper(&with_budget, exhausted.clone())).calls;
    assert_eq!(again(&with("budgets = { calls = 9 }")), counts(1, 0, 0, 0));
    assert_eq!(again(&with("budgets = { calls = 10 }")), counts(0, 0, 1, 0));

    let mut long = minted(1);
    long.expires = at(900);
    let replayed = replayed(&with(""), &Paper::new("a", 1).with(mint(long)));
    assert_eq!(
        rows(&replayed),
        ["mint - allow->? x1: it would live 600 s; refused where more was asked for"]
    );
}

#[test]
fn roles_that_no_record_has_are_not_guessed() {
    let closers = policy(
        "tenants = [\"acme\"]\nallow = [\"tickets.get\"]\nrequire_approval = [\"ticket.update\"]\nsubject_roles = [\"closer\"]",
    );
    let refused = |assurance| {
        let mut it = minted(1);
        it.assurance = assurance;
        let mut close = denied(1, 1, DenialCode::ToolNotGranted);
        close.tool = Some("ticket.close".parse().unwrap());
        replayed(
            &closers,
            &Paper::new("a", 1).with(mint(it)).with(decided(close)),
        )
    };
    assert_eq!(
        rows(&refused(SubjectAssurance::Verified)),
        ["call ticket.close deny->? x1: it depends on roles that no record has"]
    );
    // Who proved nothing has none.
    assert_eq!(rows(&refused(SubjectAssurance::Asserted)), [""; 0]);
}

#[test]
fn refused_requests_are_asked_again_as_far_as_they_are_recorded() {
    let refused = |code: &str, tenant: &str| {
        Event::MintRefused(Box::new(MintRefused {
            request: None,
            code: Text::new(code),
            detail: None,
            client: Some("desk".parse().unwrap()),
            tenant: Some(tenant.parse().unwrap()),
            subject: None,
            route: Some("/support/send".parse().unwrap()),
            run: None,
        }))
    };
    let paper = paper()
        .with(refused("tenant_not_allowed", "globex"))
        .with(refused("tenant_not_allowed", "acme"))
        .with(refused("rate_limited", "acme"));
    let replayed = replayed(&policy(AS_MINTED), &paper);
    assert_eq!(replayed.mints, counts(2, 0, 1, 1));
    assert_eq!(
        rows(&replayed),
        ["mint - deny->? x1: which agent, tools and life were asked for is not recorded"]
    );
}

#[test]
fn a_call_whose_mint_is_not_there_is_not_told_and_old_records_only_tell_of_tokens() {
    let policy = policy(AS_MINTED);
    let mut unknown = allowed(1, 1);
    unknown.token = Some(token(9));
    let paper = paper()
        .with(decided(unknown))
        .at(100)
        .with(decided(allowed(2, 1)));
    let mut replay = Replay::new(&policy, Some(at(50)));
    for record in paper.records() {
        replay.take(&record).unwrap();
    }
    let later = replay.conclude();
    assert_eq!(
        (later.mints, later.calls),
        (counts(0, 0, 0, 0), counts(1, 0, 0, 0))
    );
    let all = replayed(&policy, &paper);
    assert_eq!(all.rows[0].0.asked, Asked::Call);
    assert_eq!(
        rows(&all),
        ["call tickets.get allow->? x1: the mint of its token is not among the records"]
    );
}
