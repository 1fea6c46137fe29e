//! What verifiers are told to deny.

use std::collections::BTreeMap;

use hallpass_bundle::{Cutoff, DERIVED_RUNS_MAX, IdSet, Restrictions, Revocation, Selector, Stop};
use hallpass_journal::Text;
use hallpass_vocabulary::{Catalogue, Timestamp};

use super::{about, cut_off_ends, next_second};
use crate::store::{RESTRAINT_KEPT, Restraints, Store, StoreError};

/// Everything that is denied now. Blocks on the store.
pub(crate) fn restrictions(store: &Store, now: Timestamp) -> Result<Restrictions, StoreError> {
    let derived = |selector: &Selector| {
        // Nothing that is handed on to children is looked up in the catalogue.
        let ids = store.derived(&about(selector, &Catalogue::default()), now)?;
        Ok(ids.into_iter().collect())
    };
    let told = told(store.restraints(), now, derived)?;
    Ok(within_bounds(told))
}

fn told(
    restraints: &Restraints,
    now: Timestamp,
    derived: impl Fn(&Selector) -> Result<IdSet, StoreError>,
) -> Result<Restrictions, StoreError> {
    let mut told = Restrictions::default();
    let mut cut_offs: BTreeMap<Selector, Timestamp> = BTreeMap::new();
    let mut runs: BTreeMap<Selector, IdSet> = BTreeMap::new();
    let stops = restraints.stops();
    for row in &stops {
        let selector = parsed(&row.placed.0.selector)?;
        let before = row
            .cut_off(now)
            .filter(|before| now < cut_off_ends(*before));
        if let Some(before) = before {
            if !runs.contains_key(&selector) {
                runs.insert(selector.clone(), derived(&selector)?);
            }
            let known = cut_offs.entry(selector.clone()).or_insert(before);
            *known = before.max(*known);
        }
        if row.is_in_force(now) {
            let (placed, at) = &row.placed;
            told.stops.push(Stop {
                id: row.stop,
                issued: *at,
                until: placed.until,
                // Once no token from before the stop lives, there is none of a child either.
                runs: before.and(runs.get(&selector).cloned()).unwrap_or_default(),
                selector,
            });
        }
    }
    for (cut_off, _) in restraints.cut_offs() {
        if now < cut_off_ends(cut_off.before) {
            let known = cut_offs
                .entry(parsed(&cut_off.selector)?)
                .or_insert(cut_off.before);
            *known = cut_off.before.max(*known);
        }
    }
    told.cutoffs = cut_offs
        .into_iter()
        .map(|(selector, before)| Cutoff {
            before,
            expires: cut_off_ends(before),
            runs: runs.remove(&selector).unwrap_or_default(),
            selector,
        })
        .collect();
    told.revocations = revocations(restraints, now);
    Ok(told)
}

/// Revoked tokens by the second at which they have expired by every clock.
fn revocations(restraints: &Restraints, now: Timestamp) -> Vec<Revocation> {
    let mut by_end: BTreeMap<Timestamp, Vec<u128>> = BTreeMap::new();
    for (token, expires) in restraints.all_revoked() {
        let end = next_second(expires.after(RESTRAINT_KEPT));
        if now < end {
            by_end.entry(end).or_default().push(token.as_u128());
        }
    }
    let revocation = |(expires, tokens): (Timestamp, Vec<u128>)| Revocation {
        expires,
        tokens: tokens.into_iter().collect(),
    };
    by_end.into_iter().map(revocation).collect()
}

/// More children than a bundle can list are cut off with everybody else: every run has to renew, once, and none escapes.
fn within_bounds(mut told: Restrictions) -> Restrictions {
    let stopped = told.stops.iter().map(|it| it.runs.len());
    let listed: usize = stopped
        .chain(told.cutoffs.iter().map(|it| it.runs.len()))
        .sum();
    if listed <= DERIVED_RUNS_MAX {
        return told;
    }
    tracing::error!(
        runs = listed,
        "more runs come from what is stopped than a bundle can list; every token from before is cut off"
    );
    let listing = told.cutoffs.iter().filter(|it| !it.runs.is_empty());
    let before = listing.map(|it| it.before).max();
    for stop in &mut told.stops {
        stop.runs = IdSet::default();
    }
    for cutoff in &mut told.cutoffs {
        cutoff.runs = IdSet::default();
    }
    if let Some(before) = before {
        told.cutoffs.push(Cutoff {
            selector: Selector::Everything,
            before,
            expires: cut_off_ends(before),
            runs: IdSet::default(),
        });
    }
    told
}

