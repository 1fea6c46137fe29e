//! A machine with more to do than it can: no valid call is denied.

use std::collections::{BTreeMap, VecDeque};
use std::hint::black_box;
use std::ops::AddAssign;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hallpass_args::Arguments;
use hallpass_bundle::{KeyState, Snapshots};
use hallpass_journal::{Journal, JournalName, Settings};
use hallpass_token::{Caveat, NextSecret, TokenText, UnverifiedToken};
use hallpass_verifier::{
    Commit, Disclosure, JournalledArguments, Outcome, Rule, ServicePolicy, Setup, Tenancy, Verifier,
};
use hallpass_vocabulary::{Clock, Timestamp, TokenId};

use crate::world::*;

/// How many decisions when the variable below does not say. The long form is in docs/verification.md.
const DECISIONS_DEFAULT: usize = 20_000;
const VARIABLE: &str = "HALLPASS_BUSY";
/// Threads that decide, and as many that only use the processor.
const THREADS: usize = 4;
/// Decisions of one journal; then its disk space is given back.
const DECISIONS_PER_WORLD: usize = 50_000;
/// Calls of one thread that wait for their records at a time.
const UNDER_WAY: usize = 32;
/// Every so many calls come with a token the verifier has not seen.
const COLD_EVERY: usize = 10;
/// Every so many calls change something, and wait for the disk.
const WRITE_EVERY: usize = 16;
/// How often a new bundle arrives.
const BUNDLE_EVERY: Duration = Duration::from_millis(500);

/// The fixture's moment, running as a wall clock does.
struct RunningClock(Instant);

impl Clock for RunningClock {
    fn now(&self) -> Timestamp {
        NOW.after(self.0.elapsed())
    }

    fn running(&self) -> Option<Duration> {
        Some(self.0.elapsed())
    }
}

/// What was decided, and how long one took at most.
#[derive(Default)]
struct Tally {
    allowed: usize,
    cold: usize,
    writes: usize,
    refused: BTreeMap<String, usize>,
    slowest: Duration,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.allowed += other.allowed;
        self.cold += other.cold;
        self.writes += other.writes;
        for (why, count) in other.refused {
            *self.refused.entry(why).or_default() += count;
        }
        self.slowest = self.slowest.max(other.slowest);
    }
}

/// A token of its own number, narrowed on its arguments, issued now.
fn narrow_token(number: usize, now: Timestamp) -> TokenText {
    // Tokens keep whole seconds.
    let issued = Timestamp::from_unix_seconds(now.unix_seconds());
    let text = token(|spec| {
        let number = u64::try_from(number).unwrap().to_be_bytes();
        let mut id = [0; 10];
        id[..8].copy_from_slice(&number);
        spec.token = TokenId::new(now, id);
        (spec.issued, spec.expires) = (issued, issued.after(Duration::from_secs(600)));
    });
    let caveats = [
        "/limit in 1..100",
        "/path under /workspace",
        "each /to email domain example.com",
        "for kb.search: only arguments limit, path, to, query",
    ];
    let caveats = caveats.map(|words| words.parse::<Caveat>().unwrap());
    UnverifiedToken::parse(text.expose())
        .unwrap()
        .attenuate(&caveats, NextSecret::from_random([8; 32]))
        .unwrap()
}

/// Makes valid calls of these numbers and looks at each answer.
fn decide(verifier: &Verifier, clock: &RunningClock, numbers: std::ops::Range<usize>) -> Tally {
    let warm: Vec<TokenText> = (0..8)
        .map(|token| narrow_token(usize::MAX - numbers.start * 8 - token, clock.now()))
        .collect();
    let mut tally = Tally::default();
    let mut under_way = VecDeque::new();
    let settle = |tally: &mut Tally, (asked, commit): (Instant, Commit)| match commit.wait() {
        Ok(permit) => {
            tally.slowest = tally.slowest.max(asked.elapsed());
            tally.allowed += 1;
            drop(permit.finish(Outcome::succeeded(b"{}")));
        }
        Err(refusal) => {
            let why = format!("{}: {:?}", refusal.code(), refusal.detail());
            *tally.refused.entry(why).or_default() += 1;
        }
    };
    for number in numbers {
        let cold = (number % COLD_EVERY == 0).then(|| narrow_token(number, clock.now()));
        let token = cold.as_ref().unwrap_or(&warm[number % warm.len()]);
        let writes = number % WRITE_EVERY == 1;
        let mut call = call(if writes { "ticket.update" } else { "kb.search" });
        let arguments = format!(
            r#"{{"limit":{},"path":"/workspace/{number}","to":["a@example.com","b@example.com"],"query":"refund"}}"#,
            1 + number % 100
        );
        call.args = Arguments::parse(arguments.as_bytes()).unwrap();
        under_way.push_back((
            Instant::now(),
            verifier.authorize(Some(token.expose()), call),
        ));
        if under_way.len() == UNDER_WAY {
            under_way
                .pop_front()
                .into_iter()
                .for_each(|call| settle(&mut tally, call));
        }
        tally.cold += usize::from(cold.is_some());
        tally.writes += usize::from(writes);
    }
    under_way
        .into_iter()
        .for_each(|call| settle(&mut tally, call));
    tally
}

