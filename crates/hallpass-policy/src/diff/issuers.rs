//! Issuers: whose tokens are believed, and what they say. Whatever cannot be told counts as a widening.

use std::collections::BTreeSet;
use std::fmt;

use hallpass_vocabulary::Role;

use super::{At, Changes};
use crate::change::{ChangeKind, Entry};
use crate::issuer::{IssuerRule, KeySource, SubjectClaims, Vouches};
use crate::policy::Policy;

pub(super) fn compare(old: &Policy, new: &Policy, changes: &mut Changes) {
    for (issuer, _) in old.issuers() {
        if new.issuer(issuer).is_none() {
            changes
                .at(Entry::Issuer(issuer.clone()))
                .narrower(ChangeKind::IssuerRemoved, "it is gone");
        }
    }
    for (issuer, rule) in new.issuers() {
        let mut at = changes.at(Entry::Issuer(issuer.clone()));
        match old.issuer(issuer) {
            None => at.wider(
                ChangeKind::IssuerAdded,
                format!(
                    "it is new: tokens of `{}` are believed for {}",
                    rule.issuer(),
                    whom(rule).into_iter().collect::<Vec<_>>().join(" and ")
                ),
            ),
            Some(before) => {
                trust(before, rule, &mut at);
                subjects(before.subjects(), rule.subjects(), &mut at);
            }
        }
    }
}

/// A value of a claim that counts as a role. Two that read alike need not be the same: either part may have an `=` in it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Counted {
    claim: String,
    value: String,
    role: Role,
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { claim, value, role } = self;
        write!(f, "{claim}={value} as role {role}")
    }
}

fn whom(rule: &IssuerRule) -> BTreeSet<&'static str> {
    [Vouches::Clients, Vouches::Subjects]
        .into_iter()
        .filter(|whom| rule.vouches_for(*whom))
        .map(Vouches::as_str)
        .collect()
}

fn keys(rule: &IssuerRule) -> String {
    let by = match rule.ca_file() {
        Some(file) => format!(", by the certificates in `{file}`"),
        None => String::new(),
    };
    match rule.keys() {
        KeySource::Discovery => format!("discovery{by}"),
        KeySource::File(file) => format!("the file `{file}`"),
        KeySource::Url(url) => format!("`{url}`{by}"),
    }
}

fn trust(old: &IssuerRule, new: &IssuerRule, at: &mut At<'_>) {
    let kind = ChangeKind::IssuerTrust;
    if old.issuer() != new.issuer() {
        let (old, new) = (old.issuer(), new.issuer());
        at.wider(kind, format!("it is `{new}`, no longer `{old}`"));
    }
    if old.audience() != new.audience() {
        let (old, new) = (old.audience(), new.audience());
        at.wider(
            kind,
            format!("its tokens are for `{new}`, no longer for `{old}`"),
        );
    }
    if (old.keys(), old.ca_file()) != (new.keys(), new.ca_file()) {
        let (before, now) = (keys(old), keys(new));
        at.wider(
            kind,
            format!("its keys come from {now}, no longer from {before}"),
        );
    }
    let algorithms = |rule: &IssuerRule| rule.algorithms().iter().copied().collect::<BTreeSet<_>>();
    at.set(
        kind,
        (&algorithms(old), &algorithms(new)),
        "its tokens may be signed with",
        "its tokens may no longer be signed with",
    );
    at.set(
        kind,
        (&whom(old), &whom(new)),
        "it vouches for",
        "it no longer vouches for",
    );
}

fn subjects(old: &SubjectClaims, new: &SubjectClaims, at: &mut At<'_>) {
    let kind = ChangeKind::IssuerTrust;
    let named =
        |claims: &SubjectClaims| format!("`{}` before `{}`", claims.prefix(), claims.subject());
    if (old.prefix(), old.subject()) != (new.prefix(), new.subject()) {
        let words = format!("subjects are {}, no longer {}", named(new), named(old));
        at.wider(kind, words);
    }
    match (old.tenant(), new.tenant()) {
        (None, Some(claim)) => at.narrower(
            kind,
            format!("the tenant must be what `{claim}` of the subject's token says"),
        ),
        (Some(claim), None) => at.wider(
            kind,
            format!("the tenant need no longer be what `{claim}` of the subject's token says"),
        ),
        (Some(old), Some(new)) if old != new => at.wider(
            kind,
            format!(
                "the tenant must be what `{new}` of the subject's token says, no longer `{old}`"
            ),
        ),
        _ => {}
    }
    let kind = ChangeKind::IssuerRoles;
    let gives = |claims: &SubjectClaims| -> BTreeSet<Counted> {
        let claim = claims.roles_claim().unwrap_or_default();
        let counted = claims.roles().iter().map(|(value, role)| Counted {
            claim: claim.to_owned(),
            value: value.clone(),
            role: role.clone(),
        });
        counted.collect()
    };
    at.set(
        kind,
        (&gives(old), &gives(new)),
        "subjects' tokens count",
        "subjects' tokens no longer count",
    );
}
