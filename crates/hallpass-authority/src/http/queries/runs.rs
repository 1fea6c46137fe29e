//! `GET /v1/runs` and `GET /v1/runs/{run}`.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use hallpass_journal::Spent;
use hallpass_keys::VerifyingKey;
use hallpass_vocabulary::{
    Actor, ClientId, Route, RunId, Subject, SubjectAssurance, Tenant, Timestamp, TokenId, ToolName,
};

use super::parameters::{Malformed, Parameters};
use super::{answer, unread};
use crate::http::problem::{Problem, ProblemCode};
use crate::service::Service;
use crate::store::{RunQuery, RunRow};

/// The parameters of a list.
const PARAMETERS: [&str; 10] = [
    "active", "actor", "after", "client", "limit", "route", "since", "subject", "tenant", "tool",
];

/// Some of the runs, newest first.
#[derive(serde::Serialize)]
struct Runs {
    runs: Vec<Run>,
    /// What to send as `after` for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<RunId>,
}

/// A run.
#[derive(serde::Serialize)]
struct Run {
    run_id: RunId,
    first_token_id: TokenId,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_run_id: Option<RunId>,
    client: ClientId,
    route: Route,
    tenant: Tenant,
    subject: Subject,
    assurance: SubjectAssurance,
    actor: Actor,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder_key: Option<VerifyingKey>,
    tools: BTreeSet<ToolName>,
    needs_approval: BTreeSet<ToolName>,
    caveats: Vec<String>,
    budgets: Spent,
    started_at: Timestamp,
    /// When it ends at the latest.
    ends_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<Timestamp>,
    /// Whether it is neither ended nor over now.
    active: bool,
}

impl Run {
    fn of(row: RunRow, now: Timestamp) -> Self {
        Self {
            active: row.ended.is_none() && row.ends > now,
            run_id: row.run,
            first_token_id: row.first,
            parent_run_id: row.parent,
            client: row.client,
            route: row.route,
            tenant: row.tenant,
            subject: row.subject,
            assurance: row.assurance,
            actor: row.actor,
            holder_key: row.holder,
            tools: row.tools,
            needs_approval: row.needs_approval,
            caveats: row.caveats,
            budgets: row.budgets,
            started_at: row.started,
            ends_at: row.ends,
            ended_at: row.ended,
        }
    }
}

pub(crate) async fn list(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
) -> Response {
    let (instance, now) = (service.request_id(), service.clock.now());
    let query = match read(query.as_deref(), now) {
        Ok(query) => query,
        Err(malformed) => return malformed.problem(instance).into_response(),
    };
    match service.minter.store.runs(&query).await {
        Ok(page) => answer(&Runs {
            next: page.rows.last().map(|row| row.run).filter(|_| page.more),
            runs: page.rows.into_iter().map(|row| Run::of(row, now)).collect(),
        }),
        Err(error) => unread(instance, &error).into_response(),
    }
}

pub(crate) async fn get(State(service): State<Arc<Service>>, Path(run): Path<String>) -> Response {
    let (instance, now) = (service.request_id(), service.clock.now());
    let unknown = || Problem::new(ProblemCode::RunUnknown, instance).into_response();
    // What is no id is the id of no run.
    let Ok(run) = run.parse() else {
        return unknown();
    };
    match service.minter.store.run(run).await {
        Ok(Some(row)) => answer(&Run::of(row, now)),
        Ok(None) => unknown(),
        Err(error) => unread(instance, &error).into_response(),
    }
}

fn read(query: Option<&str>, now: Timestamp) -> Result<RunQuery, Malformed> {
    let query = Parameters::parse(query, &PARAMETERS)?;
    Ok(RunQuery {
        tenant: query.value("tenant")?,
        route: query.value("route")?,
        client: query.value("client")?,
        subject: query.value("subject")?,
        actor: query.value("actor")?,
        tool: query.value("tool")?,
        since: query.value("since")?,
        active: query.flag("active")?.then_some(now),
        limit: query.limit()?,
        after: query.value("after")?,
    })
}
