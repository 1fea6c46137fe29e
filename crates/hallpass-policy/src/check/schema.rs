//! The schemas of tools: inline, or in a JSON file beside the policy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hallpass_args::{Arguments, ArgumentsError, StrictError};
use serde_json::Value;
use toml::Spanned;

use super::reader::Reader;
use crate::fault::Fault;

/// The JSON files beside the policy, read.
pub(super) struct Schemas<'a> {
    /// Nothing for a file that is malformed, of which its own fault tells.
    files: BTreeMap<&'a str, Option<Arc<Value>>>,
    named: BTreeSet<&'a str>,
}

impl<'a> Schemas<'a> {
    pub(super) fn read(readers: &mut [Reader<'a>]) -> Self {
        let mut files = BTreeMap::new();
        for reader in readers {
            let file = reader.file;
            let value = if reader.check_file() {
                parse(reader)
            } else {
                None
            };
            files.insert(&*file.name, value);
        }
        Self {
            files,
            named: BTreeSet::new(),
        }
    }

    /// Files no tool names.
    pub(super) fn unnamed(&self) -> impl Iterator<Item = &'a str> {
        let names = self.files.keys().copied();
        names.filter(|name| !self.named.contains(name))
    }
}

/// A JSON object, read as strictly as the arguments of a call: no name twice, nothing that two readers read in two ways.
fn parse(reader: &mut Reader<'_>) -> Option<Arc<Value>> {
    match Arguments::parse(reader.file.text.as_bytes()) {
        Ok(object) => Some(Arc::new(Value::Object(object.members().clone()))),
        Err(error) => {
            let line = match &error {
                ArgumentsError::Strict(StrictError::Refused { line, .. }) => *line,
                _ => 1,
            };
            reader.fault_on_line(line, Fault::Schema(error.to_string()));
            None
        }
    }
}

/// The schema of a tool.
pub(super) fn of(
    reader: &mut Reader<'_>,
    written: &Spanned<toml::Value>,
    schemas: &mut Schemas<'_>,
) -> Option<Arc<Value>> {
    match written.get_ref() {
        toml::Value::String(name) => {
            let Some((known, value)) = schemas.files.get_key_value(name.as_str()) else {
                let names = schemas.files.keys().copied();
                reader.unknown(written.span(), "schema file", name, names);
                return None;
            };
            schemas.named.insert(known);
            value.clone()
        }
        table @ toml::Value::Table(_) if is_json(table) => {
            // Through text, for the same rules as a file's.
            let read = serde_json::to_vec(table)
                .map_err(|error| error.to_string())
                .and_then(|json| Arguments::parse(&json).map_err(|error| error.to_string()));
            match read {
                Ok(object) => Some(Arc::new(Value::Object(object.members().clone()))),
                Err(message) => {
                    reader.fault(written.span(), Fault::Schema(message));
                    None
                }
            }
        }
        _ => {
            reader.fault(written.span(), Fault::SchemaForm);
            None
        }
    }
}

/// Whether a value has a JSON form: a date has none, nor has a number that is none.
fn is_json(value: &toml::Value) -> bool {
    match value {
        toml::Value::Array(items) => items.iter().all(is_json),
        toml::Value::Table(members) => members.values().all(is_json),
        toml::Value::Float(number) => number.is_finite(),
        toml::Value::Datetime(_) => false,
        toml::Value::Boolean(_) | toml::Value::Integer(_) | toml::Value::String(_) => true,
    }
}
