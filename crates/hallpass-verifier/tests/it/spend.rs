//! Budgets: counted per run, before the call, and where they were after the process died.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use hallpass_token::{BudgetUnit, GrantSpec, TokenText};
use hallpass_verifier::{ErrorClass, Outcome, Recording, Spend};
use hallpass_vocabulary::{DenialCode, Impact, RunId, TokenId};
use serde_json::json;

use crate::world::*;

fn calls(amount: u64) -> TokenText {
    token(|grant| grant.budgets = [(BudgetUnit::Calls, amount)].into())
}

fn usd_micros(amount: u64) -> TokenText {
    token(|grant| grant.budgets = [(BudgetUnit::UsdMicros, amount)].into())
}

/// Another token of the same run, as renewing gives.
fn renewed(budgets: impl FnOnce(&mut GrantSpec)) -> TokenText {
    token(|grant| {
        grant.token = TokenId::new(NOW, [77; 10]);
        budgets(grant);
    })
}

/// Calls until the budget is used up, at most a hundred times.
fn allowed(world: &World, token: &TokenText) -> usize {
    let mut count = 0;
    while count < 100 {
        match world.call(token.expose(), "kb.search") {
            Ok(permit) => drop(permit.finish(Outcome::succeeded(b"{}"))),
            Err(refusal) => {
                assert_eq!(refusal.code(), DenialCode::BudgetExhausted);
                break;
            }
        }
        count += 1;
    }
    count
}

#[test]
fn a_run_has_its_calls_whatever_becomes_of_them_and_no_more() {
    let world = World::new();
    let token = calls(4);
    let call = || world.call(token.expose(), "kb.search").unwrap();
    drop(call().finish(Outcome::succeeded(b"{}")));
    drop(call().finish(Outcome::failed(ErrorClass::Failed)));
    // Abandoned: whether it did anything is unknown.
    drop(call());
    // What is denied for something else spends nothing.
    for _ in 0..5 {
        let denied = world.denial(token.expose(), "mail.send");
        assert_eq!(denied, DenialCode::ToolUnknown);
    }
    let fourth = call();
    let refusal = world.call(token.expose(), "kb.search").unwrap_err();
    assert_eq!(refusal.code(), DenialCode::BudgetExhausted);
    assert_eq!(refusal.detail(), Some("the run has had its 4 calls"));
    drop(fourth);
    let exhausted = refusal.decision().to_string();
    let records = world.records();
    let decided = of_kind(&records, "decided");
    let spent: Vec<_> = decided
        .iter()
        .filter(|record| record["verdict"] == "allow")
        .map(|record| &record["spent"])
        .collect();
    let counted = |count| json!({ "calls": count });
    assert_eq!(spent, [&counted(1), &counted(2), &counted(3), &counted(4)]);
    let denied = decided
        .iter()
        .find(|record| record["decision"] == exhausted);
    let denied = denied.unwrap();
    assert_eq!(denied["code"], "budget_exhausted");
    assert_eq!(denied["spent"], json!(null));
}

#[test]
fn a_token_without_a_budget_is_not_counted() {
    let world = World::new();
    drop(world.call(token(|_| ()).expose(), "kb.search").unwrap());
    let run = RunId::new(NOW, [2; 10]);
    assert_eq!(world.journal.memory().spent(run), None);
    let records = world.records();
    assert_eq!(of_kind(&records, "decided")[0]["spent"], json!(null));
}

#[test]
fn the_run_is_counted_and_not_the_token() {
    let world = World::new();
    assert_eq!(allowed(&world, &calls(3)), 3);
    // Renewed with the same budget there is nothing left, with a larger one the rest of it.
    let more = |amount| renewed(|grant| grant.budgets = [(BudgetUnit::Calls, amount)].into());
    assert_eq!(allowed(&world, &more(3)), 0);
    assert_eq!(allowed(&world, &more(5)), 2);
    let other = token(|grant| {
        grant.run = RunId::new(NOW, [78; 10]);
        grant.budgets = [(BudgetUnit::Calls, 3)].into();
    });
    assert_eq!(allowed(&world, &other), 3);
    assert_eq!(allowed(&world, &calls(0)), 0);
}

#[test]
fn what_calls_cost_is_counted_when_it_is_known_and_the_last_may_exceed_it() {
    let world = World::new();
    let token = usd_micros(100);
    let call = || world.call(token.expose(), "kb.search");
    let outcome = Outcome::succeeded(b"{}").costing(60);
    drop(call().unwrap().finish(outcome));
    // Told while it runs, and also when nobody waits for its end.
    let permit = call().unwrap();
    permit.costs(30);
    permit.costs(0);
    drop(permit);
    let permit = call().unwrap();
    permit.costs(5);
    drop(permit.finish(Outcome::failed(ErrorClass::Failed).costing(55)));
    let refusal = call().unwrap_err();
    assert_eq!(refusal.code(), DenialCode::BudgetExhausted);
    let words = "the run has spent 150 of its 100 usd_micros";
    assert_eq!(refusal.detail(), Some(words));
    let records = world.records();
    let finished: Vec<_> = of_kind(&records, "finished")
        .into_iter()
        .map(|record| (&record["spend_usd_micros"], &record["spent"]))
        .collect();
    let total = |calls, usd_micros| json!({ "calls": calls, "usd_micros": usd_micros });
    assert_eq!(
        finished,
        [(&json!(60), &total(1, 60)), (&json!(60), &total(3, 150)),]
    );
    let run = RunId::new(NOW, [2; 10]).to_string();
    assert_eq!(of_kind(&records, "finished")[0]["run"], json!(run));
}

