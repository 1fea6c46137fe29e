//! The power is cut, or the process killed, at every operation of a journal's life.
//!
//! `HALLPASS_CUTS` and `HALLPASS_KILLS` say how many times; see docs/verification.md for the long form.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hallpass_journal::Journal;
use hallpass_testkit::{Fault, Left, Operation, Part, Random, SimDisk};

use crate::fixture::{durable, how_many, numbers, relaxed, settings, until};
use crate::scenario::{Answers, Due, journal_dir, live, live_on, operations};
use crate::sim_recovery::recover;
use crate::sim_storage::{Lie, SimStorage};

/// Scenarios among which the boundaries are shared out.
const SEEDS: u64 = 8;
/// More operations than the opening of a journal that is there has, up to its first checkpoint and the next.
const SECOND_OPENING: u64 = 18;

/// What many cuts came to.
#[derive(Debug, Default)]
struct Tally {
    cuts: u64,
    acknowledged: usize,
    due: usize,
    interrupted_again: u64,
    at: BTreeMap<Operation, u64>,
}

/// One life cut short, a recovery cut short again in every second case, then a recovery that is not.
fn cut(number: u64, at: u64, kill: bool, lie: Lie, tally: &mut Tally) -> Result<(), String> {
    let mut random = Random::new(number);
    let disk = SimDisk::new();
    let part = [Part::Nothing, Part::Half, Part::All][random.below(3) as usize];
    disk.fail_at(at, Fault::Stop(part));
    let storage = SimStorage {
        disk: disk.clone(),
        lie,
    };
    let answers = live(&storage, number % SEEDS);
    disk.stop();
    let mut left = || match (kill, random.below(3)) {
        (true, _) => Left::Written,
        (false, 0) => Left::Synced,
        (false, _) => Left::Some(random.number()),
    };
    let first = left();
    let last = match first {
        Left::Some(seed) => Left::Some(seed.wrapping_add(1)),
        other => other,
    };
    let mut due = answers.due(first);
    let mut image = disk.image(first);
    tally.cuts += 1;
    tally.acknowledged += answers.acks.len();
    tally.due += due.acks.len();
    if let Some((operation, _)) = disk.log().get(usize::try_from(at).unwrap()) {
        *tally.at.entry(*operation).or_default() += 1;
    }
    match random.below(4) {
        0 | 1 => {}
        2 => {
            tally.interrupted_again += 1;
            let again = SimDisk::on(image);
            again.fail_at(random.below(30), Fault::Stop(part));
            let boot = if kill { "boot-1" } else { "boot-2" };
            due.extend(live_on(&SimStorage::new(&again), number, boot).due(first));
            again.stop();
            image = again.image(last);
        }
        _ => {
            // The process was killed, and its successor meets the same fate on the same machine, or the power cut.
            tally.interrupted_again += 1;
            disk.restart();
            disk.fail_at(disk.operations() + random.below(30), Fault::Stop(part));
            due.extend(live_on(&storage, number, "boot-1").due(first));
            disk.stop();
            image = disk.image(last);
        }
    }
    recover(image, &due, first)
        .map_err(|error| format!("cut {number} at operation {at}, {part:?}, {first:?}: {error}"))
}

fn cut_many(count: u64, kill: bool) {
    let lengths: Vec<_> = (0..SEEDS).map(operations).collect();
    let mut tally = Tally::default();
    for number in 0..count {
        // Each life in turn, each boundary of it in turn; in a short run spread over all of it.
        let length = lengths[usize::try_from(number % SEEDS).unwrap()];
        let turns = (count / SEEDS).max(1);
        let turn = number / SEEDS;
        let at = if turns >= length {
            turn % length
        } else {
            turn * length / turns
        };
        if let Err(error) = cut(number, at, kill, Lie::None, &mut tally) {
            panic!("{error}");
        }
    }
    let boundaries: u64 = lengths.iter().sum();
    println!(
        "{} {} over {SEEDS} lives of {boundaries} operations in all, {} interrupted again while recovering: {} answers \
         acknowledged, {} of them due, none lost; at {:?}",
        tally.cuts,
        if kill { "kills" } else { "power cuts" },
        tally.interrupted_again,
        tally.acknowledged,
        tally.due,
        tally.at
    );
}

