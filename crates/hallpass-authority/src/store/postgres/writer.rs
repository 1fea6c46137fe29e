//! The one task that writes: changes arrive one by one and are committed in groups.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use deadpool_postgres::Pool;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::{Shared, write};
use crate::store::StoreError;
use crate::store::change::{Change, LandingEvent};
use crate::store::error::WriterGone;
use crate::store::flight::Flight;
use crate::store::group::{Group, Landing, QUEUE_CHANGES_MAX};

use super::connect::STATEMENT_MAX;
use super::failed;

/// The writing task. It begins with the first order, on the runtime of whoever gives it.
pub(super) struct Writer {
    queue: mpsc::Sender<Order>,
    behind: Arc<AtomicBool>,
    idle: Mutex<Option<Desk>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

enum Order {
    Land(Box<Landing>),
    Retry,
    Stop,
}

impl Writer {
    pub(super) fn new(pool: Pool, origin: i32, shared: Arc<Shared>) -> Self {
        let (queue, orders) = mpsc::channel(QUEUE_CHANGES_MAX);
        let behind = Arc::new(AtomicBool::new(false));
        let desk = Desk {
            orders,
            pool,
            origin,
            shared,
            behind: Arc::clone(&behind),
            group: Group::default(),
        };
        Self {
            queue,
            behind,
            idle: Mutex::new(Some(desk)),
            task: Mutex::new(None),
        }
    }

    pub(super) fn is_behind(&self) -> bool {
        self.behind.load(Ordering::Relaxed)
    }

    pub(super) fn retry(&self) {
        if self.is_behind() {
            // A full queue holds changes, and they take the refused ones with them.
            let _ = self.queue.try_send(Order::Retry);
        }
    }

    pub(super) async fn land(&self, flight: Flight, change: Change) -> Result<bool, WriterGone> {
        self.begin();
        let (done, written) = oneshot::channel();
        let landing = Landing {
            change,
            flight: flight.number,
            done,
        };
        self.queue
            .send(Order::Land(Box::new(landing)))
            .await
            .map_err(|_| WriterGone)?;
        written.await.map_err(|_| WriterGone)
    }

    fn begin(&self) {
        let desk = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(desk) = desk {
            let task = tokio::spawn(desk.run());
            *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        }
    }

    /// Writes what is queued and stops; call it once no mint is under way.
    pub(super) async fn stop(&self) {
        let running = self
            .task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(running) = running else { return };
        // Refused only when the task is gone already.
        let _ = self.queue.send(Order::Stop).await;
        if running.await.is_err() {
            tracing::error!(
                "the store's writer panicked; its rows come back from the journal at the next start"
            );
        }
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("behind", &self.behind)
            .finish_non_exhaustive()
    }
}

/// What the task works with.
struct Desk {
    orders: mpsc::Receiver<Order>,
    pool: Pool,
    origin: i32,
    shared: Arc<Shared>,
    behind: Arc<AtomicBool>,
    group: Group,
}

impl Desk {
    async fn run(mut self) {
        let mut stopping = false;
        while !stopping {
            let mut next = self.orders.recv().await;
            loop {
                match next {
                    Some(Order::Land(landing)) => self.group.push(*landing),
                    Some(Order::Retry) => {}
                    Some(Order::Stop) | None => stopping = true,
                }
                if stopping || self.group.is_full() {
                    break;
                }
                next = match self.orders.try_recv() {
                    Ok(order) => Some(order),
                    Err(_) => break,
                };
            }
            if !self.group.is_empty() {
                self.write().await;
            }
        }
    }

    async fn write(&mut self) {
        let flights = &self.shared.flights;
        let floor = self.group.floor(flights);
        let written = self.group_written(floor).await;
        self.behind.store(written.is_err(), Ordering::Relaxed);
        if let Err(error) = &written {
            tracing::error!(
                error = error as &dyn std::error::Error,
                changes = self.group.changes().count(),
                "the store refused a group"
            );
        } else {
            if let Some(sizes) = self.shared.group_sizes.get() {
                sizes.observe(self.group.changes().count() as f64);
            }
            self.remember_landed();
        }
        self.group.settle(written.is_ok(), flights);
    }

    async fn group_written(&self, floor: u64) -> Result<(), StoreError> {
        let client = super::connection(&self.pool).await?;
        let changes = self.group.changes();
        let writing = write::group(&client, self.origin, changes, floor);
        match tokio::time::timeout(STATEMENT_MAX, writing).await {
            Ok(written) => written.map_err(failed("write to")),
            Err(_) => {
                // Nobody knows what state it is in.
                drop(deadpool_postgres::Object::take(client));
                Err(StoreError::Unwritten)
            }
        }
    }

    /// What the process knows by heart follows what is in the store.
    fn remember_landed(&self) {
        for change in self.group.changes() {
            match &change.event {
                LandingEvent::ClientChanged(..) => self.shared.clients.forget(),
                LandingEvent::Minted(minted) => self.shared.claims.is_landed(minted),
                _ => {}
            }
        }
    }
}
