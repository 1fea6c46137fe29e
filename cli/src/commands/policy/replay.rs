//! `hallpass policy replay`: what was asked and decided, under another policy.

use std::path::PathBuf;

use comfy_table::Table;
use hallpass_evidence::{Difference, Often, Replay, Replayed, Replays};
use hallpass_policy::Policy;
use hallpass_vocabulary::{Clock as _, SystemClock, Timestamp};

use super::input;
use crate::commands::journal::When;
use crate::exit::Exit;
use crate::journals_input::{Reading, Sound};
use crate::output::{Output, Style};
use crate::words::escaped;

/// Rows in a table when nothing else is asked for: a few screens.
const ROWS_DEFAULT: usize = 100;

const EXAMPLES: &str = "\
Examples:
  hallpass policy replay --policy policy --journal authority/journal tickets/journal
  hallpass policy replay --policy policy --journal authority.jsonl tickets.jsonl --since 30d --fail-on-flip
  hallpass policy replay --policy policy --journal authority/journal --json | jq '.rows[] | select(.now != null)'

Asks the policy what was asked of an authority and of services: each token that was minted, each request that was refused, each \
call. Give the journals of the authority and of the services; they are verified first. What a record does not show is not \
guessed: a row whose answer would be `?` cannot be told, and says why. docs/policy-tools.md has the reasons.

Exit status: 0 done, 1 something would be answered otherwise and --fail-on-flip was given, 2 usage or failure.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The policy to ask: its directory, or one file
    #[arg(long, value_name = "NEW", default_value = input::POLICY_DEFAULT)]
    policy: PathBuf,
    /// The journals of the authority and of services, each a directory or an export
    #[arg(long = "journal", required = true, num_args = 1.., value_name = "DIR|EXPORT")]
    journals: Vec<PathBuf>,
    /// Only what was recorded at this time or later; `30d` is that long ago
    #[arg(long, value_name = "TIME")]
    since: Option<When>,
    /// Exit 1 when anything would be answered otherwise
    #[arg(long)]
    fail_on_flip: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Answer {
    policy: String,
    since: Option<Timestamp>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    mints: Counted,
    calls: Counted,
    rows: Vec<Row>,
}

#[derive(serde::Serialize)]
struct Counted {
    same: u64,
    flipped: u64,
    undecided: u64,
    other: u64,
}

#[derive(serde::Serialize)]
struct Row {
    asked: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool: Option<String>,
    before: &'static str,
    now: Option<&'static str>,
    count: u64,
    why: String,
    examples: Vec<String>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let policy = input::policy(&args.policy)?;
    let since = args.since.map(|when| when.timestamp(SystemClock.now()));
    let reading = Reading::new();
    let journals = Sound::look(&args.journals, &reading)?;
    let replayed = replay(&policy, &journals, since, &reading)?;
    drop(reading);
    if args.json {
        output.json(&Answer {
            policy: policy.digest().to_owned(),
            since,
            first: replayed.period.map(|(first, _)| first),
            last: replayed.period.map(|(_, last)| last),
            mints: counted(&replayed.mints),
            calls: counted(&replayed.calls),
            rows: replayed.rows.iter().map(row).collect(),
        })?;
    } else {
        say(&policy, &replayed, output)?;
    }
    let flipped = replayed.mints.flipped > 0 || replayed.calls.flipped > 0;
    Ok(match args.fail_on_flip && flipped {
        true => Exit::Denied,
        false => Exit::Ok,
    })
}

/// Every record, those about tokens first: calls are decided by the token they showed.
pub(super) fn replay(
    policy: &Policy,
    journals: &Sound,
    since: Option<Timestamp>,
    reading: &Reading,
) -> anyhow::Result<Replayed> {
    let mut replay = Replay::new(policy, since);
    for kinds in [&["minted", "mint_refused"][..], &["decided"]] {
        journals.each(kinds, reading, &mut |record| Ok(replay.take(record)?))?;
    }
    Ok(replay.conclude())
}

fn counted(replays: &Replays) -> Counted {
    Counted {
        same: replays.same,
        flipped: replays.flipped,
        undecided: replays.undecided,
        other: replays.other,
    }
}

fn row((difference, often): &(Difference, Often)) -> Row {
    Row {
        asked: difference.asked.as_str(),
        route: difference.route.as_ref().map(ToString::to_string),
        tool: difference.tool.as_ref().map(ToString::to_string),
        before: difference.before.as_str(),
        now: difference.now.map(hallpass_evidence::Answer::as_str),
        count: often.count,
        why: difference.why.clone(),
        examples: often.examples.clone(),
    }
}

fn say(policy: &Policy, replayed: &Replayed, output: &mut Output) -> anyhow::Result<()> {
    // What would be otherwise first, then what cannot be told; the most frequent first.
    let mut rows: Vec<&(Difference, Often)> = replayed.rows.iter().collect();
    rows.sort_by_key(|(row, often)| (row.now.is_none(), std::cmp::Reverse(often.count)));
    let left_out = rows.len().saturating_sub(ROWS_DEFAULT);
    rows.truncate(ROWS_DEFAULT);
    if !rows.is_empty() {
        let mut table = Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.set_header([
            "ASKED", "ROUTE", "TOOL", "WAS", "WOULD BE", "COUNT", "WHY", "SUCH AS",
        ]);
        for (difference, often) in rows {
            table.add_row(cells(difference, often));
        }
        for line in table.lines() {
            output.line(line.trim_end())?;
        }
        output.line("")?;
    }
    for (what, counts) in [("tokens", &replayed.mints), ("calls", &replayed.calls)] {
        let flipped = match counts.flipped {
            0 => "0 otherwise".to_owned(),
            some => output.style(Style::Caution, &format!("{some} otherwise")),
        };
        output.line(&format!(
            "{what}: {} the same, {flipped}, {} cannot be told, {} denied for reasons that no policy gives",
            counts.same, counts.undecided, counts.other
        ))?;
    }
    let period = match replayed.period {
        Some((first, last)) => format!("recorded from {first} to {last}"),
        None => "nothing is recorded".to_owned(),
    };
    output.line(&format!("{period}; asked of {}", policy.digest()))?;
    if left_out > 0 {
        output.note(&format!("{left_out} more rows; --json has them all"));
    }
    Ok(())
}

fn cells(difference: &Difference, often: &Often) -> [String; 8] {
    let name = |name: Option<String>| name.unwrap_or_else(|| "-".to_owned());
    let now = difference
        .now
        .map_or("?", hallpass_evidence::Answer::as_str);
    [
        difference.asked.as_str().to_owned(),
        name(difference.route.as_ref().map(ToString::to_string)),
        name(difference.tool.as_ref().map(ToString::to_string)),
        difference.before.as_str().to_owned(),
        now.to_owned(),
        often.count.to_string(),
        escaped(&difference.why),
        often.examples.first().cloned().unwrap_or_default(),
    ]
}
