//! The key files: there, private, of their purpose; and none that should be somewhere else.

use std::path::Path;

use hallpass_keys::Purpose;
use hallpass_vocabulary::Environment;

use super::{Finding, Verdict, chain};
use crate::{keys, layout};

pub(super) fn examine(directory: &Path, environment: &Environment) -> Vec<Finding> {
    let subject = "keys";
    let mut findings = Vec::new();
    match keys::open::look(directory, environment) {
        Ok(here) => {
            let detail = format!("{} key files, readable by their owner only", here.len());
            findings.push(Finding::new(subject, Verdict::Good, detail));
        }
        Err(error) => findings.push(Finding::new(subject, Verdict::Bad, chain(&error))),
    }
    for (purpose, detail, hint) in [
        (
            Purpose::Root,
            "the root key is on this machine",
            "move it to a medium that is kept apart: it is needed only to replace the other keys",
        ),
        (
            Purpose::Operator,
            "the first operator's key is on this machine",
            "hand it to its owner and remove it here",
        ),
    ] {
        let path = layout::key_file(directory, purpose);
        if path.exists() {
            findings.push(
                Finding::new(subject, Verdict::Caution, detail)
                    .hint(format!("{hint} (`{}`)", path.display())),
            );
        }
    }
    findings
}
