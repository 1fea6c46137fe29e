//! What is stopped, revoked or cut off, by heart: all of it is asked for with every mint, and it is little.
//!
//! Records may be taken in any order, and twice: a stop that was lifted stays lifted, and one of which only the lifting is
//! known yet is no stop.

use std::collections::{BTreeMap, HashMap};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use hallpass_journal::{CutOff, StopLiftAsked, StopLifted, StopPlaced};
use hallpass_vocabulary::{PersonId, StopId, Timestamp, TokenId};

use super::change::LandingEvent;
use super::selection::before;

/// For how long a revoked token is remembered after it has expired: clocks differ.
pub(crate) const RESTRAINT_KEPT: Duration = Duration::from_secs(120);

/// A record, and when it was made.
pub(crate) type At<T> = (T, Timestamp);

/// What is known of a stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StopRow {
    pub(crate) stop: StopId,
    pub(crate) placed: At<StopPlaced>,
    pub(crate) lifted: Option<At<StopLifted>>,
    /// Who asked for it to be lifted, each person once.
    pub(crate) asked: Vec<At<StopLiftAsked>>,
}

/// What stands in the way of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// Tokens issued before then are refused.
    CutOff(Timestamp),
    /// A stop is in force.
    Stop(StopId),
}

impl StopRow {
    /// Whether nothing of it may be done now.
    pub(crate) fn is_in_force(&self, now: Timestamp) -> bool {
        let (placed, _) = &self.placed;
        self.lifted.is_none() && placed.until.is_none_or(|until| now < until)
    }

    /// Tokens issued before then are refused, where the stop has such an effect: what was issued before it was placed, and,
    /// since nothing was minted while it was in force, what was issued before it was over.
    pub(crate) fn cut_off(&self, now: Timestamp) -> Option<Timestamp> {
        let (placed, _) = &self.placed;
        let lifted = self.lifted.as_ref().and_then(|(lifted, _)| lifted.cut_off);
        let ended = placed
            .until
            .filter(|until| *until <= now && lifted.is_none());
        placed.cut_off.map(|before| {
            before
                .max(lifted.unwrap_or(before))
                .max(ended.unwrap_or(before))
        })
    }
}

/// What is stopped, revoked or cut off.
#[derive(Debug, Default)]
pub(crate) struct Restraints(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Counts what was taken that was not known before.
    changes: u64,
    placed: BTreeMap<StopId, At<StopPlaced>>,
    lifted: HashMap<StopId, At<StopLifted>>,
    asked: HashMap<StopId, BTreeMap<PersonId, At<StopLiftAsked>>>,
    /// The stops of each selector.
    about: HashMap<String, Vec<StopId>>,
    /// Revoked tokens, and when each has expired.
    revoked: HashMap<TokenId, Timestamp>,
    /// By their selector, the latest of each.
    cut_offs: BTreeMap<String, At<CutOff>>,
}

impl Restraints {
    /// Takes what an event says, if it is about any of this.
    pub(crate) fn take(&self, event: &LandingEvent) {
        if event.restrains() {
            self.write().take(event);
        }
    }

    /// How often anything was taken that was not known before.
    pub(crate) fn changes(&self) -> u64 {
        self.read().changes
    }

    /// A stop.
    pub(crate) fn stop(&self, stop: StopId) -> Option<StopRow> {
        self.read().stop(stop)
    }

    /// Every stop, newest first.
    pub(crate) fn stops(&self) -> Vec<StopRow> {
        let known = self.read();
        let ids = known.placed.keys().rev();
        ids.filter_map(|id| known.stop(*id)).collect()
    }

    /// Every stop of a selector.
    pub(crate) fn stops_of(&self, selector: &str) -> Vec<StopRow> {
        let known = self.read();
        let ids = known.about.get(selector).into_iter().flatten();
        ids.filter_map(|id| known.stop(*id)).collect()
    }

