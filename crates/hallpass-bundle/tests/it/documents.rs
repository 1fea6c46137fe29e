//! What cannot be made in the first place.

use hallpass_bundle::{
    APPROVAL_KEYS_MAX, ApprovalKey, Bundle, BundleDraft, Heartbeat, InvalidDocument,
    KEYS_PER_ROLE_MAX, KeyState, PUBLISHED_BYTES_MAX, Published, Role, Root, RootDraft, SignError,
    TOKEN_KEYS_MAX, TokenKey, TokenPurpose,
};
use hallpass_keys::{Purpose, VerifyingKey};
use hallpass_vocabulary::{
    Audience, Catalogue, Environment, Impact, Pointers, Timestamp, Tool, ToolName,
};

use crate::authority::{Authority, NOW, env, key};

fn many(count: usize) -> Vec<VerifyingKey> {
    (0..count)
        .map(|number| {
            let mut seed = [200; 32];
            seed[..8].copy_from_slice(&number.to_le_bytes());
            hallpass_keys::SigningKey::from_seed(Purpose::Run, env("prod"), seed).verifying_key()
        })
        .collect()
}

fn root(change: impl FnOnce(&mut RootDraft)) -> Result<Root, InvalidDocument> {
    let mut draft = Authority::new().root_draft();
    change(&mut draft);
    Root::first(draft, NOW)
}

fn bundle(change: impl FnOnce(&mut BundleDraft)) -> Result<Bundle, InvalidDocument> {
    let authority = Authority::new();
    let mut draft = authority.draft();
    change(&mut draft);
    Bundle::new(&authority.root, draft, None, NOW)
}

fn entry(key: VerifyingKey, environment: &Environment) -> TokenKey {
    TokenKey {
        key,
        environment: environment.clone(),
        purpose: TokenPurpose::Run,
        state: KeyState::Active,
    }
}

#[test]
fn a_role_can_meet_its_threshold() {
    for (keys, threshold, ok) in [
        (0, 0, false),
        (0, 1, false),
        (1, 0, false),
        (1, 1, true),
        (1, 2, false),
        (3, 2, true),
        (KEYS_PER_ROLE_MAX, KEYS_PER_ROLE_MAX, true),
        (KEYS_PER_ROLE_MAX + 1, 1, false),
    ] {
        let made = root(|draft| draft.bundle = Role::new(many(keys), threshold));
        let expected = InvalidDocument::Role {
            role: Purpose::Bundle,
            keys,
            threshold,
        };
        assert_eq!(
            made.err(),
            (!ok).then_some(expected),
            "{threshold} of {keys}"
        );
    }
}

#[test]
fn a_key_has_one_role() {
    let key = Authority::new().root_key.verifying_key();
    let twice = Err(InvalidDocument::KeyTwice { id: key.id() });
    assert_eq!(root(|draft| draft.bundle = Role::single(key)), twice);
    assert_eq!(root(|draft| draft.heartbeat = Role::single(key)), twice);
    assert_eq!(
        root(|draft| draft.root = Role::new(vec![key, key], 2)),
        twice
    );
}

#[test]
fn a_listed_key_is_listed_once_and_has_no_role() {
    let authority = Authority::new();
    let twice = |key: VerifyingKey| InvalidDocument::KeyTwice { id: key.id() };
    for role_key in [
        &authority.root_key,
        &authority.bundle_key,
        &authority.heartbeat_key,
    ] {
        let key = role_key.verifying_key();
        let made = bundle(|draft| draft.token_keys.push(entry(key, &env("prod"))));
        assert_eq!(made.unwrap_err(), twice(key));
        let state = KeyState::Active;
        let made = bundle(|draft| draft.approval_keys.push(ApprovalKey { key, state }));
        assert_eq!(made.unwrap_err(), twice(key));
    }
    // Nor may one environment's key be another's.
    let key = authority.run_key.verifying_key();
    let made = bundle(|draft| draft.token_keys.push(entry(key, &env("dev"))));
    assert_eq!(made.unwrap_err(), twice(key));
}

/// Two seeds found by search whose key ids start with the same four bytes.
#[test]
fn two_keys_with_one_hint_are_refused() {
    let (a, b) = colliding_keys();
    assert_ne!(a, b);
    assert_eq!(a.id().hint(), b.id().hint());
    let made = bundle(|draft| {
        draft.token_keys.push(entry(a, &env("prod")));
        draft.token_keys.push(entry(b, &env("dev")));
    });
    assert_eq!(
        made.unwrap_err(),
        InvalidDocument::HintTwice {
            hint: a.id().hint()
        }
    );
}

fn colliding_keys() -> (VerifyingKey, VerifyingKey) {
    let keys = COLLISION.map(|number| {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&number.to_le_bytes());
        hallpass_keys::SigningKey::from_seed(Purpose::Run, env("prod"), seed).verifying_key()
    });
    (keys[0], keys[1])
}

const COLLISION: [u64; 2] = [27_857, 84_242];

