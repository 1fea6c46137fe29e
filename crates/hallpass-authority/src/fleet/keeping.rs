//! Records of verifiers on their way to the disk.

use std::sync::Arc;

use hallpass_journal::merkle::Tree;
use hallpass_journal::{Checkpoint, CheckpointFault};

use super::{Kept, Known, Shipped, Unshipped};
use crate::service::Service;
use crate::store::VerifierRow;

impl Service {
    /// How far the copy of a verifier's journal has come.
    pub(crate) async fn kept_of(
        &self,
        row: &VerifierRow,
        known: &Arc<Known>,
    ) -> Result<Kept, Unshipped> {
        self.with_copy(row, known, |copy| Ok(copy.is_at())).await
    }

    /// Writes lines of a verifier's journal behind those there are; keeps them once they have reached a witnessed checkpoint.
    pub(crate) async fn keep_records(
        &self,
        row: &VerifierRow,
        known: &Arc<Known>,
        lines: Vec<u8>,
        from: u64,
        before: Option<Tree>,
    ) -> Result<Kept, Unshipped> {
        // Nothing is taken that no checkpoint is there for.
        let target = known.said().target().cloned();
        let target = target.ok_or(Unshipped::Beyond)?;
        let kept = self
            .with_copy(row, known, move |copy| {
                copy.take(&lines, from, before, &target)
            })
            .await;
        match &kept {
            Ok(kept) => self
                .metrics
                .records_kept(kept.acknowledged.saturating_sub(from)),
            Err(Unshipped::Differs { size, root }) => {
                let found = Checkpoint {
                    origin: row.enrolled.origin.as_str().to_owned(),
                    size: *size,
                    root: *root,
                };
                let fault = CheckpointFault::RecordsDiffer;
                self.refuse_checkpoint(row, known, fault, &found).await;
            }
            Err(_) => {}
        }
        kept
    }

    /// Works with the copy where blocking is allowed, one request at a time.
    async fn with_copy(
        &self,
        row: &VerifierRow,
        known: &Arc<Known>,
        work: impl FnOnce(&mut Shipped) -> Result<Kept, Unshipped> + Send + 'static,
    ) -> Result<Kept, Unshipped> {
        let directory = self.fleet.directory_of(row.origin());
        let journal = row.enrolled.journal.as_str().to_owned();
        let of = Arc::clone(known);
        let kept = tokio::task::spawn_blocking(move || {
            let mut copy = of.shipped.blocking_lock();
            let copy = match &mut *copy {
                Some(copy) => copy,
                none => none.insert(Shipped::open(&directory, &journal)?),
            };
            work(copy)
        })
        .await
        .map_err(|_| Unshipped::State)??;
        known.said().is_kept(kept.acknowledged);
        Ok(kept)
    }
}
