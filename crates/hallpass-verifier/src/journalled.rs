//! Which arguments of a call its record shows.

use std::collections::BTreeMap;

use hallpass_args::{Arguments, Resolve as _};
use hallpass_journal::{Decided, SensitiveKey};
use hallpass_vocabulary::{Pointer, Pointers, Tool, ToolName};

/// The arguments of its tools that a service lets records show, and those it calls sensitive; the catalogue may name more
/// of either. What neither names is in the digest of all arguments only.
///
/// An argument is never shown where the service or the catalogue calls it sensitive, or anything in it or around it:
/// names are compared without regard to case, and one array index stands for every other.
///
/// ```
/// use hallpass_verifier::JournalledArguments;
/// use hallpass_vocabulary::Pointers;
///
/// let close = "ticket.close".parse()?;
/// let journalled = JournalledArguments::none()
///     .recorded(&close, Pointers::new(["/ticket".parse()?])?)
///     .sensitive(&close, Pointers::new(["/iban".parse()?])?);
/// assert_ne!(journalled, JournalledArguments::none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JournalledArguments(BTreeMap<ToolName, Named>);

/// The arguments of one tool that are named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Named {
    recorded: Pointers,
    sensitive: Pointers,
}

impl JournalledArguments {
    /// None but those the catalogue names.
    pub fn none() -> Self {
        Self::default()
    }

    /// Shows these arguments of a tool, and no others that were named so before.
    #[must_use]
    pub fn recorded(mut self, tool: &ToolName, recorded: Pointers) -> Self {
        self.0.entry(tool.clone()).or_default().recorded = recorded;
        self
    }

    /// Keeps digests of these arguments of a tool under a key that is erased with time, and of no others that were named so
    /// before.
    #[must_use]
    pub fn sensitive(mut self, tool: &ToolName, sensitive: Pointers) -> Self {
        self.0.entry(tool.clone()).or_default().sensitive = sensitive;
        self
    }

    /// What records of a tool's calls show; none for a tool of which nothing is named.
    pub(crate) fn plan(&self, tool: &Tool) -> Option<Box<Plan>> {
        let here = self.0.get(&tool.name);
        if here.is_none() && tool.recorded.is_empty() && tool.sensitive.is_empty() {
            return None;
        }
        let (recorded, sensitive) = here.map_or_else(Default::default, |here| {
            (here.recorded.clone(), here.sensitive.clone())
        });
        let mut plan = Plan::default();
        for pointer in sensitive.iter().chain(tool.sensitive.iter()) {
            if !plan.sensitive.contains(pointer) {
                plan.sensitive.push(pointer.clone());
            }
        }
        for pointer in recorded.iter().chain(tool.recorded.iter()) {
            let is_sensitive = plan.sensitive.contains(pointer);
            if is_sensitive || plan.shown.contains(pointer) || plan.omitted.contains(pointer) {
                continue;
            }
            let hidden = plan.sensitive.iter().any(|other| other.overlaps(pointer));
            let list = if hidden {
                &mut plan.omitted
            } else {
                &mut plan.shown
            };
            list.push(pointer.clone());
        }
        Some(Box::new(plan))
    }
}

/// What becomes of the named arguments of one tool.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Their values are recorded.
    shown: Vec<Pointer>,
    /// To be recorded, and there is a sensitive one around them or in them.
    omitted: Vec<Pointer>,
    /// Their digests are recorded.
    sensitive: Vec<Pointer>,
}

impl Plan {
    /// Whether any argument is sensitive: the digest of all of them then is too.
    pub(crate) fn has_sensitive(&self) -> bool {
        !self.sensitive.is_empty()
    }

