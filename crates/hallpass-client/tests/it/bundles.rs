use std::error::Error as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hallpass_bundle::{BundleError, store};
use hallpass_client::{BundleSource, BundleStatus, OpenError, RefreshError, TransportError};

use crate::authority::{Authority, Hand, NOW, later};
use crate::server::{self, Server};

/// Waits for attempts until one is as wanted.
pub async fn until(
    source: &mut BundleSource,
    wanted: impl Fn(&BundleStatus) -> bool,
) -> BundleStatus {
    let waiting = async {
        loop {
            let status = source.next_attempt().await;
            if wanted(&status) {
                return status;
            }
        }
    };
    match tokio::time::timeout(Duration::from_secs(30), waiting).await {
        Ok(status) => status,
        Err(_) => panic!("still {:#?}", source.status()),
    }
}

pub fn last_error(status: &BundleStatus) -> Arc<RefreshError> {
    Arc::clone(&status.last_error.as_ref().unwrap().1)
}

#[tokio::test]
async fn a_bundle_is_there_when_the_source_has_started() {
    let authority = Authority::new(1);
    let server = Server::start(200, authority.published(NOW, NOW)).await;
    let source = BundleSource::start(authority.source(&server.base), Hand::at(NOW))
        .await
        .unwrap();
    let snapshot = source.snapshots().load().unwrap();
    assert_eq!(snapshot.heartbeat(), NOW);
    let status = source.status();
    assert_eq!(
        (status.last_success, status.last_error.is_none()),
        (Some(NOW), true)
    );
    let seen = server.seen().remove(0);
    assert_eq!(
        (seen.method.as_str(), seen.path.as_str()),
        ("GET", "/v1/bundle?format=2")
    );
    assert!(!seen.headers.contains_key("authorization"));
}

#[tokio::test]
async fn news_arrive_by_themselves() {
    let authority = Authority::new(1);
    let server = Server::start(200, authority.published(NOW, NOW)).await;
    let clock = Hand::at(NOW);
    let config = authority.source(&server.base);
    let mut source = BundleSource::start(config, clock.clone()).await.unwrap();
    clock.set(later(5));
    server.answers(200, &[], authority.published(later(5), later(5)));
    let snapshots = source.snapshots();
    until(&mut source, |_| {
        snapshots.load().unwrap().heartbeat() == later(5)
    })
    .await;
    assert_eq!(
        snapshots.load().unwrap().version(),
        u64::try_from(later(5).unix_ms()).unwrap()
    );
}

#[tokio::test]
async fn a_failing_authority_leaves_what_was_known_and_is_reported() {
    let authority = Authority::new(1);
    let good = authority.published(NOW, NOW);
    let server = Server::start(200, good.clone()).await;
    let config = authority.source(&server.base);
    let mut source = BundleSource::start(config, Hand::at(NOW)).await.unwrap();
    server.answers(503, &[], "");
    let status = until(&mut source, |status| status.last_error.is_some()).await;
    assert!(matches!(
        *last_error(&status),
        RefreshError::Status { status: 503 }
    ));
    assert_eq!(status.last_success, Some(NOW));
    assert!(source.snapshots().load().is_some());
    server.answers(200, &[], good);
    until(&mut source, |status| status.last_error.is_none()).await;
}

#[tokio::test]
async fn a_service_starts_before_its_authority() {
    let authority = Authority::new(1);
    let server = Server::start(404, "").await;
    let config = authority.source(&server.base);
    let mut source = BundleSource::start(config, Hand::at(NOW)).await.unwrap();
    assert!(source.snapshots().load().is_none());
    assert_eq!(source.status().last_success, None);
    server.answers(200, &[], authority.published(NOW, NOW));
    until(&mut source, |status| status.last_success.is_some()).await;
    assert!(source.snapshots().load().is_some());
}

#[tokio::test]
async fn another_authority_is_not_believed() {
    let (ours, other) = (Authority::new(1), Authority::new(101));
    let server = Server::start(200, other.published(NOW, NOW)).await;
    let source = BundleSource::start(ours.source(&server.base), Hand::at(NOW))
        .await
        .unwrap();
    assert!(source.snapshots().load().is_none());
    let error = last_error(&source.status());
    assert!(matches!(
        *error,
        RefreshError::Refused(BundleError::UntrustedRoot { .. })
    ));
    assert!(error.source().is_some());
}

