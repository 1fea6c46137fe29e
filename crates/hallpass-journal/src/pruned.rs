//! The file `pruned`: from which record on a journal is kept, and the Merkle frontier of the records before it.
//!
//! Anybody could write such a file, so it counts only with a signed record of the pruning that names the same root.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hallpass_keys::Digest;

use crate::directory::{self, PRUNED, SegmentName};
use crate::merkle::{Hash, Tree};
use crate::scan::{Start, Visited};
use crate::{Damage, Storage};

const FORMAT: &str = "hallpass-pruned/1";

/// The file, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PrunedFile {
    /// The tree of what is gone. Its size is the first record that is kept.
    pub(crate) tree: Tree,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    format: String,
    below: u64,
    hashes: Vec<String>,
}

impl PrunedFile {
    /// The file of a directory; none if nothing was pruned.
    pub(crate) fn load(storage: &dyn Storage, dir: &Path) -> Result<Option<Self>, Damage> {
        let bytes =
            directory::read_small(storage, &dir.join(PRUNED)).map_err(|source| Damage::Io {
                file: PRUNED.to_owned(),
                source,
            })?;
        bytes
            .map(|bytes| Self::parse(&bytes).ok_or(Damage::PrunedFile))
            .transpose()
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        // The deserializer takes an array for an object's members; the format does not.
        let object = bytes
            .strip_suffix(b"\n")
            .filter(|it| it.starts_with(b"{"))?;
        let text: Text = serde_json::from_slice(object).ok()?;
        let hashes = decode_hashes(&text.hashes)?;
        let known = text.format == FORMAT && text.below > 0;
        let tree = Tree::of_frontier(text.below, hashes).filter(|_| known)?;
        Some(Self { tree })
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let text = Text {
            format: FORMAT.to_owned(),
            below: self.tree.size(),
            hashes: encode_hashes(self.tree.frontier()),
        };
        let mut bytes = serde_json::to_vec(&text).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Where reading begins.
    pub(crate) fn start(&self) -> Start {
        Start {
            segment: SegmentName(self.tree.size()),
            tree: self.tree.clone(),
            ..Start::default()
        }
    }
}

/// A frontier as it stands in files.
pub(crate) fn encode_hashes(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(|hash| STANDARD.encode(hash)).collect()
}

pub(crate) fn decode_hashes(texts: &[String]) -> Option<Vec<Hash>> {
    let decode = |text: &String| STANDARD.decode(text).ok()?.try_into().ok();
    texts.iter().map(decode).collect()
}

/// What a record must say to bear the file out; what else it has is for its readers.
#[derive(serde::Deserialize)]
struct Said {
    below: u64,
    root: Digest,
}

/// What a `pruned` file claims, until a record bears it out.
#[derive(Debug)]
pub(crate) struct Claim {
    below: u64,
    root: Digest,
    /// The first record that says the same.
    record: Option<u64>,
}

impl Claim {
    pub(crate) fn of(file: &PrunedFile) -> Self {
        Self {
            below: file.tree.size(),
            root: Digest::from_bytes(file.tree.root()),
            record: None,
        }
    }

    pub(crate) fn visit(&mut self, record: &Visited<'_>) {
        if record.head.kind != "pruned" || self.record.is_some() {
            return;
        }
        let said = serde_json::from_slice::<Said>(record.line);
        if said.is_ok_and(|said| said.below == self.below && said.root == self.root) {
            self.record = Some(record.head.index);
        }
    }

    /// Whether a record under the checkpoint says the same.
    pub(crate) fn check(&self, signed: u64) -> Result<(), Damage> {
        match self.record {
            Some(index) if index < signed => Ok(()),
            _ => Err(Damage::PruningNotRecorded { below: self.below }),
        }
    }
}
