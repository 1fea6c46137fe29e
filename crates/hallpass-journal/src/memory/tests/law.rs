//! Whatever happens in whatever order, nothing is had twice: taking, keeping, giving back, uncertain records, snapshots at
//! any moment, restarts from all records or from a snapshot and what came after it.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::Event;

/// What is used once: together or either alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kinds {
    Approval,
    Both,
    Proof,
}

fn kinds() -> impl Strategy<Value = Kinds> {
    prop_oneof![Just(Kinds::Approval), Just(Kinds::Both), Just(Kinds::Proof)]
}

fn now() -> impl Strategy<Value = u64> {
    prop_oneof![20 => 0..5_u64, 1 => 0..400_u64]
}

/// What may happen.
#[derive(Debug, Clone)]
enum Step {
    /// Somebody wants a call: one of these runs, perhaps with one of these ids.
    Reserve {
        run: u8,
        once: Option<(u8, Kinds)>,
        /// By a clock that sometimes jumps, in seconds; everything ends at 300.
        now: u64,
    },
    /// One of those that have reserved is recorded and keeps what it has.
    Record(usize),
    /// One of them keeps it, and no record is there.
    Uncertain(usize),
    /// One of them gives it back.
    GiveBack(usize),
    /// What is remembered is written down.
    Snapshot,
    /// The process dies, and another begins from the last snapshot or from the records.
    Restart { from_snapshot: bool },
}

const CALLS: u64 = 4;
const RUNS: u8 = 2;
const IDS: u8 = 3;

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..RUNS, proptest::option::of((0..IDS, kinds())), now())
            .prop_map(|(run, once, now)| Step::Reserve { run, once, now }),
        4 => any::<usize>().prop_map(Step::Record),
        1 => any::<usize>().prop_map(Step::Uncertain),
        2 => any::<usize>().prop_map(Step::GiveBack),
        1 => Just(Step::Snapshot),
        1 => any::<bool>().prop_map(|from_snapshot| Step::Restart { from_snapshot }),
    ]
}

struct Waiting {
    reservation: Reservation,
    claims: Claims,
    run: u8,
    now: u64,
}

/// A journal's memory, its records, and what was really let through.
struct Model {
    memory: Memory,
    waiting: Vec<Waiting>,
    records: Vec<(Timestamp, Event)>,
    /// A memory that was made from a snapshot, and how many records it covers.
    snapshot: Option<(Memory, usize)>,
    through: [u64; RUNS as usize],
    used: Vec<String>,
}

impl Model {
    fn new() -> Self {
        Self {
            memory: memory(),
            waiting: Vec::new(),
            records: Vec::new(),
            snapshot: None,
            through: [0; RUNS as usize],
            used: Vec::new(),
        }
    }

    fn take(&mut self, which: usize) -> Option<Waiting> {
        let count = self.waiting.len();
        (count > 0).then(|| self.waiting.swap_remove(which % count))
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Reserve { run, once, now } => {
                let mut claims = budget(run, Some(CALLS), None);
                if let Some((id, kinds)) = once {
                    let used = single(&id.to_string(), 0, 300);
                    claims.approval = (kinds != Kinds::Proof).then(|| used.clone());
                    // An approval is one for all runs, a proof is of its token.
                    let token = token(run);
                    claims.proof =
                        (kinds != Kinds::Approval).then_some(ProofUse { token, proof: used });
                }
                if let Ok(reservation) = self.memory.reserve(&claims, at(now)) {
                    self.waiting.push(Waiting {
                        reservation,
                        claims,
                        run,
                        now,
                    });
                }
            }
            Step::Record(which) => {
                if let Some(waiting) = self.take(which) {
                    let spent = waiting.reservation.spent();
                    let time = at(waiting.now);
                    let event = decided(9, &waiting.claims, spent, time);
                    self.records.push((time, event));
                    waiting.reservation.keep();
                    self.through[usize::from(waiting.run)] += 1;
                    if let Some(approval) = waiting.claims.approval {
                        self.used.push(approval.id.to_string());
                    }
                    if let Some(used) = waiting.claims.proof {
                        self.used.push(format!("{} {}", used.token, used.proof.id));
                    }
                }
            }
            Step::Uncertain(which) => {
                if let Some(waiting) = self.take(which) {
                    waiting.reservation.keep();
                }
            }
            Step::GiveBack(which) => drop(self.take(which)),
            Step::Snapshot => {
                let copy = Memory::default();
                snapshot(&self.memory, &copy);
                self.snapshot = Some((copy, self.records.len()));
            }
            Step::Restart { from_snapshot } => {
                self.waiting.clear();
                let (memory, covered) = match &self.snapshot {
                    Some((copy, covered)) if from_snapshot => {
                        let again = Memory::default();
                        snapshot(copy, &again);
                        // A record or two that the snapshot has already say nothing new.
                        (again, covered.saturating_sub(2))
                    }
                    _ => (memory(), 0),
                };
                for (time, event) in &self.records[covered..] {
                    recall(&memory, 7, *time, event);
                }
                memory.records_end();
                self.memory = memory;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_order_of_events_lets_more_through_than_there_is(
        steps in proptest::collection::vec(step(), 1..80)
    ) {
        let mut model = Model::new();
        for step in steps {
            model.step(step);
            for through in model.through {
                prop_assert!(through <= CALLS, "{through} calls went through");
            }
            let once: BTreeSet<_> = model.used.iter().collect();
            prop_assert_eq!(once.len(), model.used.len(), "used twice: {:?}", model.used);
        }
    }
}

#[test]
fn what_was_given_back_is_there_again_and_the_budget_is_used_up_to_its_end() {
    let mut model = Model::new();
    for _ in 0..50 {
        model.step(Step::Reserve {
            run: 0,
            once: None,
            now: 1,
        });
        model.step(Step::GiveBack(0));
    }
    for _ in 0..10 {
        model.step(Step::Reserve {
            run: 0,
            once: None,
            now: 1,
        });
        model.step(Step::Record(0));
        model.step(Step::Restart {
            from_snapshot: false,
        });
    }
    assert_eq!(model.through[0], CALLS);
}
