//! `hallpass policy suggest`: what is granted and was never used, as a narrower policy.

mod answer;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use hallpass_evidence::{Asked, Replayed, UnusedGrant, Usage};
use hallpass_policy::{Narrowed, Policy, PolicyFiles, Unneeded};
use hallpass_vocabulary::{Clock as _, SystemClock, Timestamp};

use super::{input, replay};
use crate::commands::journal::When;
use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::journals_input::{Reading, Sound};
use crate::output::Output;
use crate::words::shell_quoted;

const EXAMPLES: &str = "\
Examples:
  hallpass policy suggest --policy policy --journal authority/journal tickets/journal --since 30d
  hallpass policy suggest --policy policy --journal authority.jsonl tickets.jsonl --out narrower
  hallpass policy diff policy narrower             what it takes away, in words

Give the journals of every replica of the authority and of every service; they are verified first. A tool whose service has no call \
in them is left alone, and so is a route under which nothing was minted, but for --routes. What is taken away is put under the `deny` \
of its route, so the suggestion never allows more; the recorded requests and calls are asked of it again before it is shown. \
docs/policy-tools.md says what records cannot tell.

Exit status: 0 done, also when there is nothing to take away, 2 usage or failure.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The policy: its directory, or one file
    #[arg(long, value_name = "POLICY", default_value = input::POLICY_DEFAULT)]
    policy: PathBuf,
    /// The journals of the authority and of services, each a directory or an export
    #[arg(long = "journal", required = true, num_args = 1.., value_name = "DIR|EXPORT")]
    journals: Vec<PathBuf>,
    /// Only what was recorded at this time or later; `30d` is that long ago
    #[arg(long, value_name = "TIME")]
    since: Option<When>,
    /// Also take everything from routes under which nothing was minted
    #[arg(long)]
    routes: bool,
    /// Write the narrower policy, all its files, into this new directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What is suggested, and what it rests on.
struct Suggestion {
    old: Policy,
    narrowed: Narrowed,
    unused: Vec<UnusedGrant>,
    tokens: u64,
    calls: u64,
    period: Option<(Timestamp, Timestamp)>,
    broken: Broken,
}

/// What was recorded and would be refused.
#[derive(Default, serde::Serialize)]
struct Broken {
    calls: u64,
    requests: u64,
    /// Calls of which the records do not tell.
    undecided: u64,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let files = input::files(&args.policy)?;
    let old = input::parsed(&files, &args.policy)?;
    let since = args.since.map(|when| when.timestamp(SystemClock.now()));
    let reading = Reading::new();
    let journals = Sound::look(&args.journals, &reading)?;
    let suggestion = suggestion(args, &files, old, &journals, since, &reading)?;
    drop(reading);
    if let Some(directory) = &args.out {
        write(directory, &suggestion.narrowed.files)?;
    }
    answer::show(args, &suggestion, output)?;
    Ok(Exit::Ok)
}

fn suggestion(
    args: &Args,
    files: &PolicyFiles,
    old: Policy,
    journals: &Sound,
    since: Option<Timestamp>,
    reading: &Reading,
) -> anyhow::Result<Suggestion> {
    let mut usage = Usage::new(&old, since);
    for kinds in [["minted"], ["decided"]] {
        journals.each(&kinds, reading, &mut |record| Ok(usage.take(record)?))?;
    }
    if usage.tokens() == 0 {
        return Err(anyhow!("no token is recorded in this time"))
            .hint("give the authority's journal, or a longer --since");
    }
    let unused = usage.unused(args.routes);
    let mut unneeded = Unneeded::new();
    for grant in unused.iter().filter(|grant| grant.kept.is_none()) {
        let tools = unneeded.entry(grant.route.clone()).or_default();
        tools.insert(grant.tool.clone());
    }
    let narrowed = Policy::narrowed(files, &unneeded).hint(
        "write `proof = …` of that route on a line of its own, without quotes around the key",
    )?;
    let replayed = replay::replay(&narrowed.policy, journals, since, reading)?;
    let (tokens, calls, period) = (usage.tokens(), usage.calls(), usage.period());
    Ok(Suggestion {
        broken: broken(&replayed),
        narrowed,
        unused,
        tokens,
        calls,
        period,
        old,
    })
}

fn broken(replayed: &Replayed) -> Broken {
    let mut broken = Broken::default();
    for (row, often) in &replayed.rows {
        let count = match (row.asked, row.now) {
            // That a token would have less is what is suggested.
            (Asked::Mint, Some(_)) if row.tool.is_none() => &mut broken.requests,
            (Asked::Call, Some(now)) if now > row.before => &mut broken.calls,
            (Asked::Call, None) => &mut broken.undecided,
            _ => continue,
        };
        *count = count.saturating_add(often.count);
    }
    broken
}

/// Writes every file of a policy into a directory that is not there yet, or empty.
fn write(directory: &Path, files: &PolicyFiles) -> anyhow::Result<()> {
    let shown = directory.display();
    fs::create_dir_all(directory).with_context(|| format!("cannot create `{shown}`"))?;
    let mut there = fs::read_dir(directory).with_context(|| format!("cannot read `{shown}`"))?;
    if there.next().is_some() {
        return Err(anyhow!("`{shown}` is not empty")).hint("give --out a new directory");
    }
    for (name, text) in files.iter() {
        let path = directory.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(())
}

/// What to type to see what the suggestion takes away.
fn diff_command(args: &Args, out: &Path) -> String {
    let quoted = |path: &Path| shell_quoted(&path.display().to_string());
    format!(
        "hallpass policy diff {} {}",
        quoted(&args.policy),
        quoted(out)
    )
}
