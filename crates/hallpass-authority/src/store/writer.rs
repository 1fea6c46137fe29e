//! The one thread that writes: rows arrive one by one and are committed in groups.
//!
//! The store must know up to which record it is complete, and mints finish out of order. So every mint takes a
//! [`Flight`] *before* it appends to the journal, noting how many records there were: its own record cannot be before
//! that. The floor written with each group is the lowest such number of all flights that have not landed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::rows::{self, MintedRow};

/// Rows in one transaction. Past a few dozen, a larger group no longer makes a row cheaper.
const GROUP_ROWS_MAX: usize = 256;

/// Rows waiting for the writer. A few groups; past it, mints wait for room.
const QUEUE_ROWS_MAX: usize = 1_024;

/// Rows kept for another try after the disk refused a group. Past it, rows are dropped here and come back from the
/// journal at the next start; the floor stays below them until then.
const RETRY_ROWS_MAX: usize = 16_384;

/// The writer thread.
#[derive(Debug)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Order>,
    flights: Flights,
    /// Whether the last group was refused.
    behind: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

enum Order {
    Land(Box<Landing>),
    Retry,
    Stop,
}

/// The writer has stopped: the process is ending or the thread died.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the store's writer has stopped")]
pub(crate) struct WriterGone;

/// A mint between asking for a record and having its rows. Dropping it without landing keeps the floor where it is:
/// whether there is a record is then unknown, and the next start looks.
#[derive(Debug)]
pub(crate) struct Flight {
    number: u64,
    flights: Flights,
}

struct Landing {
    row: MintedRow,
    flight: u64,
    done: oneshot::Sender<bool>,
}

/// Lowest possible record index of each mint in flight, by the order in which they took off.
#[derive(Debug, Clone, Default)]
struct Flights(Arc<Mutex<(u64, BTreeMap<u64, u64>)>>);

impl Flights {
    fn with<T>(&self, f: impl FnOnce(&mut u64, &mut BTreeMap<u64, u64>) -> T) -> T {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (next, aloft) = &mut *inner;
        f(next, aloft)
    }
}

impl Flight {
    /// The append failed for certain: there is no record to wait for.
    pub(crate) fn cancel(self) {
        self.flights.with(|_, aloft| aloft.remove(&self.number));
    }
}

impl Writer {
    pub(super) fn start(connection: Connection) -> Self {
        let (queue, orders) = mpsc::channel(QUEUE_ROWS_MAX);
        let flights = Flights::default();
        let behind = Arc::new(AtomicBool::new(false));
        let (their_flights, their_behind) = (flights.clone(), Arc::clone(&behind));
        let thread =
            std::thread::spawn(move || run(connection, orders, &their_flights, &their_behind));
        Self {
            queue,
            flights,
            behind,
            thread: Mutex::new(Some(thread)),
        }
    }

    /// Whether recorded mints wait for the disk to take their rows.
    pub(crate) fn is_behind(&self) -> bool {
        self.behind.load(Ordering::Relaxed)
    }

    /// Tries a refused group again. Without it the next mint would, and an authority that calls itself unready may get
    /// none.
    pub(crate) fn retry(&self) {
        if self.is_behind() {
            // A full queue holds rows, and they take the refused ones with them.
            let _ = self.queue.try_send(Order::Retry);
        }
    }

    /// Announces a mint. `records` is how many records the journal has now.
    pub(crate) fn take_off(&self, records: u64) -> Flight {
        let number = self.flights.with(|next, aloft| {
            let number = *next;
            *next = next.saturating_add(1);
            aloft.insert(number, records);
            number
        });
        Flight {
            number,
            flights: self.flights.clone(),
        }
    }

    /// Writes the rows of a recorded mint; returns once a reader sees them, or `false` when the disk refused for now.
    pub(crate) async fn land(&self, flight: Flight, row: MintedRow) -> Result<bool, WriterGone> {
        let (done, written) = oneshot::channel();
        let landing = Landing {
            row,
            flight: flight.number,
            done,
        };
        self.queue
            .send(Order::Land(Box::new(landing)))
            .await
            .map_err(|_| WriterGone)?;
        written.await.map_err(|_| WriterGone)
    }

    /// Writes what is queued and stops. Blocks; call it once no mint is under way.
    pub(crate) fn stop(&self) {
        let running = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(running) = running else { return };
        // Refused only when the thread is gone already.
        let _ = self.queue.blocking_send(Order::Stop);
        if running.join().is_err() {
            tracing::error!(
                "the store's writer panicked; its rows come back from the journal at the next start"
            );
        }
    }
}

fn run(
    mut connection: Connection,
    mut orders: mpsc::Receiver<Order>,
    flights: &Flights,
    behind: &AtomicBool,
) {
    let mut group: Vec<Landing> = Vec::new();
    let mut refused: Vec<(u64, MintedRow)> = Vec::new();
    // Just after the highest record that has its rows. Groups arrive in the order of their landing, not of their records.
    let mut after_highest = 0;
    let mut stopping = false;
    while !stopping {
        let mut next = orders.blocking_recv();
        loop {
            match next {
                Some(Order::Land(landing)) => group.push(*landing),
                Some(Order::Retry) => {}
                Some(Order::Stop) | None => stopping = true,
            }
            if stopping || group.len() == GROUP_ROWS_MAX {
                break;
            }
            next = match orders.try_recv() {
                Ok(order) => Some(order),
                Err(_) => break,
            };
        }
        if group.is_empty() && refused.is_empty() {
            continue;
        }
        let landed: Vec<u64> = refused
            .iter()
            .map(|(flight, _)| *flight)
            .chain(group.iter().map(|l| l.flight))
            .collect();
        let rows = refused
            .iter()
            .map(|(_, row)| row)
            .chain(group.iter().map(|l| &l.row));
        let after_group = rows.clone().map(|row| row.record.saturating_add(1)).max();
        let after_all = after_highest.max(after_group.unwrap_or(0));
        let floor = floor_after(flights, &landed, after_all);
        let written = match rows::insert_minted(&mut connection, rows, floor) {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    rows = landed.len(),
                    "the store refused a group"
                );
                false
            }
        };
        behind.store(!written, Ordering::Relaxed);
        if written {
            refused.clear();
            after_highest = after_all;
            flights.with(|_, aloft| landed.iter().for_each(|flight| _ = aloft.remove(flight)));
        }
        for landing in group.drain(..) {
            if !written && refused.len() < RETRY_ROWS_MAX {
                refused.push((landing.flight, landing.row));
            }
            // Nobody listens any more when the caller's task ended; the row is written all the same.
            let _ = landing.done.send(written);
        }
    }
}

/// The floor once these have landed: below every mint still aloft, else just after the highest record that has its rows.
fn floor_after(flights: &Flights, landed: &[u64], after_highest: u64) -> u64 {
    let landed: std::collections::BTreeSet<u64> = landed.iter().copied().collect();
    let lowest_aloft = flights.with(|_, aloft| {
        aloft
            .iter()
            .find(|(flight, _)| !landed.contains(flight))
            .map(|(_, lowest)| *lowest)
    });
    lowest_aloft.map_or(after_highest, |lowest| lowest.min(after_highest))
}
