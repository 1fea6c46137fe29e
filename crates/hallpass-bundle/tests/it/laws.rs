//! What holds for every input: no panic, and nothing believed but what was signed.

use hallpass_bundle::{TrustRoot, accept};
use hallpass_keys::Digest;
use proptest::prelude::*;
use serde_json::Value;

use crate::authority::{Authority, NOW};

/// Every place in a document, as a JSON Pointer.
fn pointers(value: &Value, prefix: &str, into: &mut Vec<String>) {
    into.push(prefix.to_owned());
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                pointers(member, &format!("{prefix}/{name}"), into);
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                pointers(item, &format!("{prefix}/{number}"), into);
            }
        }
        _ => {}
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(Value::Array(Vec::new())),
        Just(serde_json::json!([0])),
        Just(serde_json::json!({})),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn changed_bytes_are_never_believed_as_something_else(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)
    ) {
        let authority = Authority::new();
        let published = authority.published(NOW);
        let mut json = published.to_json().unwrap();
        for (place, byte) in changes {
            let place = place.index(json.len());
            json[place] = byte;
        }
        if let Ok(snapshot) = accept(&json, &authority.pinned(), None, NOW) {
            prop_assert_eq!(
                snapshot.digest(),
                &Digest::of(published.bundle.unverified_payload())
            );
            prop_assert_eq!(snapshot.heartbeat(), NOW);
        }
    }

    /// Whoever holds the bundle key can say anything, and break nothing.
    #[test]
    fn no_signed_content_breaks_a_reader(place in any::<prop::sample::Index>(), value in any_json()) {
        let authority = Authority::new();
        let change = |document: &mut Value| {
            let mut places = Vec::new();
            pointers(document, "", &mut places);
            let place = &places[place.index(places.len())];
            *document.pointer_mut(place).unwrap() = value.clone();
        };
        let json = authority.with_bundle(change).to_json().unwrap();
        if let Ok(snapshot) = accept(&json, &authority.pinned(), None, NOW) {
            prop_assert_eq!(snapshot.environment().as_str(), "prod");
            prop_assert!(snapshot.key(authority.run_key.id().hint()).is_some());
        }
        let json = authority.with_heartbeat(change).to_json().unwrap();
        let _ = accept(&json, &authority.pinned(), None, NOW);
        let (published, pinned) = authority.with_root(change);
        let _ = accept(&published.to_json().unwrap(), &pinned, None, NOW);
    }

    #[test]
    fn no_bytes_break_a_reader(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let authority = Authority::new();
        prop_assert!(accept(&bytes, &authority.pinned(), None, NOW).is_err());
    }

    #[test]
    fn no_text_breaks_a_pin(text in "\\PC{0,80}(\n\\PC{0,80}){0,5}") {
        let _ = text.parse::<TrustRoot>();
    }
}
