//! The bytes themselves: what docs/bundle-format.md promises.

use serde_json::{Value, json};

use crate::authority::{Authority, NOW, key};
use hallpass_keys::Purpose;

fn payload(envelope: &hallpass_keys::dsse::Envelope) -> Value {
    serde_json::from_slice(envelope.unverified_payload()).unwrap()
}

#[test]
fn documents_are_exactly_as_written_down() {
    let authority = Authority::new();
    let published = authority.published(NOW);
    let role = |key: &hallpass_keys::SigningKey| json!({"keys": [key.verifying_key().to_string()], "threshold": 1});
    assert_eq!(
        payload(&published.roots[0]),
        json!({
            "format": 1,
            "authority": "hallpass.example",
            "environment": "prod",
            "version": 1,
            "issued": "2026-11-18T11:06:40.000Z",
            "expires": "2027-11-18T11:06:40.000Z",
            "root": role(&authority.root_key),
            "bundle": role(&authority.bundle_key),
            "heartbeat": role(&authority.heartbeat_key),
        })
    );
    assert_eq!(
        payload(&published.bundle),
        json!({
            "format": 2,
            "authority": "hallpass.example",
            "environment": "prod",
            "version": 1_795_000_000_000_u64,
            "previous": null,
            "issued": "2026-11-18T11:06:40.000Z",
            "expires": "2026-12-18T11:06:40.000Z",
            "token_keys": [{
                "key": authority.run_key.verifying_key().to_string(),
                "environment": "prod",
                "purpose": "run",
                "state": "active",
            }],
            "approval_keys": [{
                "key": key(Purpose::Approval, "prod", 40).verifying_key().to_string(),
                "state": "active",
            }],
            "catalogue": [{
                "name": "kb.search",
                "audience": "tickets",
                "impact": "read",
                "recorded": ["/query"],
                "sensitive": ["/customer/iban"],
            }],
            "policy": "sha256:823412d1eacb67956220e532959f0104603057c88704863ca38e7cd188fda812",
            "stops": [{
                "id": "stop_019aa62da2c074048404040404040404",
                "kind": "route",
                "value": "/support/refunds",
                "issued": "2026-11-18T11:06:40.000Z",
                "until": "2026-11-18T12:06:40.000Z",
                "runs": "AZqmLaLAcgKCAgICAgICAg",
            }],
            "revocations": [{
                "expires": "2026-11-18T11:22:10.000Z",
                "tokens": "AZqmLaLAcwODAwMDAwMDAw",
            }],
            "cutoffs": [{
                "kind": "tenant",
                "value": "globex",
                "before": "2026-11-18T11:06:40.000Z",
                "expires": "2026-11-18T11:22:10.000Z",
            }],
            "operators": [{
                "operator": "op:dana",
                "person": "dana",
                "keys": [key(Purpose::Operator, "prod", 41).verifying_key().to_string()],
                "roles": ["operator"],
            }],
            "verifiers": [{
                "origin": "0011223344556677",
                "audience": "tickets",
                "key": key(Purpose::Journal, "prod", 42).verifying_key().to_string(),
            }],
        })
    );
    assert_eq!(
        payload(&published.heartbeat),
        json!({
            "format": 1,
            "authority": "hallpass.example",
            "environment": "prod",
            "bundle_version": 1_795_000_000_000_u64,
            "bundle_digest": hallpass_keys::Digest::of(published.bundle.unverified_payload()).to_string(),
            "time": "2026-11-18T11:06:40.000Z",
        })
    );
    let types = [&published.roots[0], &published.bundle, &published.heartbeat]
        .map(|envelope| envelope.payload_type().to_owned());
    assert_eq!(
        types,
        ["root", "bundle", "heartbeat"].map(|kind| format!("application/vnd.hallpass.{kind}+json"))
    );
}
