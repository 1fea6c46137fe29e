//! An identity provider whose keys are in a file, and tokens of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_keys::{Purpose, SigningKey};
use hallpass_vocabulary::Clock as _;
use serde_json::{Value, json};

use crate::fixture::Home;
use crate::routes::home_with;

const POLICY: &str = r#"
[issuers.idp]
issuer = "https://idp.example"
audience = "hallpass"
jwks_file = "idp.json"
algorithms = ["EdDSA"]
for = ["clients", "subjects"]
roles_claim = "groups"
roles = { "support-team" = "support" }

[clients.workload]
summary = "Proves itself with the token of its workload"
actors = "agent:helper"
issuer = "idp"
subject = "system:serviceaccount:agents:bot"

[roles.support]
summary = "May search"
allow = ["kb.search"]

[routes."/desk"]
summary = "What a person may see"
clients = ["demo-orchestrator", "workload"]
tenants = ["acme", "globex"]
actors = "agent:*"
allow = ["tickets.get"]
subject_roles = ["support"]
ttl_seconds = 300
proof = "waived"
waiver = "The tests call without proofs of possession."

[routes."/desk/verified"]
summary = "The same, for people who proved who they are"
clients = ["demo-orchestrator", "workload"]
tenants = ["acme"]
actors = "agent:*"
allow = ["tickets.get"]
subject_roles = ["support"]
verified = true
ttl_seconds = 300
proof = "waived"
waiver = "The tests call without proofs of possession."
"#;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(Purpose::Run, "idp".parse().unwrap(), [seed; 32])
}

/// An authority that believes the provider.
pub fn home() -> Home {
    let home = home_with(POLICY);
    let public = URL_SAFE_NO_PAD.encode(key(3).verifying_key().as_bytes());
    let keys = json!({"keys": [
        {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "one", "x": public}
    ]});
    std::fs::write(home.path("idp.json"), keys.to_string()).unwrap();
    home
}

/// Claims that are good for ten minutes from now.
pub fn claims(home: &Home, subject: &str) -> Value {
    let now = home.clock.now().unix_seconds();
    json!({
        "iss": "https://idp.example", "aud": "hallpass", "sub": subject,
        "iat": now, "nbf": now, "exp": now + 600,
    })
}

/// A token with these claims.
pub fn token(claims: &Value) -> String {
    signed(claims, 3)
}

/// A token that somebody else signed.
pub fn forged(claims: &Value) -> String {
    signed(claims, 4)
}

fn signed(claims: &Value, seed: u8) -> String {
    let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": "one"});
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(claims));
    let signature = key(seed).sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_bytes()))
}
