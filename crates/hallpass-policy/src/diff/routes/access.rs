//! The tools a route's tokens may call, with each combination of roles that a subject's own token may give it.

use std::collections::BTreeSet;

use hallpass_vocabulary::{Role, ToolName};

use super::{At, listed};
use crate::change::{ChangeKind, Direction};
use crate::diff::effect::{Access, Bound, Effect};
use crate::diff::scenario::scenarios;
use crate::policy::Policy;
use crate::route::RouteRule;

/// The tools that may be called outright and those that need an approval, whatever the subject's roles, in words.
pub(super) fn named(policy: &Policy, rule: &RouteRule) -> (String, String) {
    let effect = Effect::of(policy, rule, &BTreeSet::new());
    let those = |outright| {
        let tools = effect.tools.iter();
        listed(
            tools
                .filter(|(_, access)| access.outright == outright)
                .map(|(tool, _)| tool),
        )
    };
    (those(true), those(false))
}

/// One difference for some roles.
#[derive(PartialEq)]
struct Difference {
    direction: Direction,
    kind: ChangeKind,
    words: String,
}

pub(super) fn compare(old: (&Policy, &RouteRule), new: (&Policy, &RouteRule), at: &mut At<'_>) {
    // What fewer roles show is not said again of more of them.
    let mut said: Vec<(BTreeSet<Role>, Difference)> = Vec::new();
    let admitted = old.1.subject_roles().union(new.1.subject_roles());
    for roles in scenarios(&admitted.cloned().collect()) {
        let before = Effect::of(old.0, old.1, &roles);
        let now = Effect::of(new.0, new.1, &roles);
        for difference in differences(&before, &now) {
            let known = said
                .iter()
                .any(|(fewer, it)| fewer.is_subset(&roles) && *it == difference);
            if !known {
                let words = match roles.len() {
                    0 => difference.words.clone(),
                    _ => format!("for subjects with {}: {}", listed(&roles), difference.words),
                };
                at.say(difference.direction, difference.kind, words);
                said.push((roles.clone(), difference));
            }
        }
    }
}

fn differences(before: &Effect, now: &Effect) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut say = |direction, kind, words: String| {
        found.push(Difference {
            direction,
            kind,
            words,
        });
    };
    let tools: BTreeSet<&ToolName> = before.tools.keys().chain(now.tools.keys()).collect();
    for tool in tools {
        let (old, new) = (before.tools.get(tool), now.tools.get(tool));
        if let Some((direction, words)) = step(tool, old, new) {
            say(direction, ChangeKind::RouteTools, words);
        }
        if let (Some(old), Some(new)) = (old, new)
            && let Some((direction, words)) = bound(tool, &old.bound, &new.bound)
        {
            say(direction, ChangeKind::RouteCaveats, words);
        }
    }
    for role in now.roles.difference(&before.roles) {
        let words = format!("tokens say that the subject has role `{role}`");
        say(Direction::Widening, ChangeKind::RouteRoles, words);
    }
    for role in before.roles.difference(&now.roles) {
        let words = format!("tokens no longer say that the subject has role `{role}`");
        say(Direction::Narrowing, ChangeKind::RouteRoles, words);
    }
    found
}

/// Whether a tool may be called, and whether with an approval.
fn step(
    tool: &ToolName,
    old: Option<&Access>,
    new: Option<&Access>,
) -> Option<(Direction, String)> {
    let outright = |access: Option<&Access>| access.map(|access| access.outright);
    let (direction, words) = match (outright(old), outright(new)) {
        (None, None) | (Some(true), Some(true)) | (Some(false), Some(false)) => return None,
        (None, Some(true)) => (Direction::Widening, "may be called"),
        (None, Some(false)) => (Direction::Widening, "may be called with an approval"),
        (Some(false), Some(true)) => (Direction::Widening, "may be called without an approval"),
        (Some(true), Some(false)) => (Direction::Narrowing, "needs an approval"),
        (Some(_), None) => (Direction::Narrowing, "may no longer be called"),
    };
    let under = match new {
        Some(new) if old.is_none() && !new.bound.is_free() => format!(", bound by {}", new.bound),
        _ => String::new(),
    };
    Some((direction, format!("`{tool}` {words}{under}")))
}

/// What the calls of a tool are bound by.
fn bound(tool: &ToolName, old: &Bound, new: &Bound) -> Option<(Direction, String)> {
    if old == new {
        return None;
    }
    let words = match (old.is_free(), new.is_free()) {
        (true, _) => format!("calls of `{tool}` are bound by {new}"),
        (_, true) => format!("calls of `{tool}` are no longer bound by {old}"),
        (false, false) => format!("calls of `{tool}` are bound by {new}, no longer by {old}"),
    };
    if new.is_within(old) {
        Some((Direction::Narrowing, words))
    } else {
        Some((Direction::Widening, words))
    }
}
