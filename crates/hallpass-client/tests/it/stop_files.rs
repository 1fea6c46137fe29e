//! Files beside a service that stop it.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hallpass_bundle::{
    Restricted, Restrictions, SignedStop, SignedStopError, Snapshots, Standing, Stop,
};
use hallpass_client::{
    BundleSource, BundleSourceConfig, Halt, SIGNED_STOPS_MAX, STOP_FILE_NAME, StopFiles,
};
use hallpass_keys::SigningKey;
use hallpass_vocabulary::{Environment, RunId, StopId, TokenId};

use crate::authority::{Authority, Hand, NOW, later, operator_key, reader_key};
use crate::bundles::until;
use crate::live::{Events, Live};
use crate::pushing::{stop_of, stopping};
use crate::server::{self, Server};

/// A service that runs, with its state directory.
struct Service {
    directory: tempfile::TempDir,
    authority: Authority,
    source: BundleSource,
    snapshots: Arc<Snapshots>,
}

impl Service {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let authority = Authority::new(1);
        let server = Server::start(200, authority.published(NOW, NOW)).await;
        let config = authority.source(&server.base);
        Self::over(directory, authority, config).await
    }

    async fn over(
        directory: tempfile::TempDir,
        authority: Authority,
        config: BundleSourceConfig,
    ) -> Self {
        let mut config = config.with_state_directory(directory.path().to_owned());
        config.interval = Duration::from_secs(3_600);
        let source = BundleSource::start(config, Hand::at(NOW)).await.unwrap();
        let snapshots = source.snapshots();
        Self {
            directory,
            authority,
            source,
            snapshots,
        }
    }

    /// The next process in the same directory, without an authority.
    async fn restarted(self) -> Self {
        let Self {
            directory,
            authority,
            source,
            ..
        } = self;
        drop(source);
        let config = authority.source(&server::nobody().await);
        Self::over(directory, authority, config).await
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    fn is_halted(&self) -> bool {
        self.snapshots
            .with_local(|local| local.is_some_and(hallpass_bundle::LocalStops::is_halted))
    }

    /// Which stop a call of a tenant runs into.
    fn stopped(&self, tenant: &str) -> Option<StopId> {
        let (tenant, environment) = (tenant.parse().unwrap(), "prod".parse().unwrap());
        let call = Standing {
            token: TokenId::new(NOW, [1; 10]),
            run: RunId::new(NOW, [2; 10]),
            issued: NOW,
            tenant: &tenant,
            subject: &"user:alice".parse().unwrap(),
            actors: &["agent:support-bot".parse().unwrap()],
            client: &"orchestrator".parse().unwrap(),
            route: &"/support/draft".parse().unwrap(),
            environment: &environment,
            audience: &"tickets".parse().unwrap(),
            tool: &"kb.search".parse().unwrap(),
        };
        let local = self
            .snapshots
            .with_local(|local| local.and_then(|local| local.restriction(&call, later(1))));
        match local {
            Some(Restricted::Stopped { id }) => Some(id),
            None => None,
            other => panic!("{other:?}"),
        }
    }

    fn files(&self) -> StopFiles {
        self.source.status().stop_files
    }

    fn drop_stop(&self, name: &str, stop: &Stop, key: &SigningKey) {
        fs::write(self.path(name), self.signed(stop, "prod", key)).unwrap();
    }

    fn signed(&self, stop: &Stop, environment: &str, key: &SigningKey) -> Vec<u8> {
        let environment = Environment::new(environment).unwrap();
        SignedStop::sign(stop, self.authority.root.authority(), &environment, key)
            .unwrap()
            .to_json()
    }
}

