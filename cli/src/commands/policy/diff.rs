//! `hallpass policy diff`: what a policy allows that another does not.

use std::path::PathBuf;

use anyhow::anyhow;
use hallpass_policy::{Change, Direction};

use super::{input, revision};
use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::output::{Output, Style};
use crate::words::escaped;

const EXAMPLES: &str = "\
Examples:
  hallpass policy diff old/policy policy
  hallpass policy diff --git main policy          against a branch, a tag or a commit
  hallpass policy diff --git main policy --fail-on-widening         in a pipeline
  hallpass policy diff authority/bundle/policies/* authority/policy
                                                  what a reload would change

Compares what requests get, not how it is written: a grant that moved and has the same effect is no change. Where it \
cannot be told that nothing more is allowed, it counts as a widening.

Exit status: 0 done, 1 there is a widening and --fail-on-widening was given, 2 usage or failure.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The policy before and the policy after, each a directory or one file; with --git the policy after alone
    #[arg(required = true, num_args = 1..=2, value_names = ["OLD", "NEW"])]
    policies: Vec<PathBuf>,
    /// The policy before is this revision of the directory given
    #[arg(long, value_name = "REVISION")]
    git: Option<String>,
    /// Exit 1 when anything is allowed that was not
    #[arg(long)]
    fail_on_widening: bool,
    /// Also what only reads otherwise
    #[arg(long)]
    all: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Answer {
    old: String,
    new: String,
    widenings: usize,
    narrowings: usize,
    changes: Vec<Said>,
}

#[derive(serde::Serialize)]
struct Said {
    direction: &'static str,
    kind: &'static str,
    entry: String,
    words: String,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let (old, new) = match (args.policies.as_slice(), &args.git) {
        ([old, new], None) => (input::policy(old)?, input::policy(new)?),
        ([new], Some(git)) => {
            let old = revision::files(new, git)?;
            (input::parsed(&old, new)?, input::policy(new)?)
        }
        ([_], None) => {
            return Err(anyhow!("there is nothing to compare with"))
                .hint("give the policy before and the policy after, or --git REVISION");
        }
        _ => {
            return Err(anyhow!("the policy before is given twice"))
                .hint("give --git REVISION and the policy after, or both policies");
        }
    };
    let changes = old.changes_to(&new);
    let count = |direction| {
        let found = changes.iter().filter(|it| it.direction() == direction);
        found.count()
    };
    let (widenings, narrowings) = (count(Direction::Widening), count(Direction::Narrowing));
    if args.json {
        output.json(&Answer {
            old: old.digest().to_owned(),
            new: new.digest().to_owned(),
            widenings,
            narrowings,
            changes: changes.iter().map(said).collect(),
        })?;
    } else {
        say(args, &changes, (widenings, narrowings), output)?;
    }
    Ok(if args.fail_on_widening && widenings > 0 {
        Exit::Denied
    } else {
        Exit::Ok
    })
}

fn said(change: &Change) -> Said {
    Said {
        direction: change.direction().as_str(),
        kind: change.kind().as_str(),
        entry: change.entry().to_string(),
        words: change.to_string(),
    }
}

fn say(
    args: &Args,
    changes: &[Change],
    (widenings, narrowings): (usize, usize),
    output: &mut Output,
) -> anyhow::Result<()> {
    let mut left_out = 0_usize;
    for change in changes {
        let label = match change.direction() {
            Direction::Widening => output.style(Style::Bad, "wider   "),
            Direction::Narrowing => output.style(Style::Good, "narrower"),
            Direction::Neutral if args.all => output.style(Style::Faint, "same    "),
            Direction::Neutral => {
                left_out = left_out.saturating_add(1);
                continue;
            }
        };
        output.line(&format!("{label}  {}", escaped(&change.to_string())))?;
    }
    output.line(&format!("{widenings} wider, {narrowings} narrower"))?;
    if left_out > 0 {
        output.note(&format!(
            "{left_out} more have no effect on any request; --all shows them"
        ));
    }
    if args.fail_on_widening && widenings > 0 {
        output.note("the new policy allows more than the old one");
    }
    Ok(())
}
