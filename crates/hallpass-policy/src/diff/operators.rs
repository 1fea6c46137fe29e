//! Operators and the groups of those who may approve.

use std::collections::BTreeSet;

use hallpass_keys::KeyId;

use super::{Changes, listed};
use crate::change::{ChangeKind, Entry};
use crate::operator::OperatorRule;
use crate::policy::Policy;

pub(super) fn compare(old: &Policy, new: &Policy, changes: &mut Changes) {
    operators(old, new, changes);
    groups(old, new, changes);
}

fn operators(old: &Policy, new: &Policy, changes: &mut Changes) {
    for (operator, _) in old.operators() {
        if new.operator(operator).is_none() {
            changes
                .at(Entry::Operator(operator.clone()))
                .narrower(ChangeKind::OperatorRemoved, "it is gone");
        }
    }
    for (operator, rule) in new.operators() {
        let mut at = changes.at(Entry::Operator(operator.clone()));
        let Some(before) = old.operator(operator) else {
            at.wider(
                ChangeKind::OperatorAdded,
                format!(
                    "it is new: person `{}`, with the roles {}",
                    rule.person(),
                    listed(rule.roles())
                ),
            );
            continue;
        };
        if before.person() != rule.person() {
            // Two people are counted where there was one, or the other way round.
            let words = format!(
                "it is person `{}`, no longer `{}`",
                rule.person(),
                before.person()
            );
            at.wider(ChangeKind::OperatorPerson, words);
        }
        at.set(
            ChangeKind::OperatorRoles,
            (before.roles(), rule.roles()),
            "it has the roles",
            "it no longer has the roles",
        );
        at.set(
            ChangeKind::OperatorKeys,
            (&keys(before), &keys(rule)),
            "it signs with the keys",
            "it no longer signs with the keys",
        );
    }
}

fn keys(rule: &OperatorRule) -> BTreeSet<KeyId> {
    rule.keys().iter().map(|key| key.id()).collect()
}

fn groups(old: &Policy, new: &Policy, changes: &mut Changes) {
    for (group, _) in old.groups() {
        if new.group(group).is_none() {
            changes
                .at(Entry::Group(group.clone()))
                .narrower(ChangeKind::GroupRemoved, "it is gone");
        }
    }
    for (group, rule) in new.groups() {
        let mut at = changes.at(Entry::Group(group.clone()));
        match old.group(group) {
            None => at.wider(
                ChangeKind::GroupAdded,
                format!("it is new: {} may approve as it", listed(rule.members())),
            ),
            Some(before) => {
                at.set(
                    ChangeKind::GroupMembers,
                    (before.members(), rule.members()),
                    "members are",
                    "no longer members are",
                );
                at.wording("its summary", Some(before.summary()), Some(rule.summary()));
            }
        }
    }
}
