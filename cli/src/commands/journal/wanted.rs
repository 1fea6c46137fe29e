//! Which records somebody asks for, on the command line.

use std::path::Path;
use std::str::FromStr;

use clap::ValueEnum;
use hallpass_journal::Verdict;
use hallpass_journal::read::Filter;
use hallpass_vocabulary::{RunId, Subject, Tenant, Timestamp, TokenId, ToolName};

use super::arguments::{ArgumentSearch, WantedArgument};
use crate::duration::Span;

/// What a record must have; everything, when nothing is given.
#[derive(Debug, clap::Args)]
pub(crate) struct Wanted {
    /// Written at this time or later; `1h` is an hour ago
    #[arg(long, value_name = "TIME")]
    since: Option<When>,
    /// Written before this time
    #[arg(long, value_name = "TIME")]
    until: Option<When>,
    /// Of this run
    #[arg(long)]
    run: Option<RunId>,
    /// Of this token
    #[arg(long)]
    token: Option<TokenId>,
    /// Of this tenant
    #[arg(long)]
    tenant: Option<Tenant>,
    /// Of this tool, called or granted
    #[arg(long)]
    tool: Option<ToolName>,
    /// On behalf of this subject
    #[arg(long)]
    subject: Option<Subject>,
    /// With this code
    #[arg(long)]
    code: Option<String>,
    /// With this verdict
    #[arg(long)]
    verdict: Option<VerdictWord>,
    /// Of a call with this argument, such as `/ticket=T-1`: a JSON value or text; `@FILE` reads it from a file. May be
    /// given more than once
    #[arg(long = "arg", value_name = "POINTER=VALUE")]
    arguments: Vec<WantedArgument>,
    /// Of this kind, such as `decided` or `minted`
    #[arg(long)]
    kind: Option<String>,
}

impl Wanted {
    /// As a filter, at this time.
    pub(crate) fn filter(&self, now: Timestamp) -> Filter {
        Filter {
            since: self.since.map(|when| when.timestamp(now)),
            until: self.until.map(|when| when.timestamp(now)),
            kind: self.kind.clone(),
            decision: None,
            run: self.run,
            token: self.token,
            tenant: self.tenant.clone(),
            subject: self.subject.clone(),
            tool: self.tool.clone(),
            code: self.code.clone(),
            verdict: self.verdict.map(|word| match word {
                VerdictWord::Allow => Verdict::Allow,
                VerdictWord::Deny => Verdict::Deny,
            }),
        }
    }

    /// The search for arguments in the journal of this directory.
    pub(crate) fn arguments(&self, dir: &Path) -> anyhow::Result<ArgumentSearch> {
        ArgumentSearch::new(dir, &self.arguments)
    }

    /// Whether a kind was asked for.
    pub(crate) fn names_a_kind(&self) -> bool {
        self.kind.is_some()
    }
}

/// A verdict on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum VerdictWord {
    Allow,
    Deny,
}

/// A time, or how long ago it was.
#[derive(Debug, Clone, Copy)]
pub(crate) enum When {
    Ago(Span),
    At(Timestamp),
}

/// Text that is neither.
#[derive(Debug, Clone, thiserror::Error)]
#[error("expected a time such as `2026-11-21T09:30:00Z`, or how long ago, such as `1h`")]
pub(crate) struct InvalidWhen;

impl FromStr for When {
    type Err = InvalidWhen;

    fn from_str(text: &str) -> Result<Self, InvalidWhen> {
        text.parse()
            .map(Self::At)
            .or_else(|_| text.parse().map(Self::Ago))
            .map_err(|_| InvalidWhen)
    }
}

impl When {
    pub(crate) fn timestamp(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::Ago(span) => {
                let milliseconds = i64::try_from(span.get().as_millis()).unwrap_or(i64::MAX);
                Timestamp::from_unix_ms(now.unix_ms().saturating_sub(milliseconds))
            }
        }
    }
}
