//! The verifiers this authority knows: who they are, what they last said, how far their journals are witnessed and kept here.
//!
//! Who they are and what was witnessed are rows, made from records. What they last said is in memory: it is said again within
//! seconds. Their records are files, each journal in a directory of its own.

mod code;
mod enrolment;
mod keeping;
mod publish;
mod reached;
mod report;
mod search;
mod shipped;
mod witness;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hallpass_vocabulary::Timestamp;

pub(crate) use enrolment::{CODE_LIFE_DEFAULT, CODE_LIFE_MAX, Proof, Unenrolled, Wish};
pub(crate) use reached::{NotReached, StopsAt};
pub(crate) use report::{Call, Mode, Report};
pub(crate) use search::find as find_decision;
use shipped::Shipped;
pub(crate) use shipped::{Kept, SHIPMENT_LINES_BYTES_MAX, Unshipped, kept_in};
pub(crate) use witness::Outcome;
use witness::Signed;

/// What is known of verifiers beside their rows.
#[derive(Debug)]
pub(crate) struct Fleet {
    directory: PathBuf,
    known: Mutex<HashMap<String, Arc<Known>>>,
    /// Held while a verifier enrols, so that a code is used once.
    enrolling: tokio::sync::Mutex<()>,
    /// Held while the list of them is published.
    publishing: tokio::sync::Mutex<()>,
}

/// What is known of one verifier beside its row.
#[derive(Debug, Default)]
pub(crate) struct Known {
    said: Mutex<Said>,
    /// Held while a checkpoint is witnessed.
    witnessing: tokio::sync::Mutex<()>,
    /// Held while records are written.
    shipped: tokio::sync::Mutex<Option<Shipped>>,
}

/// What a verifier last said.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    pub(crate) report: Option<Arc<Report>>,
    pub(crate) seen: Option<Timestamp>,
    /// The starts of the verifier before its present one: what comes late from them is not looked at.
    over: Vec<String>,
    /// The newest checkpoint that was found good.
    latest: Option<Signed>,
    /// The checkpoint that shipped records are to reach next.
    target: Option<Signed>,
    /// The last checkpoint that was refused, so that it is recorded once.
    refused: Option<(u64, [u8; 32])>,
    /// Up to which record its journal is kept here.
    acknowledged: Option<u64>,
}

/// Earlier starts of one verifier that are remembered.
const STARTS_REMEMBERED: usize = 8;

impl Fleet {
    /// Of an authority's directory.
    pub(crate) fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            known: Mutex::default(),
            enrolling: tokio::sync::Mutex::default(),
            publishing: tokio::sync::Mutex::default(),
        }
    }

    /// What is known of a verifier. Ask only for one that has a row: each takes memory.
    pub(crate) fn of(&self, origin: &str) -> Arc<Known> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(origin) {
            return Arc::clone(known);
        }
        Arc::clone(known.entry(origin.to_owned()).or_default())
    }

    /// What a verifier last said; nothing where it said nothing since the authority started.
    pub(crate) fn said(&self, origin: &str) -> Said {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let of = known.get(origin).cloned();
        drop(known);
        of.map(|of| of.said().clone()).unwrap_or_default()
    }

    /// Where the records of verifiers are kept, each in a directory named by its origin.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where the records of a verifier are kept.
    pub(crate) fn directory_of(&self, origin: &str) -> PathBuf {
        self.directory.join(origin)
    }
}

impl Known {
    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what a verifier says now; whether it is newer than what it said before.
    pub(crate) fn hear(&self, report: Report, now: Timestamp) -> bool {
        let mut said = self.said();
        if let Some(last) = &said.report {
            if last.start == report.start {
                if report.number <= last.number {
                    return false;
                }
            } else if said.over.contains(&report.start) {
                return false;
            } else {
                let ended = last.start.clone();
                said.over.push(ended);
                if said.over.len() > STARTS_REMEMBERED {
                    said.over.remove(0);
                }
            }
        }
        said.report = Some(Arc::new(report));
        said.seen = Some(now);
        true
    }
}

impl Said {
    /// Up to which record the journal is kept here; not known until something was shipped since the authority started.
    pub(crate) fn acknowledged(&self) -> Option<u64> {
        self.acknowledged
    }
}

/// Whether a text is the last part of a journal's name.
pub(crate) fn is_origin(text: &str) -> bool {
    text.len() == ORIGIN_CHARS
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Hex digits in the last part of a journal's name.
const ORIGIN_CHARS: usize = 16;
