//! The bodies of `POST /v1/stops` and `POST /v1/revocations`.

use std::collections::BTreeMap;

use hallpass_bundle::Selector;
use hallpass_journal::Text;
use hallpass_vocabulary::{Timestamp, TokenId};

use super::document::Document;
use super::ending::REASON_BYTES_MAX;
use super::{BadRequest, pointer, string};

/// What is to be stopped, and why.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StopRequest {
    pub(crate) selector: Selector,
    pub(crate) reason: Text,
    pub(crate) until: Option<Timestamp>,
}

/// What is not to be good any more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RevocationRequest {
    /// A secret of a client, by its public id.
    Secret(String),
    Token {
        token: TokenId,
        reason: Option<Text>,
    },
}

impl StopRequest {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, BadRequest> {
        let mut members = members(body, &["reason", "selector", "until"])?;
        let missing = |name: &str| BadRequest::new(pointer(name), "the member is missing");
        let selector = members
            .remove("selector")
            .ok_or_else(|| missing("selector"))?;
        let selector = selector.parse().map_err(|error| {
            let error: hallpass_bundle::InvalidSelector = error;
            BadRequest::new("/selector", error.to_string())
        })?;
        let reason = members.remove("reason").ok_or_else(|| missing("reason"))?;
        let until = members.remove("until").map(|until| {
            until
                .parse()
                .map_err(|_| BadRequest::new("/until", "expected a time as in RFC 3339, in UTC"))
        });
        Ok(Self {
            selector,
            reason: bounded(&reason)?,
            until: until.transpose()?,
        })
    }
}

impl RevocationRequest {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, BadRequest> {
        let mut members = members(body, &["reason", "secret_id", "token_id"])?;
        let reason = members.remove("reason");
        let reason = reason.map(|reason| bounded(&reason)).transpose()?;
        match (members.remove("token_id"), members.remove("secret_id")) {
            (Some(token), None) => {
                let token = token.parse().map_err(|_| {
                    BadRequest::new("/token_id", "expected `tok_` and 32 hex digits")
                })?;
                Ok(Self::Token { token, reason })
            }
            (None, Some(secret)) => Ok(Self::Secret(secret)),
            _ => Err(BadRequest::new("", "expected `token_id` or `secret_id`")),
        }
    }
}

/// Members of a flat object of texts, each known and there once.
fn members(body: &[u8], known: &[&str]) -> Result<BTreeMap<String, String>, BadRequest> {
    let malformed = || BadRequest::new("", "the body is not a JSON object");
    let document = serde_json::from_slice(body).map_err(|_| malformed())?;
    let Document::Object(members) = document else {
        return Err(malformed());
    };
    let mut texts = BTreeMap::new();
    for (name, value) in &members {
        let at = || pointer(name);
        if !known.contains(&name.as_str()) {
            return Err(BadRequest::new(at(), "there is no such member"));
        }
        let text = string(value, at)?.to_owned();
        if texts.insert(name.clone(), text).is_some() {
            return Err(BadRequest::new(at(), "the member is there twice"));
        }
    }
    Ok(texts)
}

fn bounded(reason: &str) -> Result<Text, BadRequest> {
    if (1..=REASON_BYTES_MAX).contains(&reason.len()) {
        return Ok(Text::new(reason));
    }
    let rule = format!("a reason has 1 to {REASON_BYTES_MAX} bytes");
    Err(BadRequest::new("/reason", rule))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_says_what_and_why() {
        let body =
            br#"{"selector":"tenant:acme","reason":"INC-42","until":"2027-01-15T08:00:00Z"}"#;
        let request = StopRequest::parse(body).unwrap();
        assert_eq!(request.selector.to_string(), "tenant:acme");
        assert_eq!(request.reason, Text::new("INC-42"));
        assert_eq!(request.until.unwrap().unix_seconds(), 1_800_000_000);
        let long = format!(
            r#"{{"selector":"everything","reason":"{}"}}"#,
            "x".repeat(REASON_BYTES_MAX + 1)
        );
        for (body, pointer) in [
            ("[]", ""),
            ("{}", "/selector"),
            (r#"{"selector":"everything"}"#, "/reason"),
            (r#"{"selector":"everything","reason":""}"#, "/reason"),
            (r#"{"selector":"all","reason":"a"}"#, "/selector"),
            (r#"{"selector":7,"reason":"a"}"#, "/selector"),
            (
                r#"{"selector":"everything","reason":"a","until":"soon"}"#,
                "/until",
            ),
            (
                r#"{"selector":"everything","reason":"a","reason":"b"}"#,
                "/reason",
            ),
            (
                r#"{"selector":"everything","reason":"a","why":"b"}"#,
                "/why",
            ),
            (&long, "/reason"),
        ] {
            assert_eq!(
                StopRequest::parse(body.as_bytes()).unwrap_err().pointer,
                pointer,
                "{body}"
            );
        }
    }

    #[test]
    fn a_revocation_names_one_thing() {
        let token = "tok_018f3c1e5b7a7000800000000000002a";
        let request = RevocationRequest::parse(format!(r#"{{"token_id":"{token}"}}"#).as_bytes());
        assert_eq!(
            request,
            Ok(RevocationRequest::Token {
                token: token.parse().unwrap(),
                reason: None
            })
        );
        let request = RevocationRequest::parse(br#"{"secret_id":"sec_1","reason":"leaked"}"#);
        assert_eq!(request, Ok(RevocationRequest::Secret("sec_1".to_owned())));
        for (body, pointer) in [
            ("{}", ""),
            (r#"{"token_id":"tok_1"}"#, "/token_id"),
            (r#"{"secret_id":"a","token_id":"b"}"#, ""),
        ] {
            let refused = RevocationRequest::parse(body.as_bytes());
            assert_eq!(refused.unwrap_err().pointer, pointer, "{body}");
        }
    }
}
