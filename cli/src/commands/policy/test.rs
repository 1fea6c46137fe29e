//! `hallpass policy test`: a policy, held to the expectations beside it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use comfy_table::Table;
use hallpass_policy::{Expectation, Outcome, POLICY_FILES_MAX, Policy};

use super::input;
use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::output::{Output, Style};
use crate::words::escaped;

/// Where expectations are, in the directory of the policy.
const TESTS: &str = "tests";

const EXAMPLES: &str = "\
Examples:
  hallpass policy test authority/policy
  hallpass policy test policy --tests more-tests --only refund
  hallpass policy test policy --json | jq '.expectations[] | select(.holds | not)'

Reads `tests/*.toml` in the policy's directory; docs/policy-tools.md describes the format. Each expectation is a question \
and the exact answer to it, so a tool that is given and not expected is a failure, too.

Exit status: 0 all hold, 1 one does not, 2 usage or failure, or there is none.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The policy: its directory, or one file
    #[arg(default_value = input::POLICY_DEFAULT)]
    policy: PathBuf,
    /// Read expectations here: a directory, or one file; `tests` in the policy's directory when left out
    #[arg(long, value_name = "PATH")]
    tests: Option<PathBuf>,
    /// Only expectations whose name has this text in it
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Answer<'a> {
    held: usize,
    failed: usize,
    expectations: Vec<Held<'a>>,
}

#[derive(serde::Serialize)]
struct Held<'a> {
    name: &'a str,
    file: &'a str,
    line: usize,
    route: &'a str,
    holds: bool,
    differences: Vec<String>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let policy = input::policy(&args.policy)?;
    let expectations = expectations(args, &policy)?;
    let wanted = expectations.iter().filter(|expectation| {
        let only = args.only.as_deref();
        only.is_none_or(|text| expectation.name().contains(text))
    });
    let outcomes: Vec<(&Expectation, Outcome)> = wanted
        .map(|expectation| (expectation, policy.meets(expectation)))
        .collect();
    if outcomes.is_empty() {
        return Err(anyhow!("there is no expectation to hold the policy to")).hint(
            "write one in `tests/NAME.toml` beside the policy; docs/policy-tools.md says how",
        );
    }
    let failed = outcomes.iter().filter(|(_, it)| !it.holds()).count();
    let held = outcomes.len().saturating_sub(failed);
    if args.json {
        output.json(&Answer {
            held,
            failed,
            expectations: outcomes
                .iter()
                .map(|(it, outcome)| json(it, outcome))
                .collect(),
        })?;
    } else {
        say(&outcomes, (held, failed), output)?;
    }
    Ok(if failed > 0 { Exit::Denied } else { Exit::Ok })
}

fn json<'a>(expectation: &'a Expectation, outcome: &Outcome) -> Held<'a> {
    Held {
        name: expectation.name(),
        file: expectation.file(),
        line: expectation.line(),
        route: expectation.question().route.as_str(),
        holds: outcome.holds(),
        differences: outcome
            .differences
            .iter()
            .map(ToString::to_string)
            .collect(),
    }
}

fn expectations(args: &Args, policy: &Policy) -> anyhow::Result<Vec<Expectation>> {
    let tests = match &args.tests {
        Some(tests) => tests.clone(),
        None if args.policy.is_dir() => args.policy.join(TESTS),
        None => {
            return Err(anyhow!("one file of a policy has no tests beside it"))
                .hint("give --tests PATH");
        }
    };
    let files = read(&tests)?;
    let borrowed: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    policy
        .expectations(&borrowed)
        .map_err(|errors| {
            anyhow!(
                "the expectations in `{}` are malformed:\n{errors}",
                tests.display()
            )
        })
        .hint("docs/policy-tools.md describes expectations")
}

fn read(path: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let mut paths = vec![path.to_owned()];
    if path.is_dir() {
        paths.clear();
        let entries =
            std::fs::read_dir(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "toml")
            {
                paths.push(path);
            }
        }
        paths.sort();
    }
    if paths.len() > POLICY_FILES_MAX {
        return Err(anyhow!(
            "more than {POLICY_FILES_MAX} files of expectations"
        ))
        .hint("a file may hold any number of them");
    }
    paths
        .iter()
        .map(|path| {
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned());
            Ok((name.unwrap_or_default(), input::text(path)?))
        })
        .collect::<anyhow::Result<_>>()
        .hint("write expectations in `tests/NAME.toml` beside the policy, or give --tests PATH")
}

fn say(
    outcomes: &[(&Expectation, Outcome)],
    (held, failed): (usize, usize),
    output: &mut Output,
) -> anyhow::Result<()> {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["", "route", "expectation", "at"]);
    for (expectation, outcome) in outcomes {
        let at = format!("{}:{}", expectation.file(), expectation.line());
        let word = if outcome.holds() { "ok" } else { "FAILED" };
        table.add_row([
            word,
            expectation.question().route.as_str(),
            &escaped(expectation.name()),
            &escaped(&at),
        ]);
    }
    for line in table.lines() {
        output.line(line.trim_end())?;
    }
    for (expectation, outcome) in outcomes.iter().filter(|(_, it)| !it.holds()) {
        output.line("")?;
        let at = format!(
            "{}:{}: {}",
            expectation.file(),
            expectation.line(),
            expectation.name()
        );
        output.line(&output.style(Style::Bad, &escaped(&at)))?;
        for difference in &outcome.differences {
            output.line(&format!("  {}", escaped(&difference.to_string())))?;
        }
    }
    output.line("")?;
    Ok(output.line(&format!("{held} hold, {failed} failed"))?)
}
