//! The key files: there, private, of their purpose; and none that should be somewhere else.

use std::path::Path;

use hallpass_keys::Purpose;
use hallpass_keys::key_file::read_key_file;
use hallpass_vocabulary::Environment;

use super::{Finding, Verdict, chain};
use crate::layout;

/// The keys an authority signs with.
const NEEDED: [Purpose; 4] = [
    Purpose::Approval,
    Purpose::Bundle,
    Purpose::Heartbeat,
    Purpose::Run,
];

pub(super) fn examine(directory: &Path, environment: &Environment) -> Vec<Finding> {
    let subject = "keys";
    let mut findings = Vec::new();
    for purpose in NEEDED {
        let path = layout::key_file(directory, purpose);
        if let Err(error) = read_key_file(&path, purpose, environment) {
            findings.push(Finding::new(subject, Verdict::Bad, chain(&error)));
        }
    }
    if findings.is_empty() {
        let detail = format!("{} key files, readable by their owner only", NEEDED.len());
        findings.push(Finding::new(subject, Verdict::Good, detail));
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
