//! The clients that may use a route, and the agents each of them may name.

use std::collections::BTreeMap;

use super::{At, listed};
use crate::change::ChangeKind;
use crate::pattern::Pattern;
use crate::policy::Policy;
use crate::route::RouteRule;

/// Each client, and the agents it may name: those that fit its own pattern and the route's. Where none is declared, the
/// patterns of the route are all there is.
type Callers = BTreeMap<Pattern, Pattern>;

fn callers(policy: &Policy, rule: &RouteRule) -> Callers {
    if let Some(known) = &policy.clients_by_route {
        let Some(both) = rule.actors().and(known.actors()) else {
            return Callers::new();
        };
        let clients = rule.clients().iter();
        return clients.map(|it| (it.clone(), both.clone())).collect();
    }
    policy
        .clients()
        .filter(|(client, _)| rule.admits_client(client))
        .filter_map(|(client, known)| {
            let both = rule.actors().and(known.actors())?;
            Some((Pattern::Exact(client.to_string()), both))
        })
        .collect()
}

/// The agents that whoever fits may name; `None` when not all who fit are admitted.
fn agents<'c>(callers: &'c Callers, client: &Pattern) -> Option<&'c Pattern> {
    let covering = || callers.iter().find(|(known, _)| known.covers(client));
    let found = callers.get(client);
    found.or_else(|| covering().map(|(_, agents)| agents))
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
    let lacking = |from: &Callers, of: &Callers| -> Option<String> {
        let lacking = of.keys().filter(|client| agents(from, client).is_none());
        let lacking: Vec<&Pattern> = lacking.collect();
        (!lacking.is_empty()).then(|| listed(lacking))
    };
    let kind = ChangeKind::RouteClients;
    if let Some(clients) = lacking(&before, &now) {
        at.wider(kind, format!("further clients may use it: {clients}"));
    }
    if let Some(clients) = lacking(&now, &before) {
        at.narrower(kind, format!("clients may no longer use it: {clients}"));
    }
    // The same change of several clients is said once.
    let mut changed: BTreeMap<(&Pattern, &Pattern), Vec<&Pattern>> = BTreeMap::new();
    for (client, actors) in &now {
        if let Some(old) = agents(&before, client).filter(|old| *old != actors) {
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
