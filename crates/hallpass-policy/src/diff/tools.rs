//! Tools: what verifiers learn of them. What may be called is said route by route.

use hallpass_vocabulary::{Pointer, Pointers, Tool};

use super::{At, Changes, listed};
use crate::change::{ChangeKind, Entry};
use crate::policy::Policy;

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
            Some(before) => {
                one(before, tool, &mut at);
                at.wording(
                    "its summary",
                    old.tool_summary(&tool.name),
                    new.tool_summary(&tool.name),
                );
            }
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
