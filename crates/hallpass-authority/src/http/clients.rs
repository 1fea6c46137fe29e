//! `/v1/clients`: who may ask for tokens, and with what.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use hallpass_vocabulary::{ClientId, RequestId, Timestamp};

use super::problem::{Problem, ProblemCode};
use crate::operator::Operator;
use crate::registry::{UNTIL_MAX, Unchanged};
use crate::service::Service;
use crate::store::{ClientRow, SecretRow};

/// Every client of the policy, and those the store still knows.
#[derive(serde::Serialize)]
struct Listed {
    clients: Vec<ListedClient>,
}

#[derive(serde::Serialize)]
struct ListedClient {
    client: ClientId,
    /// Whether the policy in force has it.
    declared: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    enabled: bool,
    /// How its workload proves itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    workload: Option<ListedWorkload>,
    secrets: Vec<ListedSecret>,
}

#[derive(serde::Serialize)]
struct ListedWorkload {
    issuer: String,
    subject: String,
}

#[derive(serde::Serialize)]
struct ListedSecret {
    secret_id: String,
    added: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    good: bool,
}

/// What a new secret is asked for with.
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSecret {
    /// For how many seconds it is good; for ever when absent.
    valid_seconds: Option<u64>,
}

#[derive(serde::Serialize)]
struct AddedSecret<'a> {
    client: &'a ClientId,
    secret_id: &'a str,
    secret: &'a str,
    added: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

#[derive(serde::Serialize)]
struct RetiredSecret<'a> {
    client: &'a ClientId,
    secret_id: &'a str,
    until: Timestamp,
}

#[derive(serde::Serialize)]
struct Standing<'a> {
    client: &'a ClientId,
    enabled: bool,
}

pub(super) async fn list(State(service): State<Arc<Service>>) -> Response {
    let instance = service.request_id();
    let rows = match service.store().clients().await {
        Ok(rows) => rows,
        Err(error) => return told(&Unchanged::Store(error), instance).into_response(),
    };
    let now = service.clock.now();
    let mut clients: BTreeMap<ClientId, ListedClient> = BTreeMap::new();
    let in_force = service.policy();
    for (client, rule) in in_force.policy.clients() {
        let workload = rule.workload().map(|workload| ListedWorkload {
            issuer: workload.issuer().to_string(),
            subject: workload.subject().to_owned(),
        });
        let listed = ListedClient {
            client: client.clone(),
            declared: true,
            summary: Some(rule.summary().to_owned()),
            enabled: true,
            workload,
            secrets: Vec::new(),
        };
        clients.insert(client.clone(), listed);
    }
    for ClientRow {
        client,
        enabled,
        secrets,
        ..
    } in rows
    {
        let declared = in_force.policy.client(&client).is_some();
        let listed = clients.entry(client.clone()).or_insert(ListedClient {
            client,
            declared,
            summary: None,
            enabled,
            workload: None,
            secrets: Vec::new(),
        });
        listed.enabled = enabled;
        listed.secrets = secrets
            .iter()
            .map(|secret| ListedSecret::of(secret, now))
            .collect();
    }
    let clients = clients.into_values().collect();
    unstored(StatusCode::OK, &Listed { clients })
}

pub(super) async fn add_secret(
    State(service): State<Arc<Service>>,
    Extension(operator): Extension<Operator>,
    Path(client): Path<String>,
    body: axum::body::Bytes,
) -> Response {
    let instance = service.request_id();
    let added = async {
        let client = named(&client, instance)?;
        let life = life(&body, instance)?;
        let added = service.add_secret(&client, life, &operator.id).await;
        Ok((client, added.map_err(|error| told(&error, instance))?))
    };
    match added.await {
        Ok((client, added)) => unstored(
            StatusCode::CREATED,
            &AddedSecret {
                client: &client,
                secret_id: &added.id,
                secret: added.secret.expose(),
                added: added.added,
                until: added.until,
            },
        ),
        Err(problem) => Problem::into_response(problem),
    }
}

