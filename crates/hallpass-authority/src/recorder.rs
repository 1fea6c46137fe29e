//! The journal as the service uses it: appends, and whether they have been working.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hallpass_journal::{AppendError, Durability, Event, Journal, Recorded};
use hallpass_vocabulary::{Clock, Timestamp};

/// How long after a failed append the authority calls itself unready, unless an append works before. Without an end a
/// load balancer that sends nothing to an unready instance would never find out that the disk has room again.
const UNREADY_AFTER_FAILURE: Duration = Duration::from_secs(10);

/// No append has failed, or one has worked since.
const NEVER: i64 = i64::MIN;

/// The journal of a running authority.
pub(crate) struct Recorder {
    journal: Journal,
    clock: Arc<dyn Clock>,
    /// When an append last failed, in unix milliseconds.
    failed_at: AtomicI64,
}

impl Recorder {
    pub(crate) fn new(journal: Journal, clock: Arc<dyn Clock>) -> Self {
        Self {
            journal,
            clock,
            failed_at: AtomicI64::new(NEVER),
        }
    }

    /// Appends, and remembers how it went. The record is on its way whether or not anyone waits for the answer.
    pub(crate) async fn append(
        &self,
        event: &Event,
        durability: Durability,
    ) -> Result<Recorded, AppendError> {
        let answer = self.journal.append(event, durability).await;
        match &answer {
            Ok(_) => self.failed_at.store(NEVER, Ordering::Relaxed),
            // Says something about the event, nothing about the disk.
            Err(AppendError::TooLarge { .. }) => {}
            Err(_) => self.has_failed(),
        }
        answer
    }

    /// Remembers that a record was not taken, or that nobody waits for it any longer: a disk that hangs reports nothing.
    pub(crate) fn has_failed(&self) {
        let now = self.clock.now().unix_ms();
        self.failed_at.store(now, Ordering::Relaxed);
    }

    /// Whether records can be expected to be taken.
    pub(crate) fn is_taking_records(&self) -> bool {
        let failed_at = self.failed_at.load(Ordering::Relaxed);
        let failed_lately = failed_at != NEVER
            && self.clock.now().since(Timestamp::from_unix_ms(failed_at)) < UNREADY_AFTER_FAILURE;
        !failed_lately && self.journal.status().broken.is_none()
    }

    /// How many records there are: the next one's index is not below.
    pub(crate) fn written(&self) -> u64 {
        self.journal.status().written
    }

    /// The journal itself.
    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Writes what is queued and gives up the directory. Blocks.
    pub(crate) fn close(&self) -> Result<(), AppendError> {
        self.journal.close()
    }
}
