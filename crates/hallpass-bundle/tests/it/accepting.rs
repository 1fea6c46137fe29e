use hallpass_bundle::{
    BUNDLE_VERSION_AHEAD_MAX_MS, BundleError, CLOCK_SKEW_MAX, Document, InvalidDocument, KeyState,
    PUBLISHED_BYTES_MAX, Published, ROOTS_MAX, Snapshot, TokenPurpose, accept,
};
use hallpass_keys::{Digest, Purpose};
use hallpass_vocabulary::{Timestamp, ToolName};
use serde_json::{Value, json};

use crate::authority::{Authority, DAY, NOW, env, key, resign, seconds};

fn believe(authority: &Authority, published: &Published) -> Result<Snapshot, BundleError> {
    let json = published.to_json().unwrap();
    accept(&json, &authority.pinned(), None, NOW)
}

fn refused(authority: &Authority, published: &Published) -> BundleError {
    believe(authority, published).unwrap_err()
}

fn below_threshold(error: &BundleError, of: Document) -> bool {
    matches!(error, BundleError::Signature { document, .. } if *document == of)
}

#[test]
fn what_an_authority_publishes_is_believed() {
    let authority = Authority::new();
    let snapshot = believe(&authority, &authority.published(NOW)).unwrap();
    assert_eq!(snapshot.environment(), &env("prod"));
    assert_eq!(snapshot.authority(), authority.root.authority());
    assert_eq!(snapshot.version(), u64::try_from(NOW.unix_ms()).unwrap());
    assert_eq!(snapshot.policy(), &Digest::of(b"policy"));
    assert_eq!(snapshot.approval_keys().len(), 1);
    let tool = ToolName::new("kb.search").unwrap();
    assert!(snapshot.catalogue().tool(&tool).is_some());
    let id = authority.run_key.id();
    let entry = snapshot.key(id.hint()).unwrap();
    assert_eq!(entry.key, authority.run_key.verifying_key());
    assert_eq!(
        (entry.purpose, entry.state),
        (TokenPurpose::Run, KeyState::Active)
    );
    assert!(snapshot.key(id.hint().wrapping_add(1)).is_none());
}

#[test]
fn endless_data_is_refused_before_it_is_parsed() {
    let authority = Authority::new();
    let mut json = authority.published(NOW).to_json().unwrap();
    json.resize(PUBLISHED_BYTES_MAX, b' ');
    assert!(accept(&json, &authority.pinned(), None, NOW).is_ok());
    json.push(b' ');
    assert_eq!(
        accept(&json, &authority.pinned(), None, NOW).unwrap_err(),
        BundleError::TooLarge
    );
}

#[test]
fn anything_but_a_publication_is_refused() {
    let authority = Authority::new();
    let good = String::from_utf8(authority.published(NOW).to_json().unwrap()).unwrap();
    for bad in [
        String::new(),
        "{}".to_owned(),
        "[]".to_owned(),
        good[..good.len() - 1].to_owned(),
        format!("{good}{good}"),
        good.replacen('{', "{\"extra\":1,", 1),
        good.replacen("\"heartbeat\"", "\"hartbeat\"", 1),
    ] {
        assert_eq!(
            accept(bad.as_bytes(), &authority.pinned(), None, NOW).unwrap_err(),
            BundleError::NotPublished,
            "{bad}"
        );
    }
}

#[test]
fn another_root_is_not_trusted() {
    let (ours, other) = (Authority::new(), Authority::of("prod", 90));
    assert_eq!(
        refused(&ours, &other.published(NOW)),
        BundleError::UntrustedRoot {
            pinned: ours.pinned().digest
        }
    );
    // Our root before, or after, the documents of another authority helps nobody.
    let mut mixed = other.published(NOW);
    mixed.roots = vec![ours.root_envelope()];
    assert!(below_threshold(&refused(&ours, &mixed), Document::Bundle));
    mixed.roots = vec![ours.root_envelope(), other.root_envelope()];
    assert!(below_threshold(&refused(&ours, &mixed), Document::Root));
}

#[test]
fn there_is_a_root_and_an_end_to_them() {
    let authority = Authority::new();
    let mut published = authority.published(NOW);
    published.roots = Vec::new();
    assert_eq!(
        refused(&authority, &published),
        BundleError::RootCount { count: 0 }
    );
    published.roots = vec![authority.root_envelope(); ROOTS_MAX + 1];
    let count = ROOTS_MAX + 1;
    assert_eq!(
        refused(&authority, &published),
        BundleError::RootCount { count }
    );
}

