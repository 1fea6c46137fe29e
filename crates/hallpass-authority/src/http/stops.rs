//! `/v1/stops`: what is stopped, by whom and why.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use hallpass_bundle::Selector;
use hallpass_journal::Text;
use hallpass_vocabulary::{
    Actor, ClientId, OperatorId, PersonId, RequestId, Route, RunId, StopId, Subject, Tenant,
    Timestamp, TokenId,
};

use super::problem::{Problem, ProblemCode};
use super::queries::{Malformed, Parameters};
use crate::operator::Operator;
use crate::request::StopRequest;
use crate::service::Service;
use crate::stops::{LIFT_ASKED_MAX, Lift, NewStop, Undone, takes_two};
use crate::store::{Hits, StopRow, TokenRow};

/// The parameters of a list.
const PARAMETERS: [&str; 3] = ["active", "after", "limit"];

/// Some of the stops, newest first.
#[derive(serde::Serialize)]
struct Stops {
    stops: Vec<Stop>,
    /// What to send as `after` for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<StopId>,
}

/// A stop.
#[derive(serde::Serialize)]
struct Stop {
    stop_id: StopId,
    selector: Text,
    state: &'static str,
    reason: Text,
    placed_at: Timestamp,
    placed_by: OperatorId,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    /// Tokens issued before then are refused, also once it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    cut_off_before: Option<Timestamp>,
    takes_two: bool,
    lift_asked: Vec<LiftAsked>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lifted_at: Option<Timestamp>,
    lifted_by: Vec<OperatorId>,
}

/// One of the people who want a stop lifted.
#[derive(serde::Serialize)]
struct LiftAsked {
    by: OperatorId,
    person: PersonId,
    at: Timestamp,
    /// Until when it counts.
    until: Timestamp,
}

/// A stop that is in force, and what it hit.
#[derive(serde::Serialize)]
struct PlacedStop {
    stop: Stop,
    /// The bundle that has it; absent where none could be published yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle_version: Option<u64>,
    /// What it hit, where that could be counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    hit: Option<Hit>,
}

/// Live tokens.
#[derive(serde::Serialize)]
struct Hit {
    tokens: u64,
    runs: u64,
    /// Some of them, newest first.
    newest: Vec<HitToken>,
}

#[derive(serde::Serialize)]
struct HitToken {
    token_id: TokenId,
    run_id: RunId,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_run_id: Option<RunId>,
    client: ClientId,
    route: Route,
    tenant: Tenant,
    subject: Subject,
    actor: Actor,
    expires_at: Timestamp,
}

/// What came of a wish to lift a stop.
#[derive(serde::Serialize)]
struct LiftedStop {
    stop: Stop,
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle_version: Option<u64>,
    /// Until when another person has to ask; absent where nobody has to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pending_until: Option<Timestamp>,
}

pub(super) async fn list(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
) -> Response {
    let instance = service.request_id();
    let now = service.clock.now();
    let page = async {
        let (active, after, limit) = read(query.as_deref()).map_err(|it| it.problem(instance))?;
        refresh(&service, instance).await?;
        let stops = service.store().restraints().stops().into_iter();
        let mut wanted = stops
            .filter(|row| !active || row.is_in_force(now))
            .filter(|row| after.is_none_or(|after| row.stop < after));
        let stops: Vec<Stop> = wanted
            .by_ref()
            .take(limit)
            .map(|row| Stop::of(row, now))
            .collect();
        let last = stops.last().map(|stop| stop.stop_id);
        Ok(Stops {
            next: last.filter(|_| wanted.next().is_some()),
            stops,
        })
    };
    answered(StatusCode::OK, page.await)
}

pub(super) async fn get(State(service): State<Arc<Service>>, Path(stop): Path<String>) -> Response {
    let instance = service.request_id();
    let found = async {
        let stop = named(&stop, instance)?;
        refresh(&service, instance).await?;
        let row = service.store().restraints().stop(stop);
        let row = row.ok_or_else(|| Problem::new(ProblemCode::StopUnknown, instance))?;
        Ok(Stop::of(row, service.clock.now()))
    };
    answered(StatusCode::OK, found.await)
}

pub(super) async fn place(
    State(service): State<Arc<Service>>,
    Extension(operator): Extension<Operator>,
    body: axum::body::Bytes,
) -> Response {
    let instance = service.request_id();
    let placed = async {
        let request = StopRequest::parse(&body).map_err(|bad| malformed(bad, instance))?;
        let new = NewStop {
            selector: request.selector,
            until: request.until,
            reason: request.reason,
        };
        let placed = service.place_stop(new, &operator).await;
        placed.map_err(|undone| told(&undone, instance))
    };
    match placed.await {
        Ok(placed) => {
            let status = match placed.fresh {
                true => StatusCode::CREATED,
                false => StatusCode::OK,
            };
            let document = PlacedStop {
                stop: Stop::of(placed.row, service.clock.now()),
                bundle_version: placed.bundle,
                hit: placed.hits.map(Hit::of),
            };
            answered(status, Ok(document))
        }
        Err(problem) => Problem::into_response(problem),
    }
}

