//! What every believed token must say: who made it, for whom, and when.

use std::time::Duration;

use hallpass_vocabulary::Timestamp;
use serde_json::{Map, Value};

/// How far the issuer's clock and ours may be apart.
const LEEWAY: Duration = Duration::from_secs(30);

/// Times beyond this are none: the year 9999.
const SECONDS_MAX: f64 = 253_402_300_799.0;

/// Checks audience and times, and answers when the token expires.
pub(super) fn check(
    claims: &Map<String, Value>,
    audience: &str,
    now: Timestamp,
) -> Result<Timestamp, &'static str> {
    if !is_for(claims.get("aud"), audience) {
        return Err("the token is for another audience");
    }
    let expires = date(claims, "exp")?.ok_or("the token has no expiry")?;
    let issued = date(claims, "iat")?.ok_or("the token does not say when it was issued")?;
    let not_before = date(claims, "nbf")?.unwrap_or(issued);
    if now >= expires.after(LEEWAY) {
        return Err("the token is expired");
    }
    let soon = now.after(LEEWAY);
    if not_before > soon {
        return Err("the token is not valid yet");
    }
    if issued > soon {
        return Err("the token was issued in the future");
    }
    Ok(expires)
}

/// A claim that is text: one of this very name, or one inside objects, with `/` between the names
/// (`kubernetes.io/namespace`).
pub(super) fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    find(claims, name)?.as_str()
}

/// As [`text`], of any kind.
pub(super) fn find<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(name) {
        return Some(value);
    }
    name.match_indices('/').find_map(|(place, _)| {
        let (outer, inner) = name.split_at_checked(place)?;
        find(claims.get(outer)?.as_object()?, inner.get(1..)?)
    })
}

/// RFC 7519 section 4.1.3: one audience, or several.
fn is_for(aud: Option<&Value>, audience: &str) -> bool {
    match aud {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(several)) => {
            several.iter().all(Value::is_string)
                && several.iter().any(|one| one.as_str() == Some(audience))
        }
        _ => false,
    }
}

/// A NumericDate (RFC 7519 section 2), in whole milliseconds.
fn date(claims: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, &'static str> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let seconds = value
        .as_f64()
        .filter(|seconds| (0.0..=SECONDS_MAX).contains(seconds));
    let seconds = seconds.ok_or("a time in the token is none")?;
    #[allow(
        clippy::cast_possible_truncation,
        reason = "bounded above and below a line before; the fraction of a millisecond may go"
    )]
    let ms = (seconds * 1000.0) as i64;
    Ok(Some(Timestamp::from_unix_ms(ms)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn checked(claims: Value) -> Result<Timestamp, &'static str> {
        let Value::Object(claims) = claims else {
            panic!("an object");
        };
        check(&claims, "hallpass", Timestamp::from_unix_seconds(NOW))
    }

    #[test]
    fn times_have_thirty_seconds_of_leeway_and_no_more() {
        let with = |exp: i64, nbf: i64, iat: i64| {
            checked(json!({"aud": "hallpass", "exp": exp, "nbf": nbf, "iat": iat}))
        };
        assert_eq!(
            with(NOW + 1, NOW, NOW),
            Ok(Timestamp::from_unix_seconds(NOW + 1))
        );
        assert!(with(NOW - 29, NOW - 60, NOW - 60).is_ok());
        assert_eq!(
            with(NOW - 30, NOW - 60, NOW - 60),
            Err("the token is expired")
        );
        assert!(with(NOW + 60, NOW + 30, NOW).is_ok());
        assert_eq!(
            with(NOW + 60, NOW + 31, NOW),
            Err("the token is not valid yet")
        );
        assert!(with(NOW + 60, NOW, NOW + 30).is_ok());
        assert_eq!(
            with(NOW + 60, NOW, NOW + 31),
            Err("the token was issued in the future")
        );
    }

    #[test]
    fn what_is_missing_or_no_time_is_refused() {
        for bad in [
            json!({"exp": NOW + 60, "iat": NOW}),
            json!({"aud": "other", "exp": NOW + 60, "iat": NOW}),
            json!({"aud": ["other"], "exp": NOW + 60, "iat": NOW}),
            json!({"aud": ["hallpass", 1], "exp": NOW + 60, "iat": NOW}),
            json!({"aud": {"hallpass": true}, "exp": NOW + 60, "iat": NOW}),
            json!({"aud": "hallpass", "iat": NOW}),
            json!({"aud": "hallpass", "exp": NOW + 60}),
            json!({"aud": "hallpass", "exp": (NOW + 60).to_string(), "iat": NOW}),
            json!({"aud": "hallpass", "exp": null, "iat": NOW}),
            json!({"aud": "hallpass", "exp": -1, "iat": NOW}),
            json!({"aud": "hallpass", "exp": 1e300, "iat": NOW}),
            json!({"aud": "hallpass", "exp": NOW + 60, "iat": NOW, "nbf": "now"}),
        ] {
            assert!(checked(bad.clone()).is_err(), "{bad}");
        }
        assert!(
            checked(json!({"aud": ["a", "hallpass"], "exp": 1_800_000_000.5, "iat": NOW})).is_ok()
        );
    }

    #[test]
    fn a_claim_is_found_by_its_name_or_inside() {
        let claims = json!({
            "kubernetes.io": {"namespace": "agents", "pod": {"name": "p"}},
            "https://example.com/org": "acme",
            "a/b": "outer", "a": {"b": "inner"},
            "n": 1,
        });
        let claims = claims.as_object().unwrap();
        for (name, found) in [
            ("kubernetes.io/namespace", Some("agents")),
            ("kubernetes.io/pod/name", Some("p")),
            ("https://example.com/org", Some("acme")),
            ("a/b", Some("outer")),
            ("kubernetes.io", None),
            ("kubernetes.io/", None),
            ("namespace", None),
            ("n", None),
            ("", None),
        ] {
            assert_eq!(text(claims, name), found, "{name}");
        }
    }
}
