//! Which arguments of a call somebody asks for, and looking for them in records.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context as _;
use hallpass_args::{ARGUMENTS_BYTES_MAX, Arguments};
use hallpass_journal::read::Record;
use hallpass_journal::{Decided, Event, SensitiveKey};
use hallpass_vocabulary::{InvalidPointer, Pointer};
use serde_json::Value;

use super::read_at_most;
use crate::output::Output;

/// An argument and its value, as `/pointer=value`. `Debug` hides the value: it may be sensitive.
#[derive(Clone)]
pub(crate) struct WantedArgument {
    pointer: Pointer,
    value: WantedValue,
}

#[derive(Clone)]
enum WantedValue {
    File(PathBuf),
    Text(String),
}

/// Text that is no argument and value.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum InvalidWantedArgument {
    #[error("expected a pointer, `=` and a value, such as `/ticket=T-1`")]
    NoValue,
    #[error(transparent)]
    Pointer(#[from] InvalidPointer),
}

impl FromStr for WantedArgument {
    type Err = InvalidWantedArgument;

    fn from_str(text: &str) -> Result<Self, InvalidWantedArgument> {
        let (pointer, value) = text.split_once('=').ok_or(InvalidWantedArgument::NoValue)?;
        Ok(Self {
            pointer: pointer.parse()?,
            value: match value.strip_prefix('@') {
                Some(path) => WantedValue::File(path.into()),
                None => WantedValue::Text(value.to_owned()),
            },
        })
    }
}

impl fmt::Debug for WantedArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WantedArgument")
            .field("pointer", &self.pointer)
            .finish_non_exhaustive()
    }
}

impl WantedArgument {
    /// What the value may be, each in RFC 8785 form: the JSON it is, if it is any, and the text itself.
    fn canonical(&self) -> anyhow::Result<Vec<Vec<u8>>> {
        let text = match &self.value {
            WantedValue::Text(text) => text.clone(),
            WantedValue::File(path) => read(path)
                .with_context(|| format!("cannot read the value from `{}`", path.display()))?,
        };
        let json = serde_json::from_str::<Value>(&text).ok();
        let values = json.into_iter().chain([Value::String(text)]);
        Ok(values
            .map(|value| Arguments::canonical_value(&value))
            .collect())
    }
}

/// The text of a file without its last line end.
fn read(path: &Path) -> anyhow::Result<String> {
    let bytes = read_at_most(path, ARGUMENTS_BYTES_MAX as u64)
        .context("it cannot be read, or is larger than the arguments of a call")?;
    let text = String::from_utf8(bytes)?;
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
}

/// Looks for arguments in the records of one journal. Those that are sensitive are compared through the journal's keys,
/// where they can be read and are not erased.
pub(crate) struct ArgumentSearch {
    dir: PathBuf,
    wanted: Vec<(Pointer, Vec<Vec<u8>>)>,
    /// Keys by number; none for one that is not there.
    keys: HashMap<u64, Option<SensitiveKey>>,
    /// Records whose key is not there.
    not_compared: u64,
}

impl ArgumentSearch {
    pub(crate) fn new(dir: &Path, wanted: &[WantedArgument]) -> anyhow::Result<Self> {
        let wanted = wanted
            .iter()
            .map(|wanted| Ok((wanted.pointer.clone(), wanted.canonical()?)))
            .collect::<anyhow::Result<_>>()?;
        Ok(Self {
            dir: dir.to_owned(),
            wanted,
            keys: HashMap::new(),
            not_compared: 0,
        })
    }

    /// Whether a record is of a call with every argument that is looked for.
    pub(crate) fn matches(&mut self, record: &Record) -> bool {
        if self.wanted.is_empty() {
            return true;
        }
        if record.kind() != "decided" {
            return false;
        }
        let Ok(Event::Decided(decided)) = record.event() else {
            return false;
        };
        let shown = self.wanted.iter().all(|(pointer, values)| {
            let value = decided.args.get(pointer).map(Arguments::canonical_value);
            value.map_or(decided.sensitive_args.contains_key(pointer), |value| {
                values.contains(&value)
            })
        });
        shown && self.sensitive_match(&decided)
    }

    /// The same for the sensitive ones.
    fn sensitive_match(&mut self, decided: &Decided) -> bool {
        let Self {
            dir,
            wanted,
            keys,
            not_compared,
        } = self;
        let mut sensitive = wanted
            .iter()
            .filter_map(|(pointer, values)| {
                Some((pointer, values, decided.sensitive_args.get(pointer)?))
            })
            .peekable();
        if sensitive.peek().is_none() {
            return true;
        }
        let key = decided.sensitive_key.and_then(|number| {
            let key = keys
                .entry(number)
                .or_insert_with(|| SensitiveKey::read(dir, number).ok().flatten());
            key.as_ref()
        });
        let Some(key) = key else {
            *not_compared = not_compared.saturating_add(1);
            return false;
        };
        sensitive.all(|(pointer, values, digest)| {
            values
                .iter()
                .any(|value| key.digest(decided.decision, pointer, value) == *digest)
        })
    }

    /// Says how much could not be compared.
    pub(crate) fn report(&self, output: &mut Output) {
        if self.not_compared > 0 {
            output.note(&format!(
                "{} records were not compared: the key of their sensitive arguments is erased or cannot be read",
                self.not_compared
            ));
        }
    }
}

/// Recorded arguments on one line, harmless on a terminal: `/ticket="T-1" /page/size=10`.
pub(crate) fn shown(pointer: &str, value: &Value) -> String {
    let pointer = crate::words::escaped(pointer);
    let value = crate::words::harmless_json(&value.to_string());
    format!("{pointer}={value}")
}
