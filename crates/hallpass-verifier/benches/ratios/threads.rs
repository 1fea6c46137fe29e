//! How much more two threads decide than one.

use std::sync::Barrier;
use std::time::Instant;

use hallpass_verifier::Outcome;

use crate::service::{self, Service};

/// Calls each thread makes in one measurement.
const CALLS: usize = 1_000;
/// Measurements of one thread, each followed by one of two.
const ROUNDS: usize = 51;

/// What two threads do more than one: of pure computation, which is what the machine has to give at this moment, and of
/// ours.
pub fn scaling(verify: impl Fn() + Sync) -> String {
    let machine = ratio(verify);
    let (service, token) = (Service::new(), service::token(1, 5, 0));
    let checks = ratio(|| {
        let checked = service.verifier.check(
            Some(token.expose()),
            service::call("kb.search"),
            crate::world::NOW,
        );
        assert_eq!(checked.denial(), None);
    });
    let recorded = ratio(|| {
        let permit = service.authorize(token.expose(), service::call("kb.search"));
        drop(permit.finish(Outcome::succeeded(b"{}")));
    });
    format!(
        "two threads against one (medians of {ROUNDS}): ed25519-dalek verify {machine:.2}x, check {checks:.2}x, \
         authorize and finish {recorded:.2}x"
    )
}

/// The median of the calls per second of two threads over those of one, measured in turn.
fn ratio(work: impl Fn() + Sync) -> f64 {
    let mut ratios: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let one = seconds(1, &work);
            2.0 * one / seconds(2, &work)
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios[ROUNDS / 2]
}

/// How long the last of `threads` takes for its calls.
fn seconds(threads: usize, work: &(impl Fn() + Sync)) -> f64 {
    let start = Barrier::new(threads);
    let slowest = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    let started = Instant::now();
                    for _ in 0..CALLS {
                        work();
                    }
                    started.elapsed()
                })
            })
            .collect();
        let times = running.into_iter().map(|thread| thread.join().unwrap());
        times.max().unwrap()
    });
    slowest.as_secs_f64()
}