#[test]
fn a_root_that_its_own_keys_did_not_sign_is_refused() {
    let authority = Authority::new();
    let mut published = authority.published(NOW);
    let stranger = key(Purpose::Root, "prod", 99);
    published.roots = vec![resign(&published.roots[0], &stranger, |_| ())];
    let mut pinned = authority.pinned();
    pinned.digest = hallpass_bundle::TrustRootDigest::of(published.roots[0].unverified_payload());
    let error = accept(&published.to_json().unwrap(), &pinned, None, NOW).unwrap_err();
    assert!(below_threshold(&error, Document::Root));
}

#[test]
fn each_document_needs_its_own_key() {
    let authority = Authority::new();
    let good = authority.published(NOW);
    for wrong in [
        &authority.root_key,
        &authority.heartbeat_key,
        &authority.run_key,
    ] {
        let mut published = good.clone();
        published.bundle = resign(&good.bundle, wrong, |_| ());
        assert!(below_threshold(
            &refused(&authority, &published),
            Document::Bundle
        ));
    }
    for wrong in [
        &authority.root_key,
        &authority.bundle_key,
        &authority.run_key,
    ] {
        let mut published = good.clone();
        published.heartbeat = resign(&good.heartbeat, wrong, |_| ());
        assert!(below_threshold(
            &refused(&authority, &published),
            Document::Heartbeat
        ));
    }
}

#[test]
fn documents_do_not_stand_for_one_another() {
    let authority = Authority::new();
    let good = authority.published(NOW);
    let mut published = good.clone();
    published.bundle = good.heartbeat.clone();
    assert!(below_threshold(
        &refused(&authority, &published),
        Document::Bundle
    ));
    let mut published = good.clone();
    published.heartbeat = good.bundle.clone();
    assert!(below_threshold(
        &refused(&authority, &published),
        Document::Heartbeat
    ));
}

#[test]
fn a_changed_byte_is_found() {
    let authority = Authority::new();
    let json: Value = serde_json::from_slice(&authority.published(NOW).to_json().unwrap()).unwrap();
    for (pointer, document) in [
        ("/bundle/payload", Document::Bundle),
        ("/heartbeat/payload", Document::Heartbeat),
    ] {
        let mut changed = json.clone();
        let payload = changed.pointer_mut(pointer).unwrap();
        let text = payload.as_str().unwrap().replacen('e', "f", 1);
        *payload = json!(text);
        let error = accept(
            changed.to_string().as_bytes(),
            &authority.pinned(),
            None,
            NOW,
        );
        assert!(below_threshold(&error.unwrap_err(), document));
    }
}

#[test]
fn unknown_content_is_refused_whoever_signed_it() {
    let authority = Authority::new();
    let malformed = |document| BundleError::Malformed { document };
    let changes: [fn(&mut Value); 16] = [
        |b| b["stops"] = json!([{"run": "run_1"}]),
        |b| b["stops"][0]["kind"] = json!("galaxy"),
        |b| b["stops"][0]["value"] = json!("no route"),
        |b| b["stops"][0]["runs"] = json!("AAAA"),
        |b| b["revocations"][0]["tokens"] = json!("****"),
        |b| b["cutoffs"][0]["kind"] = json!("everything"),
        |b| b["revocations"] = json!([{"token": "tok_1"}]),
        |b| b["cutoffs"] = json!([{"issued_before": "2026-01-01T00:00:00Z"}]),
        |b| b["operators"] = json!([1]),
        |b| b["verifiers"] = json!([1]),
        |b| b["new_field"] = json!([]),
        |b| drop(b.as_object_mut().unwrap().remove("stops")),
        |b| b["token_keys"][0]["state"] = json!("fresh"),
        |b| b["token_keys"][0]["purpose"] = json!("bundle"),
        |b| b["token_keys"][0]["key"] = json!("00".repeat(32)),
        |b| {
            let tool = b["catalogue"][0].clone();
            b["catalogue"].as_array_mut().unwrap().push(tool);
        },
    ];
    for change in changes {
        let published = authority.with_bundle(change);
        assert_eq!(refused(&authority, &published), malformed(Document::Bundle));
    }
    let published = authority.with_heartbeat(|h| h["new_field"] = json!(1));
    assert_eq!(
        refused(&authority, &published),
        malformed(Document::Heartbeat)
    );
    let (published, pinned) = authority.with_root(|r| r["new_field"] = json!(1));
    let error = accept(&published.to_json().unwrap(), &pinned, None, NOW).unwrap_err();
    assert_eq!(error, malformed(Document::Root));
}

