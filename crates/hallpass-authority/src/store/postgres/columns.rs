//! The rows of minted tokens, as arrays: one statement a table writes a whole group.

use std::collections::BTreeMap;

use hallpass_journal::Minted;
use hallpass_keys::Digest;
use tokio_postgres::{Client, Error, Statement};

use super::write::{bytes, signed};
use crate::store::change::{Change, LandingEvent};
use crate::store::claim::{KEY_REMEMBERED, key_of};
use crate::store::rows::RunRow;

pub(super) const RUNS: &str = "
    INSERT INTO runs (id, first, parent, tenant, route, client, subject, actor, ends, body)
    SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::text[], $5::text[], $6::text[], $7::text[],
                         $8::text[], $9::bigint[], $10::text[])
           AS new (id, first, parent, tenant, route, client, subject, actor, ends, body)
    WHERE NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = new.id AND runs.first <= new.first)
    ON CONFLICT (id) DO UPDATE
    SET first = excluded.first, parent = excluded.parent, tenant = excluded.tenant, route = excluded.route,
        client = excluded.client, subject = excluded.subject, actor = excluded.actor, ends = excluded.ends,
        body = excluded.body
    WHERE excluded.first < runs.first";

pub(super) const TOOLS: &str = "
    INSERT INTO run_tools (tool, run) SELECT * FROM unnest($1::text[], $2::bytea[]) ON CONFLICT DO NOTHING";

pub(super) const TOKENS: &str = "
    INSERT INTO tokens (id, run, client, tenant, expires, origin, record, minted)
    SELECT id, run, client, tenant, expires, $1::integer, record, minted
    FROM unnest($2::bytea[], $3::bytea[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::text[])
         AS new (id, run, client, tenant, expires, record, minted)
    ON CONFLICT DO NOTHING";

/// A key that is only held gives way to what was minted; of two tokens, the later one was answered with.
pub(super) const KEYS: &str = "
    INSERT INTO idempotency (client, key, request, token, until)
    SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[], $5::bigint[])
    ON CONFLICT (client, key) DO UPDATE
    SET request = excluded.request, token = excluded.token, mark = NULL, until = excluded.until
    WHERE idempotency.token IS NULL OR excluded.token > idempotency.token";

/// The rows of a group, column by column, without doubles and in the order of their keys.
#[derive(Default)]
pub(super) struct Columns<'a> {
    run_id: Vec<Vec<u8>>,
    run_first: Vec<Vec<u8>>,
    run_parent: Vec<Option<Vec<u8>>>,
    run_tenant: Vec<&'a str>,
    run_route: Vec<&'a str>,
    run_client: Vec<&'a str>,
    run_subject: Vec<String>,
    run_actor: Vec<String>,
    run_ends: Vec<i64>,
    run_body: Vec<String>,
    tool: Vec<&'a str>,
    tool_run: Vec<Vec<u8>>,
    token_id: Vec<Vec<u8>>,
    token_run: Vec<Vec<u8>>,
    token_client: Vec<&'a str>,
    token_tenant: Vec<&'a str>,
    token_expires: Vec<i64>,
    token_record: Vec<i64>,
    token_minted: Vec<String>,
    key_client: Vec<&'a str>,
    key: Vec<&'a str>,
    key_request: Vec<&'a [u8]>,
    key_token: Vec<Vec<u8>>,
    key_until: Vec<i64>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(changes: impl Iterator<Item = &'a Change>) -> Self {
        let mut tokens: BTreeMap<u128, (&Minted, u64)> = BTreeMap::new();
        for change in changes {
            if let LandingEvent::Minted(minted) = &change.event {
                tokens.insert(minted.token.as_u128(), (minted, change.record));
            }
        }
        let mut runs: BTreeMap<u128, &Minted> = BTreeMap::new();
        let mut keys: BTreeMap<(&str, &str), (&Minted, &Digest)> = BTreeMap::new();
        let mut columns = Self::default();
        // In the order of their identifiers: the first token of a run stays, and the last of a key.
        for (minted, record) in tokens.values() {
            runs.entry(minted.run.as_u128()).or_insert(minted);
            if let Some((key, request)) = key_of(minted) {
                keys.insert((minted.client.as_str(), key.as_str()), (minted, request));
            }
            columns.token(minted, *record);
        }
        let mut tools = Vec::new();
        for minted in runs.values() {
            columns.run(minted);
            let names = minted.tools.iter().chain(&minted.needs_approval);
            tools.extend(names.map(|tool| (tool.as_str(), minted.run.as_u128())));
        }
        tools.sort_unstable();
        for (tool, run) in tools {
            columns.tool.push(tool);
            columns.tool_run.push(bytes(run));
        }
        for ((client, key), (minted, request)) in keys {
            columns.key_client.push(client);
            columns.key.push(key);
            columns.key_request.push(request.as_bytes());
            columns.key_token.push(bytes(minted.token.as_u128()));
            let until = minted.issued.after(KEY_REMEMBERED);
            columns.key_until.push(until.unix_ms());
        }
        columns
    }

    fn token(&mut self, minted: &'a Minted, record: u64) {
        self.token_id.push(bytes(minted.token.as_u128()));
        self.token_run.push(bytes(minted.run.as_u128()));
        self.token_client.push(minted.client.as_str());
        self.token_tenant.push(minted.tenant.as_str());
        self.token_expires.push(minted.expires.unix_ms());
        self.token_record.push(signed(record));
        self.token_minted.push(json(minted));
    }

    fn run(&mut self, minted: &'a Minted) {
        let run = RunRow::started_by(minted);
        self.run_id.push(bytes(run.run.as_u128()));
        self.run_first.push(bytes(run.first.as_u128()));
        self.run_parent
            .push(run.parent.map(|it| bytes(it.as_u128())));
        self.run_tenant.push(minted.tenant.as_str());
        self.run_route.push(minted.route.as_str());
        self.run_client.push(minted.client.as_str());
        self.run_subject.push(minted.subject.to_string());
        self.run_actor.push(minted.actor.to_string());
        self.run_ends.push(run.ends.unix_ms());
        self.run_body.push(json(&run));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.token_id.is_empty()
    }

    pub(super) async fn runs(&self, client: &Client, statement: &Statement) -> Result<u64, Error> {
        client
            .execute(
                statement,
                &[
                    &self.run_id,
                    &self.run_first,
                    &self.run_parent,
                    &self.run_tenant,
                    &self.run_route,
                    &self.run_client,
                    &self.run_subject,
                    &self.run_actor,
                    &self.run_ends,
                    &self.run_body,
                ],
            )
            .await
    }

    pub(super) async fn tools(&self, client: &Client, statement: &Statement) -> Result<u64, Error> {
        client
            .execute(statement, &[&self.tool, &self.tool_run])
            .await
    }

    pub(super) async fn tokens(
        &self,
        client: &Client,
        statement: &Statement,
        origin: i32,
    ) -> Result<u64, Error> {
        client
            .execute(
                statement,
                &[
                    &origin,
                    &self.token_id,
                    &self.token_run,
                    &self.token_client,
                    &self.token_tenant,
                    &self.token_expires,
                    &self.token_record,
                    &self.token_minted,
                ],
            )
            .await
    }

    pub(super) async fn keys(&self, client: &Client, statement: &Statement) -> Result<u64, Error> {
        if self.key.is_empty() {
            return Ok(0);
        }
        client
            .execute(
                statement,
                &[
                    &self.key_client,
                    &self.key,
                    &self.key_request,
                    &self.key_token,
                    &self.key_until,
                ],
            )
            .await
    }
}

/// As JSON. Rows are records that were written as JSON before.
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
