//! What earlier records say that matters for going on: kept up to date while the journal is written, so that a snapshot
//! has it too.

use hallpass_vocabulary::Timestamp;

use crate::event::Opened;
use crate::scan::Visited;
use crate::{Pruned, Text};

/// What every record up to a size says together.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    /// Record 0, if it was read and is what it must be.
    pub(crate) first: Option<Opened>,
    /// When the journal was created: the time of record 0.
    pub(crate) created: Option<Timestamp>,
    /// Which start of the machine wrote last.
    pub(crate) last_boot: Option<Text>,
    /// The time of the last record.
    pub(crate) last_time: Option<Timestamp>,
    /// The latest time in any record.
    pub(crate) latest_time: Option<Timestamp>,
    /// Whether the last record closes the journal.
    pub(crate) closed: bool,
    /// The bytes of all refusals.
    pub(crate) refusal_bytes: u64,
    /// The last pruning.
    pub(crate) pruned: Option<Pruning>,
}

/// A pruning and where it is recorded.
#[derive(Debug, Clone)]
pub(crate) struct Pruning {
    pub(crate) index: u64,
    pub(crate) record: Pruned,
}

impl History {
    /// Takes in the next record.
    pub(crate) fn visit(&mut self, record: &Visited<'_>) {
        self.closed = record.head.kind == "closed";
        self.last_time = record.head.timestamp();
        self.latest_time = self.latest_time.max(self.last_time);
        if record.head.index == 0 {
            self.created = self.last_time;
        }
        match record.head.kind {
            "opened" => self.opened(record),
            "pruned" => self.pruned(record),
            "refused" => self.add_refusal(record.line),
            "decided" if is_denial(record.line) => self.add_refusal(record.line),
            _ => {}
        }
    }

    fn opened(&mut self, record: &Visited<'_>) {
        let Ok(opened) = serde_json::from_slice::<Opened>(record.line) else {
            return;
        };
        self.last_boot.clone_from(&opened.boot);
        if record.head.index == 0 {
            self.first = Some(opened);
        }
    }

    fn pruned(&mut self, visited: &Visited<'_>) {
        let Ok(record) = serde_json::from_slice::<Pruned>(visited.line) else {
            return;
        };
        self.created = self.created.or(Some(record.created));
        self.pruned = Some(Pruning {
            index: visited.head.index,
            record,
        });
    }

    fn add_refusal(&mut self, line: &[u8]) {
        self.refusal_bytes = self.refusal_bytes.saturating_add(line.len() as u64);
    }

    /// The first record that was to be kept when old ones were last pruned.
    pub(crate) fn kept_from(&self) -> u64 {
        self.pruned.as_ref().map_or(0, |pruned| pruned.record.below)
    }

    /// Whether the machine may have stopped between the last record and now.
    pub(crate) fn machine_restarted(&self, boot: Option<&Text>) -> bool {
        let same_boot = boot.is_some() && self.last_boot.as_ref() == boot;
        self.last_time.is_some() && !self.closed && !same_boot
    }
}

/// By the first member of this name: recorded arguments, which stand behind it, may have one of their own.
fn is_denial(line: &[u8]) -> bool {
    const NAME: &[u8] = br#""verdict":"#;
    let mut places = line.windows(NAME.len());
    let at = places.position(|window| window == NAME);
    at.and_then(|at| line.get(at + NAME.len()..))
        .is_some_and(|value| value.starts_with(br#""deny""#))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_that_reads_like_a_denial_is_none() {
        let line = |verdict: &str, args: &str| {
            is_denial(
                format!(r#"{{"v":1,"kind":"decided","verdict":"{verdict}","args":{args}}}"#)
                    .as_bytes(),
            )
        };
        let planted = r#"{"/x":{"verdict":"deny"}}"#;
        assert!(!line("allow", planted));
        assert!(line("deny", r#"{"/x":{"verdict":"allow"}}"#));
        assert!(!is_denial(br#"{"v":1,"kind":"decided"}"#));
    }
}