#[test]
fn contradictions_are_refused_whoever_signed_them() {
    let authority = Authority::new();
    let invalid = |document, source| BundleError::Invalid { document, source };
    let format = InvalidDocument::Format { found: 3 };
    let published = authority.with_bundle(|b| b["format"] = json!(3));
    assert_eq!(
        refused(&authority, &published),
        invalid(Document::Bundle, format)
    );
    let format = InvalidDocument::Format { found: 2 };
    let published = authority.with_heartbeat(|h| h["format"] = json!(2));
    assert_eq!(
        refused(&authority, &published),
        invalid(Document::Heartbeat, format.clone())
    );
    let (published, pinned) = authority.with_root(|r| r["format"] = json!(2));
    let error = accept(&published.to_json().unwrap(), &pinned, None, NOW).unwrap_err();
    assert_eq!(error, invalid(Document::Root, format));
    let published = authority.with_bundle(|b| {
        let entry = b["token_keys"][0].clone();
        b["token_keys"].as_array_mut().unwrap().push(entry);
    });
    let id = authority.run_key.id();
    assert_eq!(
        refused(&authority, &published),
        invalid(Document::Bundle, InvalidDocument::KeyTwice { id })
    );
}

#[test]
fn a_bundle_that_would_silence_everything_is_refused() {
    let authority = Authority::new();
    let changes: [fn(&mut Value); 6] = [
        |b| b["token_keys"] = json!([]),
        |b| b["token_keys"][0]["environment"] = json!("dev"),
        |b| b["token_keys"][0]["purpose"] = json!("break_glass"),
        |b| b["token_keys"][0]["state"] = json!("prepared"),
        |b| b["token_keys"][0]["state"] = json!("retiring"),
        |b| b["token_keys"][0]["state"] = json!("tainted"),
    ];
    for change in changes {
        assert_eq!(
            refused(&authority, &authority.with_bundle(change)),
            BundleError::Invalid {
                document: Document::Bundle,
                source: InvalidDocument::NoActiveKey {
                    environment: env("prod")
                }
            }
        );
    }
}

#[test]
fn another_authority_or_environment_is_refused_in_every_document() {
    let authority = Authority::new();
    let published = authority.with_bundle(|b| b["authority"] = json!("other.example"));
    let document = Document::Bundle;
    assert_eq!(
        refused(&authority, &published),
        BundleError::WrongAuthority { document }
    );
    let published = authority.with_bundle(|b| {
        b["environment"] = json!("dev");
        b["token_keys"][0]["environment"] = json!("dev");
    });
    assert_eq!(
        refused(&authority, &published),
        BundleError::WrongEnvironment { document }
    );

    let document = Document::Heartbeat;
    let published = authority.with_heartbeat(|h| h["authority"] = json!("other.example"));
    assert_eq!(
        refused(&authority, &published),
        BundleError::WrongAuthority { document }
    );
    let published = authority.with_heartbeat(|h| h["environment"] = json!("dev"));
    assert_eq!(
        refused(&authority, &published),
        BundleError::WrongEnvironment { document }
    );

    let document = Document::Root;
    let json = authority.published(NOW).to_json().unwrap();
    let mut pinned = authority.pinned();
    pinned.environment = env("dev");
    assert_eq!(
        accept(&json, &pinned, None, NOW).unwrap_err(),
        BundleError::WrongEnvironment { document }
    );
    let mut pinned = authority.pinned();
    pinned.authority = "other.example".parse().unwrap();
    assert_eq!(
        accept(&json, &pinned, None, NOW).unwrap_err(),
        BundleError::WrongAuthority { document }
    );
}

#[test]
fn documents_end() {
    let authority = Authority::new();
    let json = authority.published(NOW).to_json().unwrap();
    let at = NOW.after(30 * DAY);
    let just_before = Timestamp::from_unix_ms(at.unix_ms() - 1);
    assert!(accept(&json, &authority.pinned(), None, just_before).is_ok());
    assert_eq!(
        accept(&json, &authority.pinned(), None, at).unwrap_err(),
        BundleError::Expired {
            document: Document::Bundle,
            at
        }
    );
    let at = NOW.after(365 * DAY);
    assert_eq!(
        accept(&json, &authority.pinned(), None, at).unwrap_err(),
        BundleError::Expired {
            document: Document::Root,
            at
        }
    );
}