pub(super) async fn retire_secret(
    State(service): State<Arc<Service>>,
    Extension(operator): Extension<Operator>,
    Path((client, secret)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Response {
    let instance = service.request_id();
    let retired = async {
        let client = named(&client, instance)?;
        let overlap = overlap(query.as_deref(), instance)?;
        let until = service
            .retire_secret(&client, &secret, overlap, &operator.id)
            .await;
        Ok((client, until.map_err(|error| told(&error, instance))?))
    };
    match retired.await {
        Ok((client, until)) => unstored(
            StatusCode::OK,
            &RetiredSecret {
                client: &client,
                secret_id: &secret,
                until,
            },
        ),
        Err(problem) => Problem::into_response(problem),
    }
}

pub(super) async fn disable(
    State(service): State<Arc<Service>>,
    Extension(operator): Extension<Operator>,
    Path(client): Path<String>,
) -> Response {
    enable_or_not(&service, &operator, &client, false).await
}

pub(super) async fn enable(
    State(service): State<Arc<Service>>,
    Extension(operator): Extension<Operator>,
    Path(client): Path<String>,
) -> Response {
    enable_or_not(&service, &operator, &client, true).await
}

async fn enable_or_not(
    service: &Service,
    operator: &Operator,
    client: &str,
    enabled: bool,
) -> Response {
    let instance = service.request_id();
    let changed = async {
        let client = named(client, instance)?;
        let changed = service.enable_client(&client, enabled, &operator.id).await;
        changed.map_err(|error| told(&error, instance))?;
        Ok(client)
    };
    match changed.await {
        Ok(client) => unstored(
            StatusCode::OK,
            &Standing {
                client: &client,
                enabled,
            },
        ),
        Err(problem) => Problem::into_response(problem),
    }
}

/// The client a path names. What is no name is no client.
fn named(client: &str, instance: RequestId) -> Result<ClientId, Problem> {
    ClientId::new(client).map_err(|_| Problem::new(ProblemCode::ClientUnknown, instance))
}

/// How long a new secret is good for. No body is no wish.
fn life(body: &[u8], instance: RequestId) -> Result<Option<Duration>, Problem> {
    let malformed = || Problem::new(ProblemCode::BodyMalformed, instance);
    let wish: NewSecret = match body {
        b"" => NewSecret::default(),
        body => serde_json::from_slice(body).map_err(|_| {
            malformed().detail("expected an object with nothing in it but `valid_seconds`")
        })?,
    };
    match wish.valid_seconds.map(Duration::from_secs) {
        None => Ok(None),
        Some(life) if life > Duration::ZERO && life <= UNTIL_MAX => Ok(Some(life)),
        Some(_) => {
            let max = UNTIL_MAX.as_secs();
            Err(malformed()
                .pointer("/valid_seconds")
                .detail(format!("expected 1 to {max}")))
        }
    }
}

/// How long a retired secret goes on being good: `after_seconds=N`, or not at all.
fn overlap(query: Option<&str>, instance: RequestId) -> Result<Duration, Problem> {
    let Some(query) = query.filter(|query| !query.is_empty()) else {
        return Ok(Duration::ZERO);
    };
    query
        .strip_prefix("after_seconds=")
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok().map(Duration::from_secs))
        .filter(|overlap| *overlap <= UNTIL_MAX)
        .ok_or_else(|| {
            let max = UNTIL_MAX.as_secs();
            Problem::new(ProblemCode::QueryMalformed, instance).detail(format!(
                "expected nothing but `after_seconds`, at most {max}"
            ))
        })
}

fn told(error: &Unchanged, instance: RequestId) -> Problem {
    let code = match error {
        Unchanged::ClientUnknown => ProblemCode::ClientUnknown,
        Unchanged::Journal(_) => ProblemCode::JournalUnavailable,
        Unchanged::Later | Unchanged::Store(_) => ProblemCode::StoreUnavailable,
        Unchanged::Randomness(_) => ProblemCode::Unavailable,
        Unchanged::SecretUnknown => ProblemCode::NotFound,
        Unchanged::SecretsTooMany => ProblemCode::SecretsTooMany,
    };
    let problem = Problem::new(code, instance);
    match error {
        Unchanged::Later | Unchanged::SecretUnknown => problem.detail(error.to_string()),
        _ => problem,
    }
}

/// An answer nobody keeps a copy of.
fn unstored(status: StatusCode, document: &impl serde::Serialize) -> Response {
    let mut response = (status, Json(document)).into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl ListedSecret {
    fn of(secret: &SecretRow, now: Timestamp) -> Self {
        Self {
            secret_id: secret.id.clone(),
            added: secret.added,
            until: secret.until,
            good: secret.is_good(now),
        }
    }
}
