//! Tokens made here, good and bad, and issuers that answer or do not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod attacks;
mod issuer_server;
mod keys;
mod keys_kept;
mod meanings;

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_vocabulary::{ClientId, Timestamp};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::Identity;
use super::issuer::Settings;
use super::issuers::{Issuers, Workload};
use super::source::Location;
use keys::TestKey;

pub(super) const NOW: i64 = 1_800_000_000;
pub(super) const ISSUER: &str = "https://idp.example";

pub(super) fn now() -> Timestamp {
    Timestamp::from_unix_seconds(NOW)
}

/// An issuer for clients and subjects whose keys are in this file.
pub(super) fn settings(location: Location) -> Settings {
    Settings {
        name: "idp".to_owned(),
        issuer: ISSUER.to_owned(),
        audience: "hallpass".to_owned(),
        location,
        certificates: None,
        algorithms: vec![Algorithm::EdDSA, Algorithm::ES256, Algorithm::RS256],
        for_clients: true,
        for_subjects: true,
        subject_claim: "sub".to_owned(),
        subject_prefix: "user:".to_owned(),
        roles_claim: Some("groups".to_owned()),
        roles: BTreeMap::from([
            ("support-team".to_owned(), "support".parse().unwrap()),
            ("leads".to_owned(), "lead".parse().unwrap()),
        ]),
        tenant_claim: None,
    }
}

/// The client whose workload is `system:serviceaccount:agents:bot` in namespace `agents`.
pub(super) fn workload() -> Workload {
    Workload {
        client: ClientId::new("bot").unwrap(),
        issuer: "idp".to_owned(),
        subject: "system:serviceaccount:agents:bot".to_owned(),
        claims: BTreeMap::from([("kubernetes.io/namespace".to_owned(), "agents".to_owned())]),
    }
}

pub(super) fn identity(settings: Vec<Settings>) -> Identity {
    let issuers = Issuers::new(settings, vec![workload()], &Issuers::default()).unwrap();
    Identity {
        issuers: arc_swap::ArcSwap::from_pointee(issuers),
    }
}

/// A directory with a set of these keys in it.
pub(super) fn key_file(keys: &[&TestKey]) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.json");
    std::fs::write(&path, keys::set(keys)).unwrap();
    (directory, path)
}

pub(super) fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "alice", "aud": "hallpass",
        "iat": NOW - 10, "nbf": NOW - 10, "exp": NOW + 600,
    })
}

pub(super) fn with(mut value: Value, name: &str, member: Value) -> Value {
    value[name] = member;
    value
}

pub(super) fn without(mut value: Value, name: &str) -> Value {
    value.as_object_mut().unwrap().remove(name).unwrap();
    value
}

/// The first two parts of a token with these texts, well-formed or not.
pub(super) fn unsigned(header: &str, claims: &str) -> String {
    format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    )
}
