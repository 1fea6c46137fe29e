//! Threads for the Biscuit engine: what takes milliseconds stays off the threads of an async runtime.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

/// Threads that run the engine. Two: a service that needs more decides too much in Datalog, and what waits is denied.
const THREADS: usize = 2;

/// Decisions that may wait for a thread. With a few milliseconds each at worst, the last waits a tenth of a second.
const QUEUE_MAX: usize = 64;

type Job = Box<dyn FnOnce() + Send>;

/// A bounded queue and its threads, which end when this is dropped.
pub(crate) struct EngineThreads(SyncSender<Job>);

/// The queue is full, or there is no thread.
#[derive(Debug)]
pub(crate) struct Busy;

impl EngineThreads {
    /// Starts the threads. One that cannot be started is missed by none of the others; without any, all work is refused.
    pub(crate) fn start() -> Self {
        let (sender, receiver) = sync_channel::<Job>(QUEUE_MAX);
        let receiver = Arc::new(Mutex::new(receiver));
        for number in 0..THREADS {
            let receiver = Arc::clone(&receiver);
            let thread = std::thread::Builder::new().name(format!("hallpass-engine-{number}"));
            let _ = thread.spawn(move || while work(&receiver) {});
        }
        Self(sender)
    }

    /// Has a thread run this, if one comes free within the queue.
    pub(crate) fn run(&self, job: impl FnOnce() + Send + 'static) -> Result<(), Busy> {
        self.0.try_send(Box::new(job)).map_err(|_| Busy)
    }
}

/// One job; whether there may be another.
fn work(receiver: &Mutex<Receiver<Job>>) -> bool {
    let job = receiver
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .recv();
    match job {
        // The engine's own panics are caught closer to it; whatever else happens, the thread is there for the next.
        Ok(job) => {
            let _ = catch_unwind(AssertUnwindSafe(job));
            true
        }
        Err(_) => false,
    }
}
