use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use hallpass_bundle::store::{self, FILE_NAME, HEARTBEAT_FILE_NAME, StoreError};
use hallpass_bundle::{BundleError, Document, accept, accept_heartbeat, accept_to_keep};

use serde_json::Value;

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
    let (snapshot, published) = accept_to_keep(&json, &pinned, None, NOW).unwrap();
    store::save(directory.path(), &snapshot, &published).unwrap();
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
    let (snapshot, published) = accept_to_keep(&new, &pinned, None, NOW).unwrap();
    store::save(directory.path(), &snapshot, &published).unwrap();
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
    let (snapshot, published) = accept_to_keep(&late, &first.pinned(), None, NOW).unwrap();
    store::save(directory.path(), &snapshot, &published).unwrap();
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
    let (snapshot, published) = accept_to_keep(&json, &pinned, None, NOW).unwrap();
    store::save(directory.path(), &snapshot, &published).unwrap();
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
    let (snapshot, published) = accept_to_keep(&json, &pinned, None, NOW).unwrap();
    store::save(directory.path(), &snapshot, &published).unwrap();
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
    let (snapshot, published) = accept_to_keep(&json, &pinned, None, NOW).unwrap();
    store::save(directory.path(), &snapshot, &published).unwrap();
    fs::write(directory.path().join("bundle.json.new"), "{\"format\":1,").unwrap();
    let saved = store::load(directory.path(), &pinned, NOW)
        .unwrap()
        .unwrap();
    assert!(saved.snapshot.is_ok());
    store::save(directory.path(), &snapshot, &published).unwrap();
    assert!(!directory.path().join("bundle.json.new").exists());
}

#[test]
fn a_directory_that_is_not_there_is_an_error_to_save_to() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let json = authority.published(NOW).to_json().unwrap();
    let (snapshot, published) = accept_to_keep(&json, &authority.pinned(), None, NOW).unwrap();
    let missing = directory.path().join("missing");
    assert!(matches!(
        store::save(&missing, &snapshot, &published).unwrap_err(),
        StoreError::Io {
            action: "write",
            ..
        }
    ));
}

#[test]
fn a_heartbeat_is_kept_without_the_documents() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let pinned = authority.pinned();
    let json = authority.published(NOW).to_json().unwrap();
    let (snapshot, published) = accept_to_keep(&json, &pinned, None, NOW).unwrap();
    store::save(directory.path(), &snapshot, &published).unwrap();
    let later = NOW.after(seconds(70));
    let beat = authority.heartbeat(&authority.bundle(None, NOW), later);
    let beat = serde_json::to_vec(&beat).unwrap();
    let snapshot = accept_heartbeat(&snapshot, &beat, later).unwrap();
    store::save_heartbeat(directory.path(), &snapshot).unwrap();
    let load = || store::load(directory.path(), &pinned, later);
    let saved = load().unwrap().unwrap();
    assert_eq!(&saved.high_water, snapshot.high_water());
    assert_eq!(saved.snapshot.unwrap().heartbeat(), later);
    // One of another bundle says nothing about this one: it was saved, then the next bundle, then the power went.
    let path = directory.path().join(HEARTBEAT_FILE_NAME);
    let good = fs::read_to_string(&path).unwrap();
    fs::write(&path, good.replace("1795000000000", "1795000000001")).unwrap();
    assert_eq!(load().unwrap().unwrap().high_water.heartbeat(), NOW);
    // A heartbeat that was changed is not believed, and what is damaged is not taken for none.
    let foreign = Authority::of("prod", 60);
    let forged = foreign.heartbeat(&foreign.bundle(None, NOW), later);
    let genuine = serde_json::from_slice::<Value>(&beat).unwrap();
    let forged = serde_json::to_value(&forged).unwrap();
    let sig = |envelope: &Value| {
        envelope["signatures"][0]["sig"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    fs::write(&path, good.replace(&sig(&genuine), &sig(&forged))).unwrap();
    assert!(load().unwrap().unwrap().snapshot.is_err());
    fs::write(&path, &good[1..]).unwrap();
    assert!(matches!(load(), Err(StoreError::Damaged { .. })));
    // Without the documents it was kept beside, somebody has taken them.
    fs::write(&path, good).unwrap();
    fs::remove_file(directory.path().join(FILE_NAME)).unwrap();
    assert!(matches!(load(), Err(StoreError::Damaged { .. })));
}
