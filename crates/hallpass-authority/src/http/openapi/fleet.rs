//! What is sent and answered about verifiers.
#![allow(dead_code, reason = "only their schemas are used")]

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use super::formats::{
    Audience, DecisionIdText, DigestText, HexKey, KeyIdText, Moment, OriginText, RunIdText,
    ToolText,
};

/// Every schema of them by its name.
pub(super) fn schemas() -> Vec<(String, RefOr<Schema>)> {
    let mut schemas = Vec::new();
    macro_rules! add {
        ($($name:ident)+) => {
            $(
                <$name as ToSchema>::schemas(&mut schemas);
                schemas.push((<$name as ToSchema>::name().into_owned(), <$name as PartialSchema>::schema()));
            )+
        };
    }
    add!(
        EnrolVerifier EnrolledVerifier EnrolmentCode FoundDecision InviteVerifier ReportAnswer RetireVerifier ShipmentAnswer ShownVerifier
        VerifierList VerifierReport
    );
    schemas
}

/// A decision of a service.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FoundDecision {
    decision: DecisionIdText,
    verifier: OriginText,
    audience: Option<Audience>,
    /// Its records, each as the line that stands in the journal (docs/journal-format.md).
    lines: Vec<String>,
}

/// What a code is asked for with.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InviteVerifier {
    audience: Audience,
    /// For how many seconds it may be used; 900 when absent.
    #[schema(required = false, nullable = false, minimum = 1, maximum = 86400)]
    valid_seconds: Option<u64>,
}

/// A code, told this once.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EnrolmentCode {
    /// `hpe_` and base64url.
    code: String,
    audience: Audience,
    until: Moment,
}

/// What a verifier wishes to be known as, with `code` or `predecessor`. Signed with `key`.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EnrolVerifier {
    audience: Audience,
    key: HexKey,
    /// What verifies the checkpoints of its journal, in the C2SP vkey form.
    #[schema(max_length = 512)]
    journal: String,
    /// A checkpoint of it, as it was signed.
    checkpoint: String,
    #[schema(required = false, nullable = false, max_length = 64)]
    code: Option<String>,
    /// The verifier it goes on from, whose key it has.
    #[schema(required = false, nullable = false)]
    predecessor: Option<OriginText>,
}

/// A verifier that is known.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EnrolledVerifier {
    origin: OriginText,
    audience: Audience,
    enrolled_at: Moment,
}

/// What a verifier says of itself. Members that are not known are passed over.
#[derive(ToSchema)]
pub(super) struct VerifierReport {
    /// A random text that is new with every start.
    #[schema(max_length = 128)]
    start: String,
    /// Which report of that start.
    number: u64,
    mode: VerifierMode,
    #[schema(required = false, nullable = false, max_length = 128)]
    software: Option<String>,
    #[schema(required = false, nullable = false)]
    bundle: Option<BundleHeld>,
    #[schema(required = false, nullable = false)]
    staleness: Option<Staleness>,
    journal: ReportedJournal,
    #[schema(required = false, nullable = false)]
    checkpoint: Option<ClaimedCheckpoint>,
    #[schema(required = false, max_items = 256)]
    calls: Vec<CallInFlight>,
    #[schema(required = false)]
    more_calls: u64,
    #[schema(required = false, max_items = 4096)]
    stops: Vec<String>,
}

/// What a verifier does with calls.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum VerifierMode {
    Draining,
    Halted,
    Serving,
}

/// The bundle a verifier decides by.
#[derive(ToSchema)]
struct BundleHeld {
    version: u64,
    heartbeat: Moment,
}

/// How old the last heartbeat may be, in seconds.
#[derive(ToSchema)]
struct Staleness {
    destructive: u64,
    write: u64,
    read: u64,
}

/// How long a journal is.
#[derive(ToSchema)]
struct ReportedJournal {
    records: u64,
    bytes: u64,
    writable: bool,
}