#[test]
fn lists_end() {
    let full = |count| {
        bundle(|draft| {
            let keys = many(count - draft.token_keys.len());
            draft
                .token_keys
                .extend(keys.into_iter().map(|key| entry(key, &env("dev"))));
        })
    };
    assert!(full(TOKEN_KEYS_MAX).is_ok());
    assert!(matches!(
        full(TOKEN_KEYS_MAX + 1).unwrap_err(),
        InvalidDocument::TooMany {
            list: "token_keys",
            ..
        }
    ));
    let state = KeyState::Active;
    let full = |count| {
        bundle(|draft| {
            draft.approval_keys = many(count)
                .into_iter()
                .map(|key| ApprovalKey { key, state })
                .collect();
        })
    };
    assert!(full(APPROVAL_KEYS_MAX).is_ok());
    assert!(matches!(
        full(APPROVAL_KEYS_MAX + 1).unwrap_err(),
        InvalidDocument::TooMany {
            list: "approval_keys",
            ..
        }
    ));
}

#[test]
fn documents_live_after_they_are_made() {
    assert_eq!(
        root(|draft| draft.expires = NOW),
        Err(InvalidDocument::Lifetime)
    );
    assert_eq!(
        bundle(|draft| draft.expires = NOW),
        Err(InvalidDocument::Lifetime)
    );
}

#[test]
fn versions_follow_the_clock_and_never_fall() {
    let authority = Authority::new();
    let first = authority.bundle(None, NOW);
    assert_eq!(first.id().version, u64::try_from(NOW.unix_ms()).unwrap());
    let before = Timestamp::from_unix_ms(NOW.unix_ms() - 5000);
    let second = authority.bundle(Some(first.id()), before);
    assert_eq!(second.id().version, first.id().version + 1);
    let third = Bundle::new(&authority.root, authority.draft(), Some(second.id()), NOW).unwrap();
    assert_eq!(third.previous(), Some(&second.id().digest));
    let early = Timestamp::from_unix_ms(-1);
    let early = Bundle::new(&authority.root, authority.draft(), None, early).unwrap();
    assert_eq!(early.version(), 1);
}

#[test]
fn only_the_right_keys_sign() {
    let authority = Authority::new();
    let made = bundle(|_| ()).unwrap();
    let wrong = &authority.heartbeat_key;
    assert_eq!(
        made.sign(&authority.root, &[wrong]).unwrap_err(),
        SignError::WrongPurpose {
            id: wrong.id(),
            expected: Purpose::Bundle,
            found: Purpose::Heartbeat
        }
    );
    let unlisted = key(Purpose::Bundle, "prod", 99);
    assert!(matches!(
        made.sign(&authority.root, &[&unlisted]).unwrap_err(),
        SignError::NotListed { .. }
    ));
    assert!(matches!(
        made.sign(&authority.root, &[]).unwrap_err(),
        SignError::Envelope(_)
    ));
    let heartbeat = Heartbeat::new(&authority.bundle(None, NOW), NOW);
    assert!(matches!(
        heartbeat
            .sign(&authority.root, &[&authority.bundle_key])
            .unwrap_err(),
        SignError::WrongPurpose { .. }
    ));
}

#[test]
fn a_tool_without_named_arguments_says_nothing_of_them_and_lists_are_bounded() {
    let bare = Tool::new(
        ToolName::new("kb.search").unwrap(),
        Audience::new("tickets").unwrap(),
        Impact::Read,
    );
    let written = serde_json::to_value(&bare).unwrap();
    let expected =
        serde_json::json!({"name": "kb.search", "audience": "tickets", "impact": "read"});
    assert_eq!(written, expected);
    assert_eq!(
        serde_json::from_value::<Tool>(expected.clone()).unwrap(),
        bare
    );
    for (member, value) in [
        ("recorded", serde_json::json!(["query"])),
        ("recorded", serde_json::json!([""])),
        ("recorded", serde_json::json!(null)),
        ("sensitive", serde_json::json!(["/a", "/a"])),
        (
            "sensitive",
            serde_json::json!((0..17).map(|n| format!("/{n}")).collect::<Vec<_>>()),
        ),
        ("redacted", serde_json::json!(["/a"])),
    ] {
        let mut wrong = expected.clone();
        wrong[member] = value;
        assert!(
            serde_json::from_value::<Tool>(wrong.clone()).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn the_largest_catalogue_fits_into_a_publication() {
    let authority = Authority::new();
    let longest = "t".repeat(50);
    let tools = (0..10_000).map(|number| {
        let mut tool = Tool::new(
            ToolName::new(&format!("noun{number:05}.{longest}")).unwrap(),
            Audience::new(&"a".repeat(64)).unwrap(),
            Impact::Destructive,
        );
        let pointer = format!("/{}", "p".repeat(102));
        tool.recorded = Pointers::new([pointer.parse().unwrap()]).unwrap();
        tool
    });
    let mut draft = authority.draft();
    draft.catalogue = Catalogue::new(tools).unwrap();
    let made = Bundle::new(&authority.root, draft, None, NOW).unwrap();
    let signed = made
        .sign(&authority.root, &[&authority.bundle_key])
        .unwrap();
    let heartbeat = authority.heartbeat(&signed, NOW);
    let published = Published::new(vec![authority.root_envelope()], &signed, heartbeat);
    let json = published.to_json().unwrap();
    assert!(json.len() < PUBLISHED_BYTES_MAX / 2, "{}", json.len());
    let snapshot = hallpass_bundle::accept(&json, &authority.pinned(), None, NOW).unwrap();
    assert_eq!(snapshot.catalogue().len(), 10_000);
}
