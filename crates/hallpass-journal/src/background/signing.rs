//! What the background thread does once records are synced: signs them, writes down what a start needs, removes what is old.

use std::path::Path;
use std::time::Instant;

use hallpass_keys::note::NoteSigner;

use super::{Background, CHECKPOINT_EVERY, CHECKPOINT_RECORDS, RETRY};
use crate::reserve::Reserve;
use crate::storage::put_file;
use crate::{AppendError, Checkpoint, FileId, PruneError, Storage, directory, prune};

impl Background {
    /// Writes the checkpoint again if somebody has deleted or replaced it; with a witness's signature under it, or copied,
    /// it still is ours.
    pub(super) fn check_checkpoint(&mut self) {
        let found = match self.presence.checkpoint() {
            Ok(found) if found.is_some() && found == self.checkpoint => return,
            Ok(found) => found,
            Err(_) => return,
        };
        let path = self.dir.join(directory::CHECKPOINT);
        let read = directory::read_small(&*self.storage, &path).ok().flatten();
        let verified =
            read.and_then(|bytes| Checkpoint::verify(&bytes, &self.signer.verifier()).ok());
        let signed = self.core.lock().signed;
        if verified.is_some_and(|checkpoint| checkpoint.size == signed) {
            self.checkpoint = found;
        } else {
            self.sign();
        }
    }

    pub(super) fn sign_if_due(&mut self) {
        let now = Instant::now();
        let state = self.core.lock();
        if state.broken == Some(AppendError::Gone) {
            // Not over what somebody else has put in its place.
            return;
        }
        let unsigned = self.tree.size().saturating_sub(state.signed);
        let due = unsigned >= CHECKPOINT_RECORDS || now >= state.signed_at + CHECKPOINT_EVERY;
        drop(state);
        if unsigned > 0 && due && now >= self.sign_not_before && !self.sign() {
            self.sign_not_before = now + RETRY;
        }
    }

    /// Signs what is synced; a failure leaves the last checkpoint in place.
    pub(super) fn sign(&mut self) -> bool {
        // Looked at again at the last moment, not only when records were synced.
        if self.presence.check_directory().is_err() {
            return false;
        }
        let checkpoint = Checkpoint::of(&self.origin, &self.tree);
        let written = write_checkpoint(
            &*self.storage,
            &self.dir,
            &checkpoint,
            &self.signer,
            &self.core.reserve,
        );
        let Ok(written) = written else {
            return false;
        };
        self.checkpoint = Some(written);
        let mut state = self.core.lock();
        state.signed = checkpoint.size;
        state.signed_at = Instant::now();
        true
    }

    /// A snapshot is of what is signed, so one that is due waits for the next checkpoint.
    pub(super) fn snapshot_if_due(&mut self, closing: bool) {
        let size = self.tree.size();
        let state = self.core.lock();
        // Not into a directory that somebody else has put in its place.
        let covered = state.signed == size && state.broken != Some(AppendError::Gone);
        drop(state);
        if covered && self.snapshots.due(size, closing) {
            self.snapshots
                .write(&*self.storage, &self.dir, &self.signer, &self.tree);
        }
    }

    /// Carries out a pruning that is recorded and synced, once a checkpoint and a snapshot cover it.
    pub(super) fn prune_if_asked(&mut self) {
        let Some(order) = self.core.prunings.take() else {
            return;
        };
        let covered = self.tree.size() > order.index
            && self.is_present()
            && self.sign()
            && self
                .snapshots
                .write(&*self.storage, &self.dir, &self.signer, &self.tree);
        let done = if covered {
            prune::carry_out(&*self.storage, &self.dir, &order.file)
        } else {
            Err(PruneError::NotCarriedOut)
        };
        if done.is_ok() {
            self.snapshots.refusals_are_gone(order.refusal_bytes);
            self.core.lock_refusals().are_gone(order.refusal_bytes);
        }
        order.answer(done);
    }
}

/// Replaces the checkpoint of a directory, on a full device with what the reserve has; gives which file it is now.
pub(crate) fn write_checkpoint(
    storage: &dyn Storage,
    dir: &Path,
    checkpoint: &Checkpoint,
    signer: &NoteSigner,
    reserve: &Reserve,
) -> Result<FileId, CheckpointNotWritten> {
    let text = checkpoint.sign(signer)?;
    let temporary = directory::temporary(directory::CHECKPOINT);
    let written = reserve.retry_checkpoint(|| {
        put_file(
            storage,
            dir,
            directory::CHECKPOINT,
            &temporary,
            text.as_bytes(),
        )
    })?;
    Ok(written)
}

/// A checkpoint that was not written; the one before stands.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckpointNotWritten {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Note(#[from] hallpass_keys::note::NoteError),
}