#[test]
fn a_clock_may_be_thirty_seconds_slow_and_no_more() {
    let authority = Authority::new();
    let json = authority.published(NOW).to_json().unwrap();
    let slow = |ms| Timestamp::from_unix_ms(NOW.unix_ms() - ms);
    assert_eq!(CLOCK_SKEW_MAX, seconds(30));
    assert!(accept(&json, &authority.pinned(), None, slow(30_000)).is_ok());
    assert_eq!(
        accept(&json, &authority.pinned(), None, slow(30_001)).unwrap_err(),
        BundleError::FromTheFuture {
            document: Document::Root,
            time: NOW
        }
    );
    let soon = NOW.after(seconds(31));
    let published = authority.with_bundle(|b| b["issued"] = json!(soon.to_string()));
    assert_eq!(
        refused(&authority, &published),
        BundleError::FromTheFuture {
            document: Document::Bundle,
            time: soon
        }
    );
    let published = authority.with_heartbeat(|h| h["time"] = json!(soon.to_string()));
    assert_eq!(
        refused(&authority, &published),
        BundleError::FromTheFuture {
            document: Document::Heartbeat,
            time: soon
        }
    );
}

#[test]
fn a_version_that_would_keep_every_later_one_out_is_refused() {
    let authority = Authority::new();
    let newest = u64::try_from(NOW.unix_ms()).unwrap() + BUNDLE_VERSION_AHEAD_MAX_MS;
    for (version, ok) in [(newest, true), (newest + 1, false), (u64::MAX, false)] {
        let mut published = authority.with_bundle(|b| b["version"] = json!(version));
        published.heartbeat = resign(&published.heartbeat, &authority.heartbeat_key, |h| {
            h["bundle_version"] = json!(version);
        });
        match believe(&authority, &published) {
            Ok(snapshot) => assert!(ok && snapshot.version() == version),
            Err(error) => {
                assert!(!ok);
                assert_eq!(error, BundleError::FastForward { version });
            }
        }
    }
}

#[test]
fn a_heartbeat_of_another_bundle_is_refused() {
    let authority = Authority::new();
    let first = authority.bundle(None, NOW);
    let second = authority.bundle(Some(first.id()), NOW);
    assert_eq!(second.id().version, first.id().version + 1);
    let roots = vec![authority.root_envelope()];
    let published = Published::new(roots, &second, authority.heartbeat(&first, NOW));
    assert_eq!(refused(&authority, &published), BundleError::Mismatch);
    let other = Digest::of(b"").to_string();
    let published = authority.with_heartbeat(|h| h["bundle_digest"] = json!(other));
    assert_eq!(refused(&authority, &published), BundleError::Mismatch);
}

#[test]
fn nothing_older_than_what_was_seen_is_believed() {
    let authority = Authority::new();
    let roots = || vec![authority.root_envelope()];
    let first = authority.bundle(None, NOW);
    let second = authority.bundle(Some(first.id()), NOW);
    let at = |bundle, now| {
        Published::new(roots(), bundle, authority.heartbeat(bundle, now))
            .to_json()
            .unwrap()
    };
    let pinned = authority.pinned();
    let seen = accept(&at(&second, NOW.after(seconds(10))), &pinned, None, NOW).unwrap();
    let seen = seen.high_water();
    let later = NOW.after(seconds(60));

    assert_eq!(
        accept(&at(&first, later), &pinned, Some(seen), later).unwrap_err(),
        BundleError::Rollback {
            document: Document::Bundle,
            found: first.id().version,
            seen: second.id().version
        }
    );
    assert_eq!(
        accept(
            &at(&second, NOW.after(seconds(9))),
            &pinned,
            Some(seen),
            later
        )
        .unwrap_err(),
        BundleError::Frozen {
            found: NOW.after(seconds(9)),
            seen: NOW.after(seconds(10))
        }
    );
    // The very same again is no news and no error; a newer heartbeat is news.
    assert!(
        accept(
            &at(&second, NOW.after(seconds(10))),
            &pinned,
            Some(seen),
            later
        )
        .is_ok()
    );
    let newer = accept(&at(&second, later), &pinned, Some(seen), later).unwrap();
    assert_eq!(newer.heartbeat(), later);
}

#[test]
fn two_bundles_of_one_version_are_a_fork() {
    let authority = Authority::new();
    let ours = believe(&authority, &authority.published(NOW)).unwrap();
    let other = Digest::of(b"another policy").to_string();
    let published = authority.with_bundle(|b| b["policy"] = json!(other));
    let json = published.to_json().unwrap();
    assert_eq!(
        accept(&json, &authority.pinned(), Some(ours.high_water()), NOW).unwrap_err(),
        BundleError::Fork {
            version: ours.version()
        }
    );
    assert!(accept(&json, &authority.pinned(), None, NOW).is_ok());
}

#[test]
fn an_old_heartbeat_is_stale_and_not_an_error() {
    let authority = Authority::new();
    let json = authority.published(NOW).to_json().unwrap();
    let later = NOW.after(seconds(10_000));
    let snapshot = accept(&json, &authority.pinned(), None, later).unwrap();
    assert_eq!(snapshot.age(later), seconds(10_000));
}
