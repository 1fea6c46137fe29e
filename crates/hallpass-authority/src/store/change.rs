//! What an event changes in the store. Rows come from events and from nothing else, so that they can be made again.

use hallpass_journal::{ClientChanged, Event, KeyChanged, Minted, RunEnded};
use hallpass_vocabulary::Timestamp;

/// An event with rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LandingEvent {
    /// A client's registration changed, at a time.
    ClientChanged(Box<ClientChanged>, Timestamp),
    /// Keys moved on, at a time.
    KeyChanged(Box<KeyChanged>, Timestamp),
    /// A token was minted.
    Minted(Box<Minted>),
    /// A run was ended, at a time.
    RunEnded(Box<RunEnded>, Timestamp),
}

/// The kinds of record with rows, as the journal writes them.
const KINDS: [&str; 4] = ["client_changed", "key_changed", "minted", "run_ended"];

impl LandingEvent {
    /// Whether a record of this kind has rows.
    pub(crate) fn is_of_kind(kind: &str) -> bool {
        KINDS.contains(&kind)
    }

    /// The event of a record, if it has rows.
    pub(crate) fn of(event: Event, recorded: Timestamp) -> Option<Self> {
        match event {
            Event::ClientChanged(changed) => {
                let at = changed.counts_from.unwrap_or(recorded);
                Some(Self::ClientChanged(changed.into(), at))
            }
            Event::KeyChanged(changed) => Some(Self::KeyChanged(changed.into(), recorded)),
            Event::Minted(minted) => Some(Self::Minted(minted)),
            Event::RunEnded(ended) => Some(Self::RunEnded(ended.into(), recorded)),
            _ => None,
        }
    }
}

/// An event with rows, and the index of its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) event: LandingEvent,
    pub(crate) record: u64,
}
