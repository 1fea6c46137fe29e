//! Proofs that the newest checkpoint goes on from what was witnessed, without reading the journal from its start each time.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hallpass_journal::merkle::{Hash, Tree};
use hallpass_journal::shipping::{self, ShippingError, Signed};
use hallpass_keys::note::NoteVerifier;

use super::identity;

const FILE: &str = "witnessed.json";

/// The tree of what was witnessed last, of one journal.
#[derive(Debug, Clone)]
pub(super) struct Proofs {
    state: PathBuf,
    journal: PathBuf,
    verifier: NoteVerifier,
    known: Tree,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Saved {
    origin: String,
    size: u64,
    hashes: Vec<String>,
}

/// A checkpoint as it is reported.
#[derive(Debug, Clone, serde::Serialize)]
pub(super) struct Claim {
    note: String,
    older: u64,
    proof: Vec<String>,
    #[serde(skip)]
    tree: Option<Tree>,
}

impl Proofs {
    pub(super) fn load(state: &Path, journal: &Path, verifier: NoteVerifier) -> Self {
        let bytes = std::fs::read(state.join(FILE)).unwrap_or_default();
        let saved = serde_json::from_slice::<Saved>(&bytes).ok();
        let saved = saved.filter(|saved| saved.origin == verifier.name().as_str());
        let known = saved.and_then(|saved| {
            let hash = |text: &String| STANDARD.decode(text).ok()?.try_into().ok();
            let hashes: Option<Vec<Hash>> = saved.hashes.iter().map(hash).collect();
            Tree::of_frontier(saved.size, hashes?)
        });
        Self {
            state: state.to_owned(),
            journal: journal.to_owned(),
            verifier,
            known: known.unwrap_or_default(),
        }
    }

    /// How many records were witnessed, as far as is known here.
    pub(super) fn size(&self) -> u64 {
        self.known.size()
    }

    /// The newest checkpoint, and the proof that it goes on from one of this size; without a proof where the journal is shorter,
    /// or no longer has what would prove it. Blocks on the disk.
    pub(super) fn claim(&self, older: u64) -> Result<Claim, ShippingError> {
        let Signed { checkpoint, note } = shipping::signed(&self.journal, &self.verifier)?;
        let bare = |note: String, tree| Claim {
            note,
            older: 0,
            proof: Vec::new(),
            tree,
        };
        let first = shipping::first_tree(&self.journal)?;
        if older == 0 || older > checkpoint.size {
            let start = if self.known.size() <= checkpoint.size && self.known.size() >= first.size()
            {
                &self.known
            } else {
                &first
            };
            let tree = shipping::extended(&self.journal, start, checkpoint.size);
            return Ok(bare(note, tree.ok()));
        }
        let from = if self.known.size() == older {
            self.known.clone()
        } else if first.size() <= older {
            shipping::extended(&self.journal, &first, older)?
        } else {
            return Ok(bare(note, None));
        };
        let (proof, tree) = shipping::consistency(&self.journal, &from, checkpoint.size)?;
        Ok(Claim {
            note,
            older,
            proof: proof.iter().map(|hash| STANDARD.encode(hash)).collect(),
            tree: Some(tree),
        })
    }

    /// A claim was found good.
    pub(super) fn is_witnessed(&mut self, claim: Claim) {
        let Some(tree) = claim.tree else { return };
        if tree == self.known {
            return;
        }
        self.known = tree;
        let saved = Saved {
            origin: self.verifier.name().as_str().to_owned(),
            size: self.known.size(),
            hashes: self
                .known
                .frontier()
                .iter()
                .map(|it| STANDARD.encode(it))
                .collect(),
        };
        let saved = serde_json::to_vec(&saved).unwrap_or_default();
        // Only spares reading: what is not saved is read again at the next start.
        let _ = identity::replace(&self.state, FILE, &saved);
    }
}
