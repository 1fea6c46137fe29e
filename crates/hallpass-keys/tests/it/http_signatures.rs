//! Signed requests: what was signed verifies, and nothing else does.

use hallpass_keys::http_signature::{
    CREATED_SKEW_MAX, ContentDigest, HttpSignatureError, NONCE_CHARS_MAX, NONCE_LIFE, Nonce,
    Outgoing, SignedHeaders, SignedParts, Signer, UnverifiedSignature, authority_value,
};
use hallpass_keys::{Purpose, SigningKey};
use hallpass_vocabulary::{AuthorityId, Environment, Timestamp};
use proptest::prelude::*;

use crate::{env, key};

const NOW: i64 = 1_795_253_400;

/// A request with its headers.
#[derive(Debug, Clone, PartialEq)]
struct Signed {
    method: String,
    path: String,
    query: Option<String>,
    body: Vec<u8>,
    headers: SignedHeaders,
}

fn authority() -> AuthorityId {
    AuthorityId::new("prod.hallpass").unwrap()
}

fn nonce(seed: u8) -> Nonce {
    Nonce::from_random([seed; 16])
}

fn signed_by(key: &SigningKey, environment: &Environment) -> Result<Signed, HttpSignatureError> {
    let (method, path, query, body) = ("POST", "/v1/clients/a/secrets", Some("x=1"), b"{}");
    let headers = Outgoing {
        authority: &authority(),
        environment,
        method,
        path,
        query,
        body,
    }
    .sign(key, Timestamp::from_unix_seconds(NOW), &nonce(3))?;
    Ok(Signed {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.map(str::to_owned),
        body: body.to_vec(),
        headers,
    })
}

fn signed() -> Signed {
    signed_by(&key(Purpose::Operator, 5), &env("prod")).unwrap()
}

/// As an authority does it, but for the memory of nonces.
fn verify_at(signed: &Signed, now: i64) -> Result<(), HttpSignatureError> {
    let headers = &signed.headers;
    let signature = UnverifiedSignature::parse(&headers.signature_input, &headers.signature)?;
    let parts = SignedParts {
        method: &signed.method,
        path: &signed.path,
        query: signed.query.as_deref(),
        content_digest: &headers.content_digest,
        authority: &headers.authority,
    };
    let key = key(Purpose::Operator, 5).verifying_key();
    signature.verify(&key, &parts, Timestamp::from_unix_seconds(now))?;
    if headers.authority != authority_value(&authority(), &env("prod")) {
        return Err(HttpSignatureError::WrongKey);
    }
    if ContentDigest::parse(&headers.content_digest)?.matches(&signed.body) {
        Ok(())
    } else {
        Err(HttpSignatureError::Malformed("content-digest"))
    }
}

fn verify(signed: &Signed) -> Result<(), HttpSignatureError> {
    verify_at(signed, NOW)
}

#[test]
fn what_was_signed_verifies_and_has_one_form() {
    let signed = signed();
    assert_eq!(verify(&signed), Ok(()));
    let id = key(Purpose::Operator, 5).id();
    assert_eq!(
        signed.headers.signature_input,
        format!(
            "hallpass=(\"@method\" \"@path\" \"@query\" \"content-digest\" \"hallpass-authority\");created={NOW};nonce=\"AwMDAwMDAwMDAwMDAwMDAw\";keyid=\"{id}\";alg=\"ed25519\";tag=\"hallpass-operator-v1\""
        )
    );
    assert_eq!(signed.headers.authority, "prod.hallpass/prod");
    let read =
        UnverifiedSignature::parse(&signed.headers.signature_input, &signed.headers.signature)
            .unwrap();
    assert_eq!((read.key_id(), read.nonce()), (id, &nonce(3)));
}

#[test]
fn a_change_of_any_part_is_found() {
    type Change = fn(&mut Signed);
    let changes: [(&str, Change); 10] = [
        ("method", |s| s.method = "PUT".to_owned()),
        ("method in small letters", |s| s.method = "post".to_owned()),
        ("path", |s| s.path = "/v1/clients/b/secrets".to_owned()),
        ("path in another spelling", |s| {
            s.path = "/v1/clients/%61/secrets".to_owned()
        }),
        ("query", |s| s.query = Some("x=2".to_owned())),
        ("no query", |s| s.query = None),
        ("query into the path", |s| {
            s.path.push_str("?x=1");
            s.query = None;
        }),
        ("body", |s| s.body = b"{ }".to_vec()),
        ("body and digest", |s| {
            s.body = b"{ }".to_vec();
            s.headers.content_digest = ContentDigest::of(b"{ }").to_string();
        }),
        ("authority", |s| {
            s.headers.authority = "prod.hallpass/dev".to_owned()
        }),
    ];
    for (what, change) in changes {
        let mut changed = signed();
        change(&mut changed);
        assert_ne!(changed, signed(), "{what}");
        assert!(verify(&changed).is_err(), "{what}");
    }
    let no_query = |query: Option<&str>| Signed {
        query: query.map(str::to_owned),
        ..signed()
    };
    assert!(verify(&no_query(Some(""))).is_err());
}

