//! A record in a row for people: its few members that most kinds share, and what is particular to the kind.

use hallpass_journal::read::Record;
use serde_json::Value;

use super::arguments::shown;
use crate::words::{escaped, shortened};

/// Characters of arguments in a row; `hallpass why` shows them whole.
const ARGS_CHARS_MAX: usize = 60;

/// A record as a row. Everything in it is escaped: a file may hold anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) index: String,
    pub(crate) time: String,
    pub(crate) kind: String,
    pub(crate) tenant: String,
    pub(crate) who: String,
    pub(crate) tool: String,
    pub(crate) answer: String,
    pub(crate) id: String,
}

impl Summary {
    /// Names of the columns, in the order of [`Summary::cells`].
    pub(crate) const COLUMNS: [&'static str; 8] = [
        "index", "time", "kind", "tenant", "who", "tool", "answer", "id",
    ];

    pub(crate) fn of(record: &Record) -> Self {
        let json = record.json();
        let text = |name: &str| {
            json.get(name)
                .and_then(Value::as_str)
                .map(escaped)
                .unwrap_or_default()
        };
        let first_of = |names: &[&str]| {
            names
                .iter()
                .map(|name| text(name))
                .find(|text| !text.is_empty())
                .unwrap_or_default()
        };
        Self {
            index: record.index().to_string(),
            time: record.time().to_string(),
            kind: escaped(record.kind()),
            tenant: text("tenant"),
            who: who(&json),
            tool: called(&json),
            answer: answer(record.kind(), &json),
            id: first_of(&["decision", "token", "key", "origin", "digest"]),
        }
    }

    /// The columns.
    pub(crate) fn cells(&self) -> [&str; 8] {
        [
            &self.index,
            &self.time,
            &self.kind,
            &self.tenant,
            &self.who,
            &self.tool,
            &self.answer,
            &self.id,
        ]
    }

    /// On one line, without the columns that are empty.
    pub(crate) fn line(&self) -> String {
        let filled = self.cells().into_iter().filter(|cell| !cell.is_empty());
        filled.collect::<Vec<_>>().join("  ")
    }
}

/// The tool, and what its record shows of the arguments.
fn called(json: &Value) -> String {
    let mut text = json
        .get("tool")
        .and_then(Value::as_str)
        .map(escaped)
        .unwrap_or_default();
    let Some(args) = json.get("args").and_then(Value::as_object) else {
        return text;
    };
    let args: Vec<String> = args
        .iter()
        .map(|(name, value)| shown(name, value))
        .collect();
    text.push(' ');
    text.push_str(&shortened(&args.join(" "), ARGS_CHARS_MAX));
    text
}

/// `user:alice via agent:support-bot`, as much of it as the record has.
fn who(json: &Value) -> String {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(escaped);
    let subject = text(json.get("subject"));
    let actor = text(json.get("actor")).or_else(|| {
        // The last of the chain is the one that called.
        text(
            json.get("actors")
                .and_then(Value::as_array)
                .and_then(|actors| actors.last()),
        )
    });
    let parts: Vec<String> = [subject, actor].into_iter().flatten().collect();
    if parts.is_empty() {
        text(json.get("client")).unwrap_or_default()
    } else {
        parts.join(" via ")
    }
}

/// The word a person looks for first in a record of this kind.
fn answer(kind: &str, json: &Value) -> String {
    let text = |name: &str| json.get(name).and_then(Value::as_str).map(escaped);
    let number = |name: &str| json.get(name).and_then(Value::as_u64);
    let code = text("code");
    match kind {
        "decided" => match (text("verdict"), code) {
            (Some(verdict), Some(code)) => format!("{verdict} {code}"),
            (verdict, _) => verdict.unwrap_or_default(),
        },
        "finished" => match (text("result"), number("duration_ms")) {
            (Some(result), Some(duration)) => format!("{result} after {duration} ms"),
            (result, _) => result.unwrap_or_default(),
        },
        "minted" => text("expires")
            .map(|end| format!("until {end}"))
            .unwrap_or_default(),
        "key_created" => text("purpose").unwrap_or_default(),
        "key_changed" => json
            .pointer("/keys/0/standing")
            .and_then(Value::as_str)
            .map(escaped)
            .unwrap_or_default(),
        "root_installed" => number("version")
            .map(|version| format!("version {version}"))
            .unwrap_or_default(),
        "policy_loaded" => match json.get("changed").and_then(Value::as_bool) {
            Some(true) => "changed".to_owned(),
            _ => "as before".to_owned(),
        },
        "refused" => format!(
            "{} times {}",
            number("count").unwrap_or(0),
            code.unwrap_or_default()
        ),
        "recovered" => format!("{} bytes cut off", number("bytes").unwrap_or(0)),
        _ => code.or_else(|| text("detail")).unwrap_or_default(),
    }
}
