//! Lists of an authority, for people and for programs.

use comfy_table::Table;
use hallpass_client::{List, OperatorClient};
use serde_json::Value;

use crate::operator_input::wait;
use crate::output::Output;
use crate::words::escaped;

/// Rows asked for at once: the most there may be in a page.
const PAGE_ROWS: usize = 500;

/// Filters as the authority takes them; what is not given is left out.
#[derive(Debug, Default)]
pub(crate) struct Filters(Vec<(&'static str, String)>);

impl Filters {
    /// With this one, if there is a value.
    pub(crate) fn with<T: ToString>(mut self, name: &'static str, value: Option<T>) -> Self {
        if let Some(value) = value {
            self.0.push((name, value.to_string()));
        }
        self
    }
}

/// The newest rows, at most so many. Says beside them when there are more.
pub(crate) fn rows(
    operator: &OperatorClient,
    list: List,
    filters: Filters,
    limit: usize,
    output: &mut Output,
) -> anyhow::Result<Vec<Value>> {
    let Filters(filters) = filters;
    let mut rows: Vec<Value> = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut filters = filters.clone();
        let left = limit.saturating_sub(rows.len()).min(PAGE_ROWS);
        filters.push(("limit", left.to_string()));
        filters.extend(after.take().map(|after| ("after", after)));
        let page = wait(operator.page(list, &filters), "the list is not known")?;
        rows.extend(page.rows);
        after = page.next;
        if after.is_none() || rows.len() >= limit {
            break;
        }
    }
    if after.is_some() {
        output.note("there may be more; --limit N shows more");
    }
    Ok(rows)
}

/// Rows as a table, or as one JSON array.
pub(crate) fn show<const N: usize>(
    rows: &[Value],
    json: bool,
    header: [&str; N],
    cells: impl Fn(&Value) -> [String; N],
    output: &mut Output,
) -> anyhow::Result<()> {
    if json {
        return output.json(&rows);
    }
    if rows.is_empty() {
        output.note("there is none");
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(header);
    for row in rows {
        table.add_row(cells(row));
    }
    let lines: Vec<String> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    let widest = lines.iter().map(|line| line.chars().count()).max();
    match output.columns() {
        Some(columns) if widest > Some(columns) => {
            for row in rows {
                for line in folded(header, &cells(row), columns) {
                    output.line(&line)?;
                }
            }
        }
        _ => {
            for line in lines {
                output.line(&line)?;
            }
        }
    }
    Ok(())
}

/// A row for a terminal that is narrower than the table: each cell but the first with its name, as many to a line as fit.
fn folded<const N: usize>(header: [&str; N], cells: &[String; N], columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for (index, (name, cell)) in header.iter().zip(cells).enumerate() {
        if cell.is_empty() {
            continue;
        }
        let word = match index {
            0 => cell.clone(),
            _ => format!("{} {cell}", name.to_lowercase()),
        };
        if line.is_empty() {
            line = word;
        } else if line.chars().count() + 2 + word.chars().count() <= columns {
            line.push_str("  ");
            line.push_str(&word);
        } else {
            lines.push(std::mem::replace(&mut line, format!("    {word}")));
        }
    }
    lines.push(line);
    lines
}

/// Every member of a document, one a line; or all of it as JSON.
pub(crate) fn show_one(document: &Value, json: bool, output: &mut Output) -> anyhow::Result<()> {
    if json {
        return output.json(document);
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    for (name, value) in document.as_object().into_iter().flatten() {
        table.add_row([name.replace('_', " "), text_of(value)]);
    }
    for line in table.lines() {
        output.line(line.trim_end())?;
    }
    Ok(())
}

/// A member as text.
pub(crate) fn text(row: &Value, name: &str) -> String {
    row.get(name).map(text_of).unwrap_or_default()
}

/// Names with commas between them, numbers and words as they are, objects as JSON.
fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => escaped(text),
        Value::Array(values) if values.is_empty() => "none".to_owned(),
        Value::Array(values) => values.iter().map(text_of).collect::<Vec<_>>().join(", "),
        Value::Object(members) if members.is_empty() => "none".to_owned(),
        other => escaped(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_folded_where_it_does_not_fit() {
        let cells = ["run_1", "active", "", "/support/refunds", "user:alice"].map(str::to_owned);
        let header = ["RUN", "STATE", "TENANT", "ROUTE", "SUBJECT"];
        assert_eq!(
            folded(header, &cells, 40),
            [
                "run_1  state active",
                "    route /support/refunds",
                "    subject user:alice"
            ]
        );
        assert_eq!(folded(header, &cells, 80).len(), 1);
    }
}
