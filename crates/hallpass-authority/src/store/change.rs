//! What an event changes in the store. Rows come from events and from nothing else, so that they can be made again.

use hallpass_journal::{
    ClientChanged, CutOff, Event, KeyChanged, Minted, RunEnded, StopLiftAsked, StopLifted,
    StopPlaced, TokenRevoked,
};
use hallpass_vocabulary::Timestamp;

use super::fleet::{self, FleetEvent};

/// An event with rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LandingEvent {
    /// A client's registration changed, at a time.
    ClientChanged(Box<ClientChanged>, Timestamp),
    /// Tokens of something were cut off, at a time.
    CutOff(Box<CutOff>, Timestamp),
    /// Something about a verifier, at a time.
    Fleet(FleetEvent, Timestamp),
    /// Keys moved on, at a time.
    KeyChanged(Box<KeyChanged>, Timestamp),
    /// A token was minted.
    Minted(Box<Minted>),
    /// A run was ended, at a time.
    RunEnded(Box<RunEnded>, Timestamp),
    /// The first of two people asked for a stop to be lifted, at a time.
    StopLiftAsked(Box<StopLiftAsked>, Timestamp),
    /// A stop was lifted, at a time.
    StopLifted(Box<StopLifted>, Timestamp),
    /// A stop was placed, at a time.
    StopPlaced(Box<StopPlaced>, Timestamp),
    /// A token was revoked, at a time.
    TokenRevoked(Box<TokenRevoked>, Timestamp),
}

/// The kinds of record with rows, as the journal writes them.
const KINDS: [&str; 9] = [
    "client_changed",
    "cut_off",
    "key_changed",
    "minted",
    "run_ended",
    "stop_lift_asked",
    "stop_lifted",
    "stop_placed",
    "token_revoked",
];

impl LandingEvent {
    /// Whether a record of this kind has rows.
    pub(crate) fn is_of_kind(kind: &str) -> bool {
        KINDS.contains(&kind) || fleet::KINDS.contains(&kind)
    }

    /// The event of a record, if it has rows.
    pub(crate) fn of(event: Event, recorded: Timestamp) -> Option<Self> {
        match event {
            Event::ClientChanged(changed) => {
                let at = changed.counts_from.unwrap_or(recorded);
                Some(Self::ClientChanged(changed.into(), at))
            }
            Event::CutOff(cut_off) => Some(Self::CutOff(cut_off.into(), recorded)),
            Event::KeyChanged(changed) => Some(Self::KeyChanged(changed.into(), recorded)),
            Event::Minted(minted) => Some(Self::Minted(minted)),
            Event::RunEnded(ended) => Some(Self::RunEnded(ended.into(), recorded)),
            Event::StopLiftAsked(asked) => Some(Self::StopLiftAsked(asked.into(), recorded)),
            Event::StopLifted(lifted) => Some(Self::StopLifted(lifted.into(), recorded)),
            Event::StopPlaced(placed) => Some(Self::StopPlaced(placed, recorded)),
            Event::TokenRevoked(revoked) => Some(Self::TokenRevoked(revoked, recorded)),
            other => FleetEvent::of(other).map(|event| Self::Fleet(event, recorded)),
        }
    }

    /// Whether it is about what is stopped, revoked or cut off.
    pub(super) fn restrains(&self) -> bool {
        !matches!(
            self,
            Self::ClientChanged(..)
                | Self::Fleet(..)
                | Self::KeyChanged(..)
                | Self::Minted(_)
                | Self::RunEnded(..)
        )
    }

    /// What is kept of one that restrains: the record as it is, when it was made, and from when on it says nothing any more.
    pub(super) fn restraint(&self) -> Option<Restraint> {
        let (event, at, ends) = match self {
            Self::ClientChanged(..)
            | Self::Fleet(..)
            | Self::KeyChanged(..)
            | Self::Minted(_)
            | Self::RunEnded(..) => return None,
            Self::CutOff(it, at) => (Event::CutOff((**it).clone()), at, None),
            Self::StopLiftAsked(it, at) => (Event::StopLiftAsked((**it).clone()), at, None),
            Self::StopLifted(it, at) => (Event::StopLifted((**it).clone()), at, None),
            Self::StopPlaced(it, at) => (Event::StopPlaced(it.clone()), at, None),
            Self::TokenRevoked(it, at) => (Event::TokenRevoked(it.clone()), at, Some(it.expires)),
        };
        Some(Restraint {
            // Written as JSON before, in the journal.
            body: serde_json::to_string(&event).unwrap_or_default(),
            at: *at,
            ends,
        })
    }

    /// The event of what was kept.
    pub(super) fn of_restraint(body: &str, at: Timestamp) -> Option<Self> {
        Self::of(serde_json::from_str(body).ok()?, at)
    }
}

/// A record of what is stopped, revoked or cut off, as it is kept.
pub(super) struct Restraint {
    pub(super) body: String,
    pub(super) at: Timestamp,
    pub(super) ends: Option<Timestamp>,
}

/// An event with rows, and the index of its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) event: LandingEvent,
    pub(crate) record: u64,
}