    /// Puts what is to be kept of a call's arguments into its record; without a key, nothing of the sensitive ones.
    pub(crate) fn record(
        &self,
        arguments: &Arguments,
        key: Option<&SensitiveKey>,
        record: &mut Decided,
    ) {
        let members = arguments.members();
        if let Some(key) = key {
            for pointer in &self.sensitive {
                if let Some(value) = pointer.resolve(members) {
                    record.record_sensitive_arg(key, pointer, &Arguments::canonical_value(value));
                }
            }
        }
        for pointer in &self.shown {
            if let Some(value) = pointer.resolve(members) {
                record.record_arg(pointer, value);
            }
        }
        for pointer in &self.omitted {
            if pointer.resolve(members).is_some() {
                record.omit_arg(pointer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hallpass_vocabulary::{DecisionId, Impact, RequestId, Timestamp};
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    use super::*;

    fn pointers(list: &[&str]) -> Pointers {
        Pointers::new(list.iter().map(|text| text.parse().unwrap())).unwrap()
    }

    fn plan(here: [&[&str]; 2], catalogue: [&[&str]; 2]) -> Option<[Vec<String>; 3]> {
        let name: ToolName = "ticket.close".parse().unwrap();
        let journalled = JournalledArguments::none()
            .recorded(&name, pointers(here[0]))
            .sensitive(&name, pointers(here[1]));
        let mut tool = Tool::new(name, "tickets".parse().unwrap(), Impact::Write);
        tool.recorded = pointers(catalogue[0]);
        tool.sensitive = pointers(catalogue[1]);
        let texts = |list: &[Pointer]| list.iter().map(ToString::to_string).collect();
        let plan = journalled.plan(&tool)?;
        Some([
            texts(&plan.shown),
            texts(&plan.omitted),
            texts(&plan.sensitive),
        ])
    }

    #[test]
    fn service_and_catalogue_both_name_and_what_is_sensitive_in_either_is_not_shown() {
        let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        assert_eq!(
            plan(
                [&["/a", "/c", "/d"], &["/s"]],
                [&["/b", "/a", "/S/x"], &["/c", "/D/e", "/s"]]
            ),
            Some([
                texts(&["/a", "/b"]),
                texts(&["/d", "/S/x"]),
                texts(&["/s", "/c", "/D/e"])
            ])
        );
    }

    #[test]
    fn a_tool_of_which_nothing_is_named_has_no_plan() {
        let journalled =
            JournalledArguments::none().recorded(&"a.b".parse().unwrap(), pointers(&["/x"]));
        let tool = Tool::new(
            "ticket.close".parse().unwrap(),
            "tickets".parse().unwrap(),
            Impact::Write,
        );
        assert!(journalled.plan(&tool).is_none());
    }

    /// Few names, some of them one another's in another case, so that pointers hit.
    fn name() -> impl Strategy<Value = String> {
        prop::sample::select(vec!["a", "A", "b", "0", "1", "k", "\u{212a}", "x/y", "x~y"])
            .prop_map(str::to_owned)
    }

    fn document() -> impl Strategy<Value = Value> {
        let leaf = Just(Value::Null);
        leaf.prop_recursive(4, 40, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map(name(), inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    fn pointer() -> impl Strategy<Value = Pointer> {
        prop::collection::vec(name(), 1..4).prop_map(|names| {
            let names = names
                .iter()
                .map(|name| name.replace('~', "~0").replace('/', "~1"));
            let text: String = names.map(|name| format!("/{name}")).collect();
            text.parse().unwrap()
        })
    }

    fn list() -> impl Strategy<Value = Pointers> {
        prop::collection::hash_set(pointer(), 0..4).prop_map(|list| Pointers::new(list).unwrap())
    }

    /// Puts a text of its own into each leaf; gives those that no record may show, found without pointers.
    fn mark(
        value: &mut Value,
        path: &mut Vec<String>,
        hidden: &[Pointer],
        marks: &mut Vec<(String, bool)>,
    ) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    path.push(name.clone());
                    mark(value, path, hidden, marks);
                    path.pop();
                }
            }
            Value::Array(items) => {
                for (index, value) in items.iter_mut().enumerate() {
                    path.push(index.to_string());
                    mark(value, path, hidden, marks);
                    path.pop();
                }
            }
            leaf => {
                let text = format!("<{}>", marks.len());
                let same = |one: &str, other: &str| {
                    let digits = |name: &str| name.parse::<u8>().is_ok();
                    one.to_lowercase() == other.to_lowercase() || (digits(one) && digits(other))
                };
                let is_hidden = hidden.iter().any(|pointer| {
                    let names: Vec<_> = pointer.names().collect();
                    let within = names.len() <= path.len();
                    within
                        && names
                            .iter()
                            .zip(&*path)
                            .all(|(name, step)| same(name, step))
                });
                marks.push((text.clone(), is_hidden));
                *leaf = Value::String(text);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]
        #[test]
        fn no_part_of_a_sensitive_argument_is_shown_whatever_is_asked_for(
            members in prop::collection::hash_map(name(), document(), 0..5),
            (here, there) in ((list(), list()), (list(), list())),
        ) {
            let name: ToolName = "ticket.close".parse().unwrap();
            let mut tool = Tool::new(name.clone(), "tickets".parse().unwrap(), Impact::Write);
            (tool.recorded, tool.sensitive) = there.clone();
            let hidden: Vec<Pointer> = here.1.iter().chain(there.1.iter()).cloned().collect();
            let mut arguments = Value::Object(members.into_iter().collect::<Map<_, _>>());
            let mut marks = Vec::new();
            mark(&mut arguments, &mut Vec::new(), &hidden, &mut marks);
            let arguments = Arguments::parse(arguments.to_string().as_bytes()).unwrap();
            let journalled = JournalledArguments::none().recorded(&name, here.0).sensitive(&name, here.1);
            let now = Timestamp::from_unix_ms(0);
            let mut record = Decided::allow(
                DecisionId::new(now, [0; 10]),
                RequestId::new(now, [0; 10]),
                "dev".parse().unwrap(),
                "tickets".parse().unwrap(),
            );
            if let Some(plan) = journalled.plan(&tool) {
                plan.record(&arguments, None, &mut record);
            }
            let shown = serde_json::to_string(&record).unwrap();
            for (text, is_hidden) in marks {
                prop_assert!(!is_hidden || !shown.contains(&text), "{} in {}", text, shown);
            }
        }
    }
}
