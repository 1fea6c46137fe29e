//! What a narrower token gave up, in rows.

use hallpass_token::given_up::GivenUp;

use crate::words::{listed, span, time};

/// Columns of the labels.
const LABEL_COLUMNS: usize = 11;

/// The rows: a label in `style`, and what was given up of it.
pub(crate) fn lines(given_up: &GivenUp, style: impl Fn(&str) -> String) -> Vec<String> {
    if given_up.is_nothing() {
        return vec!["given up: nothing that the token allowed".to_owned()];
    }
    let mut rows: Vec<(&str, String)> = Vec::new();
    if !given_up.tools.is_empty() {
        rows.push(("tools", listed(&given_up.tools)));
    }
    if !given_up.needs_approval.is_empty() {
        let tools = listed(&given_up.needs_approval);
        rows.push(("approval", format!("{tools}, which needed one")));
    }
    if !given_up.services.is_empty() {
        rows.push(("services", listed(&given_up.services)));
    }
    if let Some(life) = given_up.life {
        let lost = span(life.from.since(life.to));
        let (from, to) = (time(life.from), time(life.to));
        rows.push(("life", format!("{lost}: from {from} to {to}")));
    }
    for (position, words) in given_up.arguments.iter().enumerate() {
        let label = if position == 0 { "arguments" } else { "" };
        rows.push((label, words.clone()));
    }
    for (position, check) in given_up.other_checks.iter().enumerate() {
        let label = if position == 0 { "checks" } else { "" };
        rows.push((label, check.clone()));
    }
    if let Some(blocks) = given_up.blocks {
        rows.push((
            "blocks",
            format!("from at most {} to at most {}", blocks.from, blocks.to),
        ));
    }
    if given_up.sealed {
        rows.push(("sealed", "nobody can narrow it further".to_owned()));
    }
    let rows = rows
        .into_iter()
        .map(|(label, text)| format!("{}{text}", style(&format!("{label:LABEL_COLUMNS$}"))));
    std::iter::once("given up:".to_owned())
        .chain(rows)
        .collect()
}
