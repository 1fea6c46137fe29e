//! A stop is lifted: by anybody who may stop, and where it is wide, by two people.

use std::sync::Arc;
use std::time::Duration;

use hallpass_bundle::Selector;
use hallpass_journal::{Event, StopLiftAsked, StopLifted};
use hallpass_vocabulary::{StopId, Timestamp};

use super::{Undone, cuts_off, takes_two};
use crate::operator::Operator;
use crate::service::Service;
use crate::store::{At, StopRow, StoreError};

/// For how long the first of two people has asked: a working day, so that what was forgotten does not count weeks later.
pub(crate) const LIFT_ASKED_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// What came of a wish to lift a stop.
#[derive(Debug, Clone)]
pub(crate) enum Lift {
    /// It is over, and was so before where there is no number of a bundle.
    Over { row: StopRow, bundle: Option<u64> },
    /// Another person has to ask too, until a time.
    Pending { row: StopRow, until: Timestamp },
}

impl Service {
    /// Lifts a stop, or notes that one of two people wants it lifted.
    pub(crate) async fn lift_stop(
        self: &Arc<Self>,
        stop: StopId,
        by: &Operator,
    ) -> Result<Lift, Undone> {
        let _one_at_a_time = self.stopping.lock().await;
        self.store().refresh_restraints().await?;
        let row = self.known(stop)?;
        if !row.is_in_force(self.clock.now()) {
            return Ok(Lift::Over { row, bundle: None });
        }
        let selector = selector(&row)?;
        let mut by_whom = vec![by.id.clone()];
        if takes_two(&selector) {
            self.ask_to_lift(&row, by).await?;
            // Read again: the other person may have asked another replica meanwhile.
            self.store().refresh_restraints().await?;
            let row = self.known(stop)?;
            match self.other_person(&row, by) {
                Some((other, _)) => by_whom.insert(0, other.by.clone()),
                None => {
                    let until = self.clock.now().after(LIFT_ASKED_MAX);
                    return Ok(Lift::Pending { row, until });
                }
            }
        }
        let cut_off = match cuts_off(&selector) {
            true => Some(Timestamp::from_unix_seconds(
                self.clock.now().unix_seconds(),
            )),
            false => None,
        };
        let lifted = StopLifted {
            stop,
            by: by_whom,
            cut_off,
        };
        self.act(Event::StopLifted(lifted)).await?;
        tracing::warn!(%stop, %selector, by = %by.id, "a stop was lifted");
        let bundle = self.publish_restrictions().await;
        let row = self.known(stop)?;
        Ok(Lift::Over { row, bundle })
    }

    /// Notes that somebody wants a stop lifted, unless that is known and still counts.
    async fn ask_to_lift(&self, row: &StopRow, by: &Operator) -> Result<(), Undone> {
        let now = self.clock.now();
        let known = row.asked.iter().any(|(asked, at)| {
            asked.person == by.person
                && now.since(*at) <= LIFT_ASKED_MAX
                && self.still_counts(asked)
        });
        if known {
            return Ok(());
        }
        self.act(Event::StopLiftAsked(StopLiftAsked {
            stop: row.stop,
            by: by.id.clone(),
            person: by.person.clone(),
            key: by.key,
        }))
        .await
    }

    /// Another person than this one who wants it lifted, not too long ago.
    fn other_person<'r>(&self, row: &'r StopRow, by: &Operator) -> Option<&'r At<StopLiftAsked>> {
        let now = self.clock.now();
        row.asked.iter().find(|(asked, at)| {
            asked.person != by.person
                && now.since(*at) <= LIFT_ASKED_MAX
                && self.still_counts(asked)
        })
    }

    fn known(&self, stop: StopId) -> Result<StopRow, Undone> {
        self.store()
            .restraints()
            .stop(stop)
            .ok_or(Undone::StopUnknown)
    }
}

/// What a stop is about.
pub(super) fn selector(row: &StopRow) -> Result<Selector, StoreError> {
    let (placed, _) = &row.placed;
    let selector = placed.selector.as_str().parse();
    selector.map_err(|_| StoreError::Malformed { column: "selector" })
}
