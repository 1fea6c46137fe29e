//! How many calls are under way, and whether more may begin.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Set while nobody may enter; the other bits count who is inside.
const CLOSED: u64 = 1 << 63;

/// Counts calls from their admission to their end. Entering is a look and an addition; only what leaves a closed gate takes a lock.
#[derive(Default)]
pub(crate) struct Gate {
    state: AtomicU64,
    waiting: Mutex<Vec<Waker>>,
    left: Condvar,
}

/// A call under way.
pub(crate) struct Seat(Arc<Gate>);

impl Gate {
    /// Nobody once it is closed.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Seat> {
        // Who comes after the closing is not counted even for a moment: a flood of them would look like calls under way.
        if self.state.load(Ordering::SeqCst) & CLOSED != 0 {
            return None;
        }
        let before = self.state.fetch_add(1, Ordering::SeqCst);
        let seat = Seat(Arc::clone(self));
        (before & CLOSED == 0).then_some(seat)
    }

    pub(crate) fn close(&self) {
        self.state.fetch_or(CLOSED, Ordering::SeqCst);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state.load(Ordering::SeqCst) & CLOSED != 0
    }

    pub(crate) fn inside(&self) -> u64 {
        self.state.load(Ordering::SeqCst) & !CLOSED
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if self.0.state.fetch_sub(1, Ordering::SeqCst) == CLOSED | 1 {
            // Under the lock, so that nobody looks before this and sleeps after it.
            let waiting = std::mem::take(&mut *self.0.lock());
            self.0.left.notify_all();
            for waker in waiting {
                waker.wake();
            }
        }
    }
}

/// The end of every call that was under way when a verifier was told to [drain](crate::Verifier::drain). A standard
/// future, or [`wait`](Self::wait). Dropping it does not end the draining.
pub struct Drain(pub(crate) Arc<Gate>);

impl Drain {
    /// Blocks until no call is under way, at most for `limit`; then says how many still are.
    pub fn wait(self, limit: Duration) -> u64 {
        let waiting = self.0.lock();
        let busy = |_: &mut Vec<Waker>| self.0.inside() > 0;
        let waited = self.0.left.wait_timeout_while(waiting, limit, busy);
        let (waiting, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        drop(waiting);
        // Not looked at again: somebody who came as it was closed may be turned away at this moment.
        if waited.timed_out() {
            self.0.inside()
        } else {
            0
        }
    }
}

impl Future for Drain {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut waiting = self.0.lock();
        if self.0.inside() == 0 {
            return Poll::Ready(());
        }
        // Polled again and again beside other futures, it is woken once all the same.
        if !waiting.iter().any(|it| it.will_wake(context.waker())) {
            waiting.push(context.waker().clone());
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_closed_gate_lets_nobody_in_and_says_when_the_last_has_left() {
        let gate = Arc::new(Gate::default());
        let (first, second) = (gate.enter().unwrap(), gate.enter().unwrap());
        gate.close();
        assert!(gate.enter().is_none());
        assert_eq!(gate.inside(), 2);
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        let mut drain = Drain(Arc::clone(&gate));
        for _ in 0..3 {
            assert!(Pin::new(&mut drain).poll(&mut context).is_pending());
        }
        drop(first);
        assert_eq!(woken.0.load(Ordering::SeqCst), 0);
        assert_eq!(Drain(Arc::clone(&gate)).wait(Duration::ZERO), 1);
        let waiting = std::thread::spawn({
            let gate = Arc::clone(&gate);
            move || Drain(gate).wait(PATIENCE)
        });
        drop(second);
        assert_eq!(waiting.join().unwrap(), 0);
        assert_eq!(woken.0.load(Ordering::SeqCst), 1);
        assert!(Pin::new(&mut drain).poll(&mut context).is_ready());
    }

    #[test]
    fn no_order_of_threads_lets_one_in_after_the_last_was_seen_to_leave() {
        for _ in 0..200 {
            let gate = Arc::new(Gate::default());
            let callers: Vec<_> = (0..3)
                .map(|_| {
                    let gate = Arc::clone(&gate);
                    std::thread::spawn(move || while gate.enter().is_some() {})
                })
                .collect();
            gate.close();
            assert_eq!(Drain(Arc::clone(&gate)).wait(PATIENCE), 0);
            for caller in callers {
                caller.join().unwrap();
            }
            assert_eq!(gate.inside(), 0);
        }
    }
}
