//! A value that another thread will give: a standard future that can also be waited for.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// The end that waits.
pub(crate) struct Later<T>(Arc<Shared<T>>);

/// The end that gives. Dropped without giving, nothing will come.
pub(crate) struct Promise<T>(Arc<Shared<T>>);

struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

enum State<T> {
    Waiting(Option<Waker>),
    /// `None` when nothing will come, or when it was taken.
    Settled(Option<T>),
}

pub(crate) fn later<T>() -> (Promise<T>, Later<T>) {
    let shared = Arc::new(Shared {
        state: Mutex::new(State::Waiting(None)),
        changed: Condvar::new(),
    });
    (Promise(Arc::clone(&shared)), Later(shared))
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle(&self, value: Option<T>) {
        let mut state = self.lock();
        if let State::Waiting(waker) = &mut *state {
            let waker = waker.take();
            *state = State::Settled(value);
            drop(state);
            self.changed.notify_all();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

impl<T> Promise<T> {
    pub(crate) fn give(self, value: T) {
        self.0.settle(Some(value));
    }

    /// Whether somebody still waits.
    pub(crate) fn is_awaited(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        self.0.settle(None);
    }
}

impl<T> Later<T> {
    /// Blocks until the value is there; `None` when it does not come, or not in time.
    pub(crate) fn wait(&self, limit: Duration) -> Option<T> {
        let waiting = |state: &mut State<T>| matches!(state, State::Waiting(_));
        let state = self.0.lock();
        let waited = self.0.changed.wait_timeout_while(state, limit, waiting);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match &mut *state {
            State::Settled(value) => value.take(),
            State::Waiting(_) => None,
        }
    }
}

impl<T> Future for Later<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        match &mut *self.0.lock() {
            State::Settled(value) => Poll::Ready(value.take()),
            State::Waiting(waker) => {
                *waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}
