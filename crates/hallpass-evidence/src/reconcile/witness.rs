//! Checkpoints of services' journals that an authority witnessed, held against the journals that are here.

use std::collections::{BTreeMap, HashMap};

use hallpass_journal::CheckpointWitnessed;
use hallpass_journal::merkle::{Hash, Tree, leaf_hash};
use hallpass_journal::read::Record;

/// The most checkpoints of one journal that are kept. When there are more, every other one is dropped: the last, and some of
/// every time before.
const MARKS_MAX: usize = 64;

/// Roots by size.
type Marks = BTreeMap<u64, Hash>;

/// All that were witnessed, by the last part of the journal's name.
#[derive(Debug, Default)]
pub(super) struct Witnessed(HashMap<String, Marks>);

impl Witnessed {
    pub(super) fn take(&mut self, witnessed: &CheckpointWitnessed) {
        let marks = self
            .0
            .entry(witnessed.origin.as_str().to_owned())
            .or_default();
        marks.insert(witnessed.size, *witnessed.root.as_bytes());
        if marks.len() > MARKS_MAX {
            let last = marks.last_key_value().map(|(size, _)| *size);
            let mut odd = false;
            marks.retain(|size, _| {
                odd = !odd;
                odd || Some(*size) == last
            });
        }
    }

    /// What is to hold of the journal of this origin.
    pub(super) fn of(&self, origin: &str) -> Held {
        let name = origin.rsplit('/').next().unwrap_or(origin);
        Held {
            tree: Tree::new(),
            marks: self.0.get(name).cloned().unwrap_or_default(),
        }
    }
}

/// One journal, as it is read.
pub(super) struct Held {
    tree: Tree,
    /// Those not reached yet.
    marks: Marks,
}

impl Held {
    /// The next record of the journal; the size at which its root is another than the one that was witnessed.
    ///
    /// A journal that does not begin with record 0 is not looked at.
    pub(super) fn take(&mut self, record: &Record) -> Option<u64> {
        if self.marks.is_empty() || record.index() != self.tree.size() {
            return None;
        }
        self.tree.push(leaf_hash(record.line().as_bytes()));
        let root = self.marks.remove(&self.tree.size())?;
        (root != self.tree.root()).then(|| self.tree.size())
    }

    /// How many records were witnessed, where those here are fewer.
    pub(super) fn missing(&self) -> Option<u64> {
        let (size, _) = self.marks.last_key_value()?;
        (self.tree.size() > 0).then_some(*size)
    }

    /// How many records it has.
    pub(super) fn size(&self) -> u64 {
        self.tree.size()
    }
}
