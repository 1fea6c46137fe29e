//! Verifiers that an authority knows, and whose journals are not here.

use std::collections::{BTreeMap, HashSet};

use hallpass_journal::{VerifierEnrolled, VerifierRetired};

use crate::finding::{Finding, FindingKind, Findings};

/// Those enrolled and not retired, by the last part of their journals' names, each with the whole name and its service.
#[derive(Debug, Default)]
pub(super) struct Fleet(BTreeMap<String, (String, String)>);

impl Fleet {
    pub(super) fn enrolled(&mut self, enrolled: &VerifierEnrolled) {
        let journal = enrolled.journal.as_str();
        // A vkey starts with its name.
        let name = journal.split('+').next().unwrap_or(journal);
        let about = (name.to_owned(), enrolled.audience.to_string());
        self.0.insert(enrolled.origin.as_str().to_owned(), about);
    }

    pub(super) fn retired(&mut self, retired: &VerifierRetired) {
        self.0.remove(retired.origin.as_str());
    }

    /// One finding for each journal that was not given.
    pub(super) fn missing(self, given: &[String], findings: &mut Findings) {
        let given: HashSet<&str> = given.iter().map(String::as_str).collect();
        for (name, audience) in self.0.into_values() {
            if !given.contains(name.as_str()) {
                let words = format!("of `{audience}`");
                findings.add(Finding::of(FindingKind::JournalMissing, &name, words));
            }
        }
    }
}
