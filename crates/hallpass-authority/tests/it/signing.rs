//! Operators with fixed keys, and the requests they sign.

use hallpass_keys::http_signature::{Nonce, Outgoing, SignedHeaders};
use hallpass_keys::{Purpose, SigningKey, random_bytes};
use hallpass_vocabulary::{Clock as _, Environment, Timestamp};

use crate::fixture::{Answer, Home, Running};

/// The operators of [`enrol`], each with the role it is called by.
pub const ROLES: [&str; 4] = ["admin", "approver", "auditor", "operator"];

/// A request that is signed, and what becomes of it before it is sent.
#[derive(Clone)]
pub struct Call {
    pub method: &'static str,
    pub path: String,
    pub query: Option<String>,
    pub body: Vec<u8>,
}

impl Call {
    pub fn new(method: &'static str, path: &str) -> Self {
        Self {
            method,
            path: path.to_owned(),
            query: None,
            body: Vec::new(),
        }
    }

    pub fn query(mut self, query: &str) -> Self {
        self.query = Some(query.to_owned());
        self
    }

    pub fn body(mut self, body: &str) -> Self {
        self.body = body.as_bytes().to_vec();
        self
    }
}

/// The key of a role's operator.
pub fn key(role: &str) -> SigningKey {
    let seed = ROLES.iter().position(|it| *it == role).unwrap_or(9);
    let seed = u8::try_from(seed).unwrap() + 0x40;
    let dev = Environment::new("dev").unwrap();
    SigningKey::from_seed(Purpose::Operator, dev, [seed; 32])
}

/// Puts four operators into the policy, one of each role, instead of the one there is.
pub fn enrol(home: &Home) {
    let mut text = String::new();
    for role in ROLES {
        text.push_str(&format!(
            "[operators.\"op:{role}\"]\nperson = \"{role}\"\nkeys = [\"{}\"]\nroles = [\"{role}\"]\n\n",
            key(role).verifying_key()
        ));
    }
    std::fs::write(home.path("policy/operators.toml"), text).unwrap();
}

/// The headers of a call, signed at a time.
pub fn headers(call: &Call, key: &SigningKey, now: Timestamp) -> SignedHeaders {
    let outgoing = Outgoing {
        authority: &"hallpass.test".parse().unwrap(),
        environment: &Environment::new("dev").unwrap(),
        method: call.method,
        path: &call.path,
        query: call.query.as_deref(),
        body: &call.body,
    };
    let nonce = Nonce::from_random(random_bytes().unwrap());
    outgoing.sign(key, now, &nonce).unwrap()
}

impl Running {
    /// A call without anything that says who calls.
    pub fn call(&self, call: &Call) -> reqwest::RequestBuilder {
        let query = call.query.as_ref().map(|query| format!("?{query}"));
        let url = self.url(&format!("{}{}", call.path, query.unwrap_or_default()));
        let request = self.http.request(call.method.parse().unwrap(), url);
        let request = request.body(call.body.clone());
        if call.body.is_empty() {
            request
        } else {
            let kind = match &*call.path {
                "/oauth/token" => "application/x-www-form-urlencoded",
                path if path.ends_with("/records") => "application/gzip",
                _ => "application/json",
            };
            request.header("content-type", kind)
        }
    }

    pub fn with_headers(&self, call: &Call, headers: &SignedHeaders) -> reqwest::RequestBuilder {
        self.call(call)
            .header("hallpass-authority", &headers.authority)
            .header("content-digest", &headers.content_digest)
            .header("signature-input", &headers.signature_input)
            .header("signature", &headers.signature)
    }

    /// A call of the operator of a role.
    pub async fn as_operator(&self, home: &Home, role: &str, call: &Call) -> Answer {
        let headers = headers(call, &key(role), home.clock.now());
        self.send(self.with_headers(call, &headers)).await
    }
}
