//! The clients as this process knows them: at most a second old, since other replicas change them too.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::store::StoreError;
use crate::store::client_table::ClientTable;

/// For how long what another replica changed may go unnoticed. A read of every client for each request would be most
/// of what the server does.
const FRESH: Duration = Duration::from_secs(1);

/// What was read last, and when.
#[derive(Debug, Default)]
pub(super) struct Clients {
    /// Counts the changes made here: what was read before one of them is not fresh.
    changes: AtomicU64,
    read: Mutex<Option<Read>>,
}

#[derive(Debug, Clone)]
struct Read {
    table: Arc<ClientTable>,
    at: Instant,
    changes: u64,
}

impl Clients {
    /// The clients, read again where what is known is not fresh. Whoever comes meanwhile waits for the same reading.
    pub(super) async fn known(
        &self,
        read: impl AsyncFnOnce() -> Result<ClientTable, StoreError>,
    ) -> Result<Arc<ClientTable>, StoreError> {
        let mut known = self.read.lock().await;
        let changes = self.changes.load(Ordering::Acquire);
        if let Some(known) = known.as_ref()
            && known.changes == changes
            && known.at.elapsed() < FRESH
        {
            return Ok(Arc::clone(&known.table));
        }
        let at = Instant::now();
        let table = Arc::new(read().await?);
        *known = Some(Read {
            table: Arc::clone(&table),
            at,
            changes,
        });
        Ok(table)
    }

    /// A change was made here: the next who asks sees it.
    pub(super) fn forget(&self) {
        self.changes.fetch_add(1, Ordering::Release);
    }
}
