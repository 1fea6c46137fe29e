//! The clients that may use a route, and the agents each of them may name.

use std::collections::BTreeMap;

use super::{At, listed};
use crate::change::ChangeKind;
use crate::pattern::Pattern;
use crate::policy::{Policy, RouteRule};

/// Each client, and the agents it may name.
type Callers = BTreeMap<Pattern, Pattern>;

fn callers(_policy: &Policy, rule: &RouteRule) -> Callers {
    rule.clients()
        .iter()
        .map(|client| (client.clone(), rule.actors().clone()))
        .collect()
}

/// The clients, in words.
pub(super) fn named(policy: &Policy, rule: &RouteRule) -> String {
    let callers = callers(policy, rule);
    let clients = match callers.keys().count() {
        0 => "no client".to_owned(),
        _ => listed(callers.keys()),
    };
    format!("{clients} with agents `{}`", rule.actors())
}

pub(super) fn compare(old: (&Policy, &RouteRule), new: (&Policy, &RouteRule), at: &mut At<'_>) {
    let (before, now) = (callers(old.0, old.1), callers(new.0, new.1));
    let known = |clients: &Callers, client: &Pattern| clients.keys().any(|it| it.covers(client));
    let mut more = Vec::new();
    for client in now.keys() {
        if !known(&before, client) {
            more.push(client);
        }
    }
    if !more.is_empty() {
        let words = format!("clients may use it that could not: {}", listed(more));
        at.wider(ChangeKind::RouteClients, words);
    }
    let less: Vec<&Pattern> = before.keys().filter(|it| !known(&now, it)).collect();
    if !less.is_empty() {
        let words = format!("clients may no longer use it: {}", listed(less));
        at.narrower(ChangeKind::RouteClients, words);
    }
    agents(&before, &now, at);
}

/// Agents of clients that were and are there. The same change of all of them is said once.
fn agents(before: &Callers, now: &Callers, at: &mut At<'_>) {
    let mut changed: BTreeMap<(&Pattern, &Pattern), Vec<&Pattern>> = BTreeMap::new();
    for (client, actors) in now {
        let old = before.get(client).or_else(|| {
            let mut covering = before.iter().filter(|(it, _)| it.covers(client));
            covering.next().map(|(_, actors)| actors)
        });
        if let Some(old) = old
            && old != actors
        {
            changed.entry((old, actors)).or_default().push(client);
        }
    }
    for ((old, new), clients) in changed {
        let words = format!(
            "{} may name agents `{new}` instead of `{old}`",
            listed(clients)
        );
        if !old.covers(new) {
            at.wider(ChangeKind::RouteActors, words);
        } else {
            at.narrower(ChangeKind::RouteActors, words);
        }
    }
}