#[test]
fn a_call_that_is_certainly_not_recorded_spends_nothing() {
    let world = World::new();
    let token = calls(2);
    drop(world.call(token.expose(), "kb.search").unwrap());
    world.journal.close().unwrap();
    let denied = world.denial(token.expose(), "kb.search");
    assert_eq!(denied, DenialCode::JournalUnavailable);
    let spent = world.journal.memory().spent(RunId::new(NOW, [2; 10]));
    assert_eq!(spent.unwrap().calls, Some(1));
}

#[test]
fn many_at_once_have_the_budget_together() {
    const CALLS: u64 = 120;
    let world = Arc::new(World::new());
    let token = Arc::new(calls(CALLS));
    let through = Arc::new(AtomicU32::new(0));
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (world, token) = (Arc::clone(&world), Arc::clone(&token));
            let through = Arc::clone(&through);
            std::thread::spawn(move || {
                for _ in 0..40 {
                    if let Ok(permit) = world.call(token.expose(), "kb.search") {
                        through.fetch_add(1, Ordering::SeqCst);
                        let ended = permit.finish(Outcome::succeeded(b"{}").costing(1));
                        let _recorded = ended.wait(PATIENCE).unwrap();
                    }
                }
            })
        })
        .collect();
    for caller in callers {
        caller.join().unwrap();
    }
    assert_eq!(u64::from(through.load(Ordering::SeqCst)), CALLS);
    // And the records say so, in whatever order they stand.
    let next = world.killed();
    let spent = next.journal.memory().spent(RunId::new(NOW, [2; 10]));
    let spent = spent.unwrap();
    assert_eq!((spent.calls, spent.usd_micros), (Some(CALLS), Some(CALLS)));
}

#[test]
fn after_a_kill_the_budget_is_where_it_was() {
    let both = token(|grant| {
        grant.budgets = [(BudgetUnit::Calls, 6), (BudgetUnit::UsdMicros, 1_000)].into();
    });
    let mut world = World::new();
    for n in 1..=6_u64 {
        let name = if n % 2 == 0 {
            "ticket.update"
        } else {
            "kb.search"
        };
        let permit = world.call(both.expose(), name).unwrap();
        if n % 3 == 0 {
            drop(permit);
        } else {
            let outcome = Outcome::succeeded(b"{}").costing(10);
            permit.finish(outcome).wait(PATIENCE).unwrap();
        }
        world = world.killed();
        let spent = world.journal.memory().spent(RunId::new(NOW, [2; 10]));
        let spent = spent.unwrap();
        let cost = 10 * (n - n / 3);
        assert_eq!((spent.calls, spent.usd_micros), (Some(n), Some(cost)));
    }
    let denied = world.denial(both.expose(), "kb.search");
    assert_eq!(denied, DenialCode::BudgetExhausted);
}

#[test]
fn a_kill_between_the_decision_and_its_end_has_spent_the_call() {
    let world = World::new();
    let token = calls(1);
    let running = world.call(token.expose(), "kb.search").unwrap();
    let next = world.killed();
    let denied = next.denial(token.expose(), "kb.search");
    assert_eq!(denied, DenialCode::BudgetExhausted);
    drop(running);
}

/// Calls on four threads until a process that is killed meanwhile has left its files; gives them, and how many calls had
/// their permit before.
fn killed_under_load(world: &World, token: &TokenText, calls: u32) -> (tempfile::TempDir, u32) {
    let (through, stop) = (AtomicU32::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for name in ["ticket.update", "kb.search", "kb.search", "tickets.get"] {
            let (through, stop) = (&through, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    let permit = world.call(token.expose(), name).unwrap();
                    through.fetch_add(1, Ordering::SeqCst);
                    drop(permit.finish(Outcome::succeeded(b"{}")));
                }
            });
        }
        while through.load(Ordering::SeqCst) < calls {
            std::thread::yield_now();
        }
        let had = through.load(Ordering::SeqCst);
        let left = world.left_behind();
        stop.store(true, Ordering::SeqCst);
        (left, had)
    })
}

#[test]
fn a_kill_under_load_forgets_no_call_that_had_its_permit() {
    let token = calls(1 << 50);
    let run = RunId::new(NOW, [2; 10]);
    let count = |world: &World| {
        let spent = world.journal.memory().spent(run);
        spent.and_then(|spent| spent.calls).unwrap_or(0)
    };
    let mut world = World::new();
    for round in 1..=8 {
        let before = count(&world);
        let (left, had) = killed_under_load(&world, &token, 13 * round);
        let next = world.next_in(left);
        let (after, all) = (count(&next), count(&world));
        assert!(after >= before + u64::from(had), "{after} after {had}");
        // Nor does it make up any.
        assert!(after <= all, "{after} of {all}");
        world = next;
    }
}

#[test]
fn what_is_spent_is_on_record_also_where_a_service_goes_on_without_records() {
    let open = Recording::standard().danger_open(Impact::Read);
    let world = World::spending(Spend::ThisJournal, open);
    // A call that spends nothing waits for nothing, and proves nothing.
    let free = world.call(token(|_| ()).expose(), "kb.search").unwrap();
    assert_eq!(free.record(), None);
    let end = free.finish(Outcome::succeeded(b"{}").costing(7));
    assert_eq!(end.wait(PATIENCE).unwrap().index(), None);
    // One that does waits for its decision, and its cost is on record when its end is.
    let budget = usd_micros(100);
    let permit = world.call(budget.expose(), "kb.search").unwrap();
    assert!(permit.record().is_some());
    let end = permit.finish(Outcome::succeeded(b"{}").costing(100));
    assert!(end.wait(PATIENCE).unwrap().index().is_some());
    let denied = world.killed().denial(budget.expose(), "kb.search");
    assert_eq!(denied, DenialCode::BudgetExhausted);
}
