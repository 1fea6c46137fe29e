//! Whether a verifier's journal goes on from what was seen of it: the authority as a witness of its checkpoints.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hallpass_journal::merkle::{Hash, check_consistency};
use hallpass_journal::{Checkpoint, CheckpointFault, CheckpointRefused, CheckpointWitnessed};
use hallpass_keys::Digest;
use hallpass_keys::note::NoteVerifier;

use super::report::Claim;
use super::{Known, Unenrolled};
use crate::service::Service;
use crate::store::{FleetEvent, VerifierRow, WitnessedRow};

/// A checkpoint that was found good, as it was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) size: u64,
    pub(crate) root: Hash,
    pub(crate) note: String,
}

/// What a checkpoint is beside the last one that was witnessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// The first one, or one that is proven to go on from the last.
    GoesOn,
    Refused(CheckpointFault),
    /// The same.
    Same,
    /// It may go on from the last; there is no proof that starts there.
    Unproven,
}

/// What came of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It contradicts what was witnessed.
    Refused(CheckpointFault),
    /// It was witnessed before.
    Same,
    /// A proof from the last one is missing.
    Unproven,
    /// It is witnessed from here on.
    Witnessed,
}

impl Outcome {
    /// As it stands in answers and measurements.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Same => "same",
            Self::Unproven => "unproven",
            Self::Witnessed => "witnessed",
        }
    }
}

fn look(known: Option<&WitnessedRow>, claimed: &Checkpoint, older: u64, proof: &[Hash]) -> Found {
    let Some(known) = known else {
        return Found::GoesOn;
    };
    let root = known.root.as_bytes();
    if claimed.size < known.size {
        return Found::Refused(CheckpointFault::Smaller);
    }
    if claimed.size == known.size {
        return if claimed.root == *root {
            Found::Same
        } else {
            Found::Refused(CheckpointFault::Forked)
        };
    }
    // Of an empty tree everything is a continuation.
    if known.size == 0 {
        return Found::GoesOn;
    }
    if older != known.size {
        return Found::Unproven;
    }
    match check_consistency(known.size, claimed.size, proof, root, &claimed.root) {
        Ok(()) => Found::GoesOn,
        Err(_) => Found::Refused(CheckpointFault::Forked),
    }
}

impl Service {
    /// Looks at the checkpoint of a report; nothing where it is none of the verifier's journal. What goes on from the last one
    /// is recorded before it counts, and so is what does not.
    pub(crate) async fn witness(
        &self,
        row: &VerifierRow,
        known: &Known,
        claim: &Claim,
    ) -> Result<Option<Outcome>, Unenrolled> {
        let Some((checkpoint, proof)) = read(row, claim) else {
            return Ok(None);
        };
        let _one_at_a_time = known.witnessing.lock().await;
        // Another report may have been witnessed since the row was read.
        let row = self.store().verifier(row.origin()).await?;
        let row = row
            .filter(VerifierRow::is_live)
            .ok_or(Unenrolled::Retired)?;
        let found = look(row.witnessed.as_ref(), &checkpoint, claim.older, &proof);
        let outcome = match found {
            Found::Unproven => Outcome::Unproven,
            Found::Same => Outcome::Same,
            Found::GoesOn => {
                let witnessed = CheckpointWitnessed {
                    origin: row.enrolled.origin.clone(),
                    size: checkpoint.size,
                    root: Digest::from_bytes(checkpoint.root),
                };
                self.fleet_event(FleetEvent::Witnessed(witnessed)).await?;
                Outcome::Witnessed
            }
            Found::Refused(fault) => {
                self.refuse_checkpoint(&row, known, fault, &checkpoint)
                    .await;
                Outcome::Refused(fault)
            }
        };
        if matches!(outcome, Outcome::Same | Outcome::Witnessed) {
            known.said().is_good(Signed {
                size: checkpoint.size,
                root: checkpoint.root,
                note: claim.note.clone(),
            });
        }
        self.metrics.checkpoint(outcome.as_str());
        Ok(Some(outcome))
    }

