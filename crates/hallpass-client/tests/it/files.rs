//! Bundles that come as files.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hallpass_bundle::BundleError;
use hallpass_client::{BundleMode, BundleOrigin, BundleSource, BundleSourceConfig, RefreshError};

use crate::authority::{Authority, Hand, NOW, later};
use crate::bundles::{last_error, until};

fn config(authority: &Authority, path: PathBuf) -> BundleSourceConfig {
    let mut config = BundleSourceConfig::file(path, authority.root.trust_root());
    config.interval = Duration::from_millis(10);
    config
}

/// As whoever drops a file should: whole or not at all.
fn put(path: &Path, bytes: &[u8]) {
    let new = path.with_extension("new");
    fs::write(&new, bytes).unwrap();
    fs::rename(&new, path).unwrap();
}

#[tokio::test]
async fn a_file_is_read_again_when_it_changes() {
    let (directory, authority) = (tempfile::tempdir().unwrap(), Authority::new(1));
    let path = directory.path().join("dropped.json");
    put(&path, &authority.published(NOW, NOW));
    let clock = Hand::at(NOW);
    let mut source = BundleSource::start(config(&authority, path.clone()), clock.clone())
        .await
        .unwrap();
    let status = source.status();
    assert_eq!((status.mode, status.attempts), (BundleMode::File, 1));
    assert_eq!(status.heartbeat_age, Some(Duration::ZERO));
    clock.set(later(50));
    assert_eq!(source.status().heartbeat_age, Some(Duration::from_secs(50)));
    put(&path, &authority.published(later(40), later(45)));
    let status = until(&mut source, |status| status.attempts == 2).await;
    assert_eq!(status.heartbeat_age, Some(Duration::from_secs(5)));
    // Written in place, without care: what is half there is refused, and read when it is whole.
    let next = authority.published(later(50), later(50));
    fs::write(&path, &next[..next.len() / 2]).unwrap();
    let status = until(&mut source, |status| status.last_error.is_some()).await;
    assert!(matches!(
        *last_error(&status),
        RefreshError::Refused(BundleError::NotPublished)
    ));
    fs::write(&path, &next).unwrap();
    let status = until(&mut source, |status| status.last_error.is_none()).await;
    assert_eq!(status.heartbeat_age, Some(Duration::ZERO));
}

#[tokio::test]
async fn a_file_is_believed_by_the_same_rules_also_after_a_restart() {
    let (directory, authority) = (tempfile::tempdir().unwrap(), Authority::new(1));
    let path = directory.path().join("dropped.json");
    let state = || directory.path().to_owned();
    put(&path, &authority.published(later(9), later(9)));
    let from_file = || config(&authority, path.clone()).with_state_directory(state());
    let clock = Hand::at(later(9));
    let mut source = BundleSource::start(from_file(), clock.clone())
        .await
        .unwrap();
    put(&path, &authority.published(NOW, later(10)));
    let status = until(&mut source, |status| status.last_error.is_some()).await;
    let rolled_back =
        |error: &RefreshError| matches!(error, RefreshError::Refused(BundleError::Rollback { .. }));
    assert!(rolled_back(&last_error(&status)));
    drop(source);
    let source = BundleSource::start(from_file(), clock.clone())
        .await
        .unwrap();
    let status = source.status();
    assert!(rolled_back(&last_error(&status)));
    assert_eq!(source.snapshots().load().unwrap().heartbeat(), later(9));
    drop(source);
    // Without the file, what was known last is known.
    fs::remove_file(&path).unwrap();
    let source = BundleSource::start(from_file(), clock).await.unwrap();
    assert!(matches!(
        *last_error(&source.status()),
        RefreshError::File { .. }
    ));
    assert_eq!(source.snapshots().load().unwrap().heartbeat(), later(9));
}

#[tokio::test]
async fn a_file_that_is_too_large_is_not_read_to_its_end() {
    let (directory, authority) = (tempfile::tempdir().unwrap(), Authority::new(1));
    let path = directory.path().join("dropped.json");
    fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let source = BundleSource::start(config(&authority, path.clone()), Hand::at(NOW))
        .await
        .unwrap();
    assert!(matches!(
        *last_error(&source.status()),
        RefreshError::Refused(BundleError::TooLarge)
    ));
    let origin = BundleOrigin::File(path.clone()).to_string();
    assert_eq!(origin, format!("`{}`", path.display()));
}
