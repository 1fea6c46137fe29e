//! What may be had, what not, and until when.

use super::*;
use crate::memory::state::Bounds;

fn small(bounds: Bounds) -> Memory {
    let memory = memory();
    memory.lock().bounds = bounds;
    memory
}

#[test]
fn what_is_used_once_is_had_once_and_given_back_only_when_it_was_not_kept() {
    let spent = |what| NotReserved::Spent { what };
    for (claims, again) in [
        (approval("a1"), spent(Spendable::Approval)),
        (proof(1, "p1"), spent(Spendable::Proof)),
    ] {
        let memory = memory();
        let held = memory.reserve(&claims, at(1)).unwrap();
        assert_eq!(memory.reserve(&claims, at(1)).unwrap_err(), again);
        drop(held);
        memory.reserve(&claims, at(1)).unwrap().keep();
        assert_eq!(memory.reserve(&claims, at(2)).unwrap_err(), again);
    }
}

#[test]
fn all_is_taken_or_nothing() {
    let memory = memory();
    memory.reserve(&approval("a1"), at(1)).unwrap().keep();
    let both = Claims {
        proof: proof(1, "p1").proof,
        ..approval("a1")
    };
    memory.reserve(&both, at(1)).unwrap_err();
    memory.reserve(&proof(1, "p1"), at(1)).unwrap().keep();
    assert_eq!(memory.remembered().proofs, 1);
}

#[test]
fn a_holder_chooses_ids_of_proofs_within_its_own_token_only() {
    let memory = memory();
    memory.reserve(&proof(1, "p1"), at(1)).unwrap().keep();
    memory.reserve(&proof(2, "p1"), at(1)).unwrap().keep();
}

#[test]
fn what_the_journal_cannot_vouch_for_is_refused() {
    let memory = memory();
    let refused = |created, until, now| {
        let claims = Claims {
            approval: Some(single("a1", created, until)),
            ..Claims::default()
        };
        let reserved = memory.reserve(&claims, now);
        reserved.err()
    };
    let what = Spendable::Approval;
    let ahead = CLAIM_AHEAD_SECONDS_MAX;
    assert_eq!(refused(0, 1 + ahead, at(1)), None);
    let too_late = Some(NotReserved::EndsTooLate { what });
    assert_eq!(refused(0, 2 + ahead, at(1)), too_late);
    assert_eq!(refused(0, 1, at(1)), Some(NotReserved::Expired { what }));
    let older = SingleUse {
        created: Timestamp::from_unix_ms(START.unix_ms() - 1),
        ..single("a1", 0, 60)
    };
    let claims = Claims {
        approval: Some(older),
        ..Claims::default()
    };
    let predates = NotReserved::PredatesJournal { what };
    assert_eq!(memory.reserve(&claims, at(1)).unwrap_err(), predates);
    // A memory that was told of no journal vouches for nothing.
    let stranger = Memory::default();
    assert_eq!(
        stranger.reserve(&approval("a1"), at(1)).unwrap_err(),
        predates
    );
}

#[test]
fn it_is_forgotten_at_its_end_and_a_clock_set_back_does_not_revive_it() {
    let memory = memory();
    memory.reserve(&approval("a1"), at(1)).unwrap().keep();
    memory.reserve(&approval("a1"), at(299)).unwrap_err();
    assert_eq!(memory.remembered().approvals, 1);
    let what = Spendable::Approval;
    let expired = NotReserved::Expired { what };
    let reserve = |now| memory.reserve(&approval("a1"), now).unwrap_err();
    assert_eq!(reserve(at(300)), expired);
    assert_eq!(memory.remembered().approvals, 0);
    assert_eq!(reserve(at(1)), expired);
}

#[test]
fn what_is_full_refuses_and_forgets_nothing_that_lives() {
    let memory = small(Bounds {
        approvals: 2,
        keys: 2,
        proofs: 3,
        proofs_per_token: 2,
        runs: 2,
    });
    let full = |what| NotReserved::Full { what };
    let reserve = |claims: &Claims, now| memory.reserve(claims, now).map(Reservation::keep);
    for (n, name) in (1..).zip(["1", "2"]) {
        reserve(&approval(name), at(1)).unwrap();
        reserve(&proof(1, name), at(1)).unwrap();
        reserve(&key(name, n), at(1)).unwrap();
        reserve(&budget(n, Some(9), None), at(1)).unwrap();
    }
    let quota = Err(NotReserved::ProofQuota);
    assert_eq!(reserve(&proof(1, "3"), at(1)), quota);
    reserve(&proof(2, "3"), at(1)).unwrap();
    assert_eq!(reserve(&proof(3, "4"), at(1)), Err(full(Spendable::Proof)));
    assert_eq!(
        reserve(&approval("3"), at(1)),
        Err(full(Spendable::Approval))
    );
    assert_eq!(reserve(&key("3", 3), at(1)), Err(full(Spendable::Key)));
    let third = budget(3, Some(9), None);
    assert_eq!(reserve(&third, at(1)), Err(full(Spendable::Run)));
    // What is there goes on being counted.
    reserve(&budget(1, Some(9), None), at(1)).unwrap();
    // Once they have ended there is room, and the quota of the token is free again.
    let (later, week) = (at(KEY_KEPT_SECONDS + 1), RUN_KEPT_SECONDS);
    reserve(&key("3", 3), later).unwrap();
    assert_eq!(memory.remembered().proofs, 0);
    assert_eq!(reserve(&third, later), Err(full(Spendable::Run)));
    reserve(&third, at(week + 1)).unwrap();
    assert!(memory.lock().check(&proof(1, "5"), at(1)).is_ok());
}

