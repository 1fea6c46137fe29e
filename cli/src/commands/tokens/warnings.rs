//! What is valid in a narrowing and probably not meant.

use std::collections::BTreeSet;

use hallpass_token::Caveat;
use hallpass_token::describe::Description;
use hallpass_vocabulary::{Timestamp, ToolName};

use super::caveats::CaveatArgs;
use crate::words::{escaped, listed};

/// Everything to say about these caveats, added to a token that was `before` and is `after`.
pub(crate) fn of(
    args: &CaveatArgs,
    caveats: &[Caveat],
    before: &Description,
    after: &Description,
    now: Timestamp,
) -> Vec<String> {
    let mut warnings = Vec::new();
    let absent = absent(caveats, before);
    if !absent.is_empty() {
        let absent = listed(absent);
        warnings.push(format!(
            "the token does not grant {absent}, and narrowing adds nothing"
        ));
    }
    let ends = caveats
        .iter()
        .any(|caveat| matches!(caveat, Caveat::ExpiresBefore(_)));
    if ends && after.not_after == before.not_after {
        warnings.push("the token ends before that anyway".to_owned());
    }
    for caveat in caveats {
        warnings.extend(for_absent_tools(caveat, before, after));
        if let Some(doubt) = caveat.doubt() {
            warnings.push(format!("`{caveat}`: {doubt}"));
        }
    }
    warnings.extend(args.only_arg.iter().filter_map(|name| odd_name(name)));
    match (before.useless(now), after.useless(now)) {
        (Some(why), _) => warnings.push(format!("the token allowed no call before this: {why}")),
        (None, Some(why)) => {
            warnings.push(format!("the narrower token allows no call: {why}"));
        }
        (None, None) => {}
    }
    warnings
}

/// Tools and services that are kept and were never granted.
fn absent(caveats: &[Caveat], before: &Description) -> BTreeSet<String> {
    let mut absent = BTreeSet::new();
    for caveat in caveats {
        match caveat {
            Caveat::OnlyTools(tools) => absent.extend(
                tools
                    .iter()
                    .filter(|tool| !grants(before, tool))
                    .map(ToString::to_string),
            ),
            Caveat::OnlyAudiences(audiences) => absent.extend(
                audiences
                    .iter()
                    .filter(|audience| !before.audiences.contains(*audience))
                    .map(ToString::to_string),
            ),
            _ => {}
        }
    }
    absent
}

fn grants(token: &Description, tool: &ToolName) -> bool {
    token.tools.contains(tool) || token.needs_approval.contains(tool)
}

/// A caveat for tools that cannot be called anyway: most likely misspelt.
fn for_absent_tools(caveat: &Caveat, before: &Description, after: &Description) -> Option<String> {
    let Caveat::Argument(argument) = caveat else {
        return None;
    };
    let tools: Vec<&ToolName> = argument.tools()?.iter().collect();
    let (now, approved) = (after.tools_left(), after.needs_approval_left());
    let absent: Vec<&ToolName> = tools
        .iter()
        .copied()
        .filter(|tool| !now.contains(*tool) && !approved.contains(*tool))
        .collect();
    if absent.is_empty() || (now.is_empty() && approved.is_empty()) {
        return None;
    }
    let reason = if absent.iter().any(|tool| grants(before, tool)) {
        "the narrower token does not allow"
    } else {
        "the token does not grant"
    };
    let effect = if absent.len() == tools.len() {
        "it restricts nothing"
    } else {
        "it restricts the others only"
    };
    Some(format!(
        "`{caveat}`: {reason} {}, so {effect}",
        listed(absent)
    ))
}

/// A name no argument is likely to have.
fn odd_name(name: &str) -> Option<String> {
    let shown = escaped(name);
    if name.starts_with('/') {
        Some(format!(
            "--only-arg `{shown}`: the name of an argument has no slash in front"
        ))
    } else if name.contains(',') {
        Some(format!(
            "--only-arg `{shown}` is one name with a comma in it: give --only-arg once for each name"
        ))
    } else {
        None
    }
}