/// Waits for something, and says how long it took.
async fn within(what: &str, is: impl Fn() -> bool) -> Duration {
    let started = Instant::now();
    while !is() {
        assert!(started.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    started.elapsed()
}

#[tokio::test]
async fn a_file_named_stop_denies_everything_within_a_second_and_its_removal_ends_that() {
    let service = Service::start().await;
    assert!(!service.is_halted());
    for _ in 0..3 {
        fs::write(service.path(STOP_FILE_NAME), "").unwrap();
        let took = within("halt", || service.is_halted()).await;
        assert!(took < Duration::from_secs(1), "{took:?}");
        assert_eq!(service.files().halt, Some(Halt::StopFile));
        fs::remove_file(service.path(STOP_FILE_NAME)).unwrap();
        within("resume", || !service.is_halted()).await;
        assert_eq!(service.files(), StopFiles::default());
    }
    // Whatever it is that has the name.
    fs::create_dir(service.path(STOP_FILE_NAME)).unwrap();
    within("directory", || service.is_halted()).await;
    fs::remove_dir(service.path(STOP_FILE_NAME)).unwrap();
    within("resume", || !service.is_halted()).await;
    #[cfg(unix)]
    std::os::unix::fs::symlink("/nowhere", service.path(STOP_FILE_NAME)).unwrap();
    within("dangling link", || service.is_halted()).await;
}

#[tokio::test]
async fn a_service_that_starts_beside_a_stop_file_never_allows_anything() {
    let service = Service::start().await;
    fs::write(service.path(STOP_FILE_NAME), "").unwrap();
    let service = service.restarted().await;
    assert!(service.is_halted());
    assert!(service.snapshots.load().is_some());
}

#[tokio::test]
async fn a_directory_that_cannot_be_looked_at_is_a_stop() {
    let service = Service::start().await;
    let away = service.directory.path().with_extension("away");
    fs::rename(service.directory.path(), &away).unwrap();
    within("gone", || service.is_halted()).await;
    assert!(matches!(
        service.files().halt,
        Some(Halt::Unreadable { .. })
    ));
    fs::rename(&away, service.directory.path()).unwrap();
    within("back", || !service.is_halted()).await;
    // A stop file that nobody can read may be one that counts.
    fs::create_dir(service.path("x.stop")).unwrap();
    within("unreadable", || service.is_halted()).await;
    fs::remove_dir(service.path("x.stop")).unwrap();
    within("readable", || !service.is_halted()).await;
    for number in 0..=SIGNED_STOPS_MAX {
        fs::write(service.path(&format!("{number}.stop")), "x").unwrap();
    }
    within("too many", || service.files().halt == Some(Halt::TooMany)).await;
}

#[tokio::test]
async fn a_stop_that_an_operator_has_signed_is_obeyed_without_the_authority_until_its_file_is_gone()
{
    let service = Service::start().await.restarted().await;
    let stop = stop_of("tenant:acme", NOW);
    service.drop_stop("acme.stop", &stop, &operator_key());
    let took = within("signed stop", || service.stopped("acme").is_some()).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(service.stopped("acme"), Some(stop.id));
    assert_eq!(service.stopped("globex"), None);
    assert!(!service.is_halted());
    let files = service.files();
    assert_eq!(files.in_force["acme.stop"].operator.as_str(), "op:dana");
    // Also after a restart, and beside a halt.
    let service = service.restarted().await;
    assert_eq!(service.stopped("acme"), Some(stop.id));
    fs::write(service.path(STOP_FILE_NAME), "").unwrap();
    within("halt", || service.is_halted()).await;
    assert_eq!(service.stopped("acme"), Some(stop.id));
    fs::remove_file(service.path(STOP_FILE_NAME)).unwrap();
    within("resume", || !service.is_halted()).await;
    fs::remove_file(service.path("acme.stop")).unwrap();
    within("lifted", || service.stopped("acme").is_none()).await;
}

#[tokio::test]
async fn a_stop_that_has_ended_stops_nothing() {
    let service = Service::start().await;
    let ended = Stop {
        until: Some(later(1)),
        ..stop_of("tenant:acme", NOW)
    };
    service.drop_stop("acme.stop", &ended, &operator_key());
    within("seen", || !service.files().in_force.is_empty()).await;
    assert_eq!(service.stopped("acme"), None);
}

#[tokio::test]
async fn what_is_not_signed_by_an_operator_who_may_stop_here_is_refused() {
    type Refused = fn(&SignedStopError) -> bool;
    let service = Service::start().await;
    let stop = stop_of("tenant:acme", NOW);
    let backwards = Stop {
        until: Some(NOW),
        ..stop.clone()
    };
    let nobody: Refused = |error| matches!(error, SignedStopError::NotAnOperator(_));
    let not_ours: Refused = |error| matches!(error, SignedStopError::NotOurs { .. });
    let malformed: Refused = |error| *error == SignedStopError::Malformed;
    let key = operator_key();
    let good = service.signed(&stop, "prod", &key);
    let mut altered = good.clone();
    let last = altered.len() - 20;
    altered[last] = if altered[last] == b'A' { b'B' } else { b'A' };
    let cases: [(&str, Vec<u8>, Refused); 8] = [
        ("empty", Vec::new(), malformed),
        ("text", b"stop".to_vec(), malformed),
        ("long", vec![b' '; 20_000], malformed),
        ("altered", altered, nobody),
        (
            "reader",
            service.signed(&stop, "prod", &reader_key()),
            nobody,
        ),
        (
            "bundle-key",
            service.signed(&stop, "prod", &service.authority.bundle_key),
            nobody,
        ),
        ("dev", service.signed(&stop, "dev", &key), not_ours),
        (
            "backwards",
            service.signed(&backwards, "prod", &key),
            malformed,
        ),
    ];
    for (name, text, _) in &cases {
        fs::write(service.path(&format!("{name}.stop")), text).unwrap();
    }
    within("refused", || service.files().refused.len() == cases.len()).await;
    let files = service.files();
    for (name, _, expected) in &cases {
        let error = &files.refused[&format!("{name}.stop")];
        assert!(expected(error), "{name}: {error:?}");
    }
    assert_eq!(
        (service.stopped("acme"), service.is_halted()),
        (None, false)
    );
    // Refused loudly, and no hindrance to one that is good.
    fs::write(service.path("good.stop"), good).unwrap();
    within("good", || service.stopped("acme").is_some()).await;
    // Others' files are nobody's business.
    fs::write(service.path("stop.txt"), "x").unwrap();
    fs::write(service.path("notes"), "x").unwrap();
}

#[tokio::test]
async fn a_bundle_that_lists_the_stop_takes_over_from_its_file() {
    let live = Live::start().await;
    live.offer(|offers| offers.events = Events::No);
    let directory = tempfile::tempdir().unwrap();
    let path: &Path = directory.path();
    let mut config = live.source().with_state_directory(path.to_owned());
    config.interval = Duration::from_millis(20);
    let mut source = BundleSource::start(config, live.clock.clone())
        .await
        .unwrap();
    let restrictions = stopping("tenant:acme");
    let signed = SignedStop::sign(
        &restrictions.stops[0],
        live.authority.root.authority(),
        live.authority.root.environment(),
        &operator_key(),
    );
    fs::write(path.join("acme.stop"), signed.unwrap().to_json()).unwrap();
    let in_force = || source.status().stop_files.in_force.len();
    within("in force", || in_force() == 1).await;
    // The authority has heard of it and lists it: from then on it says when it ends.
    let version = live.restrict(restrictions, true);
    within("superseded", || in_force() == 0).await;
    assert!(source.status().stop_files.superseded.is_empty());
    until(&mut source, |status| status.version == Some(version)).await;
    assert_eq!(source.snapshots().load().unwrap().stops().len(), 1);
    let renamed = path.join("acme.stop.superseded");
    assert!(renamed.exists() && !path.join("acme.stop").exists());
    // Lifted there, it does not come back here.
    let version = live.restrict(Restrictions::default(), true);
    until(&mut source, |status| status.version == Some(version)).await;
    drop(source);
    let config = live.source().with_state_directory(path.to_owned());
    let source = BundleSource::start(config, live.clock.clone())
        .await
        .unwrap();
    assert_eq!(source.status().stop_files, StopFiles::default());
    assert!(source.snapshots().load().unwrap().stops().is_empty());
}
