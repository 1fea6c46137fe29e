//! `/v1/verifiers` for operators: which verifiers there are, how each is, who may become one and who is one no longer.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use hallpass_journal::Text;
use hallpass_keys::{Digest, KeyId};
use hallpass_vocabulary::{Audience, RequestId, Timestamp};

use super::enrolment::told;
use super::problem::{Problem, ProblemCode};
use super::queries::parameters::{Malformed, Parameters};
use crate::fleet::{
    CODE_LIFE_DEFAULT, CODE_LIFE_MAX, Call, Mode, NotReached, Said, StopsAt, kept_in,
};
use crate::operator::Operator;
use crate::service::Service;
use crate::store::VerifierRow;

/// The longest reason for retiring a verifier, in bytes.
const REASON_BYTES_MAX: usize = 512;

#[derive(serde::Serialize)]
struct Listed {
    /// The number of the newest bundle.
    bundle_version: u64,
    verifiers: Vec<ListedVerifier>,
    /// Where a version was asked about: those that hold neither it nor a later one.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_reached: Option<Vec<NotReached>>,
}

/// A verifier, and what it last said.
#[derive(serde::Serialize)]
struct ListedVerifier {
    origin: String,
    /// The name of its journal.
    journal: String,
    audience: Audience,
    key_id: KeyId,
    enrolled_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    predecessor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retired_at: Option<Timestamp>,
    /// When its journal was last found to be something else than what was witnessed.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    software: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<Mode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle_version: Option<u64>,
    /// Whether that is the newest; a verifier that never said anything has none.
    bundle_current: bool,
    /// The time of the last heartbeat it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    heartbeat: Option<Timestamp>,
    /// When it stops by itself, if it hears nothing more.
    #[serde(skip_serializing_if = "Option::is_none")]
    stops_at: Option<StopsAt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    journal_size: Option<ListedSize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoint: Option<ListedCheckpoint>,
    /// How many of its records are kept here.
    acknowledged: u64,
    calls_in_flight: u64,
}

#[derive(serde::Serialize)]
struct ListedSize {
    records: u64,
    bytes: u64,
    /// Whether it can be written.
    writable: bool,
}

/// The last checkpoint that was witnessed.
#[derive(serde::Serialize)]
struct ListedCheckpoint {
    size: u64,
    root: Digest,
    at: Timestamp,
}

/// A verifier with everything it last said.
#[derive(serde::Serialize)]
struct Shown {
    #[serde(flatten)]
    verifier: ListedVerifier,
    calls: Vec<Call>,
    stops: Vec<String>,
}

/// What a code is asked for with.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Invitation {
    audience: Audience,
    #[serde(default)]
    valid_seconds: Option<u64>,
}

/// A code, told this once.
#[derive(serde::Serialize)]
struct Invited<'a> {
    code: &'a str,
    audience: &'a Audience,
    until: Timestamp,
}

/// Why a verifier is retired.
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Retirement {
    #[serde(default)]
    reason: Option<String>,
}

pub(super) async fn list(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
) -> Response {
    let instance = service.request_id();
    let not_reached = match version(query.as_deref()) {
        Ok(None) => None,
        Ok(Some(version)) => match service.reached(version).await {
            Ok(reached) => Some(reached.not_reached),
            Err(error) => return told(&error.into(), instance).into_response(),
        },
        Err(malformed) => return malformed.problem(instance).into_response(),
    };
    let rows = match service.store().verifiers().await {
        Ok(rows) => rows,
        Err(error) => return told(&error.into(), instance).into_response(),
    };
    let mut verifiers = Vec::with_capacity(rows.len());
    for row in &rows {
        verifiers.push(listed(&service, row).await.0);
    }
    let bundle_version = service.publisher.version();
    let listed = Listed {
        bundle_version,
        verifiers,
        not_reached,
    };
    unstored(StatusCode::OK, &listed)
}

pub(super) async fn get(
    State(service): State<Arc<Service>>,
    Path(origin): Path<String>,
) -> Response {
    let instance = service.request_id();
    match service.store().verifier(&origin).await {
        Err(error) => told(&error.into(), instance).into_response(),
        Ok(None) => Problem::new(ProblemCode::VerifierUnknown, instance).into_response(),
        Ok(Some(row)) => shown(&service, &row).await,
    }
}

pub(super) async fn invite(
    State(service): State<Arc<Service>>,
    Extension(operator): Extension<Operator>,
    body: axum::body::Bytes,
) -> Response {
    let instance = service.request_id();
    let invited = async {
        let malformed = || Problem::new(ProblemCode::BodyMalformed, instance);
        let asked: Invitation = serde_json::from_slice(&body).map_err(|_| {
            malformed().detail("expected an object with `audience` and at most `valid_seconds`")
        })?;
        let life = life(asked.valid_seconds, instance)?;
        let in_force = service.policy();
        let mut tools = in_force.policy.tools();
        if !tools.any(|(_, tool)| *tool.audience() == asked.audience) {
            return Err(Problem::new(ProblemCode::AudienceUnknown, instance));
        }
        let issued = service
            .invite_verifier(asked.audience.clone(), life, &operator.id)
            .await;
        Ok((asked.audience, issued.map_err(|why| told(&why, instance))?))
    };
    match invited.await {
        Ok((audience, issued)) => unstored(
            StatusCode::CREATED,
            &Invited {
                code: issued.code.expose(),
                audience: &audience,
                until: issued.until,
            },
        ),
        Err(problem) => Problem::into_response(problem),
    }
}