    /// What stands in the way of a token of a selector, issued then; of any, where it is not said when.
    pub(crate) fn found(
        &self,
        selector: &str,
        issued: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<Found> {
        let stops = self.stops_of(selector);
        if let Some(stop) = stops.iter().find(|stop| stop.is_in_force(now)) {
            return Some(Found::Stop(stop.stop));
        }
        let by_stops = stops.iter().filter_map(|stop| stop.cut_off(now));
        let by_itself = self.cut_off(selector).map(|(cut_off, _)| cut_off.before);
        let before = by_stops.chain(by_itself).max()?;
        (issued? < before).then_some(Found::CutOff(before))
    }

    /// How many stops are in force.
    pub(crate) fn in_force(&self, now: Timestamp) -> usize {
        let stops = self.stops();
        stops.iter().filter(|stop| stop.is_in_force(now)).count()
    }

    /// How many tokens are revoked and remembered.
    pub(crate) fn revoked_count(&self) -> usize {
        self.read().revoked.len()
    }

    /// Whether there is anything to look at.
    pub(crate) fn is_empty(&self) -> bool {
        let known = self.read();
        known.placed.is_empty() && known.revoked.is_empty() && known.cut_offs.is_empty()
    }

    /// The cut-off that stands by itself, of a selector.
    pub(crate) fn cut_off(&self, selector: &str) -> Option<At<CutOff>> {
        self.read().cut_offs.get(selector).cloned()
    }

    /// Every cut-off that stands by itself.
    pub(crate) fn cut_offs(&self) -> Vec<At<CutOff>> {
        self.read().cut_offs.values().cloned().collect()
    }

    /// When a token that was revoked has expired; nothing where it was not.
    pub(crate) fn revoked(&self, token: TokenId) -> Option<Timestamp> {
        self.read().revoked.get(&token).copied()
    }

    /// Every revoked token, and when it has expired.
    pub(crate) fn all_revoked(&self) -> Vec<(TokenId, Timestamp)> {
        let known = self.read();
        known.revoked.iter().map(|(id, end)| (*id, *end)).collect()
    }

    /// Forgets revoked tokens that expired a while ago.
    pub(super) fn clean(&self, now: Timestamp) {
        let before = before(now, RESTRAINT_KEPT);
        if self.read().revoked.values().any(|end| *end <= before) {
            self.write().revoked.retain(|_, end| *end > before);
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Known> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Known> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn take(&mut self, event: &LandingEvent) {
        let new = match event {
            LandingEvent::ClientChanged(..)
            | LandingEvent::Fleet(..)
            | LandingEvent::KeyChanged(..)
            | LandingEvent::Minted(_)
            | LandingEvent::RunEnded(..) => false,
            LandingEvent::CutOff(cut_off, at) => self.take_cut_off(cut_off, *at),
            LandingEvent::StopLiftAsked(asked, at) => {
                let of_stop = self.asked.entry(asked.stop).or_default();
                let known = of_stop.get(&asked.person);
                // The latest holds: a person may ask again once the first time is too long ago.
                let new = known.is_none_or(|(_, before)| before < at);
                if new {
                    of_stop.insert(asked.person.clone(), ((**asked).clone(), *at));
                }
                new
            }
            LandingEvent::StopLifted(lifted, at) => {
                let known = self.lifted.get(&lifted.stop);
                // The earliest holds, as of what ends a run.
                let new = known.is_none_or(|(_, before)| at < before);
                if new {
                    self.lifted.insert(lifted.stop, ((**lifted).clone(), *at));
                }
                new
            }
            LandingEvent::StopPlaced(placed, at) => {
                let new = !self.placed.contains_key(&placed.stop);
                if new {
                    let selector = placed.selector.as_str().to_owned();
                    self.about.entry(selector).or_default().push(placed.stop);
                    self.placed.insert(placed.stop, ((**placed).clone(), *at));
                }
                new
            }
            LandingEvent::TokenRevoked(revoked, _) => {
                let known = self.revoked.get(&revoked.token);
                let new = known.is_none_or(|end| *end < revoked.expires);
                if new {
                    self.revoked.insert(revoked.token, revoked.expires);
                }
                new
            }
        };
        self.changes += u64::from(new);
    }

    fn take_cut_off(&mut self, cut_off: &CutOff, at: Timestamp) -> bool {
        let known = self.cut_offs.get(cut_off.selector.as_str());
        let new = known.is_none_or(|(known, _)| known.before < cut_off.before);
        if new {
            let selector = cut_off.selector.as_str().to_owned();
            self.cut_offs.insert(selector, (cut_off.clone(), at));
        }
        new
    }

    fn stop(&self, stop: StopId) -> Option<StopRow> {
        let asked = self.asked.get(&stop).into_iter().flat_map(BTreeMap::values);
        Some(StopRow {
            stop,
            placed: self.placed.get(&stop)?.clone(),
            lifted: self.lifted.get(&stop).cloned(),
            asked: asked.cloned().collect(),
        })
    }
}
