//! The one thread that writes: changes arrive one by one and are committed in groups.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use hallpass_vocabulary::Timestamp;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::write::{self, Nonce};
use super::{Shared, read};
use crate::store::StoreError;
use crate::store::change::{Change, LandingEvent};
use crate::store::client_table::ClientTable;
use crate::store::error::WriterGone;
use crate::store::flight::Flight;
use crate::store::group::{Group, Landing, QUEUE_CHANGES_MAX};

/// The writer thread.
#[derive(Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Order>,
    /// Whether the last group was refused.
    behind: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

enum Order {
    Clean(Timestamp, oneshot::Sender<Result<u64, StoreError>>),
    Land(Box<Landing>),
    Remember(Box<Nonce>, oneshot::Sender<Result<bool, StoreError>>),
    Retry,
    Stop,
}

impl Writer {
    pub(super) fn start(connection: Connection, origin: i64, shared: Arc<Shared>) -> Self {
        let (queue, orders) = mpsc::channel(QUEUE_CHANGES_MAX);
        let behind = Arc::new(AtomicBool::new(false));
        let desk = Desk {
            connection,
            origin,
            shared,
            behind: Arc::clone(&behind),
            group: Group::default(),
            nonces: Vec::new(),
        };
        let thread = std::thread::spawn(move || desk.run(orders));
        Self {
            queue,
            behind,
            thread: Mutex::new(Some(thread)),
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
        let (done, written) = oneshot::channel();
        let landing = Landing {
            change,
            flight: flight.number,
            done,
        };
        self.order(Order::Land(Box::new(landing))).await?;
        written.await.map_err(|_| WriterGone)
    }

    pub(super) async fn remember(&self, nonce: Nonce) -> Result<bool, StoreError> {
        let (done, remembered) = oneshot::channel();
        self.order(Order::Remember(Box::new(nonce), done)).await?;
        remembered.await.map_err(|_| StoreError::Stopping)?
    }

    pub(super) async fn clean(&self, now: Timestamp) -> Result<u64, StoreError> {
        let (done, cleaned) = oneshot::channel();
        self.order(Order::Clean(now, done)).await?;
        cleaned.await.map_err(|_| StoreError::Stopping)?
    }

    async fn order(&self, order: Order) -> Result<(), WriterGone> {
        self.queue.send(order).await.map_err(|_| WriterGone)
    }

    /// Writes what is queued and stops. Blocks; call it once no mint is under way.
    pub(super) fn stop(&self) {
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

/// What the thread works with.
struct Desk {
    connection: Connection,
    origin: i64,
    shared: Arc<Shared>,
    behind: Arc<AtomicBool>,
    group: Group,
    nonces: Vec<(Nonce, oneshot::Sender<Result<bool, StoreError>>)>,
}

impl Desk {
    fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut stopping = false;
        while !stopping {
            let mut next = orders.blocking_recv();
            loop {
                match next {
                    Some(Order::Clean(now, done)) => {
                        let _ = done.send(write::clean(&mut self.connection, now));
                    }
                    Some(Order::Land(landing)) => self.group.push(*landing),
                    Some(Order::Remember(nonce, done)) => self.nonces.push((*nonce, done)),
                    Some(Order::Retry) => {}
                    Some(Order::Stop) | None => stopping = true,
                }
                if stopping || self.group.is_full() {
                    break;
                }
                next = match orders.try_recv() {
                    Ok(order) => Some(order),
                    Err(_) => break,
                };
            }
            if !self.group.is_empty() || !self.nonces.is_empty() {
                self.write();
            }
        }
    }

    fn write(&mut self) {
        let flights = &self.shared.flights;
        let floor = self.group.floor(flights);
        let (nonces, waiting): (Vec<_>, Vec<_>) = self.nonces.drain(..).unzip();
        let changes = self.group.changes();
        let written = write::group(&mut self.connection, self.origin, changes, floor, &nonces);
        self.behind.store(written.is_err(), Ordering::Relaxed);
        match written {
            Ok(fresh) => {
                if let Some(sizes) = self.shared.group_sizes.get() {
                    sizes.observe(self.group.changes().count() as f64);
                }
                self.remember_landed();
                for (done, fresh) in waiting.into_iter().zip(fresh) {
                    let _ = done.send(Ok(fresh));
                }
                self.group.settle(true, flights);
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    changes = self.group.changes().count(),
                    "the store refused a group"
                );
                for done in waiting {
                    let _ = done.send(Err(StoreError::Unwritten));
                }
                self.group.settle(false, flights);
            }
        }
    }

    /// What the process knows by heart follows what is in the store.
    fn remember_landed(&self) {
        let mut clients_changed = false;
        for change in self.group.changes() {
            match &change.event {
                LandingEvent::ClientChanged(..) => clients_changed = true,
                LandingEvent::Minted(minted) => self.shared.claims.is_landed(minted),
                _ => {}
            }
        }
        if clients_changed {
            match read::clients(&self.connection) {
                Ok(clients) => self
                    .shared
                    .clients
                    .store(Arc::new(ClientTable::of(clients))),
                Err(error) => tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the clients cannot be read; a change of one waits for the next"
                ),
            }
        }
    }
}
