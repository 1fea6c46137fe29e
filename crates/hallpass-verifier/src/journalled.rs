//! Which arguments of a call its record shows.

use std::collections::BTreeMap;

use hallpass_args::{Arguments, Resolve as _};
use hallpass_journal::{Decided, Journal};
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
    /// Puts what is to be kept of a call's arguments into its record.
    pub(crate) fn record(&self, arguments: &Arguments, journal: &Journal, record: &mut Decided) {
        let members = arguments.members();
        if !self.sensitive.is_empty() {
            // One key for all of the record, whatever segment it lands in.
            let key = journal.sensitive_key();
            record.record_sensitive_args_digest(&key, arguments.canonical());
            for pointer in &self.sensitive {
                if let Some(value) = pointer.resolve(members) {
                    record.record_sensitive_arg(&key, pointer, &Arguments::canonical_value(value));
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
    use hallpass_vocabulary::Impact;

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
}
