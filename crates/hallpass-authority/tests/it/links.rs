//! Linked services, as `hallpass-client` links them: whole processes of it in one, with journals of their own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hallpass_authority::{Authority, BackupKeys, backup};
use hallpass_bundle::{Snapshots, TrustRoot};
use hallpass_client::{BaseUrl, LinkConfig, LinkStatus, Present, VerifierLink, set_aside_refused};
use hallpass_journal::{Abandoned, Durability, Event, Journal, JournalName, Settings, shipping};
use hallpass_vocabulary::{Clock, DecisionId, SystemClock};

use crate::fixture::{Home, Running, SOON, records};
use crate::signing::enrol;
use crate::verifier::{copy, invite};

/// A service with its state directory, while it runs.
struct Linked {
    state: PathBuf,
    journal: Journal,
    link: VerifierLink,
}

fn trust_root(home: &Home) -> TrustRoot {
    let text = std::fs::read_to_string(home.path("trust-root.txt")).unwrap();
    text.parse().unwrap()
}

fn open(state: &Path) -> Journal {
    std::fs::create_dir_all(state).unwrap();
    let name = JournalName::new("tickets").unwrap();
    let settings = Settings::new("dev".parse().unwrap(), name, Arc::new(SystemClock));
    let settings = settings.prune_acknowledged_only();
    Journal::open(&state.join("journal"), settings).unwrap()
}

impl Linked {
    fn start(home: &Home, running: &Running, state: &Path, code: Option<String>) -> Self {
        set_aside_refused(state, &state.join("journal")).unwrap();
        let journal = open(state);
        let base = BaseUrl::new(&running.url("")).unwrap();
        let audience = "tickets".parse().unwrap();
        let mut config = LinkConfig::new(base, trust_root(home), audience, state.to_owned());
        config.code = code;
        config.interval = Duration::from_millis(50);
        let clock: Arc<dyn Clock> = home.clock.clone();
        let snapshots = Arc::new(Snapshots::empty());
        let link = VerifierLink::start(config, journal.clone(), snapshots, clock, Present::default);
        Self {
            state: state.to_owned(),
            journal,
            link: link.unwrap(),
        }
    }

    fn write(&self, records: u8) {
        for n in 0..records {
            let decision = DecisionId::new(SystemClock.now(), [n; 10]);
            let event = Event::Abandoned(Abandoned { decision });
            let appended = self.journal.append(&event, Durability::Durable);
            appended.wait(SOON).unwrap();
        }
    }

    fn dir(&self) -> PathBuf {
        self.state.join("journal")
    }

    fn origin(&self) -> String {
        self.journal.origin().rsplit_once('/').unwrap().1.to_owned()
    }

    async fn until(&mut self, wanted: impl Fn(&LinkStatus) -> bool) -> LinkStatus {
        let until = async {
            loop {
                let status = self.link.next_status().await;
                if wanted(&status) {
                    return status;
                }
            }
        };
        match tokio::time::timeout(SOON, until).await {
            Ok(status) => status,
            Err(_) => panic!("{:?}", self.link.status()),
        }
    }

    /// Until everything that is signed now is at the authority.
    async fn until_shipped(&mut self) -> u64 {
        let written = self.journal.status().written;
        self.until(|status| status.acknowledged >= written)
            .await
            .acknowledged
    }

    /// Stops as a service does, and says how many records there are.
    async fn stop(self) -> u64 {
        let journal = self.journal.clone();
        tokio::task::spawn_blocking(move || journal.close())
            .await
            .unwrap()
            .unwrap();
        let size = self.journal.status().written;
        self.link.finish(SOON).await;
        size
    }
}

