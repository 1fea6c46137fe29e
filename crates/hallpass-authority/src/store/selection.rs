//! The queries over runs and tokens, as SQL that both stores read the same.
//!
//! Every filter has an index that ends in the identifier, and identifiers sort by time: whichever one the database
//! picks, the page is read from its newest row on and no further than it is long, but for what the other filters leave
//! out.

use std::fmt::Write as _;
use std::time::Duration;

use hallpass_vocabulary::{RunId, Timestamp, TokenId, ToolName};

use super::query::{About, PAGE_ROWS_MAX, RunQuery, TokenQuery};

/// The longest life of a run: the policy allows no route more.
const RUN_LIFE_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The longest life of a token.
const TOKEN_LIFE_MAX: Duration = Duration::from_secs(hallpass_token::limits::TTL_SECONDS_MAX);

/// A run's row, and when it was ended: it ends with every run above it. Eight above are as many as there can be.
const RUN_COLUMNS: &str = "r.body, (
        WITH RECURSIVE up (id, depth) AS (
            SELECT r.id, 0
            UNION ALL
            SELECT p.parent, up.depth + 1 FROM up JOIN runs p ON p.id = up.id
            WHERE p.parent IS NOT NULL AND up.depth < 8
        )
        SELECT min(e.at) FROM up JOIN ended_runs e ON e.run = up.id
    ) AS ended, r.id";

const TOKEN: &str =
    "SELECT t.minted, p.origin, t.record FROM tokens t JOIN progress p ON p.number = t.origin";

/// A value in a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Argument {
    Bytes([u8; 16]),
    Number(i64),
    Text(String),
}

/// A query, ready to run.
#[derive(Debug)]
pub(super) struct Selection {
    pub(super) sql: String,
    pub(super) arguments: Vec<Argument>,
    /// Rows asked for; the query gives one more where there is one.
    pub(super) limit: usize,
}

impl Selection {
    pub(super) fn run(run: RunId) -> Self {
        let mut selection = Self::of(format!("SELECT {RUN_COLUMNS} FROM runs r"), 1);
        selection.and("r.id =", Some(id(run.as_u128())));
        selection
    }

    /// A run, and the record of the token that started it.
    pub(super) fn begun(run: RunId) -> Self {
        let from = "FROM runs r JOIN tokens t ON t.id = r.first";
        let mut selection = Self::of(format!("SELECT {RUN_COLUMNS}, t.minted {from}"), 1);
        selection.and("r.id =", Some(id(run.as_u128())));
        selection
    }

    pub(super) fn token(token: TokenId) -> Self {
        let mut selection = Self::of(TOKEN.to_owned(), 1);
        selection.and("t.id =", Some(id(token.as_u128())));
        selection
    }

    pub(super) fn runs(query: &RunQuery) -> Self {
        let (from, by) = match query.tool {
            // The tool's own list is read first, for it is the shorter one.
            Some(_) => ("runs r JOIN run_tools l ON l.run = r.id", "l.run"),
            None => ("runs r", "r.id"),
        };
        let mut it = Self::of(format!("SELECT {RUN_COLUMNS} FROM {from}"), query.limit);
        it.and("r.tenant =", text(query.tenant.as_ref()));
        it.and("r.route =", text(query.route.as_ref()));
        it.and("r.client =", text(query.client.as_ref()));
        it.and("r.subject =", text(query.subject.as_ref()));
        it.and("r.actor =", text(query.actor.as_ref()));
        it.and("l.tool =", text(query.tool.as_ref()));
        let earliest = query.active.map(|now| before(now, RUN_LIFE_MAX));
        let earliest = earliest.max(query.since);
        let earliest = earliest.map(|time| id(RunId::new(time, [0; 10]).as_u128()));
        it.and(&format!("{by} >="), earliest);
        it.and(&format!("{by} <"), query.after.map(|run| id(run.as_u128())));
        it.and(
            "r.ends >",
            query.active.map(|now| Argument::Number(now.unix_ms())),
        );
        if query.active.is_some() {
            it.sql = format!(
                "SELECT body, ended FROM ({}) alive WHERE ended IS NULL",
                it.sql
            );
            return it.limited("id");
        }
        it.limited(by)
    }

    pub(super) fn tokens(query: &TokenQuery) -> Self {
        let mut it = Self::of(TOKEN.to_owned(), query.limit);
        it.and("t.run =", query.run.map(|run| id(run.as_u128())));
        it.and("t.client =", text(query.client.as_ref()));
        it.and("t.tenant =", text(query.tenant.as_ref()));
        let earliest = query.active.map(|now| before(now, TOKEN_LIFE_MAX));
        let earliest = earliest.map(|time| id(TokenId::new(time, [0; 10]).as_u128()));
        it.and("t.id >=", earliest);
        it.and("t.id <", query.after.map(|token| id(token.as_u128())));
        it.and(
            "t.expires >",
            query.active.map(|now| Argument::Number(now.unix_ms())),
        );
        it.limited("t.id")
    }

    /// Tokens of something that are not expired, newest first.
    pub(super) fn hits(about: &About, now: Timestamp, limit: usize) -> Self {
        let columns = "t.minted, p.origin, t.record";
        Self::live(columns, about, now, limit).limited("t.id")
    }