#[test]
fn a_request_is_fresh_for_a_minute_either_way() {
    let skew = i64::try_from(CREATED_SKEW_MAX.as_secs()).unwrap();
    for now in [NOW - skew, NOW, NOW + skew] {
        assert_eq!(verify_at(&signed(), now), Ok(()), "{now}");
    }
    for now in [NOW - skew - 1, NOW + skew + 1, 0, i64::MAX / 2000] {
        assert_eq!(
            verify_at(&signed(), now),
            Err(HttpSignatureError::OutOfTime),
            "{now}"
        );
    }
    // A nonce that was seen at one end of its signature's life is still remembered at the other.
    assert!(NONCE_LIFE > CREATED_SKEW_MAX * 2);
}

#[test]
fn only_a_key_of_who_sends_requests_and_of_the_environment_signs() {
    for purpose in Purpose::ALL {
        let signed = signed_by(&key(purpose, 5), &env("prod"));
        let signs = matches!(purpose, Purpose::Operator | Purpose::Verifier);
        assert_eq!(signed.is_ok(), signs, "{purpose}");
    }
    assert_eq!(
        signed_by(&key(Purpose::Operator, 5), &env("dev")),
        Err(HttpSignatureError::WrongKey)
    );
}

/// The same seed, so that only the tag tells them apart.
#[test]
fn what_a_verifier_signed_is_no_request_of_an_operator() {
    let of = |purpose| signed_by(&key(purpose, 5), &env("prod")).unwrap().headers;
    let read = |signer, headers: &SignedHeaders| {
        UnverifiedSignature::parse_of(signer, &headers.signature_input, &headers.signature)
    };
    let (operator, verifier) = (of(Purpose::Operator), of(Purpose::Verifier));
    assert!(read(Signer::Operator, &operator).is_ok());
    assert!(read(Signer::Verifier, &verifier).is_ok());
    assert!(read(Signer::Operator, &verifier).is_err());
    assert!(read(Signer::Verifier, &operator).is_err());
    // Another tag on the same signature.
    let renamed = SignedHeaders {
        signature_input: verifier
            .signature_input
            .replace("hallpass-verifier-v1", "hallpass-operator-v1"),
        ..verifier
    };
    let request = Signed {
        headers: renamed,
        ..signed()
    };
    assert_eq!(verify(&request), Err(HttpSignatureError::Signature));
}

#[test]
fn another_key_is_told_before_the_signature() {
    let signed = signed_by(&key(Purpose::Operator, 6), &env("prod")).unwrap();
    assert_eq!(verify(&signed), Err(HttpSignatureError::WrongKey));
    // Under the name of the key that is asked.
    let (ours, other) = (
        key(Purpose::Operator, 5).id(),
        key(Purpose::Operator, 6).id(),
    );
    let mut named = signed;
    named.headers.signature_input = named
        .headers
        .signature_input
        .replace(&other.to_string(), &ours.to_string());
    assert_eq!(verify(&named), Err(HttpSignatureError::Signature));
}

#[test]
fn there_is_no_second_form() {
    let good = signed().headers;
    let input = |from: &str, to: &str| {
        let changed = good.signature_input.replace(from, to);
        assert_ne!(changed, good.signature_input, "{from}");
        changed
    };
    let long = "A".repeat(NONCE_CHARS_MAX + 1);
    for bad in [
        String::new(),
        format!("{} ", good.signature_input),
        format!(" {}", good.signature_input),
        format!("{0}, {0}", good.signature_input),
        input("hallpass=(", "sig1=("),
        input("(\"@method\" ", "("),
        input("\"@method\" \"@path\"", "\"@path\" \"@method\""),
        input("\"@method\" \"@path\"", "\"@method\"  \"@path\""),
        input(" \"content-digest\"", ""),
        input("\"@query\"", "\"@query\";req"),
        input("created=1", "created=+1"),
        input("created=1", "created=-1"),
        input("created=1", "created=01"),
        input("created=1795253400", "created="),
        input("created=1795253400", "created=1795253400.5"),
        input("created=1795253400", "created=17952534000000"),
        input(";nonce=\"AwMDAwMDAwMDAwMDAwMDAw\"", ""),
        input("AwMDAwMDAwMDAwMDAwMDAw", "AwMDAwMDAwMDAwMDAwMDA"),
        input("AwMDAwMDAwMDAwMDAwMDAw", "AwMDAwMDAwMDAwMDAwMDA\\\""),
        input("AwMDAwMDAwMDAwMDAwMDAw", &long),
        input("keyid=\"", "keyid=\"0x"),
        input(";alg=\"ed25519\"", ""),
        input("alg=\"ed25519\"", "alg=\"hmac-sha256\""),
        input("operator-v1", "operator-v2"),
        input(
            ";tag=\"hallpass-operator-v1\"",
            ";tag=\"hallpass-operator-v1\";expires=1",
        ),
        good.signature_input.to_uppercase(),
    ] {
        assert_eq!(
            UnverifiedSignature::parse(&bad, &good.signature),
            Err(HttpSignatureError::Malformed("signature-input")),
            "{bad}"
        );
    }
    let encoded = good.signature.strip_prefix("hallpass=:").unwrap();
    for bad in [
        String::new(),
        good.signature.replace("hallpass=", "sig1="),
        good.signature.trim_end_matches(':').to_owned(),
        format!("{0}, {0}", good.signature),
        format!("hallpass=:A{encoded}"),
        "hallpass=::".to_owned(),
        good.signature.replace("==:", ":"),
    ] {
        assert_eq!(
            UnverifiedSignature::parse(&good.signature_input, &bad),
            Err(HttpSignatureError::Malformed("signature")),
            "{bad}"
        );
    }
}

