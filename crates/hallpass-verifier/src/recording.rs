//! When a decision may take effect, by what the call does.

use hallpass_journal::Durability;
use hallpass_vocabulary::Impact;

/// Which records are waited for. What is read may wait for less than what is changed: a record that only the death of the
/// machine can lose, and only in its last 50 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recording {
    reads: Durability,
    writes: Durability,
    destructive: Durability,
}

impl Recording {
    /// Reads take effect once their record survives the death of the process; writes and destructive calls once it
    /// survives a power cut.
    pub fn standard() -> Self {
        Self {
            reads: Durability::Relaxed,
            writes: Durability::Durable,
            destructive: Durability::Durable,
        }
    }

    /// Reads wait for the disk as well. For services where reading is what matters.
    #[must_use]
    pub fn durable_reads(self) -> Self {
        Self {
            reads: Durability::Durable,
            ..self
        }
    }

    /// Calls of this impact go on although nothing is recorded. They are recorded where that works and only counted where it
    /// does not: on a full disk, nobody will know who did what. For a service that must answer at any price; no default, and
    /// no part of "no call runs without a record". A call that uses something once waits for the disk all the same.
    #[must_use]
    pub fn danger_open(mut self, impact: Impact) -> Self {
        let mode = match impact {
            Impact::Read => &mut self.reads,
            Impact::Write => &mut self.writes,
            Impact::Destructive => &mut self.destructive,
        };
        *mode = Durability::DangerOpen;
        self
    }

    pub(crate) fn of(self, impact: Impact) -> Durability {
        match impact {
            Impact::Read => self.reads,
            Impact::Write => self.writes,
            Impact::Destructive => self.destructive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_something_waits_for_the_disk_and_a_read_may() {
        let (standard, durable) = (Recording::standard(), Recording::standard().durable_reads());
        assert_eq!(standard.of(Impact::Read), Durability::Relaxed);
        assert_eq!(durable.of(Impact::Read), Durability::Durable);
        for recording in [standard, durable] {
            for impact in [Impact::Write, Impact::Destructive] {
                assert_eq!(recording.of(impact), Durability::Durable);
            }
        }
        let open = standard.danger_open(Impact::Read);
        assert_eq!(open.of(Impact::Read), Durability::DangerOpen);
        assert_eq!(open.of(Impact::Write), Durability::Durable);
    }
}
