//! A store that several processes share: what it answers counts, and what it does not answer denies.

use std::sync::{Arc, Mutex};

use hallpass_journal::Spent;
use hallpass_journal::memory::{Claims, NotReserved};
use hallpass_token::{BudgetUnit, TokenText};
use hallpass_verifier::{Outcome, Recording, SharedSpend, Spend, SpendAnswer};
use hallpass_vocabulary::{DenialCode, RunId, Timestamp};
use serde_json::json;

use crate::world::*;

/// What the store does with the next question.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    /// Answers by its count.
    Answers,
    /// Forgets it.
    Drops,
    /// Leaves it lying.
    Sleeps,
}

/// A store of one counter.
struct Store {
    limit: u64,
    state: Mutex<State>,
}

struct State {
    mood: Mood,
    calls: u64,
    cost: u64,
    given_back: u64,
    lying: Vec<SpendAnswer>,
}

impl Store {
    fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self {
            limit,
            state: Mutex::new(State {
                mood: Mood::Answers,
                calls: 0,
                cost: 0,
                given_back: 0,
                lying: Vec::new(),
            }),
        })
    }

    fn be(&self, mood: Mood) {
        self.state.lock().unwrap().mood = mood;
    }
}

impl SharedSpend for Store {
    fn reserve(&self, claims: Claims, _: Timestamp, answer: SpendAnswer) {
        assert!(claims.run.is_some());
        let mut state = self.state.lock().unwrap();
        match state.mood {
            Mood::Answers if state.calls >= self.limit => {
                let limit = self.limit;
                answer.give(Err(NotReserved::CallsExhausted { limit }));
            }
            Mood::Answers => {
                state.calls += 1;
                let spent = Spent {
                    calls: Some(state.calls),
                    usd_micros: None,
                };
                // From another thread, as from a network.
                std::thread::spawn(move || answer.give(Ok(Some(spent))));
            }
            Mood::Drops => drop(answer),
            Mood::Sleeps => state.lying.push(answer),
        }
    }

    fn give_back(&self, _: Claims) {
        self.state.lock().unwrap().given_back += 1;
    }

    fn charge(&self, run: RunId, usd_micros: u64) {
        assert_eq!(run, RunId::new(NOW, [2; 10]));
        self.state.lock().unwrap().cost += usd_micros;
    }
}

fn world(store: &Arc<Store>) -> World {
    let store = Arc::clone(store) as Arc<dyn SharedSpend>;
    World::spending(Spend::Shared(store), Recording::standard())
}

fn budgeted() -> TokenText {
    token(|grant| grant.budgets = [(BudgetUnit::Calls, 9)].into())
}

#[test]
fn two_processes_have_the_budget_together() {
    let store = Store::new(3);
    let (one, other) = (world(&store), world(&store));
    let token = budgeted();
    for world in [&one, &other, &one] {
        let permit = world.call(token.expose(), "kb.search").unwrap();
        drop(permit.finish(Outcome::succeeded(b"{}").costing(7)));
    }
    let denied = other.denial(token.expose(), "kb.search");
    assert_eq!(denied, DenialCode::BudgetExhausted);
    assert_eq!(store.state.lock().unwrap().cost, 21);
    // The memory of the journals has not been asked, and has no say.
    let run = RunId::new(NOW, [2; 10]);
    assert_eq!(one.journal.memory().spent(run), None);
    let records = one.records();
    let spent = |n: usize| of_kind(&records, "decided")[n]["spent"].clone();
    assert_eq!(
        [spent(0), spent(1)],
        [json!({"calls": 1}), json!({"calls": 3})]
    );
}

#[test]
fn who_has_no_budget_does_not_ask() {
    let store = Store::new(0);
    store.be(Mood::Drops);
    let world = world(&store);
    drop(world.call(token(|_| ()).expose(), "kb.search").unwrap());
}

#[test]
fn an_answer_that_does_not_come_denies_and_is_on_record() {
    let store = Store::new(3);
    let world = world(&store);
    let token = budgeted();
    let call = || {
        world
            .verifier
            .authorize(Some(token.expose()), call("kb.search"))
    };
    store.be(Mood::Drops);
    let dropped = call().wait().unwrap_err();
    store.be(Mood::Sleeps);
    let given_up = call().give_up().unwrap_err();
    drop(call());
    for refusal in [&dropped, &given_up] {
        assert_eq!(refusal.code(), DenialCode::Overloaded);
        let words = "the store of what was spent did not answer";
        assert_eq!(refusal.detail(), Some(words));
    }
    // Nobody waits for what comes now, and the store is told so.
    for answer in std::mem::take(&mut store.state.lock().unwrap().lying) {
        assert!(!answer.give(Ok(None)));
    }
    assert_eq!(world.verifier.open_permits(), 0);
    let records = world.records();
    let decided = of_kind(&records, "decided");
    let codes: Vec<_> = decided.iter().map(|record| &record["code"]).collect();
    assert_eq!(codes, ["overloaded"; 3]);
    assert_eq!(decided[1]["decision"], given_up.decision().to_string());
}

#[test]
fn an_answer_that_comes_while_somebody_waits_is_the_answer() {
    let store = Store::new(3);
    let world = world(&store);
    let token = budgeted();
    store.be(Mood::Sleeps);
    let commit = world
        .verifier
        .authorize(Some(token.expose()), call("kb.search"));
    let answer = store.state.lock().unwrap().lying.pop().unwrap();
    let waiting = std::thread::spawn(move || commit.wait());
    assert!(answer.give(Ok(None)));
    drop(waiting.join().unwrap().unwrap());
}

#[test]
fn what_is_certainly_not_recorded_is_given_back() {
    let store = Store::new(3);
    let world = world(&store);
    world.journal.close().unwrap();
    let denied = world.denial(budgeted().expose(), "kb.search");
    assert_eq!(denied, DenialCode::JournalUnavailable);
    assert_eq!(store.state.lock().unwrap().given_back, 1);
}
