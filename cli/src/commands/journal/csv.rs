//! Decisions as rows of CSV (RFC 4180), each joined with its end.

use std::collections::HashMap;

use hallpass_journal::read::Record;
use serde_json::Value;

use crate::words::{escaped, harmless_json};

/// Members of `decided`, in the order of the columns.
const OF_DECISION: [&str; 32] = [
    "index",
    "time",
    "decision",
    "verdict",
    "code",
    "detail",
    "request",
    "trace",
    "attempt",
    "tenant",
    "env",
    "run",
    "token",
    "subject",
    "actors",
    "route",
    "audience",
    "tool",
    "impact",
    "args_digest",
    "args",
    "sensitive_args",
    "sensitive_key",
    "args_omitted",
    "idempotency_key",
    "idempotency",
    "approval",
    "proof",
    "spent",
    "policy",
    "bundle",
    "latency_us",
];
/// Columns of the end: `ok`, `error` or `abandoned`, and which record says so.
const END: [&str; 3] = ["outcome", "outcome_index", "outcome_time"];
/// Members of `finished`.
const OF_END: [&str; 4] = [
    "result_digest",
    "duration_ms",
    "error_class",
    "spend_usd_micros",
];

/// What ends a row (RFC 4180 section 2).
const LINE_END: &str = "\r\n";

/// Decisions as they come by. Keeps a row for each permitted call whose end it has not seen, and nothing else.
pub(crate) struct Decisions<F> {
    /// Which are chosen.
    chosen: F,
    /// By decision: where it stands, and its row without its end.
    open: HashMap<String, (u64, String)>,
}

impl<F: FnMut(&Record) -> bool> Decisions<F> {
    /// Those that are chosen; it is asked about decisions only.
    pub(crate) fn of(chosen: F) -> Self {
        Self {
            chosen,
            open: HashMap::new(),
        }
    }

    /// The row that this record completes, if any.
    pub(crate) fn take(&mut self, record: &Record) -> Option<String> {
        match record.kind() {
            "decided" if (self.chosen)(record) => {
                let json = record.json();
                let row = fields(&json, OF_DECISION);
                let decision = json.get("decision").and_then(Value::as_str);
                let allowed = json.get("verdict").and_then(Value::as_str) == Some("allow");
                match decision.filter(|_| allowed) {
                    Some(decision) => {
                        let open = (record.index(), row);
                        // A decision made twice is none of ours; both its rows are shown.
                        let before = self.open.insert(decision.to_owned(), open);
                        before.map(|(_, row)| without_end(&row))
                    }
                    None => Some(without_end(&row)),
                }
            }
            "finished" | "abandoned" if !self.open.is_empty() => {
                let json = record.json();
                let decision = json.get("decision").and_then(Value::as_str)?;
                let (_, row) = self.open.remove(decision)?;
                let outcome = match record.kind() {
                    "finished" => text(json.get("result")),
                    kind => kind.to_owned(),
                };
                let end = [
                    field(&outcome),
                    record.index().to_string(),
                    record.time().to_string(),
                ];
                let end = end.join(",");
                Some(format!("{row},{end},{}{LINE_END}", fields(&json, OF_END)))
            }
            _ => None,
        }
    }

    /// The rows of calls without an end, in the order of the journal.
    pub(crate) fn without_end(self) -> impl Iterator<Item = String> {
        let mut open: Vec<(u64, String)> = self.open.into_values().collect();
        open.sort_unstable();
        open.into_iter().map(|(_, row)| without_end(&row))
    }
}

/// The names of the columns.
pub(crate) fn header() -> String {
    let names: Vec<&str> = OF_DECISION.into_iter().chain(END).chain(OF_END).collect();
    names.join(",") + LINE_END
}

fn without_end(row: &str) -> String {
    let empty = ",".repeat(END.len() + OF_END.len());
    format!("{row}{empty}{LINE_END}")
}

fn fields(json: &Value, names: impl IntoIterator<Item = &'static str>) -> String {
    let fields = names.into_iter().map(|name| field(&text(json.get(name))));
    fields.collect::<Vec<_>>().join(",")
}

/// A value without its JSON; several with spaces between them.
fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(values)) => {
            let texts: Vec<String> = values.iter().map(|value| text(Some(value))).collect();
            texts.join(" ")
        }
        Some(other) => harmless_json(&other.to_string()),
    }
}

/// A field: harmless on a terminal, no formula, and in quotes where it is not plain.
fn field(text: &str) -> String {
    let mut text = escaped(text);
    // What spreadsheets take for a formula, also in its full-width forms; tab and CR are escaped already.
    // <https://owasp.org/www-community/attacks/CSV_Injection>. An apostrophe gets one too, so that one can be taken off.
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠', '\'']) {
        text.insert(0, '\'');
    }
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b" _-.:/".contains(&byte));
    if plain {
        text
    } else {
        format!("\"{}\"", text.replace('"', "\"\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_quoted_where_it_is_not_plain_and_never_a_formula() {
        for (text, expected) in [
            ("", ""),
            ("user:alice", "user:alice"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("=1+1", "\"'=1+1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("＝1", "\"'＝1\""),
            ("'=1", "\"''=1\""),
            ("\t=1", "\"\\u{9}=1\""),
            ("\r\n", "\"\\u{d}\\u{a}\""),
            ("a;=1", "\"a;=1\""),
            ("1-1=0", "\"1-1=0\""),
        ] {
            assert_eq!(field(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_row_without_an_end_has_as_many_fields_as_the_header() {
        let row = without_end(&fields(&Value::Null, OF_DECISION));
        assert_eq!(row.matches(',').count(), header().matches(',').count());
    }
}
