//! A verifier that has not heard of its authority yet: enough for everything that comes before a token is read.

use std::sync::Arc;

use hallpass_axum::{Guarded, ToolFailure};
use hallpass_bundle::Snapshots;
use hallpass_journal::{Journal, JournalName, Settings};
use hallpass_testkit::{FixedClock, TempDir};
use hallpass_verifier::{Disclosure, JournalledArguments, ServicePolicy, Setup, Tenancy, Verifier};
use hallpass_vocabulary::Timestamp;
use serde_json::{Value, json};

pub struct World {
    pub verifier: Verifier,
    _directory: TempDir,
}

impl World {
    pub fn new() -> Self {
        let directory = hallpass_testkit::temp_dir();
        let clock = Arc::new(FixedClock::at(Timestamp::from_unix_seconds(1_795_253_410)));
        let name = JournalName::new("tickets").unwrap();
        let settings = Settings::new("dev".parse().unwrap(), name, clock.clone());
        let verifier = Verifier::new(Setup {
            audience: "tickets".parse().unwrap(),
            environment: "dev".parse().unwrap(),
            tenancy: Tenancy::Many,
            policy: ServicePolicy::none(),
            journalled: JournalledArguments::none(),
            disclosure: Disclosure::Code,
            profile: hallpass_verifier::Profile::Standard,
            spend: hallpass_verifier::Spend::ThisJournal,
            recording: hallpass_verifier::Recording::standard(),
            journal: Journal::open(directory.path(), settings).unwrap(),
            snapshots: Arc::new(Snapshots::empty()),
            clock,
        });
        Self {
            verifier,
            _directory: directory,
        }
    }
}

pub async fn nothing(_: Guarded) -> Result<Value, ToolFailure> {
    Ok(json!({}))
}
