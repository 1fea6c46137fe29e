//! Each finding is found, and nothing is found where nothing is.

use std::convert::Infallible;

use hallpass_evidence::{
    FindingKind, Full, Reconciled, Reconciliation, Severity, UNKNOWN_TOKENS_MAX,
};
use hallpass_journal::read::Record;
use hallpass_journal::{Abandoned, Decided, Event, PossibleLoss, Refused, Unrecorded};
use hallpass_vocabulary::{DenialCode, TokenId};

use crate::paper::{
    Paper, allowed, at, decided, decision, denied, ended, finished, mint, minted, run, spent, token,
};

const AUTHORITY: &str = "hallpass/dev/authority/1";
const TICKETS: &str = "hallpass/dev/tickets/2";
const MAIL: &str = "hallpass/dev/mail/3";

#[derive(Debug)]
pub struct Never;

impl From<Full> for Never {
    fn from(full: Full) -> Self {
        panic!("{full}")
    }
}

impl From<Infallible> for Never {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

pub fn read(records: Vec<Record>) -> impl Iterator<Item = Result<Record, Never>> {
    records.into_iter().map(Ok)
}

fn authority() -> Paper {
    Paper::new(AUTHORITY, 1)
}

fn tickets() -> Paper {
    Paper::new(TICKETS, 2)
}

/// One authority and some services.
fn reconciled(authority: &Paper, services: &[(&str, &Paper)]) -> Reconciled {
    let mut all = Reconciliation::new();
    all.authority(AUTHORITY, vec![read(authority.records())])
        .unwrap();
    for (origin, paper) in services {
        all.service(origin, vec![read(paper.records())]).unwrap();
    }
    all.conclude()
}

/// The kinds that were found, with how often.
fn found(reconciled: &Reconciled) -> Vec<(FindingKind, u64)> {
    let tallies = reconciled.findings.iter();
    tallies.map(|(kind, tally)| (*kind, tally.count)).collect()
}

fn words(reconciled: &Reconciled, kind: FindingKind) -> &str {
    &reconciled.findings[&kind].listed[0].words
}

#[test]
fn nothing_is_found_in_order() {
    let authority = authority().with(mint(minted(1))).with(mint(minted(2)));
    let service = tickets()
        .with(decided(allowed(1, 1)))
        .with(finished(1, None))
        .with(decided(denied(2, 2, DenialCode::ToolNotGranted)))
        .with(decided(allowed(3, 2)))
        .with(finished(3, None));
    let reconciled = reconciled(&authority, &[(TICKETS, &service)]);
    assert_eq!(found(&reconciled), []);
    assert_eq!(reconciled.worst(), None);
    let counts = reconciled.counts;
    assert_eq!((counts.tokens, counts.calls, counts.allowed), (2, 3, 2));
    assert_eq!((counts.with_token, counts.records), (3, 9));
}

#[test]
fn a_token_that_nobody_minted_is_the_alarm_allowed_or_not() {
    let refused = Event::Refused(Refused {
        code: DenialCode::ToolNotGranted,
        token: Some(token(9)),
        count: 40,
        first: at(2),
        last: at(3),
    });
    let service = tickets()
        .with(decided(allowed(1, 9)))
        .with(finished(1, None))
        .with(decided(denied(2, 9, DenialCode::TokenExpired)))
        .with(refused)
        .with(decided(denied(3, 8, DenialCode::WrongAudience)));
    let reconciled = reconciled(&authority().with(mint(minted(1))), &[(TICKETS, &service)]);
    assert_eq!(found(&reconciled), [(FindingKind::NeverMinted, 2)]);
    assert_eq!(reconciled.worst(), Some(Severity::Alarm));
    let first = &reconciled.findings[&FindingKind::NeverMinted].listed[0];
    assert_eq!(first.token, Some(token(9)));
    assert_eq!(first.index, Some(1));
    assert_eq!(
        first.words,
        "42 calls, 1 allowed; first: `tickets.get` for user:alice of acme, allowed"
    );
}

#[test]
fn a_service_that_says_it_minted_is_not_believed() {
    let service = tickets()
        .with(mint(minted(9)))
        .with(decided(allowed(1, 9)))
        .with(finished(1, None));
    let reconciled = reconciled(&authority(), &[(TICKETS, &service)]);
    assert_eq!(found(&reconciled), [(FindingKind::NeverMinted, 1)]);
}

#[test]
fn an_id_that_was_minted_hides_no_other_token() {
    type Change = fn(&mut Decided);
    let change = |change: Change| {
        let mut call = allowed(1, 1);
        change(&mut call);
        let service = tickets().with(decided(call)).with(finished(1, None));
        reconciled(&authority().with(mint(minted(1))), &[(TICKETS, &service)])
    };
    let cases: [(Change, &str); 6] = [
        (
            |it| it.tenant = Some("globex".parse().unwrap()),
            "another tenant",
        ),
        (
            |it| it.subject = Some("user:bob".parse().unwrap()),
            "subject",
        ),
        (
            |it| it.actors = vec!["agent:else".parse().unwrap()],
            "actor",
        ),
        (|it| it.route = Some("/ops".parse().unwrap()), "route"),
        (|it| it.run = Some(run(7)), "for run"),
        (
            |it| it.tool = Some("ticket.close".parse().unwrap()),
            "without `ticket.close`",
        ),
    ];
    for (case, says) in cases {
        let reconciled = change(case);
        assert_eq!(found(&reconciled), [(FindingKind::DiffersFromMint, 1)]);
        assert!(words(&reconciled, FindingKind::DiffersFromMint).contains(says));
    }
    // The agent that it was handed to is not the one it was minted for, and stands behind that one.
    let handed = change(|it| it.actors.push("agent:sub".parse().unwrap()));
    assert_eq!(found(&handed), []);
    let elsewhere = change(|it| it.audience = "mail".parse().unwrap());
    assert_eq!(found(&elsewhere), [(FindingKind::DiffersFromMint, 1)]);
    // With an approval it may be called.
    let approved = change(|it| it.tool = Some("ticket.update".parse().unwrap()));
    assert_eq!(found(&approved), []);
}

#[test]
fn what_is_used_late_is_found_past_the_skew_of_clocks() {
    let authority = authority().with(mint(minted(1))).with(mint(minted(2)));
    let authority = authority.at(100).with(ended(2));
    let service = tickets()
        .at(629)
        .with(decided(allowed(1, 1)))
        .with(finished(1, None))
        .with(decided(allowed(2, 1)))
        .with(finished(2, None))
        .with(decided(denied(3, 1, DenialCode::TokenExpired)));
    let late = reconciled(&authority, &[(TICKETS, &service)]);
    assert_eq!(found(&late), [(FindingKind::UsedAfterExpiry, 1)]);
    assert!(words(&late, FindingKind::UsedAfterExpiry).starts_with("31 s after"));

    let service = tickets()
        .at(129)
        .with(decided(allowed(1, 2)))
        .with(finished(1, None))
        .with(decided(allowed(2, 2)))
        .with(finished(2, None));
    let after_end = reconciled(&authority, &[(TICKETS, &service)]);
    assert_eq!(found(&after_end), [(FindingKind::UsedAfterRunEnd, 1)]);
    assert_eq!(after_end.worst(), Some(Severity::Notice));
}

#[test]
fn a_run_that_was_started_by_an_ended_one_is_ended() {
    let mut child = minted(2);
    (child.parent, child.issued) = (Some(run(1)), at(200));
    let authority = authority()
        .with(mint(minted(1)))
        .with(ended(1))
        .at(200)
        .with(mint(child));
    let service = tickets()
        .at(250)
        .with(decided(allowed(1, 2)))
        .with(finished(1, None));
    let reconciled = reconciled(&authority, &[(TICKETS, &service)]);
    assert_eq!(
        found(&reconciled),
        [
            (FindingKind::MintedAfterRunEnd, 1),
            (FindingKind::UsedAfterRunEnd, 1)
        ]
    );
    let again = self::authority()
        .with(mint(minted(1)))
        .with(ended(1))
        .at(200)
        .with(mint(minted(3)));
    assert_eq!(found(&self::reconciled(&again, &[])), []);
}

#[test]
fn budgets_count_over_all_services_together() {
    let mut with_budget = minted(1);
    with_budget.budgets = Some(spent(Some(3), Some(1_000)));
    let authority = authority().with(mint(with_budget)).with(mint(minted(2)));
    let mut said = allowed(2, 1);
    // What was pruned is in the total.
    said.spent = Some(spent(Some(2), Some(900)));
    let one = tickets().with(decided(said)).with(finished(2, Some(50)));
    let mut two = Paper::new(MAIL, 3);
    for call in 10..12 {
        let call_of = decided(allowed(call, 1));
        two = two.with(call_of).with(finished(call, Some(60)));
    }
    // A run without a budget spends what it likes.
    for call in 20..30 {
        two = two
            .with(decided(allowed(call, 2)))
            .with(finished(call, Some(10_000)));
    }
    let both = reconciled(&authority, &[(TICKETS, &one), (MAIL, &two)]);
    assert_eq!(found(&both), [(FindingKind::OverBudget, 2)]);
    let listed = &both.findings[&FindingKind::OverBudget].listed;
    assert_eq!(listed[0].run, Some(run(1)));
    assert_eq!(
        listed[0].words,
        format!("4 `calls` of 3: 2 in {TICKETS}, 2 in {MAIL}")
    );
    assert_eq!(
        listed[1].words,
        format!("1020 `usd_micros` of 1000: 900 in {TICKETS}, 120 in {MAIL}")
    );
    let alone = reconciled(&authority, &[(TICKETS, &one)]);
    assert_eq!(found(&alone), []);
}

#[test]
fn holes_and_a_late_beginning_are_found() {
    let mut old = Paper::without_opening(40);
    old = old.with(mint(minted(1))).skip(3).with(mint(minted(2)));
    // Nothing that the authority may have minted before is an alarm; later it is.
    let service = tickets()
        .at(930)
        .with(decided(denied(1, 9, DenialCode::ToolNotGranted)))
        .with(decided(denied(2, 8, DenialCode::ToolNotGranted)));
    let reconciled = reconciled(&old, &[(TICKETS, &service)]);
    assert_eq!(
        found(&reconciled),
        [
            (FindingKind::BeforeJournal, 1),
            (FindingKind::BeginsLate, 1),
            (FindingKind::Hole, 1),
            (FindingKind::NeverMinted, 1),
        ]
    );
    assert_eq!(
        words(&reconciled, FindingKind::Hole),
        "3 records before this one"
    );
}

#[test]
fn calls_without_an_outcome_are_found_but_those_under_way() {
    let service = tickets()
        .with(decided(allowed(1, 1)))
        .with(decided(allowed(2, 1)))
        .with(Event::Abandoned(Abandoned {
            decision: decision(2),
        }))
        .at(400)
        .with(decided(allowed(3, 1)));
    let reconciled = reconciled(&authority().with(mint(minted(1))), &[(TICKETS, &service)]);
    assert_eq!(
        found(&reconciled),
        [(FindingKind::Abandoned, 1), (FindingKind::NeverFinished, 1)]
    );
    let never = &reconciled.findings[&FindingKind::NeverFinished].listed[0];
    assert_eq!(never.decision, Some(decision(1)));
}

#[test]
fn what_a_journal_says_of_itself_is_said_again() {
    let service = tickets()
        .with(Event::Unrecorded(Unrecorded {
            count: 5,
            allowed: 2,
            first: at(0),
            last: at(1),
        }))
        .with(Event::PossibleLoss(PossibleLoss {
            since: None,
            at_most_ms: 50,
        }));
    let mut service = service;
    service.lines.push(
        r#"{"v":1,"index":3,"time":"2026-11-21T09:30:09.000Z","kind":"of_tomorrow","x":1}"#
            .to_owned(),
    );
    let reconciled = reconciled(&authority(), &[(TICKETS, &service)]);
    assert_eq!(
        found(&reconciled),
        [
            (FindingKind::NotRecorded, 3),
            (FindingKind::NotUnderstood, 1),
            (FindingKind::PossibleLoss, 1),
            (FindingKind::RanUnrecorded, 2),
        ]
    );
}

#[test]
fn a_token_that_was_minted_while_services_were_read_is_known() {
    let service = tickets()
        .with(decided(allowed(1, 5)))
        .with(finished(1, None));
    let mut all = Reconciliation::new();
    all.authority(AUTHORITY, vec![read(authority().records())])
        .unwrap();
    all.service(TICKETS, vec![read(service.records())]).unwrap();
    all.written_since(read(authority().with(mint(minted(5))).records()))
        .unwrap();
    assert_eq!(found(&all.conclude()), []);
}

#[test]
fn one_id_for_two_tokens_is_an_alarm_and_one_record_twice_is_not() {
    let mut other = minted(1);
    other.subject = "user:mallory".parse().unwrap();
    let twice = authority().with(mint(minted(1))).with(mint(minted(1)));
    assert_eq!(found(&reconciled(&twice, &[])), []);
    let two = authority().with(mint(minted(1))).with(mint(other));
    let two = reconciled(&two, &[]);
    assert_eq!(found(&two), [(FindingKind::MintedTwice, 1)]);
}

#[test]
fn forged_tokens_past_the_bound_are_counted_all_the_same() {
    let mut all = Reconciliation::new();
    let past = 10;
    let many = u32::try_from(UNKNOWN_TOKENS_MAX).unwrap() + past;
    let line = tickets().with(decided(denied(1, 9, DenialCode::TokenExpired)));
    let line = line.lines[1].clone();
    let lines = (0..many).map(|number| {
        let mut random = [0; 10];
        random[6..].copy_from_slice(&number.to_be_bytes());
        let id = TokenId::new(at(0), random).to_string();
        let line = line.replace(&token(9).to_string(), &id);
        line.replace("\"index\":1,", &format!("\"index\":{number},")) + "\n"
    });
    let records = lines.map(|line| {
        let mut records = hallpass_journal::read::Lines::new(line.as_bytes());
        Ok::<_, Never>(records.next().unwrap().unwrap())
    });
    all.service(TICKETS, vec![records]).unwrap();
    let reconciled = all.conclude();
    assert_eq!(
        found(&reconciled),
        [(FindingKind::NeverMinted, u64::from(many))]
    );
}
