//! `GET /v1/tokens` and `GET /v1/tokens/{token}`: their records, never their bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use hallpass_journal::{Spent, Text};
use hallpass_keys::{Digest, KeyId, VerifyingKey};
use hallpass_vocabulary::{
    Actor, Audience, ClientId, ProofRule, Role, Route, RunId, Subject, SubjectAssurance, Tenant,
    Timestamp, TokenId, ToolName,
};

use super::parameters::{Malformed, Parameters};
use super::{answer, unread};
use crate::http::problem::{Problem, ProblemCode};
use crate::service::Service;
use crate::store::{TokenQuery, TokenRow};

/// The parameters of a list.
const PARAMETERS: [&str; 6] = ["active", "after", "client", "limit", "run", "tenant"];

/// Some of the tokens, newest first.
#[derive(serde::Serialize)]
struct Tokens {
    tokens: Vec<Token>,
    /// What to send as `after` for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<TokenId>,
}

/// A token that was minted.
#[derive(serde::Serialize)]
struct Token {
    token_id: TokenId,
    run_id: RunId,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_run_id: Option<RunId>,
    client: ClientId,
    /// What the client proved itself with: the id of a secret, or the name of an issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<Text>,
    route: Route,
    tenant: Tenant,
    subject: Subject,
    assurance: SubjectAssurance,
    actor: Actor,
    roles: Vec<Role>,
    audiences: Vec<Audience>,
    tools: Vec<ToolName>,
    needs_approval: Vec<ToolName>,
    caveats: Vec<String>,
    budgets: Spent,
    proof: ProofRule,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder_key: Option<VerifyingKey>,
    labels: BTreeMap<String, String>,
    issued_at: Timestamp,
    expires_at: Timestamp,
    /// Whether it has not expired.
    active: bool,
    /// The policy it was minted under.
    policy: Digest,
    /// The key that signed it.
    key_id: KeyId,
    /// The journal its record is in.
    origin: String,
    /// The record there.
    record: u64,
}

impl Token {
    fn of(row: TokenRow, now: Timestamp) -> Self {
        let minted = row.minted;
        Self {
            active: minted.expires > now,
            token_id: minted.token,
            run_id: minted.run,
            parent_run_id: minted.parent,
            client: minted.client,
            credential: minted.credential,
            route: minted.route,
            tenant: minted.tenant,
            subject: minted.subject,
            assurance: minted.assurance,
            actor: minted.actor,
            roles: minted.roles,
            audiences: minted.audiences,
            tools: minted.tools,
            needs_approval: minted.needs_approval,
            caveats: minted.caveats,
            budgets: minted.budgets.unwrap_or_default(),
            proof: minted.proof,
            holder_key: minted.holder,
            labels: minted.labels,
            issued_at: minted.issued,
            expires_at: minted.expires,
            policy: minted.policy,
            key_id: minted.key,
            origin: row.origin,
            record: row.index,
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
    match service.minter.store.tokens(&query).await {
        Ok(page) => {
            let last = page.rows.last().map(|row| row.minted.token);
            answer(&Tokens {
                next: last.filter(|_| page.more),
                tokens: page
                    .rows
                    .into_iter()
                    .map(|row| Token::of(row, now))
                    .collect(),
            })
        }
        Err(error) => unread(instance, &error).into_response(),
    }
}

pub(crate) async fn get(
    State(service): State<Arc<Service>>,
    Path(token): Path<String>,
) -> Response {
    let (instance, now) = (service.request_id(), service.clock.now());
    let unknown = || Problem::new(ProblemCode::TokenUnknown, instance).into_response();
    // What is no id is the id of no token.
    let Ok(token) = token.parse() else {
        return unknown();
    };
    match service.minter.store.token(token).await {
        Ok(Some(row)) => answer(&Token::of(row, now)),
        Ok(None) => unknown(),
        Err(error) => unread(instance, &error).into_response(),
    }
}

fn read(query: Option<&str>, now: Timestamp) -> Result<TokenQuery, Malformed> {
    let query = Parameters::parse(query, &PARAMETERS)?;
    Ok(TokenQuery {
        run: query.value("run")?,
        client: query.value("client")?,
        tenant: query.value("tenant")?,
        active: query.flag("active")?.then_some(now),
        limit: query.limit()?,
        after: query.value("after")?,
    })
}
