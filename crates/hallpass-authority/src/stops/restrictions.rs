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
