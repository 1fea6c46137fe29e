use hallpass_bundle::{BundleError, Document, Published, Role, Root, SignError, accept};
use hallpass_keys::dsse::Envelope;
use hallpass_keys::{Purpose, SigningKey};
use serde_json::json;

use crate::authority::{Authority, DAY, NOW, env, key, resign, seconds};

/// An authority whose second root has other root keys, two of three.
struct Rotated {
    authority: Authority,
    new_keys: [SigningKey; 3],
    second: Root,
}

impl Rotated {
    fn new() -> Self {
        let mut authority = Authority::new();
        let new_keys = [50, 51, 52].map(|seed| key(Purpose::Root, "prod", seed));
        let mut draft = authority.root_draft();
        draft.root = Role::new(new_keys.iter().map(SigningKey::verifying_key).collect(), 2);
        let second = authority.root.next(draft, NOW).unwrap();
        assert_eq!(second.version(), 2);
        // Other documents are made under the root in force.
        authority.root = second.clone();
        Self {
            authority,
            new_keys,
            second,
        }
    }

    fn first(&self) -> (Root, Envelope) {
        let first = Authority::new();
        (first.root.clone(), first.root_envelope())
    }

    fn sign(&self, keys: &[&SigningKey]) -> Result<Envelope, SignError> {
        self.second.sign(Some(&self.first().0), keys)
    }

    fn published(&self, roots: Vec<Envelope>) -> Vec<u8> {
        let bundle = self.authority.bundle(None, NOW);
        let heartbeat = self.authority.heartbeat(&bundle, NOW);
        Published::new(roots, &bundle, heartbeat).to_json().unwrap()
    }
}

#[test]
fn old_and_new_keys_sign_a_change() {
    let rotated = Rotated::new();
    let (first, first_envelope) = rotated.first();
    let [a, b, _] = &rotated.new_keys;
    let old = &rotated.authority.root_key;
    let second = rotated.sign(&[old, a, b]).unwrap();
    let json = rotated.published(vec![first_envelope.clone(), second.clone()]);

    // Pinned at the first root, or at the second: both lead to the same bundle.
    let from_first = accept(&json, &first.trust_root(), None, NOW).unwrap();
    let from_second = accept(&json, &rotated.second.trust_root(), None, NOW).unwrap();
    assert_eq!(from_first.digest(), from_second.digest());
    let json = rotated.published(vec![second]);
    assert!(accept(&json, &rotated.second.trust_root(), None, NOW).is_ok());
    assert!(matches!(
        accept(&json, &first.trust_root(), None, NOW).unwrap_err(),
        BundleError::UntrustedRoot { .. }
    ));

    // A verifier that has seen the second does not go back to the first.
    let before = Authority::new()
        .published(NOW.after(seconds(5)))
        .to_json()
        .unwrap();
    assert_eq!(
        accept(
            &before,
            &first.trust_root(),
            Some(from_first.high_water()),
            NOW
        )
        .unwrap_err(),
        BundleError::Rollback {
            document: Document::Root,
            found: 1,
            seen: 2
        }
    );
}

#[test]
fn a_change_not_signed_by_both_cannot_be_made() {
    let rotated = Rotated::new();
    let [a, b, c] = &rotated.new_keys;
    let old = &rotated.authority.root_key;
    let cases: [&[&SigningKey]; 3] = [&[old], &[old, a], &[a, b, c]];
    for keys in cases {
        assert!(matches!(
            rotated.sign(keys),
            Err(SignError::NotListed { .. })
        ));
    }
    // Signing twice is not signing for two.
    assert!(rotated.sign(&[old, a, a]).is_err());
    assert!(rotated.sign(&[old, b, c]).is_ok());
}

#[test]
fn a_change_not_signed_by_both_is_not_believed() {
    let rotated = Rotated::new();
    let (first, first_envelope) = rotated.first();
    let [a, b, _] = &rotated.new_keys;
    let old = &rotated.authority.root_key;
    let cases: [&[&SigningKey]; 3] = [&[old], &[old, a], &[a, b]];
    for keys in cases {
        let second = Envelope::sign(
            hallpass_bundle::ROOT_PAYLOAD_TYPE,
            rotated.second.to_payload(),
            keys,
        )
        .unwrap();
        let json = rotated.published(vec![first_envelope.clone(), second]);
        assert!(matches!(
            accept(&json, &first.trust_root(), None, NOW).unwrap_err(),
            BundleError::Signature {
                document: Document::Root,
                ..
            }
        ));
    }
}

#[test]
fn a_chain_has_no_gaps_and_stays_in_its_house() {
    let authority = Authority::new();
    let first = authority.root_envelope();
    let refused = |second: Envelope| {
        let mut published = authority.published(NOW);
        published.roots.push(second);
        let json = published.to_json().unwrap();
        accept(&json, &authority.pinned(), None, NOW).unwrap_err()
    };
    for version in [1, 3, u64::MAX] {
        let second = resign(&first, &authority.root_key, |r| {
            r["version"] = json!(version)
        });
        assert_eq!(
            refused(second),
            BundleError::RootGap {
                after: 1,
                found: version
            }
        );
    }
    let document = Document::Root;
    let second = resign(&first, &authority.root_key, |r| {
        r["version"] = json!(2);
        r["environment"] = json!("dev");
    });
    assert_eq!(refused(second), BundleError::WrongEnvironment { document });
    let second = resign(&first, &authority.root_key, |r| {
        r["version"] = json!(2);
        r["authority"] = json!("other.example");
    });
    assert_eq!(refused(second), BundleError::WrongAuthority { document });
}

#[test]
fn only_the_root_in_force_may_not_have_expired() {
    let mut authority = Authority::new();
    let first = authority.root.clone();
    let first_envelope = authority.root_envelope();
    let later = NOW.after(400 * DAY);
    let mut draft = authority.root_draft();
    draft.expires = later.after(DAY);
    authority.root = first.next(draft, later).unwrap();
    let second = authority
        .root
        .sign(Some(&first), &[&authority.root_key])
        .unwrap();
    let mut draft = authority.draft();
    draft.expires = later.after(DAY);
    let bundle = hallpass_bundle::Bundle::new(&authority.root, draft, None, later)
        .unwrap()
        .sign(&authority.root, &[&authority.bundle_key])
        .unwrap();
    let heartbeat = authority.heartbeat(&bundle, later);
    let json = Published::new(vec![first_envelope, second], &bundle, heartbeat)
        .to_json()
        .unwrap();
    assert!(accept(&json, &first.trust_root(), None, later).is_ok());
}

#[test]
fn a_root_signs_for_its_own_environment_only() {
    let authority = Authority::new();
    let other = key(Purpose::Root, "dev", 10);
    assert_eq!(
        authority.root.sign(None, &[&other]).unwrap_err(),
        SignError::WrongEnvironment {
            id: other.id(),
            expected: env("prod"),
            found: env("dev")
        }
    );
}
