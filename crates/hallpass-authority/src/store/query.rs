//! Which runs and tokens are asked for. Newest first, in pages.

use super::rows::TokenRow;
use hallpass_vocabulary::{
    Actor, ClientId, Route, RunId, Subject, Tenant, Timestamp, TokenId, ToolName,
};

/// The most rows in a page.
pub(crate) const PAGE_ROWS_MAX: usize = 500;

/// Which runs. What is absent does not matter.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunQuery {
    pub(crate) tenant: Option<Tenant>,
    pub(crate) route: Option<Route>,
    pub(crate) client: Option<ClientId>,
    pub(crate) subject: Option<Subject>,
    pub(crate) actor: Option<Actor>,
    /// Runs that may call it, with an approval or without.
    pub(crate) tool: Option<ToolName>,
    /// Runs started then or later.
    pub(crate) since: Option<Timestamp>,
    /// Runs that are neither ended nor over at this time.
    pub(crate) active: Option<Timestamp>,
    /// At most so many; more than [`PAGE_ROWS_MAX`] is that.
    pub(crate) limit: usize,
    /// The last run of the page before.
    pub(crate) after: Option<RunId>,
}

/// Which tokens. What is absent does not matter.
#[derive(Debug, Clone, Default)]
pub(crate) struct TokenQuery {
    pub(crate) run: Option<RunId>,
    pub(crate) client: Option<ClientId>,
    pub(crate) tenant: Option<Tenant>,
    /// Tokens that are not expired at this time.
    pub(crate) active: Option<Timestamp>,
    /// At most so many; more than [`PAGE_ROWS_MAX`] is that.
    pub(crate) limit: usize,
    /// The last token of the page before.
    pub(crate) after: Option<TokenId>,
}

/// What tokens are of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum About {
    /// A run of this agent, or one that comes from it.
    Actor(Actor),
    Client(ClientId),
    Everything,
    /// A run under this route, or one that comes from it.
    Route(Route),
    /// This run, or one that comes from it.
    Run(RunId),
    Subject(Subject),
    Tenant(Tenant),
    Token(TokenId),
    /// Runs that may call one of them.
    Tools(Vec<ToolName>),
}

/// How many tokens that are not expired are of something, how many runs they belong to, and some of them, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hits {
    pub(crate) tokens: u64,
    pub(crate) runs: u64,
    pub(crate) newest: Vec<TokenRow>,
}

/// Some of the rows, and whether there are more. The next page comes after the last of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page<T> {
    pub(crate) rows: Vec<T>,
    pub(crate) more: bool,
}

impl<T> Page<T> {
    /// From one row more than was asked for, where there is one.
    pub(super) fn of(mut rows: Vec<T>, limit: usize) -> Self {
        let more = rows.len() > limit;
        rows.truncate(limit);
        Self { rows, more }
    }
}
