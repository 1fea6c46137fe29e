//! The key files: there, private, of their purpose; and none that should be somewhere else.

use std::path::Path;
use std::time::Duration;

use hallpass_bundle::Root;
use hallpass_journal::KeyStanding;
use hallpass_keys::Purpose;
use hallpass_vocabulary::{Environment, Timestamp};

use super::{Finding, Verdict, chain};
use crate::keys::BY_JOURNAL;
use crate::keys::files::KeysHere;
use crate::roots::check_keys;
use crate::{keys, layout};

/// A key that is published for so long and does not sign: somebody began a rotation and did not go on with it.
const PREPARED_LONG: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn examine(
    directory: &Path,
    kept_at: &Path,
    root: Option<&Root>,
    environment: &Environment,
    now: Timestamp,
) -> Vec<Finding> {
    let subject = "keys";
    let mut findings = Vec::new();
    match keys::open::look(directory, environment) {
        Ok(here) => {
            let detail = format!("{} key files, readable by their owner only", here.len());
            findings.push(Finding::new(subject, Verdict::Good, detail));
            findings.extend(standings(&here, directory, kept_at, environment, now));
            let signers = root.map(|root| check_keys(root, &here));
            if let Some(Err(error)) = signers {
                findings.push(Finding::new(subject, Verdict::Bad, chain(&error)));
            }
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

/// Keys that should sign and are not here, and rotations nobody goes on with.
fn standings(
    here: &KeysHere,
    directory: &Path,
    kept_at: &Path,
    environment: &Environment,
    now: Timestamp,
) -> Vec<Finding> {
    let subject = "keys";
    let book = match keys::open::kept(here, directory, kept_at, environment) {
        Ok(book) => book,
        Err(error) => return vec![Finding::new(subject, Verdict::Bad, chain(&error))],
    };
    let prepared = BY_JOURNAL
        .into_iter()
        .flat_map(|purpose| book.standing(purpose, KeyStanding::Prepared));
    prepared
        .filter(|life| now.since(life.stands_since()) > PREPARED_LONG)
        .map(|life| {
            let (purpose, since) = (life.purpose, life.stands_since());
            let detail = format!("a {purpose} key is published since {since} and does not sign");
            Finding::new(subject, Verdict::Caution, detail).hint(format!(
                "`hallpass keys rotate {purpose}` goes on; `hallpass keys retire` gives it up"
            ))
        })
        .collect()
}
