//! The documents that are answered, member by member. Each is held to real answers by tests.
#![allow(dead_code, reason = "only their schemas are used")]

use std::collections::BTreeMap;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use super::formats::{
    Actor, Audience, AuthorityName, ClientName, DigestText, EnvironmentName, GroupText, HexKey,
    KeyIdText, Moment, OperatorName, PersonName, ProblemCodeText, RequestIdText, RoleName,
    RouteName, RunIdText, SelectorText, StopIdText, SubjectName, TenantName, TokenIdText, ToolText,
};
use super::key_documents::{InstalledRoot, KeyList, KeyRotation, RetiredKey, TaintedKey};

/// Every schema of an answer by its name, those it refers to included.
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
        AddedSecret BundleDocument ClientList ClientStanding DecisionList Health InstalledRoot KeyList KeyRotation LiftedStop
        MintedToken OauthRefusal OauthToken OperatorList PlacedStop PolicyInForce Problem ReloadedPolicy RetiredKey RetiredSecret
        RevokedToken RunDocument RunEnded RunList SignedDocument StopDocument StopList TaintedKey TokenDocument TokenList WellKnown
    );
    schemas
}

/// Why not (RFC 9457). `code` is stable.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Problem {
    r#type: String,
    title: String,
    status: u16,
    detail: Option<String>,
    code: ProblemCodeText,
    instance: RequestIdText,
    /// The JSON Pointer of the member that is wrong.
    pointer: Option<String>,
}

/// Why not, in the shape of OAuth (RFC 6749 section 5.2).
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OauthRefusal {
    error: String,
    error_description: String,
    code: ProblemCodeText,
    instance: RequestIdText,
}

/// A token and what it is good for.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MintedToken {
    /// The token itself: `hp1.` and base64url.
    token: String,
    token_id: TokenIdText,
    run_id: RunIdText,
    parent_run_id: Option<RunIdText>,
    issued_at: Moment,
    expires_at: Moment,
    run_ends_at: Option<Moment>,
    route: RouteName,
    tenant: TenantName,
    subject: SubjectName,
    assurance: Assurance,
    actor: Actor,
    audiences: Vec<Audience>,
    tools: Vec<ToolText>,
    needs_approval: Vec<ToolText>,
    caveats: Vec<String>,
    budgets: Budgets,
    holder_key: Option<HexKey>,
}

/// How the subject is known.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum Assurance {
    Asserted,
    Verified,
}

/// What a run may spend in all.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct Budgets {
    calls: Option<u64>,
    usd_micros: Option<u64>,
}

/// A token by token exchange (RFC 8693).
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OauthToken {
    access_token: String,
    issued_token_type: String,
    token_type: String,
    expires_in: u64,
    scope: String,
    token_id: TokenIdText,
    run_id: RunIdText,
    needs_approval: Vec<ToolText>,
}

/// A run that is ended.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RunEnded {
    run_id: RunIdText,
    ended_at: Moment,
}

/// Some of the runs, newest first.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RunList {
    runs: Vec<RunDocument>,
    /// What to send as `after` for the next page.
    next: Option<RunIdText>,
}

/// A run.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RunDocument {
    run_id: RunIdText,
    first_token_id: TokenIdText,
    parent_run_id: Option<RunIdText>,
    client: ClientName,
    route: RouteName,
    tenant: TenantName,
    subject: SubjectName,
    assurance: Assurance,
    actor: Actor,
    holder_key: Option<HexKey>,
    tools: Vec<ToolText>,
    needs_approval: Vec<ToolText>,
    caveats: Vec<String>,
    budgets: Budgets,
    started_at: Moment,
    /// When it ends at the latest.
    ends_at: Moment,
    ended_at: Option<Moment>,
    /// Whether it is neither ended nor over.
    active: bool,
}

/// Some of the tokens, newest first.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenList {
    tokens: Vec<TokenDocument>,
    /// What to send as `after` for the next page.
    next: Option<TokenIdText>,
}

/// The record of a token.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenDocument {
    token_id: TokenIdText,
    run_id: RunIdText,
    parent_run_id: Option<RunIdText>,
    client: ClientName,
    /// What the client proved itself with: the id of a secret, or the name of an issuer.
    credential: Option<String>,
    route: RouteName,
    tenant: TenantName,
    subject: SubjectName,
    assurance: Assurance,
    actor: Actor,
    roles: Vec<RoleName>,
    audiences: Vec<Audience>,
    tools: Vec<ToolText>,
    needs_approval: Vec<ToolText>,
    caveats: Vec<String>,
    budgets: Budgets,
    proof: ProofDemand,
    holder_key: Option<HexKey>,
    labels: BTreeMap<String, String>,
    issued_at: Moment,
    expires_at: Moment,
    /// Whether it has not expired.
    active: bool,
    /// The policy it was minted under.
    policy: DigestText,
    /// The key that signed it.
    key_id: KeyIdText,
    /// The journal its record is in.
    origin: String,
    /// The record there.
    record: u64,
}

/// When a call must carry a proof of possession.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum ProofDemand {
    Always,
    Waived,
    Writes,
}

/// Some of the stops, newest first.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StopList {
    stops: Vec<StopDocument>,
    /// What to send as `after` for the next page.
    next: Option<StopIdText>,
}

