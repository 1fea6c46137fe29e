//! The ways to be taken for somebody else with a token, and what is said of each.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::json;

use super::keys::TestKey;
use super::{ISSUER, NOW, claims, identity, key_file, now, settings, unsigned, with, without};
use crate::identity::Identity;
use crate::identity::source::Location;
use crate::identity::subject::SubjectTokenError;
use crate::identity::token::JWT_BYTES_MAX;

struct World {
    identity: Identity,
    ed: TestKey,
    ec: TestKey,
    rsa: TestKey,
    _directory: tempfile::TempDir,
}

fn world() -> World {
    let (ed, ec, rsa) = (TestKey::ed("ed", 1), TestKey::ec("ec"), TestKey::rsa("rsa"));
    let (directory, path) = key_file(&[&ed, &ec, &rsa]);
    World {
        identity: identity(vec![settings(Location::File(path))]),
        ed,
        ec,
        rsa,
        _directory: directory,
    }
}

/// What is said of a token: `accepted`, or why not.
async fn said(identity: &Identity, token: &str) -> String {
    match identity.verify_subject(token, now()).await {
        Ok(verified) => format!("accepted as {}", verified.subject),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn every_listed_algorithm_is_accepted() {
    let world = world();
    for key in [&world.ed, &world.ec, &world.rsa] {
        let token = key.token(&claims());
        assert_eq!(
            said(&world.identity, &token).await,
            "accepted as user:alice",
            "{}",
            key.id
        );
    }
}

/// The table: what is tried, and what is said. Nothing in it is accepted but what says so.
#[tokio::test]
async fn attacks() {
    let World {
        identity,
        ed,
        ec,
        rsa,
        _directory,
    } = &world();
    let claims_text = claims().to_string();
    let header = |header: serde_json::Value| ed.token_of(&header.to_string(), &claims_text);
    let claiming = |name: &str, value: serde_json::Value| ed.token(&with(claims(), name, value));
    let good = ed.token(&claims());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (first, second) = signed.split_once('.').unwrap();
    let stranger = TestKey::ed("ed", 9);
    let hmac_with = |secret: &[u8], kid: &str| {
        let signed = unsigned(
            &json!({"alg": "HS256", "kid": kid, "typ": "JWT"}).to_string(),
            &claims_text,
        );
        let key = EncodingKey::from_secret(secret);
        let signature =
            jsonwebtoken::crypto::sign(signed.as_bytes(), &key, Algorithm::HS256).unwrap();
        format!("{signed}.{signature}")
    };
    let x = URL_SAFE_NO_PAD
        .decode(ed.jwk()["x"].as_str().unwrap())
        .unwrap();
    let none = |alg: &str| unsigned(&json!({ "alg": alg }).to_string(), &claims_text);
    let altered = URL_SAFE_NO_PAD.encode(with(claims(), "sub", json!("mallory")).to_string());
    let cases: Vec<(&str, String)> = vec![
        ("as it should be", good.clone()),
        (
            "typ at+jwt",
            header(json!({"alg": "EdDSA", "kid": "ed", "typ": "at+jwt"})),
        ),
        ("no typ", header(json!({"alg": "EdDSA", "kid": "ed"}))),
        ("alg none, no signature", format!("{}.", none("none"))),
        (
            "alg none, a signature",
            format!("{}.{signature}", none("none")),
        ),
        ("alg None", format!("{}.{signature}", none("None"))),
        ("no alg", header(json!({"kid": "ed"}))),
        ("alg is a number", header(json!({"alg": 1, "kid": "ed"}))),
        ("HS256 with the public key", hmac_with(&x, "ed")),
        (
            "HS256 with the public key as text",
            hmac_with(ed.jwk()["x"].as_str().unwrap().as_bytes(), "ed"),
        ),
        (
            "HS256 with the key set",
            hmac_with(super::keys::set(&[ed, ec, rsa]).as_bytes(), "rsa"),
        ),
        ("HS256 with nothing", hmac_with(b"", "ed")),
        (
            "an algorithm that is not listed",
            TestKey::rsa("rsa").by(Algorithm::PS256).token(&claims()),
        ),
        (
            "the key of another algorithm",
            ed.token_of(
                &json!({"alg": "EdDSA", "kid": "ec"}).to_string(),
                &claims_text,
            ),
        ),
        (
            "another algorithm with this key",
            ed.token_of(
                &json!({"alg": "ES256", "kid": "ec"}).to_string(),
                &claims_text,
            ),
        ),
        (
            "a stranger's key under a known id",
            stranger.token(&claims()),
        ),
        (
            "a key id nobody has",
            TestKey::ed("nobody", 1).token(&claims()),
        ),
        (
            "a key id that is a path",
            TestKey::ed("../../etc/passwd", 1).token(&claims()),
        ),
        ("no key id, several keys", header(json!({"alg": "EdDSA"}))),
        ("key id null", header(json!({"alg": "EdDSA", "kid": null}))),
        (
            "a key of its own",
            header(json!({"alg": "EdDSA", "kid": "ed", "jwk": stranger.jwk()})),
        ),
        (
            "keys of its own by URL",
            header(json!({"alg": "EdDSA", "kid": "ed", "jku": "https://evil.example"})),
        ),
        (
            "a certificate of its own",
            header(json!({"alg": "EdDSA", "kid": "ed", "x5u": "https://evil.example"})),
        ),
        (
            "crit",
            header(json!({"alg": "EdDSA", "kid": "ed", "crit": ["exp"]})),
        ),
        (
            "crit, empty",
            header(json!({"alg": "EdDSA", "kid": "ed", "crit": []})),
        ),
        (
            "b64",
            header(json!({"alg": "EdDSA", "kid": "ed", "b64": false})),
        ),
        (
            "encrypted",
            header(json!({"alg": "EdDSA", "kid": "ed", "enc": "A256GCM"})),
        ),
        (
            "typ logout+jwt",
            header(json!({"alg": "EdDSA", "kid": "ed", "typ": "logout+jwt"})),
        ),
        (
            "typ dpop+jwt",
            header(json!({"alg": "EdDSA", "kid": "ed", "typ": "dpop+jwt"})),
        ),
        (
            "typ secevent+jwt",
            header(json!({"alg": "EdDSA", "kid": "ed", "typ": "secevent+jwt"})),
        ),
        (
            "typ is a list",
            header(json!({"alg": "EdDSA", "kid": "ed", "typ": ["JWT"]})),
        ),
        (
            "a logout token of type JWT",
            claiming(
                "events",
                json!({"http://schemas.openid.net/event/backchannel-logout": {}}),
            ),
        ),
        (
            "alg twice",
            ed.token_of(r#"{"alg":"EdDSA","kid":"ed","alg":"EdDSA"}"#, &claims_text),
        ),
        (
            "sub twice",
            ed.token_of(
                &ed.header().to_string(),
                &claims_text.replace("{", r#"{"sub":"mallory","#),
            ),
        ),
        (
            "sub twice, escaped",
            ed.token_of(
                &ed.header().to_string(),
                &claims_text.replace("{", r#"{"\u0073ub":"mallory","#),
            ),
        ),
        (
            "a name twice, inside",
            ed.token_of(
                &ed.header().to_string(),
                &claims_text.replace("{", r#"{"x":[{"y":1,"y":1}],"#),
            ),
        ),
        ("header is an array", ed.token_of("[]", &claims_text)),
        (
            "claims are text",
            ed.token_of(&ed.header().to_string(), "\"alice\""),
        ),
        (
            "claims with something after them",
            ed.token_of(&ed.header().to_string(), &format!("{claims_text} {{}}")),
        ),
        (
            "too large",
            claiming("filler", json!("x".repeat(JWT_BYTES_MAX))),
        ),
        ("empty", String::new()),
        ("no dots", "token".to_owned()),
        ("one part", first.to_owned()),
        ("two parts", signed.to_owned()),
        ("four parts", format!("{good}.{signature}")),
        (
            "five parts, as an encrypted token has",
            format!("{good}.{signature}.{signature}"),
        ),
        ("padded", format!("{first}=.{second}.{signature}")),
        (
            "standard base64",
            format!(
                "{}.{second}.{signature}",
                STANDARD.encode(ed.header().to_string())
            ),
        ),
        ("white space", format!(" {good}")),
        ("a line end", format!("{good}\n")),
        ("signature cut", good[..good.len() - 4].to_owned()),
        (
            "signature of zeros",
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode([0; 64])),
        ),
        ("claims altered", format!("{first}.{altered}.{signature}")),
        (
            "header altered",
            format!(
                "{}.{second}.{signature}",
                URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA","kid":"ed"}"#)
            ),
        ),
        (
            "another issuer",
            claiming("iss", json!("https://evil.example")),
        ),
        (
            "the issuer with a slash",
            claiming("iss", json!(format!("{ISSUER}/"))),
        ),
        ("several issuers", claiming("iss", json!([ISSUER]))),
        ("no issuer", ed.token(&without(claims(), "iss"))),
        ("another audience", claiming("aud", json!("billing"))),
        ("no audience", ed.token(&without(claims(), "aud"))),
        (
            "several audiences, this one too",
            claiming("aud", json!(["billing", "hallpass"])),
        ),
        ("expired", claiming("exp", json!(NOW - 30))),
        (
            "expired within the leeway",
            claiming("exp", json!(NOW - 29)),
        ),
        ("no expiry", ed.token(&without(claims(), "exp"))),
        (
            "expiry as text",
            claiming("exp", json!((NOW + 60).to_string())),
        ),
        ("expiry beyond time", claiming("exp", json!(1e300))),
        ("not yet valid", claiming("nbf", json!(NOW + 31))),
        ("issued in the future", claiming("iat", json!(NOW + 31))),
        ("no date of issue", ed.token(&without(claims(), "iat"))),
        ("no subject", ed.token(&without(claims(), "sub"))),
        ("an empty subject", claiming("sub", json!(""))),
        ("a subject that is a number", claiming("sub", json!(7))),
        (
            "a subject with a space",
            claiming("sub", json!("alice bob")),
        ),
        ("a subject with a quote", claiming("sub", json!("alice\""))),
        (
            "a subject that is too long",
            claiming("sub", json!("a".repeat(200))),
        ),
    ];
    let mut table = String::new();
    for (what, token) in &cases {
        table.push_str(&format!("{what:42} {}\n", said(identity, token).await));
    }
    insta::assert_snapshot!(table);
    let accepted = table.matches("accepted as user:alice").count();
    // As it should be, in three forms, with several audiences, and within the leeway.
    assert_eq!(accepted, 5);
}

#[tokio::test]
async fn whom_an_issuer_vouches_for_is_the_policys_to_say() {
    let key = TestKey::ed("ed", 1);
    let (_directory, path) = key_file(&[&key]);
    let base = || settings(Location::File(path.clone()));
    let mut for_clients = base();
    for_clients.for_subjects = false;
    let clients = identity(vec![for_clients]);
    let token = key.token(&claims());
    assert_eq!(
        clients.verify_subject(&token, now()).await.unwrap_err(),
        SubjectTokenError::IssuerUnknown
    );
    let mut for_subjects = base();
    for_subjects.for_clients = false;
    let subjects = identity(vec![for_subjects]);
    assert!(subjects.verify_subject(&token, now()).await.is_ok());
    assert_eq!(
        subjects.verify_workload(&token, now()).await.unwrap_err(),
        SubjectTokenError::IssuerUnknown
    );
    let nobody = Identity::default();
    assert_eq!(
        nobody.verify_subject(&token, now()).await.unwrap_err(),
        SubjectTokenError::IssuerUnknown
    );
}

#[tokio::test]
async fn a_set_says_what_its_keys_are_for() {
    let key = TestKey::ed("ed", 1);
    for (member, value, accepted) in [
        ("use", json!("sig"), true),
        ("use", json!("enc"), false),
        ("alg", json!("EdDSA"), true),
        ("alg", json!("ES256"), false),
        ("alg", json!("unheard-of"), false),
        ("key_ops", json!(["verify"]), true),
        ("key_ops", json!(["encrypt"]), false),
        ("kty", json!("EC"), false),
        ("crv", json!("Ed448"), false),
        ("x", json!("AAAA"), false),
        ("x", json!("!"), false),
        ("d", json!("what a public key should not have"), true),
    ] {
        let set = json!({"keys": [{"kty": "unheard-of"}, with(key.jwk(), member, value.clone())]});
        let (_directory, path) = key_file(&[]);
        std::fs::write(&path, set.to_string()).unwrap();
        let identity = identity(vec![settings(Location::File(path))]);
        let verified = identity.verify_subject(&key.token(&claims()), now()).await;
        assert_eq!(verified.is_ok(), accepted, "{member} {value}: {verified:?}");
    }
    // Two keys of one name: which one is meant is nothing to try out.
    let (_directory, path) = key_file(&[&key, &TestKey::ed("ed", 2)]);
    let identity = identity(vec![settings(Location::File(path))]);
    assert!(
        identity
            .verify_subject(&key.token(&claims()), now())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn without_a_key_id_the_only_key_is_meant() {
    let key = TestKey::ed("ed", 1);
    let (_directory, path) = key_file(&[&key]);
    let identity = identity(vec![settings(Location::File(path))]);
    let token = key.token_of(r#"{"alg":"EdDSA"}"#, &claims().to_string());
    assert!(identity.verify_subject(&token, now()).await.is_ok());
}