/// A checkpoint, and the proof that it goes on from an earlier one.
#[derive(ToSchema)]
struct ClaimedCheckpoint {
    note: String,
    #[schema(required = false)]
    older: u64,
    /// Hashes (RFC 6962 section 2.1.2), each as standard base64.
    #[schema(required = false, max_items = 130)]
    proof: Vec<String>,
}

/// A call in flight.
#[derive(ToSchema)]
struct CallInFlight {
    decision: DecisionIdText,
    #[schema(required = false, nullable = false)]
    run: Option<RunIdText>,
    tool: ToolText,
    since: Moment,
}

/// What a verifier learns from being heard.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReportAnswer {
    time: Moment,
    bundle_version: u64,
    /// `same`, `unproven` or `witnessed`.
    #[schema(required = false, nullable = false)]
    checkpoint: Option<String>,
    /// How many records are witnessed: what the next proof is to start from.
    #[schema(required = false, nullable = false)]
    witnessed: Option<u64>,
    /// How many records have arrived: the next one to ship.
    held: u64,
    /// How many records are kept, and may be pruned.
    acknowledged: u64,
    /// Records are to be shipped up to this size.
    #[schema(required = false, nullable = false)]
    ship_to: Option<u64>,
}

/// How far the records have come.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ShipmentAnswer {
    held: u64,
    acknowledged: u64,
}

/// Why a verifier is retired.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RetireVerifier {
    #[schema(required = false, nullable = false, min_length = 1, max_length = 512)]
    reason: Option<String>,
}

/// Every verifier.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VerifierList {
    bundle_version: u64,
    verifiers: Vec<ListedVerifier>,
    /// Where a version was asked about: those that hold neither it nor a later one.
    not_reached: Option<Vec<NotReached>>,
}

/// A verifier that does not hold a version of the bundle.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct NotReached {
    origin: OriginText,
    audience: Audience,
    version: Option<u64>,
    seen_at: Option<Moment>,
    stops_at: Option<StopsAt>,
}

/// A verifier, and what it last said.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct ListedVerifier {
    origin: OriginText,
    /// The name of its journal.
    journal: String,
    audience: Audience,
    key_id: KeyIdText,
    enrolled_at: Moment,
    predecessor: Option<OriginText>,
    retired_at: Option<Moment>,
    /// When its journal was last found to be something else than what was witnessed.
    refused_at: Option<Moment>,
    seen_at: Option<Moment>,
    software: Option<String>,
    mode: Option<VerifierMode>,
    bundle_version: Option<u64>,
    bundle_current: bool,
    heartbeat: Option<Moment>,
    stops_at: Option<StopsAt>,
    journal_size: Option<JournalSize>,
    checkpoint: Option<WitnessedCheckpoint>,
    acknowledged: u64,
    calls_in_flight: u64,
}

/// The same, with the calls in flight and the stops it enforces.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ShownVerifier {
    origin: OriginText,
    journal: String,
    audience: Audience,
    key_id: KeyIdText,
    enrolled_at: Moment,
    predecessor: Option<OriginText>,
    retired_at: Option<Moment>,
    refused_at: Option<Moment>,
    seen_at: Option<Moment>,
    software: Option<String>,
    mode: Option<VerifierMode>,
    bundle_version: Option<u64>,
    bundle_current: bool,
    heartbeat: Option<Moment>,
    stops_at: Option<StopsAt>,
    journal_size: Option<JournalSize>,
    checkpoint: Option<WitnessedCheckpoint>,
    acknowledged: u64,
    calls_in_flight: u64,
    calls: Vec<CallInFlight>,
    stops: Vec<String>,
}

/// When a verifier stops by itself.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct StopsAt {
    destructive: Moment,
    write: Moment,
    read: Moment,
}

/// How long a journal is.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct JournalSize {
    records: u64,
    bytes: u64,
    writable: bool,
}

/// A checkpoint that was witnessed.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct WitnessedCheckpoint {
    size: u64,
    root: DigestText,
    at: Moment,
}