pub(super) async fn lift(
    State(service): State<Arc<Service>>,
    Extension(operator): Extension<Operator>,
    Path(stop): Path<String>,
) -> Response {
    let instance = service.request_id();
    let lifted = async {
        let stop = named(&stop, instance)?;
        let lifted = service.lift_stop(stop, &operator).await;
        lifted.map_err(|undone| told(&undone, instance))
    };
    let now = service.clock.now();
    match lifted.await {
        Ok(Lift::Over { row, bundle }) => {
            let document = LiftedStop {
                stop: Stop::of(row, now),
                bundle_version: bundle,
                pending_until: None,
            };
            answered(StatusCode::OK, Ok(document))
        }
        Ok(Lift::Pending { row, until }) => {
            let document = LiftedStop {
                stop: Stop::of(row, now),
                bundle_version: None,
                pending_until: Some(until),
            };
            answered(StatusCode::ACCEPTED, Ok(document))
        }
        Err(problem) => Problem::into_response(problem),
    }
}

/// What is told of an act that was not done.
pub(super) fn told(undone: &Undone, instance: RequestId) -> Problem {
    let code = match undone {
        Undone::EnvironmentOther | Undone::UntilPast => ProblemCode::BodyMalformed,
        Undone::Journal(_) => ProblemCode::JournalUnavailable,
        Undone::Later | Undone::Store(_) => ProblemCode::StoreUnavailable,
        Undone::Randomness(_) => ProblemCode::Unavailable,
        Undone::RevocationsTooMany | Undone::StopsTooMany => ProblemCode::StopsTooMany,
        Undone::SecretUnknown => ProblemCode::NotFound,
        Undone::StopUnknown => ProblemCode::StopUnknown,
    };
    let problem = Problem::new(code, instance);
    match undone {
        Undone::EnvironmentOther => problem.pointer("/selector").detail(undone.to_string()),
        Undone::UntilPast => problem.pointer("/until").detail(undone.to_string()),
        Undone::Later | Undone::RevocationsTooMany | Undone::SecretUnknown => {
            problem.detail(undone.to_string())
        }
        _ => problem,
    }
}

/// What is told of a body that cannot be read.
pub(super) fn malformed(bad: crate::request::BadRequest, instance: RequestId) -> Problem {
    Problem::new(ProblemCode::BodyMalformed, instance)
        .pointer(bad.pointer)
        .detail(bad.detail)
}

/// An answer nobody keeps a copy of.
pub(super) fn answered(
    status: StatusCode,
    document: Result<impl serde::Serialize, Problem>,
) -> Response {
    let document = match document {
        Ok(document) => document,
        Err(problem) => return Problem::into_response(problem),
    };
    let mut response = (status, Json(document)).into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn refresh(service: &Service, instance: RequestId) -> Result<(), Problem> {
    let refreshed = service.store().refresh_restraints().await;
    refreshed.map_err(|error| told(&Undone::Store(error), instance))
}

/// The stop of a path. What is no id is no stop.
fn named(stop: &str, instance: RequestId) -> Result<StopId, Problem> {
    stop.parse()
        .map_err(|_| Problem::new(ProblemCode::StopUnknown, instance))
}

fn read(query: Option<&str>) -> Result<(bool, Option<StopId>, usize), Malformed> {
    let query = Parameters::parse(query, &PARAMETERS)?;
    Ok((query.flag("active")?, query.value("after")?, query.limit()?))
}

impl Stop {
    fn of(row: StopRow, now: Timestamp) -> Self {
        let state = match (&row.lifted, row.is_in_force(now)) {
            (Some(_), _) => "lifted",
            (None, true) => "in_force",
            (None, false) => "over",
        };
        let cut_off_before = row.cut_off(now);
        let (placed, placed_at) = row.placed;
        let selector: Option<Selector> = placed.selector.as_str().parse().ok();
        let (lifted, lifted_at) = row
            .lifted
            .map_or((None, None), |(it, at)| (Some(it), Some(at)));
        Self {
            stop_id: row.stop,
            state,
            takes_two: selector.as_ref().is_none_or(takes_two),
            selector: placed.selector,
            reason: placed.reason,
            placed_at,
            placed_by: placed.by,
            until: placed.until,
            cut_off_before,
            lift_asked: row.asked.into_iter().map(LiftAsked::of).collect(),
            lifted_at,
            lifted_by: lifted.map(|it| it.by).unwrap_or_default(),
        }
    }
}

impl LiftAsked {
    fn of((asked, at): crate::store::At<hallpass_journal::StopLiftAsked>) -> Self {
        Self {
            by: asked.by,
            person: asked.person,
            at,
            until: at.after(LIFT_ASKED_MAX),
        }
    }
}

impl Hit {
    fn of(hits: Hits) -> Self {
        Self {
            tokens: hits.tokens,
            runs: hits.runs,
            newest: hits.newest.into_iter().map(HitToken::of).collect(),
        }
    }
}

impl HitToken {
    fn of(row: TokenRow) -> Self {
        let minted = row.minted;
        Self {
            token_id: minted.token,
            run_id: minted.run,
            parent_run_id: minted.parent,
            client: minted.client,
            route: minted.route,
            tenant: minted.tenant,
            subject: minted.subject,
            actor: minted.actor,
            expires_at: minted.expires,
        }
    }
}