#[tokio::test]
async fn an_older_bundle_is_not_believed_even_after_a_restart() {
    let authority = Authority::new(1);
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().to_owned();
    let server = Server::start(200, authority.published(later(9), later(9))).await;
    let config = authority.source(&server.base).with_state_directory(state);
    let source = BundleSource::start(config.clone(), Hand::at(NOW))
        .await
        .unwrap();
    assert!(source.status().last_error.is_none());
    drop(source);
    server.answers(200, &[], authority.published(NOW, later(10)));
    let source = BundleSource::start(config, Hand::at(NOW)).await.unwrap();
    let error = last_error(&source.status());
    assert!(matches!(
        *error,
        RefreshError::Refused(BundleError::Rollback { .. })
    ));
    assert_eq!(source.snapshots().load().unwrap().heartbeat(), later(9));
}

#[tokio::test]
async fn a_restart_without_the_authority_knows_what_was_known() {
    let authority = Authority::new(1);
    let directory = tempfile::tempdir().unwrap();
    let state = || directory.path().to_owned();
    let server = Server::start(200, authority.published(NOW, NOW)).await;
    let config = authority.source(&server.base).with_state_directory(state());
    drop(BundleSource::start(config, Hand::at(NOW)).await.unwrap());
    let config = authority
        .source(&server::nobody().await)
        .with_state_directory(state());
    let source = BundleSource::start(config, Hand::at(NOW)).await.unwrap();
    assert!(matches!(
        *last_error(&source.status()),
        RefreshError::Transport(_)
    ));
    assert_eq!(source.snapshots().load().unwrap().heartbeat(), NOW);
}

#[tokio::test]
async fn heartbeats_alone_do_not_wear_the_disk() {
    let authority = Authority::new(1);
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(200, authority.published(NOW, NOW)).await;
    let config = authority
        .source(&server.base)
        .with_state_directory(directory.path().to_owned());
    let clock = Hand::at(NOW);
    let mut source = BundleSource::start(config, clock.clone()).await.unwrap();
    let pinned = authority.root.trust_root();
    let saved = |path: &Path| {
        store::load(path, &pinned, NOW)
            .unwrap()
            .unwrap()
            .high_water
            .heartbeat()
    };
    let snapshots = source.snapshots();
    for (beat, expected) in [
        (59, NOW),
        (60, later(60)),
        (119, later(60)),
        (120, later(120)),
    ] {
        clock.set(later(beat));
        server.answers(200, &[], authority.published(NOW, later(beat)));
        until(&mut source, |_| {
            snapshots.load().unwrap().heartbeat() == later(beat)
        })
        .await;
        // One more end: the attempt that published it has ended, and has saved it if it was going to.
        source.next_attempt().await;
        assert_eq!(saved(directory.path()), expected, "{beat}");
    }
}

#[tokio::test]
async fn a_bundle_that_cannot_be_saved_is_in_force_and_reported() {
    let authority = Authority::new(1);
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(200, authority.published(NOW, NOW)).await;
    let missing = directory.path().join("missing");
    let config = authority.source(&server.base).with_state_directory(missing);
    let source = BundleSource::start(config, Hand::at(NOW)).await.unwrap();
    assert!(matches!(
        *last_error(&source.status()),
        RefreshError::Save(_)
    ));
    assert!(source.snapshots().load().is_some());
}

#[tokio::test]
async fn a_damaged_state_directory_stops_the_start() {
    let authority = Authority::new(1);
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join(store::FILE_NAME), "{").unwrap();
    let base = server::nobody().await;
    let config = authority
        .source(&base)
        .with_state_directory(directory.path().to_owned());
    let error = BundleSource::start(config, Hand::at(NOW))
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        OpenError::Store(store::StoreError::Damaged { .. })
    ));
}

#[tokio::test]
async fn endless_and_silent_servers_are_given_up() {
    let authority = Authority::new(1);
    let config = authority.source(&server::endless().await);
    let source = BundleSource::start(config, Hand::at(NOW)).await.unwrap();
    assert!(matches!(
        *last_error(&source.status()),
        RefreshError::Transport(TransportError::TooLarge { .. })
    ));
    let mut config = authority.source(&server::silent().await);
    config.timeout = Duration::from_millis(50);
    let source = BundleSource::start(config, Hand::at(NOW)).await.unwrap();
    assert!(matches!(
        *last_error(&source.status()),
        RefreshError::Transport(TransportError::Http(_))
    ));
}

#[tokio::test]
async fn a_dropped_source_asks_no_more() {
    let authority = Authority::new(1);
    let server = Server::start(200, authority.published(NOW, NOW)).await;
    let config = authority.source(&server.base);
    let mut source = BundleSource::start(config, Hand::at(NOW)).await.unwrap();
    until(&mut source, |status| status.attempts >= 3).await;
    let snapshots = source.snapshots();
    assert!(Arc::strong_count(&snapshots) >= 3);
    drop(source);
    // The task owns one of them; when it is gone, so is that, and nobody is left to ask.
    let gone = async {
        while Arc::strong_count(&snapshots) > 1 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), gone)
        .await
        .unwrap();
}
