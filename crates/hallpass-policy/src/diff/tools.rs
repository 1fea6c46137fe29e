//! Tools: what verifiers learn of them. What may be called is said route by route.

use hallpass_vocabulary::{Pointer, Pointers, Tool};

use super::{At, Changes, listed};
use crate::change::{ChangeKind, Entry};
use crate::policy::Policy;
use crate::tool::ToolRule;

pub(super) fn compare(old: &Policy, new: &Policy, changes: &mut Changes) {
    for tool in old.catalogue.iter() {
        if new.catalogue.tool(&tool.name).is_none() {
            changes.at(Entry::Tool(tool.name.clone())).narrower(
                ChangeKind::ToolRemoved,
                "it is gone: services refuse every call of it",
            );
        }
    }
    for tool in new.catalogue.iter() {
        let mut at = changes.at(Entry::Tool(tool.name.clone()));
        match old.catalogue.tool(&tool.name) {
            // Nobody may call it unless a route says so, and then that is the widening.
            None => at.neutral(ChangeKind::ToolAdded, "it is new"),
            Some(before) => one(before, tool, &mut at),
        }
        if let (Some(before), Some(now)) = (old.tool(&tool.name), new.tool(&tool.name)) {
            later(before, now, &mut at);
            at.wording("its summary", Some(before.summary()), Some(now.summary()));
        }
    }
}

/// What only people and later steps see.
fn later(old: &ToolRule, new: &ToolRule, at: &mut At<'_>) {
    let kind = ChangeKind::ToolSchema;
    match (old.schema(), new.schema()) {
        (None, Some(_)) => at.narrower(kind, "its arguments must fit a schema"),
        (Some(_), None) => at.wider(kind, "its arguments need no longer fit a schema"),
        (Some(old), Some(new)) if old != new => {
            at.wider(kind, "its arguments must fit another schema");
        }
        _ => {}
    }
    // No rate is above every rate.
    let rate = |tool: &ToolRule| tool.limits().calls_per_minute().map_or(u64::MAX, u64::from);
    at.bound(
        ChangeKind::ToolLimits,
        "it may be called",
        (rate(old), rate(new)),
        |rate| match *rate {
            u64::MAX => "without a limit".to_owned(),
            rate => format!("{rate} times a minute"),
        },
    );
    for (what, same) in [
        ("what it acts on", old.acts_on() == new.acts_on()),
        ("how it is taken back", old.undo() == new.undo()),
        ("what approvers are shown", old.preview() == new.preview()),
    ] {
        if !same {
            at.neutral(ChangeKind::ToolCard, format!("{what} reads otherwise"));
        }
    }
}

fn one(old: &Tool, new: &Tool, at: &mut At<'_>) {
    if old.audience != new.audience {
        at.wider(
            ChangeKind::ToolAudience,
            format!(
                "service `{}` has it, not `{}`: calls of it go elsewhere",
                new.audience, old.audience
            ),
        );
    }
    let impact = format!(
        "it counts as `{}`, no longer as `{}`",
        new.impact, old.impact
    );
    if new.impact < old.impact {
        at.wider(
            ChangeKind::ToolImpact,
            format!("{impact}: less is demanded of its calls"),
        );
    } else if new.impact > old.impact {
        at.narrower(
            ChangeKind::ToolImpact,
            format!("{impact}: more is demanded of its calls"),
        );
    }
    let (more, less) = apart(&old.recorded, &new.recorded);
    if !more.is_empty() {
        at.wider(
            ChangeKind::ToolRecorded,
            format!("records show its arguments {}", listed(more)),
        );
    }
    if !less.is_empty() {
        at.narrower(
            ChangeKind::ToolRecorded,
            format!("records no longer show its arguments {}", listed(less)),
        );
    }
    let (more, less) = apart(&old.sensitive, &new.sensitive);
    if !less.is_empty() {
        at.wider(
            ChangeKind::ToolSensitive,
            format!("its arguments {} are no longer sensitive", listed(less)),
        );
    }
    if !more.is_empty() {
        at.narrower(
            ChangeKind::ToolSensitive,
            format!("its arguments {} are sensitive", listed(more)),
        );
    }
}

/// What only the new one has, and what only the old one.
fn apart<'a>(old: &'a Pointers, new: &'a Pointers) -> (Vec<&'a Pointer>, Vec<&'a Pointer>) {
    let only = |these: &'a Pointers, others: &'a Pointers| -> Vec<&'a Pointer> {
        let mut found: Vec<_> = these
            .iter()
            .filter(|pointer| !others.iter().any(|other| other == *pointer))
            .collect();
        found.sort_by_key(|pointer| pointer.as_str());
        found
    };
    (only(new, old), only(old, new))
}
