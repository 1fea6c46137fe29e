//! Routes: who may use them, for whom, and what they get.

mod access;
mod callers;

use std::collections::BTreeSet;

use hallpass_vocabulary::{ProofRule, Tenant};

use super::{At, Changes, listed};
use crate::change::{ChangeKind, Entry};
use crate::policy::{Policy, RouteRule, Tenants};

pub(super) fn compare(old: &Policy, new: &Policy, changes: &mut Changes) {
    for (route, _) in old.routes() {
        if new.route(route).is_none() {
            changes
                .at(Entry::Route(route.clone()))
                .narrower(ChangeKind::RouteRemoved, "it is gone");
        }
    }
    for (route, rule) in new.routes() {
        let mut at = changes.at(Entry::Route(route.clone()));
        match old.route(route) {
            None => at.wider(ChangeKind::RouteAdded, added(new, rule)),
            Some(before) => {
                callers::compare((old, before), (new, rule), &mut at);
                access::compare((old, before), (new, rule), &mut at);
                tenants(&before.tenants, &rule.tenants, &mut at);
                proof(before.proof(), rule.proof(), &mut at);
                at.bound(
                    ChangeKind::RouteTtl,
                    "tokens live up to",
                    (&before.ttl, &rule.ttl),
                    |ttl| format!("{} s", ttl.as_secs()),
                );
                wording(before, rule, &mut at);
            }
        }
    }
}

/// What a new route gives, in one sentence.
fn added(policy: &Policy, rule: &RouteRule) -> String {
    let tenants = match &rule.tenants {
        Tenants::Any => "every tenant".to_owned(),
        Tenants::Only(tenants) => listed(tenants),
    };
    let (outright, withheld) = access::named(policy, rule);
    format!(
        "it is new: {} may start runs for {tenants} with {outright}; with an approval: {withheld}",
        callers::named(policy, rule)
    )
}

fn tenants(old: &Tenants, new: &Tenants, at: &mut At<'_>) {
    let kind = ChangeKind::RouteTenants;
    match (old, new) {
        (Tenants::Any, Tenants::Any) => {}
        (Tenants::Only(old), Tenants::Any) => {
            at.wider(
                kind,
                format!("it is for every tenant, not only for {}", listed(old)),
            );
        }
        (Tenants::Any, Tenants::Only(new)) => {
            at.narrower(
                kind,
                format!("it is for {} only, no longer for every tenant", listed(new)),
            );
        }
        (Tenants::Only(old), Tenants::Only(new)) => {
            let more: BTreeSet<&Tenant> = new.difference(old).collect();
            let less: BTreeSet<&Tenant> = old.difference(new).collect();
            if !more.is_empty() {
                at.wider(kind, format!("it is for {}, too", listed(more)));
            }
            if !less.is_empty() {
                at.narrower(kind, format!("it is no longer for {}", listed(less)));
            }
        }
    }
}

fn proof(old: ProofRule, new: ProofRule, at: &mut At<'_>) {
    let demands = |rule| match rule {
        ProofRule::Waived => "no call needs a proof of possession",
        ProofRule::Writes => "calls that write need a proof of possession",
        ProofRule::Always => "every call needs a proof of possession",
    };
    let words = format!("{} (`{new}` instead of `{old}`)", demands(new));
    if new < old {
        at.wider(ChangeKind::RouteProof, words);
    } else if new > old {
        at.narrower(ChangeKind::RouteProof, words);
    }
}

fn wording(old: &RouteRule, new: &RouteRule, at: &mut At<'_>) {
    at.wording("its summary", Some(old.summary()), Some(new.summary()));
    at.wording(
        "the reason for waiving proofs",
        old.proof_waiver(),
        new.proof_waiver(),
    );
    for (tool, reason) in new.waived_writes() {
        let before = old.waived_writes().get(tool).map(String::as_str);
        let what = format!("the reason why `{tool}` needs no approval");
        at.wording(&what, before, Some(reason));
    }
}