#[test]
fn nothing_is_signed_that_could_be_read_in_two_ways() {
    let long = format!("/{}", "a".repeat(5000));
    for (method, path, query) in [
        ("POST", "/a\n\"@path\": /b", None),
        ("POST", "/a b", None),
        ("POST", "a", None),
        ("POST", "", None),
        ("POST", "/\u{e9}", None),
        ("POST", "/a", Some("b\r\nc")),
        ("PO ST", "/a", None),
        ("", "/a", None),
        ("POST", &long, None),
    ] {
        let outgoing = Outgoing {
            authority: &authority(),
            environment: &env("prod"),
            method,
            path,
            query,
            body: b"",
        };
        let signed = outgoing.sign(
            &key(Purpose::Operator, 5),
            Timestamp::from_unix_seconds(NOW),
            &nonce(1),
        );
        assert_eq!(
            signed,
            Err(HttpSignatureError::Component),
            "{method} {path}"
        );
    }
}

#[test]
fn no_error_repeats_the_request() {
    let error = UnverifiedSignature::parse("secret", "secret").unwrap_err();
    assert!(!format!("{error:?} {error}").contains("secret"));
}

/// A header's value with a few bytes changed, as far as it is still text.
fn changed(original: String) -> impl Strategy<Value = String> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), 0x20_u8..0x7f), 1..4);
    changes.prop_map(move |changes| {
        let mut bytes = original.clone().into_bytes();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        String::from_utf8(bytes).unwrap()
    })
}

proptest! {
    #[test]
    fn a_changed_header_never_verifies(
        authority in changed(signed().headers.authority),
        digest in changed(signed().headers.content_digest),
        input in changed(signed().headers.signature_input),
        signature in changed(signed().headers.signature),
        which in 0..4,
    ) {
        let mut request = signed();
        match which {
            0 => request.headers.authority = authority,
            1 => request.headers.content_digest = digest,
            2 => request.headers.signature_input = input,
            _ => request.headers.signature = signature,
        }
        prop_assert_eq!(verify(&request).is_ok(), request == signed());
    }

    #[test]
    fn no_text_breaks_the_reader(input in "\\PC{0,300}", signature in "\\PC{0,120}") {
        let _ = UnverifiedSignature::parse(&input, &signature);
        let _ = ContentDigest::parse(&input);
        let _ = input.parse::<Nonce>();
    }

    #[test]
    fn every_request_is_signed_for_itself(
        path in "/[a-z0-9/%_-]{0,20}", query in prop::option::of("[a-z=&]{0,10}"), body in any::<Vec<u8>>(),
        other_path in "/[a-z0-9/%_-]{0,20}", other_query in prop::option::of("[a-z=&]{0,10}"),
    ) {
        let key = key(Purpose::Operator, 5);
        let (authority, environment) = (authority(), env("prod"));
        let outgoing = Outgoing {
            authority: &authority, environment: &environment, method: "POST", path: &path, query: query.as_deref(), body: &body,
        };
        let now = Timestamp::from_unix_seconds(NOW);
        let headers = outgoing.sign(&key, now, &nonce(1)).unwrap();
        let read = UnverifiedSignature::parse(&headers.signature_input, &headers.signature).unwrap();
        let parts = |path, query| SignedParts {
            method: "POST", path, query, content_digest: &headers.content_digest, authority: &headers.authority,
        };
        prop_assert!(read.verify(&key.verifying_key(), &parts(&path, query.as_deref()), now).is_ok());
        let verified = read.verify(&key.verifying_key(), &parts(&other_path, other_query.as_deref()), now).is_ok();
        // A query that is there and empty is the same to a signature as none (RFC 9421 section 2.2.7).
        let same = other_path == path && other_query.as_deref().unwrap_or_default() == query.as_deref().unwrap_or_default();
        prop_assert_eq!(verified, same);
    }
}
