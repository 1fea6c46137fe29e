//! What of one file would survive a power cut.

use crate::Random;

/// Bytes that reach the device together.
const PAGE_BYTES: usize = 4096;

/// One file: what is on the device, and what was done to it since.
#[derive(Debug, Default)]
pub(super) struct FileModel {
    durable: Vec<u8>,
    /// Oldest first.
    pending: Vec<Change>,
}

#[derive(Debug)]
pub(super) enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    SetLen(usize),
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::SetLen(bytes) => content.resize(*bytes, 0),
            Self::Write { offset, bytes } => {
                let end = offset + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                if let Some(place) = content.get_mut(*offset..end) {
                    place.copy_from_slice(bytes);
                }
            }
        }
    }
}

impl FileModel {
    /// A file that is on the device as it is.
    pub(super) fn durable(content: Vec<u8>) -> Self {
        Self {
            durable: content,
            pending: Vec::new(),
        }
    }

    pub(super) fn change(&mut self, change: Change) {
        self.pending.push(change);
    }

    pub(super) fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    /// A failed sync: the kernel forgets what it could not write, and a later sync does not bring it back.
    pub(super) fn forget(&mut self) {
        self.pending.clear();
    }

    pub(super) fn synced(&self) -> Vec<u8> {
        self.durable.clone()
    }

    /// One of the contents a power cut may leave: what was not synced is there as a whole, up to some moment, or each
    /// page and the length by itself as they were at some moment. Holes are zeros.
    pub(super) fn survivor(&self, random: &mut Random) -> Vec<u8> {
        let count = self.pending.len() as u64;
        let some_moment = |random: &mut Random| random.below(count + 1) as usize;
        match random.below(4) {
            0 => self.synced(),
            1 => self.at(usize::MAX),
            2 => self.at(some_moment(random)),
            _ => {
                let pages = self.longest().div_ceil(PAGE_BYTES);
                let moments: Vec<_> = (0..pages).map(|_| some_moment(random)).collect();
                let length = self.at(some_moment(random)).len();
                self.patchwork(&moments, length)
            }
        }
    }

    /// The content after so many of the pending changes.
    fn at(&self, changes: usize) -> Vec<u8> {
        let mut content = self.durable.clone();
        for change in self.pending.iter().take(changes) {
            change.apply(&mut content);
        }
        content
    }

    fn longest(&self) -> usize {
        let mut content = self.durable.clone();
        let mut longest = content.len();
        for change in &self.pending {
            change.apply(&mut content);
            longest = longest.max(content.len());
        }
        longest
    }

    /// Each page as it was after so many changes.
    fn patchwork(&self, moments: &[usize], length: usize) -> Vec<u8> {
        let mut content = self.durable.clone();
        let mut result = vec![0; moments.len() * PAGE_BYTES];
        for moment in 0..=self.pending.len() {
            if let Some(change) = moment.checked_sub(1).and_then(|n| self.pending.get(n)) {
                change.apply(&mut content);
            }
            for (page, _) in moments.iter().enumerate().filter(|(_, m)| **m == moment) {
                let start = page * PAGE_BYTES;
                let end = content.len().min(start + PAGE_BYTES);
                if let (Some(from), Some(to)) =
                    (content.get(start..end), result.get_mut(start..end))
                {
                    to.copy_from_slice(from);
                }
            }
        }
        result.resize(length, 0);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn write(offset: usize, byte: u8, count: usize) -> Change {
        Change::Write {
            offset,
            bytes: vec![byte; count],
        }
    }

    #[test]
    fn what_is_synced_stays_and_what_is_not_may_be_there_in_parts() {
        let mut file = FileModel::default();
        file.change(write(0, 1, 10));
        file.sync();
        file.change(write(10, 2, 2 * PAGE_BYTES));
        file.change(write(10 + 2 * PAGE_BYTES, 3, PAGE_BYTES));
        assert_eq!(file.synced(), [1; 10]);
        let mut random = Random::new(1);
        let seen: BTreeSet<_> = (0..500).map(|_| file.survivor(&mut random)).collect();
        assert!(seen.iter().all(|content| content.starts_with(&[1; 10])));
        assert!(seen.contains(&file.synced()) && seen.contains(&file.at(2)));
        // A hole: a later page is there and an earlier one is not.
        let hole = |content: &Vec<u8>| content.get(PAGE_BYTES) == Some(&0) && content.contains(&3);
        assert!(seen.iter().any(hole));
        assert!(seen.iter().any(|content| !content.contains(&2)));
    }

    #[test]
    fn a_file_cut_back_may_be_long_again_after_the_power_cut() {
        let mut file = FileModel::durable(vec![7; 100]);
        file.change(Change::SetLen(10));
        let mut random = Random::new(2);
        let lengths: BTreeSet<_> = (0..100).map(|_| file.survivor(&mut random).len()).collect();
        assert_eq!(lengths, BTreeSet::from([10, 100]));
        file.sync();
        assert_eq!(file.synced().len(), 10);
    }

    #[test]
    fn what_a_failed_sync_dropped_is_not_brought_back_by_the_next() {
        let mut file = FileModel::default();
        file.change(write(0, 1, 4));
        file.forget();
        file.change(write(4, 2, 4));
        file.sync();
        assert_eq!(file.synced(), [0, 0, 0, 0, 2, 2, 2, 2]);
    }
}