/// A stop.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StopDocument {
    stop_id: StopIdText,
    selector: SelectorText,
    state: StopState,
    reason: String,
    placed_at: Moment,
    placed_by: OperatorName,
    until: Option<Moment>,
    /// Tokens of it issued before then are refused, also once it is over.
    cut_off_before: Option<Moment>,
    /// Whether two people have to ask for it to be lifted.
    takes_two: bool,
    lift_asked: Vec<LiftAsked>,
    lifted_at: Option<Moment>,
    lifted_by: Vec<OperatorName>,
}

/// Whether a stop is in force; it is over where its end has come.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum StopState {
    InForce,
    Lifted,
    Over,
}

/// One of the people who want a stop lifted.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct LiftAsked {
    by: OperatorName,
    person: PersonName,
    at: Moment,
    /// Until when it counts.
    until: Moment,
}

/// A stop that is in force, and what it hit.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlacedStop {
    stop: StopDocument,
    /// The bundle that has it; absent where none could be published yet.
    bundle_version: Option<u64>,
    hit: Option<HitTokens>,
}

/// Tokens that have not expired.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct HitTokens {
    tokens: u64,
    runs: u64,
    /// Some of them, newest first.
    newest: Vec<HitToken>,
}

/// A token that has not expired.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct HitToken {
    token_id: TokenIdText,
    run_id: RunIdText,
    parent_run_id: Option<RunIdText>,
    client: ClientName,
    route: RouteName,
    tenant: TenantName,
    subject: SubjectName,
    actor: Actor,
    expires_at: Moment,
}

/// What came of a wish to lift a stop.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LiftedStop {
    stop: StopDocument,
    bundle_version: Option<u64>,
    /// Until when another person has to ask; absent where nobody has to.
    pending_until: Option<Moment>,
}

/// What is not good any more: a token, or a secret of a client.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RevokedToken {
    client: Option<ClientName>,
    secret_id: Option<String>,
    /// When the secret ended.
    until: Option<Moment>,
    token_id: Option<TokenIdText>,
    run_id: Option<RunIdText>,
    /// When the token expires by itself.
    expires_at: Option<Moment>,
    bundle_version: Option<u64>,
}

/// Some of the decisions, newest first.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DecisionList {
    /// Records as they stand in the journal (docs/journal-format.md).
    decisions: Vec<Object>,
    /// What to send as `after` for what is older.
    next: Option<String>,
}

/// A JSON object.
#[derive(ToSchema)]
struct Object {}

/// Every client.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientList {
    clients: Vec<ListedClient>,
}

/// A client.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct ListedClient {
    client: ClientName,
    /// Whether the policy in force has it.
    declared: bool,
    summary: Option<String>,
    enabled: bool,
    workload: Option<Workload>,
    secrets: Vec<ListedSecret>,
}

/// How a client's workload proves itself.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct Workload {
    issuer: String,
    subject: String,
}

/// A secret, by its public id.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct ListedSecret {
    secret_id: String,
    added: Moment,
    until: Option<Moment>,
    /// Whether it opens anything now.
    good: bool,
}

/// A new secret. It is shown this once.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AddedSecret {
    client: ClientName,
    secret_id: String,
    secret: String,
    added: Moment,
    until: Option<Moment>,
}

/// A secret that opens nothing from a moment on.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RetiredSecret {
    client: ClientName,
    secret_id: String,
    until: Moment,
}

/// Whether a client may ask for anything.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientStanding {
    client: ClientName,
    enabled: bool,
}

/// Who may act on the authority.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OperatorList {
    operators: Vec<ListedOperator>,
    groups: Vec<ListedGroup>,
}

/// An operator.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct ListedOperator {
    operator: OperatorName,
    person: PersonName,
    roles: Vec<String>,
    keys: Vec<KeyIdText>,
}

/// A group of people who may approve.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct ListedGroup {
    group: GroupText,
    summary: String,
    members: Vec<OperatorName>,
}

/// The policy in force.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyInForce {
    environment: EnvironmentName,
    policy: DigestText,
    bundle_version: u64,
    routes: u64,
    tools: u64,
    /// What it says that is probably not meant.
    warnings: Vec<String>,
}

/// What became of the policy on disk.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReloadedPolicy {
    policy: DigestText,
    /// Whether it differs from the one before, in any byte.
    changed: bool,
    /// What it allows that the one before did not.
    widenings: Vec<String>,
    /// How much of what the one before allowed it does not.
    narrowings: u64,
    /// What it says that is probably not meant.
    warnings: Vec<String>,
    bundle_version: u64,
}

/// Roots, bundle and heartbeat (docs/bundle-format.md).
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BundleDocument {
    roots: Vec<Object>,
    bundle: Object,
    heartbeat: Object,
}

/// A DSSE envelope (docs/keys.md).
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignedDocument {
    #[serde(rename = "payloadType")]
    payload_type: String,
    payload: String,
    signatures: Vec<Object>,
}

/// How it is.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Health {
    status: String,
    unready: Option<Vec<String>>,
}

/// Who it is, and where things are.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WellKnown {
    authority: AuthorityName,
    environment: EnvironmentName,
    software: String,
    token_format: u64,
    bundle_version: u64,
    endpoints: BTreeMap<String, String>,
}
