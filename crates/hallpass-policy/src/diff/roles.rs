//! Roles as they are written. What comes of a change is said route by route, so nothing here is a widening.

use super::{Changes, listed};
use crate::change::{ChangeKind, Entry};
use crate::policy::Policy;

pub(super) fn compare(old: &Policy, new: &Policy, changes: &mut Changes) {
    for (role, _) in old.roles() {
        if new.role(role).is_none() {
            changes
                .at(Entry::Role(role.clone()))
                .neutral(ChangeKind::RoleRemoved, "it is gone");
        }
    }
    for (role, rule) in new.roles() {
        let mut at = changes.at(Entry::Role(role.clone()));
        let Some(before) = old.role(role) else {
            at.neutral(ChangeKind::RoleAdded, "it is new");
            continue;
        };
        if before.includes() != rule.includes() {
            let (now, then) = (listed(rule.includes()), listed(before.includes()));
            let words = format!("it includes {now}; before: {then}");
            at.neutral(ChangeKind::RoleIncludes, words);
        }
        let (given, now) = (before.grant(), rule.grant());
        if given.allow() != now.allow()
            || given.require_approval() != now.require_approval()
            || given.caveats() != now.caveats()
        {
            at.neutral(
                ChangeKind::RoleGrant,
                "what it gives by itself is written otherwise",
            );
        }
        at.wording("its summary", Some(before.summary()), Some(rule.summary()));
        for (tool, reason) in now.without_approval() {
            let before = given.without_approval().get(tool).map(String::as_str);
            let what = format!("the reason why `{tool}` needs no approval");
            at.wording(&what, before, Some(reason));
        }
    }
}
