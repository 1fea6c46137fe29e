use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hallpass_keys::dsse::{DsseError, Envelope, PAYLOAD_BYTES_MAX, SIGNATURES_MAX, pae};
use hallpass_keys::{Purpose, SigningKey};
use serde_json::{Value, json};

use crate::key;

const TYPE: &str = "http://example.com/HelloWorld";

fn signed(keys: &[&SigningKey]) -> Envelope {
    Envelope::sign(TYPE, b"hello world".to_vec(), keys).unwrap()
}

/// The example of the protocol document.
#[test]
fn pre_authentication_encoding_of_the_protocol() {
    assert_eq!(
        pae(TYPE, b"hello world"),
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    );
    assert_eq!(pae("", b""), b"DSSEv1 0  0 ");
}

#[test]
fn lengths_count_bytes_and_not_characters() {
    assert_eq!(
        pae("t\u{e9}", "\u{e9}".as_bytes()),
        "DSSEv1 3 t\u{e9} 2 \u{e9}".as_bytes()
    );
}

#[test]
fn json_form_is_the_protocols() {
    let a = key(Purpose::Bundle, 1);
    let json: Value = serde_json::from_slice(&signed(&[&a]).to_json()).unwrap();
    assert_eq!(json["payloadType"], TYPE);
    assert_eq!(json["payload"], "aGVsbG8gd29ybGQ=");
    assert_eq!(json["signatures"][0]["keyid"], a.id().to_string());
    assert_eq!(json.as_object().unwrap().len(), 3);
    assert_eq!(json["signatures"][0].as_object().unwrap().len(), 2);
}

#[test]
fn round_trips_and_verifies() {
    let a = key(Purpose::Bundle, 1);
    let envelope = Envelope::from_json(&signed(&[&a]).to_json()).unwrap();
    assert_eq!(envelope, signed(&[&a]));
    assert_eq!(
        envelope.verify(TYPE, &[a.verifying_key()], 1).unwrap(),
        b"hello world"
    );
}

#[test]
fn a_signature_is_for_one_type() {
    let a = key(Purpose::Bundle, 1);
    let mut json: Value = serde_json::from_slice(&signed(&[&a]).to_json()).unwrap();
    let envelope = Envelope::from_json(json.to_string().as_bytes()).unwrap();
    assert!(matches!(
        envelope.verify("another", &[a.verifying_key()], 1),
        Err(DsseError::WrongPayloadType { .. })
    ));
    json["payloadType"] = json!("another");
    let envelope = Envelope::from_json(json.to_string().as_bytes()).unwrap();
    assert_eq!(
        envelope.verify("another", &[a.verifying_key()], 1),
        Err(DsseError::BelowThreshold {
            valid: 0,
            threshold: 1
        })
    );
}

#[test]
fn threshold_counts_distinct_allowed_keys() {
    let (a, b, c) = (
        key(Purpose::Root, 1),
        key(Purpose::Root, 2),
        key(Purpose::Root, 3),
    );
    let allowed = [a.verifying_key(), b.verifying_key()];
    let below = |valid, threshold| Err(DsseError::BelowThreshold { valid, threshold });
    let ok: Result<&[u8], DsseError> = Ok(b"hello world");

    assert_eq!(signed(&[&a, &b]).verify(TYPE, &allowed, 2), ok);
    // Signing twice is refused, and being listed twice is being listed once.
    let repeated = Envelope::sign(TYPE, b"payload".to_vec(), &[&a, &a]).map(|_| ());
    assert_eq!(repeated, Err(DsseError::KeyIdRepeated));
    let twice = [a.verifying_key(), a.verifying_key()];
    assert_eq!(signed(&[&a]).verify(TYPE, &twice, 2), below(1, 2));
    // A stranger neither counts nor harms.
    assert_eq!(signed(&[&a, &c]).verify(TYPE, &allowed, 2), below(1, 2));
    assert_eq!(signed(&[&c, &a, &b]).verify(TYPE, &allowed, 2), ok);
    // Nothing is signed enough for a threshold of nothing.
    assert_eq!(signed(&[&a]).verify(TYPE, &allowed, 0), below(1, 0));
    assert_eq!(signed(&[&a]).verify(TYPE, &[], 1), below(0, 1));
}

