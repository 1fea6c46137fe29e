//! Routes: who may use them, for whom, and what they get.

mod access;
mod callers;

use std::collections::BTreeSet;
use std::time::Duration;

use hallpass_token::BudgetUnit;
use hallpass_vocabulary::{Environment, ProofRule};

use super::{At, Changes, listed};
use crate::change::{ChangeKind, Entry};
use crate::policy::Policy;
use crate::route::{RouteRule, Tenants};

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
                tenants(before.tenants(), rule.tenants(), &mut at);
                environments(before.environments(), rule.environments(), &mut at);
                verified(before.verified(), rule.verified(), &mut at);
                proof(before.proof(), rule.proof(), &mut at);
                bounds(before, rule, &mut at);
                written(before, rule, &mut at);
            }
        }
    }
}

/// What a new route gives, in one sentence.
fn added(policy: &Policy, rule: &RouteRule) -> String {
    let tenants = match rule.tenants() {
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
        (Tenants::Only(old), Tenants::Only(new)) => at.set(
            kind,
            (old, new),
            "it is for further tenants:",
            "it is no longer for the tenants",
        ),
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

fn environments(
    old: Option<&BTreeSet<Environment>>,
    new: Option<&BTreeSet<Environment>>,
    at: &mut At<'_>,
) {
    let kind = ChangeKind::RouteEnvironments;
    match (old, new) {
        (None, None) => {}
        (Some(old), None) => {
            let words = format!("it is for every environment, not only for {}", listed(old));
            at.wider(kind, words);
        }
        (None, Some(new)) => {
            let words = format!(
                "it is for {} only, no longer for every environment",
                listed(new)
            );
            at.narrower(kind, words);
        }
        (Some(old), Some(new)) => at.set(
            kind,
            (old, new),
            "it is for further environments:",
            "it is no longer for the environments",
        ),
    }
}

fn verified(old: bool, new: bool, at: &mut At<'_>) {
    let kind = ChangeKind::RouteVerified;
    match (old, new) {
        (true, false) => at.wider(kind, "subjects need no longer prove themselves"),
        (false, true) => at.narrower(kind, "subjects must prove themselves"),
        (true, true) | (false, false) => {}
    }
}

fn bounds(old: &RouteRule, new: &RouteRule, at: &mut At<'_>) {
    let seconds = |time: &Duration| format!("{} s", time.as_secs());
    let kind = ChangeKind::RouteTtl;
    at.bound(kind, "tokens live up to", (old.ttl(), new.ttl()), seconds);
    let kind = ChangeKind::RouteRunMax;
    let lives = (old.run_max(), new.run_max());
    at.bound(kind, "runs go on for up to", lives, seconds);
    for unit in BudgetUnit::ALL {
        // No budget is above every budget.
        let most = |rule: &RouteRule| rule.budgets().get(&unit).copied().unwrap_or(u64::MAX);
        let what = match unit {
            BudgetUnit::Calls => "runs may make",
            BudgetUnit::UsdMicros => "runs may spend",
        };
        let kind = ChangeKind::RouteBudgets;
        at.bound(kind, what, (most(old), most(new)), |amount| match *amount {
            u64::MAX => format!("any number of `{unit}`"),
            amount => format!("{amount} `{unit}`"),
        });
    }
}

/// What is written otherwise; what comes of it, if anything, was said.
fn written(old: &RouteRule, new: &RouteRule, at: &mut At<'_>) {
    if old.deny() != new.deny() {
        let (old, new) = (listed(old.deny()), listed(new.deny()));
        at.neutral(
            ChangeKind::RouteDeny,
            format!("it denies {new}; before: {old}"),
        );
    }
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
