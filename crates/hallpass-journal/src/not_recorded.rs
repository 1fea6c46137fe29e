//! How many records callers asked for and did not get: one number for the status, and what of it is not written yet.

use hallpass_vocabulary::Timestamp;

use crate::Unrecorded;

/// Bounded whatever happens: numbers only.
#[derive(Debug, Default)]
pub(crate) struct NotRecorded {
    total: u64,
    pending: Option<Unrecorded>,
}

impl NotRecorded {
    /// Since the journal was opened.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Counts records whose callers were told so.
    pub(crate) fn refused(&mut self, count: u64, now: Timestamp) {
        self.count(count, 0, now);
    }

    /// Counts one whose caller went ahead all the same.
    pub(crate) fn allowed(&mut self, now: Timestamp) {
        self.count(1, 1, now);
    }

    fn count(&mut self, count: u64, allowed: u64, now: Timestamp) {
        self.total = self.total.saturating_add(count);
        self.put_back(&Unrecorded {
            count,
            allowed,
            first: now,
            last: now,
        });
    }

    /// What is to be written.
    pub(crate) fn take(&mut self) -> Option<Unrecorded> {
        self.pending.take()
    }

    /// Puts back what could not be written, together with what has come since.
    pub(crate) fn put_back(&mut self, more: &Unrecorded) {
        let pending = self.pending.take().unwrap_or(Unrecorded {
            count: 0,
            allowed: 0,
            first: more.first,
            last: more.last,
        });
        self.pending = Some(Unrecorded {
            count: pending.count.saturating_add(more.count),
            allowed: pending.allowed.saturating_add(more.allowed),
            first: pending.first.min(more.first),
            last: pending.last.max(more.last),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_back_is_taken_again_with_what_came_since_and_the_total_stays() {
        let at = Timestamp::from_unix_ms;
        let mut counts = NotRecorded::default();
        assert_eq!(counts.take(), None);
        counts.refused(3, at(5));
        counts.allowed(at(4));
        let taken = counts.take().unwrap();
        assert_eq!((taken.count, taken.allowed), (4, 1));
        counts.allowed(at(9));
        counts.put_back(&taken);
        let again = counts.take().unwrap();
        assert_eq!((again.count, again.allowed), (5, 2));
        assert_eq!((again.first, again.last), (at(4), at(9)));
        assert_eq!((counts.take(), counts.total()), (None, 5));
    }
}
