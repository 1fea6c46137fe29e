//! The text of one file, with tools put under the `deny` of its routes.

use std::collections::{BTreeMap, BTreeSet};

use hallpass_vocabulary::{Route, ToolName};
use serde::Deserialize;
use toml::Spanned;

use super::{Edit, NarrowingError, Unneeded};
use crate::place::Place;

/// As much of a file as says where to write.
#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    routes: BTreeMap<Route, Section>,
}

#[derive(Deserialize)]
struct Section {
    deny: Option<Spanned<Vec<Spanned<String>>>>,
    /// Every route has it, so what is new can stand after it.
    proof: Spanned<String>,
}

/// A file as it would be.
pub(super) struct Edited {
    pub(super) text: String,
    pub(super) edits: Vec<Edit>,
}

/// Text to put in.
struct Insertion {
    at: usize,
    text: String,
    route: Route,
    /// Whether it is a line of its own, after the one that ends here.
    is_line: bool,
}

/// Takes from `left` what is written in this file.
pub(super) fn edited(
    name: &str,
    text: &str,
    left: &mut Unneeded,
) -> Result<Edited, NarrowingError> {
    let none = Edited {
        text: text.to_owned(),
        edits: Vec::new(),
    };
    if !name.ends_with(".toml") {
        return Ok(none);
    }
    let Ok(written) = toml::from_str::<Written>(text) else {
        return Ok(none); // Never: it was parsed whole before.
    };
    let mut insertions = Vec::new();
    for (route, section) in &written.routes {
        if let Some(tools) = left.remove(route) {
            let form = || NarrowingError::Form {
                route: route.clone(),
            };
            insertions.push(insertion(text, route, section, &tools).ok_or_else(form)?);
        }
    }
    insertions.sort_by_key(|insertion| insertion.at);
    let mut edited = none;
    // From the end, so that places stay true.
    for insertion in insertions.iter().rev() {
        edited.text.insert_str(insertion.at, &insertion.text);
    }
    edited.edits = insertions
        .iter()
        .map(|insertion| edit(name, text, insertion))
        .collect();
    Ok(edited)
}

fn insertion(
    text: &str,
    route: &Route,
    section: &Section,
    tools: &BTreeSet<ToolName>,
) -> Option<Insertion> {
    let quoted: Vec<String> = tools.iter().map(|tool| format!("\"{tool}\"")).collect();
    let quoted = quoted.join(", ");
    let here = |at, text, is_line| Insertion {
        at,
        text,
        route: route.clone(),
        is_line,
    };
    if let Some(deny) = &section.deny {
        return Some(match deny.get_ref().last() {
            Some(last) => here(last.span().end, format!(", {quoted}"), false),
            None => here(deny.span().start.checked_add(1)?, quoted, false),
        });
    }
    let value = section.proof.span();
    let after = text.get(value.end..)?;
    if after
        .trim_start_matches([' ', '\t'])
        .starts_with([',', '}'])
    {
        return Some(here(value.end, format!(", deny = [{quoted}]"), false));
    }
    // A line of its own, with whatever stands before the key: blanks, or the names of tables.
    let line_start = text
        .get(..value.start)?
        .rfind('\n')
        .map_or(0, |end| end + 1);
    let key = text
        .get(line_start..value.start)?
        .trim_end()
        .strip_suffix('=')?;
    let before = key.trim_end().strip_suffix("proof")?;
    let line = format!("{before}deny = [{quoted}]");
    match after.find('\n') {
        Some(end) => Some(here(value.end + end + 1, format!("{line}\n"), true)),
        None => Some(here(text.len(), format!("\n{line}"), true)),
    }
}

/// What an insertion comes to, as a line.
fn edit(name: &str, text: &str, insertion: &Insertion) -> Edit {
    let before = text.get(..insertion.at).unwrap_or_default();
    let line = before.matches('\n').count();
    let place = |line| Place {
        file: name.to_owned(),
        line,
    };
    if insertion.is_line {
        // It stands after the line that ends where it begins.
        let line = if insertion.text.starts_with('\n') {
            line + 1
        } else {
            line
        };
        return Edit {
            route: insertion.route.clone(),
            place: place(line),
            before: None,
            after: insertion.text.trim_matches('\n').to_owned(),
        };
    }
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let rest = text.get(insertion.at..).unwrap_or_default();
    let rest = rest.split('\n').next().unwrap_or_default();
    let head = text.get(start..insertion.at).unwrap_or_default();
    Edit {
        route: insertion.route.clone(),
        place: place(line + 1),
        before: Some(format!("{head}{rest}")),
        after: format!("{head}{}{rest}", insertion.text),
    }
}
