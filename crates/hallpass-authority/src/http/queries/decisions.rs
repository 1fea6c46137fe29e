//! `GET /v1/decisions`: what the authority decided and what was done with it, from its own journal, newest first.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use hallpass_journal::read::{Filter, ReadError, Record, records_from};
use serde_json::Value;

use super::answer;
use super::parameters::{Malformed, Parameters};
use crate::fleet::kept_in;
use crate::http::problem::{Problem, ProblemCode};
use crate::service::Service;

/// The parameters.
const PARAMETERS: [&str; 13] = [
    "after", "client", "code", "kind", "limit", "run", "since", "subject", "tenant", "token",
    "tool", "until", "verifier",
];

/// The kinds of records that are decisions and acts. The journal has others, about itself.
pub(crate) const KINDS: [&str; 15] = [
    "client_changed",
    "cut_off",
    "key_changed",
    "mint_refused",
    "minted",
    "operator_acted",
    "operator_refused",
    "policy_loaded",
    "policy_refused",
    "root_installed",
    "run_ended",
    "stop_lift_asked",
    "stop_lifted",
    "stop_placed",
    "token_revoked",
];

/// The kinds of records in a verifier's journal that are decisions, and what came of them.
pub(crate) const VERIFIER_KINDS: [&str; 5] = [
    "abandoned",
    "decided",
    "finished",
    "refused",
    "row_withheld",
];

/// Records looked at for one page. About a tenth of a second of reading; a page without a match says where to go on.
const RECORDS_READ_MAX: u64 = 20_000;

/// Some of the decisions, newest first.
#[derive(serde::Serialize)]
struct Decisions {
    /// The records as they stand in the journal.
    decisions: Vec<Value>,
    /// What to send as `after` for what is older; there may be more even where there are no decisions here.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// What is asked for.
#[derive(Debug, Clone)]
struct Query {
    filter: Filter,
    client: Option<String>,
    limit: usize,
    /// Only records before this one.
    before: Option<u64>,
    /// From the journal of this verifier, as it was shipped, and not from the authority's own.
    verifier: Option<String>,
}

impl Query {
    fn kinds(&self) -> &'static [&'static str] {
        match self.verifier {
            Some(_) => &VERIFIER_KINDS,
            None => &KINDS,
        }
    }
}

pub(crate) async fn list(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
) -> Response {
    let instance = service.request_id();
    let query = match read(query.as_deref()) {
        Ok(query) => query,
        Err(malformed) => return malformed.problem(instance).into_response(),
    };
    let found = match &query.verifier {
        None => {
            let journal = service.recorder.journal();
            let (directory, written) = (journal.dir().to_owned(), journal.status().written);
            tokio::task::spawn_blocking(move || page(&directory, &query, written)).await
        }
        Some(origin) => {
            let known = service.store().verifier(origin).await;
            if !known.is_ok_and(|row| row.is_some()) {
                return Problem::new(ProblemCode::VerifierUnknown, instance).into_response();
            }
            let directory = service.fleet.directory_of(origin);
            tokio::task::spawn_blocking(move || match kept_in(&directory) {
                0 => Ok(Decisions::none()),
                kept => page(&directory, &query, kept),
            })
            .await
        }
    };
    match found {
        Ok(Ok(page)) => answer(&page),
        Ok(Err(error)) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(request.id = %instance, error, "the journal cannot be read");
            Problem::new(ProblemCode::Unavailable, instance).into_response()
        }
        Err(_) => Problem::new(ProblemCode::Unavailable, instance).into_response(),
    }
}

fn read(query: Option<&str>) -> Result<Query, Malformed> {
    let query = Parameters::parse(query, &PARAMETERS)?;
    let kind = query.text("kind");
    let verifier = query.text("verifier").map(str::to_owned);
    let kinds: &[&str] = if verifier.is_some() {
        &VERIFIER_KINDS
    } else {
        &KINDS
    };
    if kind.is_some_and(|kind| !kinds.contains(&kind)) {
        return Err(Malformed::Value("kind"));
    }
    let client: Option<hallpass_vocabulary::ClientId> = query.value("client")?;
    Ok(Query {
        filter: Filter {
            since: query.value("since")?,
            until: query.value("until")?,
            kind: kind.map(str::to_owned),
            decision: None,
            run: query.value("run")?,
            token: query.value("token")?,
            tenant: query.value("tenant")?,
            subject: query.value("subject")?,
            tool: query.value("tool")?,
            code: query.text("code").map(str::to_owned),
            verdict: None,
        },
        client: client.map(|client| client.to_string()),
        limit: query.limit()?,
        before: query.value("after")?,
        verifier,
    })
}

/// One pass over at most [`RECORDS_READ_MAX`] records, of which the newest that match are kept. Blocks on the disk.
fn page(directory: &Path, query: &Query, written: u64) -> Result<Decisions, ReadError> {
    let end = query.before.map_or(written, |before| before.min(written));
    let start = end.saturating_sub(RECORDS_READ_MAX);
    let (records, start) = match records_from(directory, start) {
        Ok(records) => (records, start),
        // Those that are gone are no longer asked about.
        Err(ReadError::Pruned { first, .. }) if first < end => {
            (records_from(directory, first)?, first)
        }
        Err(ReadError::Pruned { .. }) => return Ok(Decisions::none()),
        Err(error) => return Err(error),
    };
    let mut newest: VecDeque<Record> = VecDeque::new();
    let mut dropped = false;
    let mut before_since = start == 0;
    for record in records {
        let record = record?;
        if record.index() >= end {
            break;
        }
        before_since |= query
            .filter
            .since
            .is_some_and(|since| record.time() < since);
        if !query.kinds().contains(&record.kind())
            || !query.filter.matches(&record)
            || !of_client(query, &record)
        {
            continue;
        }
        if newest.len() == query.limit {
            newest.pop_front();
            dropped = true;
        }
        newest.push_back(record);
    }
    let next = match newest.front() {
        Some(oldest) if dropped => Some(oldest.index()),
        // Times in a journal hardly go back, so what is older than the first of these was not asked for either.
        _ if before_since => None,
        _ => Some(start),
    };
    Ok(Decisions {
        decisions: newest.iter().rev().map(Record::json).collect(),
        next: next.map(|index| index.to_string()),
    })
}

fn of_client(query: &Query, record: &Record) -> bool {
    query
        .client
        .as_deref()
        .is_none_or(|client| record.json().get("client").and_then(Value::as_str) == Some(client))
}

impl Decisions {
    fn none() -> Self {
        Self {
            decisions: Vec::new(),
            next: None,
        }
    }
}

#[cfg(test)]
mod tests;
