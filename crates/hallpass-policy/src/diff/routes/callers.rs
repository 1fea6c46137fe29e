//! The clients that may use a route, and the agents each of them may name.

use std::collections::BTreeMap;

use hallpass_vocabulary::ClientId;

use super::{At, listed};
use crate::change::ChangeKind;
use crate::pattern::Pattern;
use crate::policy::Policy;
use crate::route::RouteRule;

/// Each client, and the agents it may name: those that fit its own pattern and the route's.
type Callers = BTreeMap<ClientId, Pattern>;

fn callers(policy: &Policy, rule: &RouteRule) -> Callers {
    policy
        .clients()
        .filter(|(client, _)| rule.admits_client(client))
        .filter_map(|(client, known)| {
            let both = rule.actors().and(known.actors())?;
            Some((client.clone(), both))
        })
        .collect()
}

/// The clients, in words.
pub(super) fn named(policy: &Policy, rule: &RouteRule) -> String {
    let callers = callers(policy, rule);
    if callers.is_empty() {
        return "no client".to_owned();
    }
    format!("{} with agents `{}`", listed(callers.keys()), rule.actors())
}

pub(super) fn compare(old: (&Policy, &RouteRule), new: (&Policy, &RouteRule), at: &mut At<'_>) {
    let (before, now) = (callers(old.0, old.1), callers(new.0, new.1));
    at.set(
        ChangeKind::RouteClients,
        (
            &before.keys().cloned().collect(),
            &now.keys().cloned().collect(),
        ),
        "further clients may use it:",
        "clients may no longer use it:",
    );
    // The same change of several clients is said once.
    let mut changed: BTreeMap<(&Pattern, &Pattern), Vec<&ClientId>> = BTreeMap::new();
    for (client, actors) in &now {
        if let Some(old) = before.get(client).filter(|old| *old != actors) {
            changed.entry((old, actors)).or_default().push(client);
        }
    }
    for ((old, new), clients) in changed {
        let words = format!(
            "{} may name agents `{new}`, no longer `{old}`",
            listed(clients)
        );
        if old.covers(new) {
            at.narrower(ChangeKind::RouteActors, words);
        } else {
            at.wider(ChangeKind::RouteActors, words);
        }
    }
}