#[test]
fn a_stolen_key_id_proves_nothing() {
    let (a, b) = (key(Purpose::Root, 1), key(Purpose::Root, 2));
    let mut json: Value = serde_json::from_slice(&signed(&[&b]).to_json()).unwrap();
    json["signatures"][0]["keyid"] = json!(a.id().to_string());
    let envelope = Envelope::from_json(json.to_string().as_bytes()).unwrap();
    assert!(envelope.verify(TYPE, &[a.verifying_key()], 1).is_err());
    assert!(envelope.verify(TYPE, &[b.verifying_key()], 1).is_err());
}

#[test]
fn any_changed_byte_of_the_payload_is_found() {
    let a = key(Purpose::Root, 1);
    let envelope = signed(&[&a]);
    for position in 0..b"hello world".len() {
        let mut payload = b"hello world".to_vec();
        payload[position] ^= 1;
        let mut json: Value = serde_json::from_slice(&envelope.to_json()).unwrap();
        json["payload"] = json!(STANDARD.encode(payload));
        let forged = Envelope::from_json(json.to_string().as_bytes()).unwrap();
        assert!(forged.verify(TYPE, &[a.verifying_key()], 1).is_err());
    }
}

#[test]
fn reads_nothing_but_the_exact_form() {
    let a = key(Purpose::Root, 1);
    let good: Value = serde_json::from_slice(&signed(&[&a]).to_json()).unwrap();
    let text = good.to_string();
    assert!(Envelope::from_json(text.as_bytes()).is_ok());
    let with = |pointer: &str, value: Value| {
        let mut json = good.clone();
        *json.pointer_mut(pointer).unwrap() = value;
        json.to_string()
    };
    let mut extra = good.clone();
    extra["extra"] = json!(1);
    let mut extra_signature = good.clone();
    extra_signature["signatures"][0]["cert"] = json!("x");
    for bad in [
        String::new(),
        "null".to_owned(),
        format!("{text} x"),
        extra.to_string(),
        extra_signature.to_string(),
        text.replacen('{', "{\"payloadType\":\"twice\",", 1),
        with("/payload", json!("aGVsbG8gd29ybGQ")),
        with("/payload", json!("aGVsbG8gd29ybGR=")),
        with("/payload", json!("_-8=")),
        with("/payload", json!(" aGVsbG8gd29ybGQ=")),
        with("/signatures/0/sig", json!("AAAA")),
        with("/signatures/0/keyid", json!("")),
        with(
            "/signatures/0/keyid",
            json!(a.id().to_string().to_uppercase()),
        ),
    ] {
        assert_eq!(
            Envelope::from_json(bad.as_bytes()),
            Err(DsseError::Malformed),
            "{bad}"
        );
    }
}

#[test]
fn every_size_is_bounded() {
    let a = key(Purpose::Root, 1);
    let many: Vec<SigningKey> = (1..=u8::MAX).map(|seed| key(Purpose::Root, seed)).collect();
    let sign = |payload_type: &str, bytes: usize, keys: usize| {
        let keys: Vec<&SigningKey> = many.iter().take(keys).collect();
        Envelope::sign(payload_type, vec![0; bytes], &keys).map(|_| ())
    };
    assert_eq!(sign("t", PAYLOAD_BYTES_MAX, 1), Ok(()));
    assert_eq!(
        sign("t", PAYLOAD_BYTES_MAX + 1, 1),
        Err(DsseError::PayloadTooLarge)
    );
    assert_eq!(sign("t", 0, 0), Err(DsseError::SignatureCount));
    assert_eq!(sign("t", 0, SIGNATURES_MAX), Ok(()));
    assert_eq!(
        sign("t", 0, SIGNATURES_MAX + 1),
        Err(DsseError::SignatureCount)
    );
    assert_eq!(sign("", 0, 1), Err(DsseError::PayloadTypeLength));
    assert_eq!(
        sign(&"t".repeat(129), 0, 1),
        Err(DsseError::PayloadTypeLength)
    );

    let mut json: Value = serde_json::from_slice(&signed(&[&a]).to_json()).unwrap();
    json["signatures"] = json!([]);
    assert_eq!(
        Envelope::from_json(json.to_string().as_bytes()),
        Err(DsseError::SignatureCount)
    );
}