pub(super) async fn retire(
    State(service): State<Arc<Service>>,
    Extension(operator): Extension<Operator>,
    Path(origin): Path<String>,
    body: axum::body::Bytes,
) -> Response {
    let instance = service.request_id();
    let reason = match reason(&body, instance) {
        Ok(reason) => reason,
        Err(problem) => return problem.into_response(),
    };
    match service.retire_verifier(&origin, &operator.id, reason).await {
        Ok(row) => shown(&service, &row).await,
        Err(why) => told(&why, instance).into_response(),
    }
}

/// The version of the bundle a list is asked about.
fn version(query: Option<&str>) -> Result<Option<u64>, Malformed> {
    Parameters::parse(query, &["version"])?.value("version")
}

fn life(seconds: Option<u64>, instance: RequestId) -> Result<Duration, Problem> {
    let life = seconds.map_or(CODE_LIFE_DEFAULT, Duration::from_secs);
    if life > Duration::ZERO && life <= CODE_LIFE_MAX {
        return Ok(life);
    }
    let max = CODE_LIFE_MAX.as_secs();
    Err(Problem::new(ProblemCode::BodyMalformed, instance)
        .pointer("/valid_seconds")
        .detail(format!("expected 1 to {max}")))
}

/// The reason in a body, which may be empty.
fn reason(body: &[u8], instance: RequestId) -> Result<Option<Text>, Problem> {
    let malformed = || Problem::new(ProblemCode::BodyMalformed, instance);
    let asked: Retirement = match body {
        b"" => Retirement::default(),
        body => serde_json::from_slice(body)
            .map_err(|_| malformed().detail("expected an object with at most `reason`"))?,
    };
    match asked.reason {
        Some(reason) if reason.is_empty() || reason.len() > REASON_BYTES_MAX => Err(malformed()
            .pointer("/reason")
            .detail(format!("expected 1 to {REASON_BYTES_MAX} bytes"))),
        reason => Ok(reason.as_deref().map(Text::new)),
    }
}

async fn shown(service: &Service, row: &VerifierRow) -> Response {
    let (verifier, said) = listed(service, row).await;
    let report = said.report.as_deref();
    let shown = Shown {
        verifier,
        calls: report.map(|it| it.calls.clone()).unwrap_or_default(),
        stops: report.map(|it| it.stops.clone()).unwrap_or_default(),
    };
    unstored(StatusCode::OK, &shown)
}

async fn listed(service: &Service, row: &VerifierRow) -> (ListedVerifier, Said) {
    let said = service.fleet.said(row.origin());
    let acknowledged = match said.acknowledged() {
        Some(size) => size,
        None => {
            let directory = service.fleet.directory_of(row.origin());
            let kept = tokio::task::spawn_blocking(move || kept_in(&directory));
            kept.await.unwrap_or(0)
        }
    };
    let report = said.report.as_deref();
    let bundle = report.and_then(|report| report.bundle);
    let journal = row.enrolled.journal.as_str();
    let listed = ListedVerifier {
        origin: row.origin().to_owned(),
        journal: journal.split('+').next().unwrap_or_default().to_owned(),
        audience: row.enrolled.audience.clone(),
        key_id: row.enrolled.key.id(),
        enrolled_at: row.at,
        predecessor: row
            .enrolled
            .predecessor
            .as_ref()
            .map(|before| before.as_str().to_owned()),
        retired_at: row.retired,
        refused_at: row.refused,
        seen_at: said.seen,
        software: report.and_then(|report| report.software.clone()),
        mode: report.map(|report| report.mode),
        bundle_version: bundle.map(|held| held.version),
        bundle_current: bundle.is_some_and(|held| held.version >= service.publisher.version()),
        heartbeat: bundle.map(|held| held.heartbeat),
        stops_at: StopsAt::of(&said).filter(|_| row.is_live()),
        journal_size: report.map(|report| ListedSize {
            records: report.journal.records,
            bytes: report.journal.bytes,
            writable: report.journal.writable,
        }),
        checkpoint: row.witnessed.map(|it| ListedCheckpoint {
            size: it.size,
            root: it.root,
            at: it.at,
        }),
        acknowledged,
        calls_in_flight: report.map_or(0, |report| report.in_flight()),
    };
    (listed, said)
}

/// An answer nobody keeps a copy of.
fn unstored(status: StatusCode, document: &impl serde::Serialize) -> Response {
    let mut response = (status, Json(document)).into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