    /// Makes it known that what a verifier signed or shipped contradicts what was witnessed: once for each checkpoint.
    pub(super) async fn refuse_checkpoint(
        &self,
        row: &VerifierRow,
        known: &Known,
        fault: CheckpointFault,
        found: &Checkpoint,
    ) {
        let mark = (found.size, found.root);
        if known.said().refused.replace(mark) == Some(mark) {
            return;
        }
        let witnessed = row.witnessed;
        let refused = CheckpointRefused {
            origin: row.enrolled.origin.clone(),
            audience: row.enrolled.audience.clone(),
            fault,
            size: found.size,
            root: Digest::from_bytes(found.root),
            witnessed_size: witnessed.map_or(0, |it| it.size),
            witnessed_root: witnessed.map_or(Digest::of(b""), |it| it.root),
        };
        tracing::error!(
            verifier.origin = row.origin(),
            audience = %row.enrolled.audience,
            fault = fault.as_str(),
            size = refused.size,
            witnessed = refused.witnessed_size,
            "a verifier's journal is not what was witnessed of it"
        );
        self.reloading.alerts.send(&Alarm {
            event: "checkpoint_refused",
            environment: self.environment.as_str(),
            refused: &refused,
        });
        let event = FleetEvent::Refused(Box::new(refused));
        if let Err(error) = self.fleet_event(event).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "a refused checkpoint could not be recorded");
        }
    }
}

/// What the alert's command is told.
#[derive(serde::Serialize)]
struct Alarm<'a> {
    event: &'static str,
    environment: &'a str,
    #[serde(flatten)]
    refused: &'a CheckpointRefused,
}

fn read(row: &VerifierRow, claim: &Claim) -> Option<(Checkpoint, Vec<Hash>)> {
    let verifier: NoteVerifier = row.enrolled.journal.as_str().parse().ok()?;
    let checkpoint = Checkpoint::verify(claim.note.as_bytes(), &verifier).ok()?;
    let hash = |text: &String| STANDARD.decode(text).ok()?.try_into().ok();
    let proof: Option<Vec<Hash>> = claim.proof.iter().map(hash).collect();
    Some((checkpoint, proof?))
}

impl super::Said {
    /// A checkpoint was found good: shipped records may reach it.
    fn is_good(&mut self, signed: Signed) {
        let kept = self.acknowledged.unwrap_or(0);
        if self
            .target
            .as_ref()
            .is_none_or(|target| target.size <= kept)
        {
            self.target = Some(signed.clone());
        }
        self.latest = Some(signed);
    }

    /// The checkpoint that shipped records are to reach.
    pub(crate) fn target(&self) -> Option<&Signed> {
        self.target.as_ref()
    }

    /// Shipped records have reached this size.
    pub(super) fn is_kept(&mut self, size: u64) {
        self.acknowledged = Some(size);
        if self
            .target
            .as_ref()
            .is_none_or(|target| target.size <= size)
        {
            self.target = self.latest.clone();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hallpass_journal::merkle::{Tree, leaf_hash, prove_consistency};
    use hallpass_vocabulary::Timestamp;

    fn leaves(count: u8, seed: u8) -> Vec<Hash> {
        (0..count).map(|n| leaf_hash(&[n, seed])).collect()
    }

    fn checkpoint(leaves: &[Hash]) -> Checkpoint {
        Checkpoint {
            origin: "hallpass/dev/a/0011223344556677".to_owned(),
            size: leaves.len() as u64,
            root: Tree::of(leaves).root(),
        }
    }

    fn row(leaves: &[Hash]) -> WitnessedRow {
        let it = checkpoint(leaves);
        WitnessedRow {
            size: it.size,
            root: Digest::from_bytes(it.root),
            at: Timestamp::from_unix_ms(0),
        }
    }

    #[test]
    fn a_checkpoint_counts_only_when_it_goes_on_from_the_last() {
        let all = leaves(9, 0);
        let known = row(&all[..5]);
        let proof = prove_consistency(&all, 5).unwrap();
        let newer = checkpoint(&all);
        assert_eq!(look(None, &newer, 0, &[]), Found::GoesOn);
        let look =
            |claimed: &Checkpoint, older, proof: &[Hash]| look(Some(&known), claimed, older, proof);
        assert_eq!(look(&newer, 5, &proof), Found::GoesOn);
        assert_eq!(look(&newer, 4, &proof), Found::Unproven);
        assert_eq!(look(&newer, 0, &[]), Found::Unproven);
        assert_eq!(look(&checkpoint(&all[..5]), 0, &[]), Found::Same);
        let forked = Found::Refused(CheckpointFault::Forked);
        assert_eq!(look(&newer, 5, &[]), forked);
        let other = leaves(9, 1);
        let theirs = prove_consistency(&other, 5).unwrap();
        assert_eq!(look(&checkpoint(&other), 5, &theirs), forked);
        assert_eq!(look(&checkpoint(&other[..5]), 0, &[]), forked);
        let smaller = Found::Refused(CheckpointFault::Smaller);
        assert_eq!(look(&checkpoint(&all[..4]), 0, &[]), smaller);
    }
}
