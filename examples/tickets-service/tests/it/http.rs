//! Calls as HTTP requests, and what must be true of every answer.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

/// A call under construction: a good one, until something is changed.
#[derive(Clone)]
pub struct Call {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

/// A tool call without a token.
pub fn call(tool: &str) -> Call {
    Call {
        method: "POST",
        path: format!("/tools/{tool}"),
        headers: vec![("content-type", "application/json".to_owned())],
        body: br#"{"query":"refund","id":"T-1001"}"#.to_vec(),
    }
}

impl Call {
    pub fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// One more header, beside any of the same name.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(present, _)| *present != name);
        self
    }

    pub fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    pub fn path(mut self, path: &str) -> Self {
        self.path = path.to_owned();
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    fn request(self) -> Request<Body> {
        let mut request = Request::builder().method(self.method).uri(&self.path);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        request.body(Body::from(self.body)).unwrap()
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The decision's id, which every answer of a tool names.
    pub fn decision(&self) -> String {
        let decision = self.header("hallpass-decision").expect("a decision id");
        assert!(decision.starts_with("dec_"), "{decision}");
        decision.to_owned()
    }

    /// That this is a denial as `docs/http-binding.md` has it.
    #[track_caller]
    pub fn assert_denied(&self, name: &str, status: u16, code: &str) {
        let document = self.json();
        assert_eq!(
            (self.status, document["code"].as_str().unwrap()),
            (status, code),
            "{name}: {}",
            self.body
        );
        assert_eq!(
            document["type"],
            format!("urn:hallpass:denial:{code}"),
            "{name}"
        );
        assert_eq!(document["status"], status, "{name}");
        assert_eq!(document["instance"], self.decision(), "{name}");
        for member in ["title", "next"] {
            assert!(
                document[member]
                    .as_str()
                    .is_some_and(|text| !text.is_empty()),
                "{name}: {member}"
            );
        }
        assert_eq!(
            document.get("detail"),
            None,
            "{name}: this service discloses codes only"
        );
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{name}"
        );
        assert_eq!(self.header("cache-control"), Some("no-store"), "{name}");
        let challenge = match (status, code) {
            (401, "token_missing") => Some("Bearer".to_owned()),
            (401, _) => Some(format!(
                "Bearer error=\"invalid_token\", error_description=\"{code}\""
            )),
            // No other token helps.
            (403, "stopped") => None,
            (403, _) => Some(format!(
                "Bearer error=\"insufficient_scope\", error_description=\"{code}\""
            )),
            _ => None,
        };
        assert_eq!(
            self.header("www-authenticate"),
            challenge.as_deref(),
            "{name}"
        );
        assert_eq!(
            self.header("retry-after"),
            matches!(status, 429 | 503).then_some("1"),
            "{name}"
        );
    }
}

pub async fn send(router: &Router, call: Call) -> Answer {
    let response = router.clone().oneshot(call.request()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: String::from_utf8(body.into()).unwrap(),
    }
}