#[test]
fn a_snapshot_of_more_than_there_can_be_is_not_read_to_its_end() {
    let of = memory();
    for n in 0..3 {
        of.reserve(&approval(&format!("a{n}")), at(1))
            .unwrap()
            .keep();
    }
    let mut lines = Vec::new();
    of.write_entries(&mut lines);
    let read = |approvals| {
        let into = Memory::default();
        into.lock().bounds.approvals = approvals;
        let entries = lines
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        let all = entries
            .map(|line| into.recall_entry(line))
            .all(|read| read.is_ok());
        (all, into.remembered().approvals)
    };
    assert_eq!(read(3), (true, 3));
    assert_eq!(read(2), (false, 3));
    assert_eq!(read(1), (false, 2));
}

#[test]
fn a_million_that_end_at_once_cost_no_call_more_than_a_few() {
    let memory = memory();
    for n in 0..1_000 {
        let claims = approval(&format!("a{n}"));
        memory.reserve(&claims, at(1)).unwrap().keep();
    }
    let mut seen = Vec::new();
    for _ in 0..20 {
        let before = memory.remembered().approvals;
        let budget = budget(1, None, None);
        memory.reserve(&budget, at(400)).unwrap().keep();
        seen.push(before - memory.remembered().approvals);
    }
    assert!(seen.iter().all(|forgotten| *forgotten <= 64), "{seen:?}");
    assert_eq!(memory.remembered().approvals, 0);
}

#[test]
fn a_key_says_what_became_of_its_call() {
    let memory = memory();
    memory.reserve(&key("k", 1), at(1)).unwrap().keep();
    let used = |by: &Claims| match memory.reserve(by, at(2)).unwrap_err() {
        NotReserved::KeyUsed(used) => (used.decision, used.state),
        other => panic!("{other}"),
    };
    assert_eq!(used(&key("k", 2)), (decision(1), KeyState::Running));
    memory.ended(decision(1), KeyState::Ok);
    assert_eq!(used(&key("k", 2)), (decision(1), KeyState::Ok));
    // What has ended does not end again.
    memory.ended(decision(1), KeyState::Unknown);
    assert_eq!(used(&key("k", 2)), (decision(1), KeyState::Ok));
    let mut other = key("k", 3);
    other.key.as_mut().unwrap().tenant = "globex".parse().unwrap();
    memory.reserve(&other, at(2)).unwrap().keep();
    // A day later the key is free, also if its entry is not forgotten yet.
    let mut state = memory.lock();
    assert!(state.check(&key("k", 4), at(KEY_KEPT_SECONDS)).is_err());
    assert!(state.check(&key("k", 4), at(KEY_KEPT_SECONDS + 1)).is_ok());
    state.take(&key("k", 4), at(KEY_KEPT_SECONDS + 1));
    assert_eq!(state.remembered().keys, 2);
}

#[test]
fn calls_are_counted_before_and_costs_after() {
    let memory = memory();
    let both = budget(1, Some(3), Some(100));
    let first = memory.reserve(&both, at(1)).unwrap();
    assert_eq!(first.spent(), calls(1));
    first.keep();
    drop(memory.reserve(&both, at(1)).unwrap());
    memory.reserve(&both, at(1)).unwrap().keep();
    // The last call may exceed the money; none begins after it.
    let totals = memory.charge(run(1), 130);
    assert_eq!((totals.calls, totals.usd_micros), (Some(2), Some(130)));
    assert_eq!(
        memory.reserve(&both, at(1)).unwrap_err(),
        NotReserved::UsdMicrosExhausted {
            spent: 130,
            limit: 100
        }
    );
    let by_calls = budget(1, Some(3), None);
    memory.reserve(&by_calls, at(1)).unwrap().keep();
    assert_eq!(
        memory.reserve(&by_calls, at(1)).unwrap_err(),
        NotReserved::CallsExhausted { limit: 3 }
    );
    // Nothing is left of a run whose only call did not happen, and a budget of none allows none.
    drop(memory.reserve(&budget(2, Some(1), None), at(1)).unwrap());
    assert_eq!(memory.spent(run(2)), None);
    for none in [budget(2, Some(0), None), budget(2, None, Some(0))] {
        memory.reserve(&none, at(1)).unwrap_err();
    }
    assert_eq!(memory.charge(run(1), u64::MAX).usd_micros, Some(SPENT_MAX));
}

#[test]
fn a_run_is_remembered_for_a_week_from_its_last_call() {
    let memory = memory();
    let once = budget(1, Some(2), None);
    memory.reserve(&once, at(1)).unwrap().keep();
    memory.reserve(&once, at(100)).unwrap().keep();
    memory.charge(run(1), 5);
    memory.advance(at(RUN_KEPT_SECONDS + 99));
    assert!(memory.spent(run(1)).is_some());
    memory.advance(at(RUN_KEPT_SECONDS + 100));
    assert_eq!(memory.spent(run(1)), None);
}

impl Memory {
    fn advance(&self, now: Timestamp) {
        self.lock().advance(now);
    }
}
