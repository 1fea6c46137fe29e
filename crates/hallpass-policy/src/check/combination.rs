//! That a token can hold the caveats of a route, whichever of the admitted roles its subject has.
//!
//! A role without caveats only frees tools, so the combinations of those with caveats are all that need to be looked at.
//! With fewer tools there are never more caveats.

use hallpass_vocabulary::{Role, Route};

use super::route::Known;
use crate::effective::{Effective, Grants};
use crate::fault::Fault;
use crate::route::RouteWritten;
use crate::{BOUND_ROLES_PER_ROUTE_MAX, CAVEAT_WORDS_BYTES_MAX, CAVEATS_MAX, caveat_words_bytes};

pub(super) fn check(name: &Route, route: &RouteWritten, known: &Known<'_>) -> Result<(), Fault> {
    let roles = known.roles;
    let has_caveats = |role: &&Role| {
        let all = roles.get(*role).map(|rule| &rule.all);
        let mut grants = all.into_iter().flatten().filter_map(|role| roles.get(role));
        grants.any(|rule| !rule.grant.caveats.is_empty())
    };
    let bound: Vec<&Role> = route.subject_roles.iter().filter(has_caveats).collect();
    if bound.len() > BOUND_ROLES_PER_ROUTE_MAX {
        return Err(Fault::BoundRolesTooMany);
    }
    for combination in 0..1_usize << bound.len() {
        let chosen = bound.iter().enumerate();
        let chosen = chosen.filter(|(place, _)| combination >> place & 1 == 1);
        let grants = Grants::of(route, chosen.map(|(_, role)| *role), roles);
        let (free, withheld) = grants.tools();
        let effective = grants.effective(free, withheld, known.tools);
        let effective = effective.map_err(|unsayable| Fault::CaveatsUnsayable {
            tool: unsayable.tool,
            why: unsayable.why,
        })?;
        holds(name, &effective, known)?;
    }
    Ok(())
}

fn holds(name: &Route, effective: &Effective, known: &Known<'_>) -> Result<(), Fault> {
    let caveats = &effective.caveats;
    if caveats.is_empty() {
        return Ok(());
    }
    if caveats.len() > CAVEATS_MAX {
        return Err(Fault::CaveatsTooMany);
    }
    if caveat_words_bytes(caveats) > CAVEAT_WORDS_BYTES_MAX {
        return Err(Fault::CaveatsTooLong);
    }
    let Some(largest) = &known.largest else {
        return Ok(());
    };
    largest.check(name, effective).map_err(Fault::TokenTooLarge)
}
