//! Clients and rates. Which routes they may use is said there.

use super::{At, Changes};
use crate::change::{ChangeKind, Entry};
use crate::client::{ClientRule, Workload};
use crate::policy::Policy;

pub(super) fn compare(old: &Policy, new: &Policy, changes: &mut Changes) {
    for (client, _) in old.clients() {
        if new.client(client).is_none() {
            changes
                .at(Entry::Client(client.clone()))
                .narrower(ChangeKind::ClientRemoved, "it is gone");
        }
    }
    for (client, rule) in new.clients() {
        let mut at = changes.at(Entry::Client(client.clone()));
        let Some(before) = old.client(client) else {
            // It gets nothing but where a route names it, and that is said there.
            at.neutral(ChangeKind::ClientAdded, "it is new");
            continue;
        };
        identity(before, rule, &mut at);
        // A rate of all is said once, below.
        if before.mints_per_minute().is_some() || rule.mints_per_minute().is_some() {
            let rates = (
                old.client_mints_per_minute(client),
                new.client_mints_per_minute(client),
            );
            at.bound(ChangeKind::ClientRate, "it may ask", rates, a_minute);
        }
        at.wording("its summary", Some(before.summary()), Some(rule.summary()));
    }
    let kind = ChangeKind::ClientsDeclared;
    match (old.declares_clients(), new.declares_clients()) {
        (true, false) => changes.at(Entry::Clients).wider(
            kind,
            "they are not declared: whoever a route names is one, and may name any agent of that route",
        ),
        (false, true) => changes
            .at(Entry::Clients)
            .narrower(kind, "they are declared"),
        (false, false) | (true, true) => {}
    }
    let mut at = changes.at(Entry::Limits);
    let (before, now) = (old.limits(), new.limits());
    for (what, rates) in [
        (
            "a client may ask",
            (
                before.client_mints_per_minute(),
                now.client_mints_per_minute(),
            ),
        ),
        (
            "for a tenant may be asked",
            (
                before.tenant_mints_per_minute(),
                now.tenant_mints_per_minute(),
            ),
        ),
    ] {
        at.bound(ChangeKind::Limits, what, rates, a_minute);
    }
}

fn a_minute(rate: &u32) -> String {
    format!("{rate} times a minute")
}

fn identity(old: &ClientRule, new: &ClientRule, at: &mut At<'_>) {
    let kind = ChangeKind::ClientIdentity;
    match (old.workload(), new.workload()) {
        (None, None) => {}
        (None, Some(new)) => at.wider(kind, format!("its workload may prove itself as `{new}`")),
        (Some(old), None) => {
            at.narrower(
                kind,
                format!("its workload may no longer prove itself as `{old}`"),
            );
        }
        (Some(old), Some(new)) if old == new => {}
        (Some(old), Some(new)) => {
            let words = format!("its workload proves itself as `{new}`, no longer as `{old}`");
            if is_within(new, old) {
                at.narrower(kind, words);
            } else {
                at.wider(kind, words);
            }
        }
    }
}

/// Whether every token that fits one fits the other.
fn is_within(one: &Workload, other: &Workload) -> bool {
    let mut claims = other.claims().iter();
    one.issuer() == other.issuer()
        && one.subject() == other.subject()
        && claims.all(|(name, text)| one.claims().get(name) == Some(text))
}
