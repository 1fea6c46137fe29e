//! How far a journal was verified, so that the next time only what is new is read.

use crate::directory::SegmentName;
use crate::merkle::Tree;
use crate::pruned::{decode_hashes, encode_hashes};
use crate::scan::Start;

const FORMAT: &str = "hallpass-verified/1";

/// How far a journal was verified: the records under its checkpoint at that time.
///
/// It needs no secret and no signature. Whoever alters it cannot make a journal verify that does not: the root that follows
/// from it must be signed. What it says was verified is not looked at again, so it must be kept where the journal's
/// writer cannot reach it if it is to find what is altered later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    pub(super) origin: String,
    pub(super) key: String,
    pub(super) pruned_below: Option<u64>,
    pub(super) size: u64,
    pub(super) segment: u64,
    pub(super) offset: u64,
    pub(super) tree: Tree,
}

/// Bytes that say of no journal how far it was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it does not say how far a journal was verified")]
pub struct InvalidReached;

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    format: String,
    origin: String,
    key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pruned_below: Option<u64>,
    size: u64,
    segment: u64,
    offset: u64,
    hashes: Vec<String>,
}

impl Reached {
    /// How many records were verified.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads what [`Reached::to_bytes`] wrote.
    ///
    /// # Errors
    /// When it is something else.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidReached> {
        let text: Text = serde_json::from_slice(bytes).map_err(|_| InvalidReached)?;
        let tree = decode_hashes(&text.hashes)
            .and_then(|hashes| Tree::of_frontier(text.size, hashes))
            .filter(|_| text.format == FORMAT && text.size > 0)
            .ok_or(InvalidReached)?;
        Ok(Self {
            origin: text.origin,
            key: text.key,
            pruned_below: text.pruned_below,
            size: text.size,
            segment: text.segment,
            offset: text.offset,
            tree,
        })
    }

    /// One line of JSON with its end.
    pub fn to_bytes(&self) -> Vec<u8> {
        let text = Text {
            format: FORMAT.to_owned(),
            origin: self.origin.clone(),
            key: self.key.clone(),
            pruned_below: self.pruned_below,
            size: self.size,
            segment: self.segment,
            offset: self.offset,
            hashes: encode_hashes(self.tree.frontier()),
        };
        let mut bytes = serde_json::to_vec(&text).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    pub(super) fn start(&self) -> Start {
        Start {
            tree: self.tree.clone(),
            segment: SegmentName(self.segment),
            offset: self.offset,
            segment_started: None,
        }
    }
}