/// Ends the busy threads when it goes.
struct Ends<'o>(&'o AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// As many decisions as one journal takes, beside threads that only use the processor, with bundles arriving.
fn round(numbers: std::ops::Range<usize>) -> Tally {
    // Beside the build, on a disk: a system's temporary directory may be memory.
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let clock = Arc::new(RunningClock(Instant::now()));
    let name = JournalName::new("tickets").unwrap();
    let settings = Settings::new(env("prod"), name, Arc::clone(&clock) as Arc<dyn Clock>);
    let snapshots = Arc::new(Snapshots::new(snapshot(NOW, KeyState::Active)));
    let small_pages = Rule::require("small-pages", ["/limit<=100".parse().unwrap()]);
    let verifier = Verifier::new(Setup {
        audience: audience("tickets"),
        environment: env("prod"),
        tenancy: Tenancy::Many,
        policy: ServicePolicy::none().with(small_pages).unwrap(),
        journalled: JournalledArguments::none(),
        disclosure: Disclosure::Explain,
        profile: hallpass_verifier::Profile::Standard,
        spend: hallpass_verifier::Spend::ThisJournal,
        recording: hallpass_verifier::Recording::standard(),
        journal: Journal::open(dir.path(), settings).unwrap(),
        snapshots: Arc::clone(&snapshots),
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
    });
    let over = AtomicBool::new(false);
    let share = numbers.len().div_ceil(THREADS);
    thread::scope(|threads| {
        for seed in 0..THREADS {
            let over = &over;
            threads.spawn(move || {
                let mut value = seed;
                while !over.load(Ordering::Relaxed) {
                    value = black_box(value.wrapping_mul(6_364_136_223_846_793_005).rotate_left(7));
                }
            });
        }
        let deciding: Vec<_> = (0..THREADS)
            .map(|part| {
                let first = (numbers.start + part * share).min(numbers.end);
                let part = first..(first + share).min(numbers.end);
                let (verifier, clock) = (&verifier, &clock);
                threads.spawn(move || decide(verifier, clock, part))
            })
            .collect();
        // Also when something below panics: the scope waits for every thread.
        let _ends = Ends(&over);
        let mut published = clock.now();
        while !deciding.iter().all(|thread| thread.is_finished()) {
            thread::park_timeout(Duration::from_millis(20));
            let now = clock.now();
            if now.since(published) >= BUNDLE_EVERY {
                assert!(snapshots.publish(snapshot(now, KeyState::Active)));
                published = now;
            }
        }
        let mut tally = Tally::default();
        for thread in deciding {
            tally += thread.join().unwrap();
        }
        tally
    })
}

#[test]
fn no_valid_call_is_denied_on_a_busy_machine() {
    let variable = std::env::var(VARIABLE).ok();
    let total = variable
        .as_ref()
        .map_or(DECISIONS_DEFAULT, |text| text.parse().unwrap());
    let started = Instant::now();
    let mut tally = Tally::default();
    for first in (0..total).step_by(DECISIONS_PER_WORLD) {
        tally += round(first..(first + DECISIONS_PER_WORLD).min(total));
        if variable.is_some() {
            let refused: usize = tally.refused.values().sum();
            println!(
                "{} of {total} decisions after {:.0?}, {refused} refused",
                tally.allowed + refused,
                started.elapsed()
            );
        }
    }
    println!(
        "{total} valid calls on {} processors, decided by {THREADS} threads beside {THREADS} busy ones in {:.1?}: {} allowed, {} \
         refused; {} with a token not seen before, {} that write; the slowest took {:.1?}",
        thread::available_parallelism().map_or(0, usize::from),
        started.elapsed(),
        tally.allowed,
        tally.refused.values().sum::<usize>(),
        tally.cold,
        tally.writes,
        tally.slowest
    );
    assert_eq!(tally.refused, BTreeMap::new());
    assert_eq!(tally.allowed, total);
    assert!(tally.cold >= total / COLD_EVERY && tally.writes >= total / (2 * WRITE_EVERY));
}