#[test]
fn nothing_due_is_lost_to_a_power_cut_at_any_operation() {
    cut_many(how_many("HALLPASS_CUTS", 200), false);
}

#[test]
fn nothing_acknowledged_is_lost_to_a_kill_at_any_operation() {
    cut_many(how_many("HALLPASS_KILLS", 200), true);
}

/// A disk that lies is beyond any journal: that it is found shows that the test above can fail.
#[test]
fn a_device_that_lies_about_syncs_is_caught_by_the_same_check() {
    for lie in [Lie::Sync, Lie::SyncDir] {
        let mut tally = Tally::default();
        let length = operations(0);
        let caught =
            (0..40).any(|n| cut(n * SEEDS, n * length / 40, false, lie, &mut tally).is_err());
        assert!(caught, "{lie:?}");
    }
}

/// The cuts above are worth what happens in the lives they cut.
#[test]
fn the_lives_erase_prune_and_spend() {
    let lives: Vec<_> = (0..SEEDS)
        .map(|seed| live(&SimStorage::new(&SimDisk::new()), seed))
        .collect();
    let half = usize::try_from(SEEDS / 2).unwrap();
    assert_eq!(lives.iter().filter(|life| life.erased > 0).count(), half);
    assert_eq!(lives.iter().filter(|life| life.pruned > 0).count(), half);
    let spends = |life: &Answers| life.acks.iter().filter(|ack| ack.spend.is_some()).count();
    assert!(lives.iter().all(|life| spends(life) > 12));
}

#[test]
fn a_new_journal_survives_with_the_directory_it_made() {
    let disk = SimDisk::new();
    let dir = journal_dir(disk.path());
    let storage = Arc::new(SimStorage::new(&disk));
    let journal = Journal::open(&dir, settings().storage(storage)).unwrap();
    durable(&journal, 1).unwrap();
    let left = disk.image(Left::Synced);
    assert_eq!(numbers(&journal_dir(left.path())), [1]);
}

/// Opens a journal on this disk and closes it; gives how many operations there were when it was open.
fn open_and_close(disk: &SimDisk) -> u64 {
    let settings = settings().storage(Arc::new(SimStorage::new(disk)));
    let opened = Journal::open(&journal_dir(disk.path()), settings);
    let operations = disk.operations();
    drop(opened);
    operations
}

/// Found by the test above, once in thousands: the name of the first checkpoint, not synced by a process that was
/// killed, must be before a second record is.
#[test]
fn a_checkpoint_of_a_killed_process_is_not_outlived_by_the_next_ones_records() {
    let length = open_and_close(&SimDisk::new());
    // From the first segment on; what a kill leaves before is met by the test above.
    for first in length.saturating_sub(SECOND_OPENING)..length {
        for second in 0..SECOND_OPENING {
            let disk = SimDisk::new();
            disk.fail_at(first, Fault::Stop(Part::Nothing));
            open_and_close(&disk);
            let before = disk.operations();
            disk.restart();
            disk.fail_at(before + second, Fault::Stop(Part::Nothing));
            open_and_close(&disk);
            let found = recover(disk.image(Left::Synced), &Due::default(), Left::Synced);
            assert_eq!(found, Ok(()), "killed at {first}, power cut at {second}");
        }
    }
}

/// DESIGN section 6: a power cut may lose 50 ms of reads. On a busy machine a little more, and never without end.
#[test]
fn a_relaxed_record_survives_a_power_cut_a_moment_later() {
    let disk = SimDisk::new();
    let dir = journal_dir(disk.path());
    let storage = Arc::new(SimStorage::new(&disk));
    let journal = Journal::open(&dir, settings().storage(storage)).unwrap();
    for n in 0..10 {
        relaxed(&journal, n).unwrap();
        let written = Instant::now();
        until("it is synced", || {
            let left = disk.image(Left::Synced);
            numbers(&journal_dir(left.path())).contains(&n)
        });
        assert!(written.elapsed() < Duration::from_secs(1));
    }
}
