//! A stop is placed.

use hallpass_bundle::{STOPS_MAX, Selector};
use hallpass_journal::{Event, StopPlaced, Text};
use hallpass_keys::random_bytes;
use hallpass_vocabulary::{StopId, Timestamp};

use std::sync::Arc;

use super::{Undone, about, cuts_off};
use crate::operator::Operator;
use crate::service::Service;
use crate::store::{Hits, StopRow};

/// Tokens that are named in an answer; all of them are counted.
pub(crate) const HITS_LISTED: usize = 100;

/// What is to be stopped.
#[derive(Debug, Clone)]
pub(crate) struct NewStop {
    pub(crate) selector: Selector,
    pub(crate) until: Option<Timestamp>,
    pub(crate) reason: Text,
}

/// A stop that is in force.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) row: StopRow,
    /// Whether it was placed by this request; else it was there, and says the same.
    pub(crate) fresh: bool,
    /// The tokens it is about, where they could be counted.
    pub(crate) hits: Option<Hits>,
    /// The number of the bundle that has it, where one could be published.
    pub(crate) bundle: Option<u64>,
}

impl Service {
    /// Places a stop. When this returns, nothing of what it is about is minted. One operator who says the same again, because the
    /// answer was lost, gets the stop that is there.
    pub(crate) async fn place_stop(
        self: &Arc<Self>,
        new: NewStop,
        by: &Operator,
    ) -> Result<Placed, Undone> {
        if let Selector::Environment(environment) = &new.selector
            && *environment != self.environment
        {
            return Err(Undone::EnvironmentOther);
        }
        let now = self.clock.now();
        // Tokens are issued at whole seconds: an end in between would leave the rest of that second in doubt.
        let until = new
            .until
            .map(|until| Timestamp::from_unix_seconds(until.unix_seconds()));
        if until.is_some_and(|until| until <= now) {
            return Err(Undone::UntilPast);
        }
        let _one_at_a_time = self.stopping.lock().await;
        let selector = new.selector.to_string();
        let there = self.store().restraints().stops_of(&selector);
        let same = there.into_iter().find(|row| {
            let (placed, _) = &row.placed;
            row.is_in_force(now)
                && placed.by == by.id
                && placed.until == until
                && placed.reason == new.reason
        });
        if let Some(row) = same {
            return Ok(self.placed(row, &new.selector, false).await);
        }
        if self.store().restraints().in_force(now) >= STOPS_MAX {
            return Err(Undone::StopsTooMany);
        }
        let cut_off = match cuts_off(&new.selector) {
            true => Some(self.cut_off_now().await?),
            false => None,
        };
        let stop = StopId::new(now, random_bytes()?);
        let placed = StopPlaced {
            stop,
            selector: Text::new(&selector),
            until,
            cut_off,
            reason: new.reason,
            by: by.id.clone(),
        };
        self.act(Event::StopPlaced(Box::new(placed))).await?;
        tracing::warn!(%stop, %selector, by = %by.id, "a stop was placed");
        let row = self.store().restraints().stop(stop);
        let row = row.ok_or(Undone::StopUnknown)?;
        Ok(self.placed(row, &new.selector, true).await)
    }

    /// What there is to say of a stop that holds, whatever can still fail.
    async fn placed(self: &Arc<Self>, row: StopRow, selector: &Selector, fresh: bool) -> Placed {
        let bundle = self.publish_restrictions().await;
        let about = about(selector, self.policy().policy.catalogue());
        let hits = self
            .store()
            .hits(&about, self.clock.now(), HITS_LISTED)
            .await;
        let hits = hits.inspect_err(|error| {
            let error = error as &dyn std::error::Error;
            tracing::warn!(error, "the tokens that a stop hits are not known");
        });
        Placed {
            row,
            fresh,
            hits: hits.ok(),
            bundle,
        }
    }
}
