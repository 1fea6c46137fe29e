//! Copies of one journal, and journals that share what no two may share.

use hallpass_evidence::{FindingKind, Reconciled, Reconciliation};
use hallpass_journal::Event;

use proptest::prelude::*;

use crate::paper::{Paper, allowed, decided, finished, mint, minted};
use crate::reconcile::read;

const ORIGIN: &str = "hallpass/dev/tickets/2";

fn kinds(reconciled: &Reconciled) -> Vec<(FindingKind, u64)> {
    let tallies = reconciled.findings.iter();
    tallies.map(|(kind, tally)| (*kind, tally.count)).collect()
}

fn of_copies(copies: &[&Paper]) -> Reconciled {
    let mut all = Reconciliation::new();
    let authority = Paper::new("hallpass/dev/authority/1", 1).with(mint(minted(1)));
    all.authority("hallpass/dev/authority/1", vec![read(authority.records())])
        .unwrap();
    let copies = copies.iter().map(|copy| read(copy.records()));
    all.service(ORIGIN, copies.collect()).unwrap();
    all.conclude()
}

fn calls(numbers: &[u16]) -> Paper {
    let mut paper = Paper::new(ORIGIN, 2);
    for number in numbers {
        paper = paper
            .with(decided(allowed(*number, 1)))
            .with(finished(*number, None));
    }
    paper
}

#[test]
fn a_shorter_copy_of_the_same_is_no_fork_and_counts_once() {
    let reconciled = of_copies(&[&calls(&[1, 2, 3]), &calls(&[1, 2])]);
    assert_eq!(kinds(&reconciled), []);
    assert_eq!(reconciled.counts.calls, 3);
}

#[test]
fn copies_that_go_on_apart_are_a_fork_and_both_are_looked_at() {
    let mut other = calls(&[1]);
    let mut forged = allowed(9, 1);
    forged.token = Some(crate::paper::token(77));
    other = other.with(decided(forged)).with(finished(9, None));
    let reconciled = of_copies(&[&calls(&[1, 2, 3]), &other]);
    assert_eq!(
        kinds(&reconciled),
        [(FindingKind::Forked, 1), (FindingKind::NeverMinted, 1)]
    );
    let fork = &reconciled.findings[&FindingKind::Forked].listed[0];
    assert_eq!((fork.index, &*fork.origin), (Some(3), ORIGIN));
}

#[test]
fn a_hole_in_one_copy_is_filled_by_the_other() {
    let mut holey = calls(&[1, 2, 3]);
    holey.lines.remove(4);
    assert_eq!(kinds(&of_copies(&[&holey, &calls(&[1, 2, 3])])), []);
    assert_eq!(kinds(&of_copies(&[&holey])), [(FindingKind::Hole, 1),]);
}

#[test]
fn a_key_of_two_journals_and_two_keys_of_one_are_found() {
    let mut all = Reconciliation::new();
    let service = |origin: &str, seed| Paper::new(origin, seed).with(Event::Closed {});
    for (origin, seed) in [("a", 1), ("b", 1), ("c", 3)] {
        all.service(origin, vec![read(service(origin, seed).records())])
            .unwrap();
    }
    let found = all.conclude();
    assert_eq!(kinds(&found), [(FindingKind::KeyShared, 1)]);
    let listed = &found.findings[&FindingKind::KeyShared].listed;
    assert_eq!(listed[0].words, "its key signs `a` too");

    let mut all = Reconciliation::new();
    let again = Paper::new("a", 1).with(crate::paper::opened("a", 2));
    all.service("a", vec![read(again.records())]).unwrap();
    assert_eq!(kinds(&all.conclude()), [(FindingKind::KeyShared, 1)]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn copies_that_together_are_whole_say_what_the_whole_says(
        numbers in prop::collection::vec(1..200_u16, 1..12),
        held in prop::collection::vec(1..4_u8, 30),
    ) {
        let whole = calls(&numbers);
        let copy = |bit: u8| {
            let lines = whole.lines.iter().zip(&held);
            let mut copy = Paper::new(ORIGIN, 2);
            copy.lines = lines.filter(|(_, held)| *held & bit != 0).map(|(line, _)| line.clone()).collect();
            copy
        };
        let (together, alone) = (of_copies(&[&copy(1), &copy(2)]), of_copies(&[&whole]));
        prop_assert_eq!(together.counts, alone.counts);
        prop_assert_eq!(together.findings, alone.findings);
    }
}
