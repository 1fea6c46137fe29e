use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use hallpass_bundle::store::{self, FILE_NAME, StoreError};
use hallpass_bundle::{BundleError, Document, Published, accept};

use crate::authority::{Authority, DAY, NOW, seconds};

#[test]
fn what_was_saved_is_known_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let pinned = authority.pinned();
    assert!(
        store::load(directory.path(), &pinned, NOW)
            .unwrap()
            .is_none()
    );
    let json = authority.published(NOW).to_json().unwrap();
    let snapshot = accept(&json, &pinned, None, NOW).unwrap();
    store::save(directory.path(), &snapshot).unwrap();
    let saved = store::load(directory.path(), &pinned, NOW)
        .unwrap()
        .unwrap();
    assert_eq!(&saved.high_water, snapshot.high_water());
    let loaded = saved.snapshot.unwrap();
    assert_eq!(loaded.digest(), snapshot.digest());
    assert_eq!(loaded.heartbeat(), NOW);
    let mode = fs::metadata(directory.path().join(FILE_NAME))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_restart_does_not_open_the_door_to_older_bundles() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let pinned = authority.pinned();
    let old = authority.published(NOW).to_json().unwrap();
    let new = authority
        .published(NOW.after(seconds(5)))
        .to_json()
        .unwrap();
    let snapshot = accept(&new, &pinned, None, NOW).unwrap();
    store::save(directory.path(), &snapshot).unwrap();
    // Even when the saved bundle itself has expired.
    for now in [NOW, NOW.after(31 * DAY)] {
        let saved = store::load(directory.path(), &pinned, now)
            .unwrap()
            .unwrap();
        assert_eq!(saved.snapshot.is_ok(), now == NOW);
        assert!(matches!(
            accept(&old, &pinned, Some(&saved.high_water), NOW).unwrap_err(),
            BundleError::Rollback {
                document: Document::Bundle,
                ..
            }
        ));
    }
}

#[test]
fn a_newly_pinned_authority_starts_afresh() {
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = (Authority::new(), Authority::of("dev", 60));
    let late = first.published(NOW.after(seconds(20))).to_json().unwrap();
    let snapshot = accept(&late, &first.pinned(), None, NOW).unwrap();
    store::save(directory.path(), &snapshot).unwrap();
    let saved = store::load(directory.path(), &second.pinned(), NOW)
        .unwrap()
        .unwrap();
    assert!(matches!(
        saved.snapshot,
        Err(BundleError::UntrustedRoot { .. })
    ));
    let json = second.published(NOW).to_json().unwrap();
    assert!(accept(&json, &second.pinned(), Some(&saved.high_water), NOW).is_ok());
}

#[test]
fn a_damaged_file_is_not_taken_for_none() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let pinned = authority.pinned();
    let json = authority.published(NOW).to_json().unwrap();
    store::save(
        directory.path(),
        &accept(&json, &pinned, None, NOW).unwrap(),
    )
    .unwrap();
    let path = directory.path().join(FILE_NAME);
    let good = fs::read_to_string(&path).unwrap();
    for bad in [
        String::new(),
        good[..good.len() / 2].to_owned(),
        good.replacen("\"format\":1", "\"format\":2", 1),
        good.replacen('{', "{\"extra\":1,", 1),
    ] {
        fs::write(&path, bad).unwrap();
        let error = store::load(directory.path(), &pinned, NOW).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }));
        assert!(error.to_string().contains(FILE_NAME));
    }
}

#[test]
fn a_change_of_the_saved_bundle_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let pinned = authority.pinned();
    let json = authority.published(NOW).to_json().unwrap();
    store::save(
        directory.path(),
        &accept(&json, &pinned, None, NOW).unwrap(),
    )
    .unwrap();
    let path = directory.path().join(FILE_NAME);
    let good = fs::read_to_string(&path).unwrap();
    let other =
        authority.with_bundle(|b| b["policy"] = hallpass_keys::Digest::of(b"").to_string().into());
    let other = String::from_utf8(other.to_json().unwrap()).unwrap();
    let original = String::from_utf8(json).unwrap();
    assert!(good.contains(&original));
    fs::write(&path, good.replace(&original, &other)).unwrap();
    let saved = store::load(directory.path(), &pinned, NOW)
        .unwrap()
        .unwrap();
    assert!(matches!(saved.snapshot, Err(BundleError::Fork { .. })));
}

#[test]
fn half_a_replacement_leaves_the_whole_original() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let pinned = authority.pinned();
    let json = authority.published(NOW).to_json().unwrap();
    let snapshot = accept(&json, &pinned, None, NOW).unwrap();
    store::save(directory.path(), &snapshot).unwrap();
    fs::write(directory.path().join("bundle.json.new"), "{\"format\":1,").unwrap();
    let saved = store::load(directory.path(), &pinned, NOW)
        .unwrap()
        .unwrap();
    assert!(saved.snapshot.is_ok());
    store::save(directory.path(), &snapshot).unwrap();
    assert!(!directory.path().join("bundle.json.new").exists());
}

#[test]
fn a_directory_that_is_not_there_is_an_error_to_save_to() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let json = authority.published(NOW).to_json().unwrap();
    let snapshot = accept(&json, &authority.pinned(), None, NOW).unwrap();
    let missing = directory.path().join("missing");
    assert!(matches!(
        store::save(&missing, &snapshot).unwrap_err(),
        StoreError::Io {
            action: "write",
            ..
        }
    ));
    let published: Published = serde_json::from_slice(&json).unwrap();
    assert_eq!(published.roots.len(), 1);
}