fn lines(dir: &Path) -> Vec<serde_json::Value> {
    records(dir)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_with_a_code_becomes_known_and_its_journal_arrives_whole() {
    let home = Home::new();
    enrol(&home);
    let running = home.serve().await;
    let directory = tempfile::tempdir().unwrap();
    let code = invite(&home, &running).await;
    let mut service = Linked::start(&home, &running, directory.path(), Some(code));
    service.write(20);
    service.until_shipped().await;
    service.write(20);
    let origin = service.origin();
    let dir = service.dir();
    let size = service.stop().await;
    // The last record is there: the journal was closed before the last report.
    let copy = home.path("verifiers").join(&origin);
    assert_eq!(lines(&copy), lines(&dir));
    assert_eq!(lines(&copy).len() as u64, size);

    // Started again it needs no code.
    let mut service = Linked::start(&home, &running, directory.path(), None);
    service.until_shipped().await;
    assert_eq!(service.origin(), origin);
    service.stop().await;
    running.stop().await;
    assert_eq!(home.records_of("verifier_enrolled").len(), 1);
    assert!(home.records_of("checkpoint_refused").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_state_goes_on_under_another_name() {
    let home = Home::new();
    enrol(&home);
    let running = home.serve().await;
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("state");
    let code = invite(&home, &running).await;
    let mut service = Linked::start(&home, &running, &state, Some(code));
    service.write(5);
    service.until_shipped().await;
    let old = service.origin();
    service.stop().await;
    let backup = directory.path().join("backup");
    std::fs::create_dir_all(backup.join("journal")).unwrap();
    copy(&state.join("journal"), &backup.join("journal"));
    for name in ["verifier.key", "verifier.json", "witnessed.json"] {
        std::fs::copy(state.join(name), backup.join(name)).unwrap();
    }
    let mut service = Linked::start(&home, &running, &state, None);
    service.write(9);
    service.until_shipped().await;
    service.stop().await;

    // The backup is put back, and written to.
    let mut older = Linked::start(&home, &running, &backup, None);
    older.write(1);
    let status = older.until(|status| status.refused).await;
    assert!(status.enrolled);
    older.stop().await;
    let mut next = Linked::start(&home, &running, &backup, None);
    next.write(3);
    next.until_shipped().await;
    assert_ne!(next.origin(), old);
    let origin = next.origin();
    next.stop().await;
    // The journal that was set aside is there.
    assert!(backup.join(format!("journal.{old}")).is_dir());
    running.stop().await;
    let enrolled = home.records_of("verifier_enrolled");
    assert_eq!(enrolled.len(), 2);
    assert_eq!(enrolled[1]["origin"], origin);
    assert_eq!(enrolled[1]["predecessor"], old);
    assert_eq!(home.records_of("checkpoint_refused").len(), 1);
}

/// The authority dies, and comes back from a backup that knows less than the verifiers.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_regresses_when_the_authority_is_put_back_from_a_backup() {
    const SERVICES: usize = 4;
    let home = Home::new();
    enrol(&home);
    let running = home.serve().await;
    let directories: Vec<_> = (0..SERVICES)
        .map(|_| tempfile::tempdir().unwrap())
        .collect();
    let mut services = Vec::new();
    for directory in &directories {
        let code = invite(&home, &running).await;
        services.push(Linked::start(&home, &running, directory.path(), Some(code)));
    }
    for service in &mut services {
        service.write(10);
        service.until_shipped().await;
    }
    let place = tempfile::tempdir().unwrap();
    let copied = place.path().join("backup");
    backup(&home.directory, &copied, BackupKeys::Included).unwrap();
    for service in &mut services {
        service.write(10);
        service.until_shipped().await;
    }
    let mut sizes = Vec::new();
    for service in services {
        sizes.push(service.stop().await);
    }
    running.stop().await;

    // What was there is gone; the copy takes its place.
    let authority = Authority::open(&copied, home.clock.clone()).unwrap();
    let secret = home.report.client_secret.expose();
    let running = Running::start(authority, home.report.client.as_str(), secret).await;
    for (directory, size) in directories.iter().zip(sizes) {
        let mut service = Linked::start(&home, &running, directory.path(), None);
        service.write(1);
        let shipped = service.until_shipped().await;
        assert!(shipped > size);
        let (origin, dir) = (service.origin(), service.dir());
        service.stop().await;
        let kept = copied.join("verifiers").join(&origin);
        assert_eq!(lines(&kept), lines(&dir));
        let key = shipping::published_key(&kept).unwrap();
        hallpass_journal::verify::verify(&kept, Some(*key.key())).unwrap();
    }
    running.stop().await;
    let refused = records(&copied.join("journal"));
    assert!(refused.iter().all(|it| it["kind"] != "checkpoint_refused"));
}
