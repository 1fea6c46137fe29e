//! The documents about keys and roots, sent and answered.
#![allow(dead_code, reason = "only their schemas are used")]

use utoipa::ToSchema;

use super::formats::{DigestText, HexKey, KeyIdText, Moment};

/// Every key, and the root in force.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyList {
    keys: Vec<ListedKey>,
    root: ListedRoot,
    now: Moment,
}

/// A key of the authority.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct ListedKey {
    key: KeyIdText,
    purpose: KeyPurpose,
    public_key: HexKey,
    standing: Standing,
    /// Since when; absent where it was so from the start, or where the root says it.
    since: Option<Moment>,
    /// Until when it is published, where that is known.
    until: Option<Moment>,
    /// Whether its file is in the directory of the authority that answers.
    here: bool,
}

/// What a key is for.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum KeyPurpose {
    Approval,
    Bundle,
    Heartbeat,
    Run,
}

/// Where a key stands.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum Standing {
    Prepared,
    Active,
    Retiring,
    Tainted,
    Retired,
}

/// The root in force.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct ListedRoot {
    version: u64,
    digest: DigestText,
    issued: Moment,
    expires: Moment,
    /// How many root keys must sign the next one.
    threshold: u64,
    keys: Vec<KeyIdText>,
}

/// What a rotation is at.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyRotation {
    purpose: KeyPurpose,
    phase: RotationPhase,
    /// The new key.
    key: KeyIdText,
    public_key: HexKey,
    /// The key it replaces.
    replaces: Option<KeyIdText>,
    /// When the next phase may begin.
    until: Option<Moment>,
    /// Enrolled verifiers that have not got the new key and have not stopped by themselves: their origins.
    waits_for: Option<Vec<String>>,
    /// The authority's time.
    now: Moment,
}

/// What a rotation is at.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum RotationPhase {
    Done,
    Prepared,
    Retiring,
    Root,
}

/// A key that is not believed any more.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TaintedKey {
    key: KeyIdText,
    /// The key that signs from now on.
    active: Option<KeyIdText>,
    bundle_version: u64,
}

/// A key that is not published any more.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RetiredKey {
    key: KeyIdText,
    /// How many live tokens ended with it.
    tokens: u64,
    /// Whether there may be more.
    more: bool,
    bundle_version: u64,
}

/// A root that is in force.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InstalledRoot {
    version: u64,
    /// What those may pin who are set up from now on.
    digest: DigestText,
    expires: Moment,
    /// Whether it was not there before.
    changed: bool,
}

/// What is asked of a rotation.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RotateKey {
    purpose: KeyPurpose,
    /// How long the new key is published before it signs, where it is to be another time than the usual.
    #[schema(required = false, nullable = false, minimum = 0, maximum = 34560000)]
    wait_seconds: Option<u64>,
    /// Less than the usual wait is meant, and so is another rotation within an hour of the last.
    #[schema(required = false, nullable = false)]
    force: Option<bool>,
    /// The other replicas have the file of the new key.
    #[schema(required = false, nullable = false)]
    distributed: Option<bool>,
    /// Only go on with what is under way.
    #[schema(required = false, nullable = false)]
    resume: Option<bool>,
}

/// Why a key is not to be believed.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TaintKey {
    reason: String,
}

/// How a key is ended before its time.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RetireKey {
    /// It is known that live tokens end with it.
    #[schema(required = false, nullable = false)]
    confirmed: Option<bool>,
}

/// A signed root document: a DSSE envelope (docs/bundle-format.md).
#[derive(ToSchema)]
pub(super) struct RootEnvelope {
    #[serde(rename = "payloadType")]
    payload_type: String,
    payload: String,
    signatures: Vec<RootSignature>,
}

/// A signature of a root key.
#[derive(ToSchema)]
struct RootSignature {
    keyid: KeyIdText,
    sig: String,
}