    /// How many those are, and how many runs they belong to.
    pub(super) fn hits_counted(about: &About, now: Timestamp) -> Self {
        Self::live("count(*), count(DISTINCT t.run)", about, now, 1)
    }

    /// The latest token before a time.
    pub(super) fn latest(before: Timestamp) -> Self {
        let mut selection = Self::of("SELECT t.id FROM tokens t".to_owned(), 1);
        let before = TokenId::new(before, [0; 10]);
        selection.and("t.id <", Some(id(before.as_u128())));
        selection.limited("t.id")
    }

    /// Runs with tokens that are not expired which come from something and do not show it: children through another agent,
    /// under another route. Nothing else is handed on to children.
    pub(super) fn derived(about: &About, now: Timestamp) -> Option<Self> {
        let unlike = match about {
            About::Actor(actor) => ("r.actor <>", Argument::Text(actor.to_string())),
            About::Route(route) => ("r.route <>", Argument::Text(route.to_string())),
            About::Run(run) => ("r.id <>", id(run.as_u128())),
            _ => return None,
        };
        let mut it = Self::live("DISTINCT t.run", about, now, 1);
        it.sql.push_str(" AND r.parent IS NOT NULL");
        it.and(unlike.0, Some(unlike.1));
        Some(it)
    }

    fn live(columns: &str, about: &About, now: Timestamp, limit: usize) -> Self {
        let from = "tokens t JOIN progress p ON p.number = t.origin JOIN runs r ON r.id = t.run";
        let mut it = Self::of(format!("SELECT {columns} FROM {from}"), limit);
        let earliest = TokenId::new(before(now, TOKEN_LIFE_MAX), [0; 10]);
        it.and("t.id >=", Some(id(earliest.as_u128())));
        it.and("t.expires >", Some(Argument::Number(now.unix_ms())));
        match about {
            About::Actor(actor) => it.and_above("a.actor", Argument::Text(actor.to_string())),
            About::Client(client) => it.and("t.client =", text(Some(client))),
            About::Everything => {}
            About::Route(route) => it.and_above("a.route", Argument::Text(route.to_string())),
            About::Run(run) => it.and_above("a.id", id(run.as_u128())),
            About::Subject(subject) => it.and("r.subject =", text(Some(subject))),
            About::Tenant(tenant) => it.and("t.tenant =", text(Some(tenant))),
            About::Token(token) => it.and("t.id =", Some(id(token.as_u128()))),
            About::Tools(tools) => it.and_tools(tools),
        }
        it
    }

    /// Only of a run of which this holds, or a run above it.
    fn and_above(&mut self, column: &str, argument: Argument) {
        self.arguments.push(argument);
        let number = self.arguments.len();
        // Writing to a string cannot fail.
        let _ = write!(
            self.sql,
            " AND EXISTS (
                WITH RECURSIVE up (id, depth) AS (
                    SELECT r.id, 0
                    UNION ALL
                    SELECT p.parent, up.depth + 1 FROM up JOIN runs p ON p.id = up.id
                    WHERE p.parent IS NOT NULL AND up.depth < 8
                )
                SELECT 1 FROM up JOIN runs a ON a.id = up.id WHERE {column} = ${number}
            )"
        );
    }

    /// Only of a run that may call one of these.
    fn and_tools(&mut self, tools: &[ToolName]) {
        let mut numbers = Vec::new();
        for tool in tools {
            self.arguments.push(Argument::Text(tool.to_string()));
            numbers.push(format!("${}", self.arguments.len()));
        }
        let names = match numbers.is_empty() {
            true => "''".to_owned(),
            false => numbers.join(", "),
        };
        let _ = write!(
            self.sql,
            " AND EXISTS (SELECT 1 FROM run_tools l WHERE l.run = t.run AND l.tool IN ({names}))"
        );
    }

    fn of(sql: String, limit: usize) -> Self {
        Self {
            sql,
            arguments: Vec::new(),
            limit: limit.clamp(1, PAGE_ROWS_MAX),
        }
    }

    /// All rows of a query that says itself which.
    pub(super) fn plain(sql: String, arguments: Vec<Argument>) -> Self {
        Self {
            sql,
            arguments,
            limit: usize::MAX,
        }
    }

    fn and(&mut self, condition: &str, argument: Option<Argument>) {
        let Some(argument) = argument else { return };
        let word = if self.arguments.is_empty() {
            "WHERE"
        } else {
            "AND"
        };
        self.arguments.push(argument);
        // Writing to a string cannot fail.
        let _ = write!(self.sql, " {word} {condition} ${}", self.arguments.len());
    }

    fn limited(mut self, by: &str) -> Self {
        let _ = write!(self.sql, " ORDER BY {by} DESC LIMIT {}", self.limit + 1);
        self
    }
}

fn id(id: u128) -> Argument {
    Argument::Bytes(id.to_be_bytes())
}

fn text(name: Option<&impl ToString>) -> Option<Argument> {
    name.map(|name| Argument::Text(name.to_string()))
}

pub(super) fn before(now: Timestamp, life: Duration) -> Timestamp {
    let life = i64::try_from(life.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_unix_ms(now.unix_ms().saturating_sub(life))
}