fn parsed(selector: &Text) -> Result<Selector, StoreError> {
    let selector = selector.as_str().parse();
    selector.map_err(|_| StoreError::Malformed { column: "selector" })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hallpass_bundle::CUTOFFS_MAX;
    use hallpass_journal::{CutOff, StopLifted, StopPlaced};
    use hallpass_vocabulary::StopId;

    use super::*;
    use crate::store::LandingEvent;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

    fn later(seconds: u64) -> Timestamp {
        NOW.after(Duration::from_secs(seconds))
    }

    fn placed(n: u8, selector: &str, until: Option<Timestamp>) -> LandingEvent {
        let placed = StopPlaced {
            stop: StopId::new(NOW, [n; 10]),
            selector: Text::new(selector),
            until,
            cut_off: Some(later(1)),
            reason: Text::new("INC-42"),
            by: "op:dana".parse().unwrap(),
        };
        LandingEvent::StopPlaced(Box::new(placed), NOW)
    }

    fn lifted(n: u8, at: Timestamp) -> LandingEvent {
        let lifted = StopLifted {
            stop: StopId::new(NOW, [n; 10]),
            by: Vec::new(),
            cut_off: Some(at),
        };
        LandingEvent::StopLifted(Box::new(lifted), at)
    }

    fn with_runs(restraints: &Restraints, now: Timestamp, runs: u128) -> Restrictions {
        told(restraints, now, |_| Ok((0..runs).collect())).unwrap()
    }

    #[test]
    fn a_cut_off_outlives_its_stop_until_every_token_from_before_has_expired() {
        let restraints = Restraints::default();
        restraints.take(&placed(1, "actor:agent:bot", None));
        for (now, runs) in [(later(1), 2), (later(1_020), 2), (later(1_021), 0)] {
            let told = with_runs(&restraints, now, 2);
            assert_eq!(told.stops.len(), 1, "a stop holds");
            assert_eq!(
                told.stops[0].runs.len(),
                runs,
                "its children are over: {now:?}"
            );
            assert_eq!(told.cutoffs.len(), usize::from(runs > 0));
        }
        restraints.take(&lifted(1, later(5_000)));
        for (now, cut_offs) in [(later(5_000), 1), (later(6_019), 1), (later(6_020), 0)] {
            let told = with_runs(&restraints, now, 0);
            assert!(told.stops.is_empty());
            assert_eq!(told.cutoffs.len(), cut_offs, "{now:?}");
            assert!(told.cutoffs.iter().all(|it| it.before == later(5_000)));
        }
    }

    #[test]
    fn an_end_is_a_lifting_and_cut_offs_of_one_thing_are_one() {
        let restraints = Restraints::default();
        restraints.take(&placed(1, "tenant:acme", Some(later(60))));
        restraints.take(&placed(2, "tenant:acme", Some(later(90))));
        let told = with_runs(&restraints, later(90), 0);
        assert!(told.stops.is_empty());
        assert_eq!(told.cutoffs.len(), 1);
        assert_eq!(told.cutoffs[0].before, later(90));
        let cut_off = CutOff {
            selector: Text::new("tenant:acme"),
            before: later(95),
            reason: Text::new("a test"),
        };
        restraints.take(&LandingEvent::CutOff(Box::new(cut_off), NOW));
        let told = with_runs(&restraints, later(90), 0);
        assert_eq!((told.cutoffs.len(), told.cutoffs[0].before), (1, later(95)));
    }

    #[test]
    fn more_children_than_a_bundle_lists_are_cut_off_with_everybody() {
        let restraints = Restraints::default();
        restraints.take(&placed(1, "actor:agent:bot", None));
        let fits = u128::try_from(DERIVED_RUNS_MAX / 2).unwrap();
        let told = within_bounds(with_runs(&restraints, NOW, fits));
        assert_eq!(
            (told.stops[0].runs.len(), told.cutoffs.len()),
            (DERIVED_RUNS_MAX / 2, 1)
        );
        let told = within_bounds(with_runs(&restraints, NOW, fits + 1));
        assert!(told.stops[0].runs.is_empty());
        let everything = told.cutoffs.last().unwrap();
        assert_eq!(
            (&everything.selector, everything.before),
            (&Selector::Everything, later(1))
        );
        assert!(told.cutoffs.len() < CUTOFFS_MAX);
    }
}
