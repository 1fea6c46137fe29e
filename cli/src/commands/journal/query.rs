//! `hallpass journal query`: the records somebody asks for.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;
use comfy_table::Table;
use hallpass_journal::Verdict;
use hallpass_journal::read::{Filter, Record};
use hallpass_vocabulary::{
    Clock as _, RunId, Subject, SystemClock, Tenant, Timestamp, TokenId, ToolName,
};

use super::records;
use super::summary::Summary;
use crate::duration::Span;
use crate::exit::Exit;
use crate::output::Output;

/// Records in a table when nothing else is asked for: a few screens.
const TABLE_ROWS_DEFAULT: usize = 100;

const EXAMPLES: &str = "\
Examples:
  hallpass journal query journal --verdict deny --since 1h
  hallpass journal query journal --tenant acme --tool ticket.close
  hallpass journal query journal --kind minted --json | jq -r .subject

Shows what is written; `hallpass journal verify` says whether to believe it.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The journal's directory
    directory: PathBuf,
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
    /// Of this kind, such as `decided` or `minted`
    #[arg(long)]
    kind: Option<String>,
    /// Only the newest so many; 100 in a table, all as JSON, when left out
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Each record as it stands in the file, one JSON object a line
    #[arg(long)]
    json: bool,
}

/// A verdict on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum VerdictWord {
    Allow,
    Deny,
}

/// A time, or how long ago it was.
#[derive(Debug, Clone, Copy)]
enum When {
    Ago(Span),
    At(Timestamp),
}

/// Text that is neither.
#[derive(Debug, Clone, thiserror::Error)]
#[error("expected a time such as `2026-11-21T09:30:00Z`, or how long ago, such as `1h`")]
struct InvalidWhen;

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
    fn timestamp(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::Ago(span) => {
                let milliseconds = i64::try_from(span.get().as_millis()).unwrap_or(i64::MAX);
                Timestamp::from_unix_ms(now.unix_ms().saturating_sub(milliseconds))
            }
        }
    }
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let filter = filter(args, SystemClock.now());
    let limit = match args.limit {
        Some(limit) => limit,
        None if args.json => usize::MAX,
        None => TABLE_ROWS_DEFAULT,
    };
    let mut found = VecDeque::new();
    let mut left_out = 0_u64;
    let mut unreadable = None;
    for record in records(&args.directory)? {
        let record = match record {
            Ok(record) => record,
            // What was found before it is shown all the same: a crash may leave a last line that is none.
            Err(error) => {
                unreadable = Some(error);
                break;
            }
        };
        if !filter.matches(&record) {
            continue;
        }
        if args.json && args.limit.is_none() {
            output.json_text(record.line())?;
            if output.is_closed() {
                break;
            }
            continue;
        }
        found.push_back(record);
        if found.len() > limit {
            found.pop_front();
            left_out = left_out.saturating_add(1);
        }
    }
    if args.json {
        for record in &found {
            output.json_text(record.line())?;
        }
    } else {
        table(&found, output)?;
    }
    if left_out > 0 {
        output.note(&format!(
            "{left_out} older records match and are left out; --limit N shows more"
        ));
    }
    unreadable.map_or(Ok(Exit::Ok), Err)
}

fn filter(args: &Args, now: Timestamp) -> Filter {
    Filter {
        since: args.since.map(|when| when.timestamp(now)),
        until: args.until.map(|when| when.timestamp(now)),
        kind: args.kind.clone(),
        decision: None,
        run: args.run,
        token: args.token,
        tenant: args.tenant.clone(),
        subject: args.subject.clone(),
        tool: args.tool.clone(),
        code: args.code.clone(),
        verdict: args.verdict.map(|word| match word {
            VerdictWord::Allow => Verdict::Allow,
            VerdictWord::Deny => Verdict::Deny,
        }),
    }
}

fn table(found: &VecDeque<Record>, output: &mut Output) -> anyhow::Result<()> {
    if found.is_empty() {
        output.note("no record matches");
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(Summary::COLUMNS);
    for record in found {
        table.add_row(Summary::of(record).cells());
    }
    for line in table.lines() {
        output.line(line.trim_end())?;
    }
    Ok(())
}
