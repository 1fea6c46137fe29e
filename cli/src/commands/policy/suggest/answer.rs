//! What is said of a suggestion: the grants, the lines, what they rest on, what they would break.

use comfy_table::Table;
use hallpass_evidence::{Kept, UnusedGrant};
use hallpass_policy::Edit;
use hallpass_vocabulary::Timestamp;

use super::{Args, Broken, Suggestion, diff_command};
use crate::output::{Output, Style};
use crate::words::escaped;

#[derive(serde::Serialize)]
struct Answer<'a> {
    old: &'a str,
    new: &'a str,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    tokens: u64,
    calls: u64,
    unused: Vec<Row>,
    edits: Vec<Line<'a>>,
    broken: &'a Broken,
}

#[derive(serde::Serialize)]
struct Row {
    route: String,
    tool: String,
    given_by: String,
    with_approval: bool,
    tokens: u64,
    taken_away: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<&'static str>,
}

#[derive(serde::Serialize)]
struct Line<'a> {
    file: &'a str,
    line: usize,
    route: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<&'a str>,
    after: &'a str,
}

pub(super) fn show(
    args: &Args,
    suggestion: &Suggestion,
    output: &mut Output,
) -> anyhow::Result<()> {
    if args.json {
        return json(suggestion, output);
    }
    grants(&suggestion.unused, output)?;
    for edit in &suggestion.narrowed.edits {
        line(edit, output)?;
    }
    let (first, last) = match suggestion.period {
        Some((first, last)) => (first.to_string(), last.to_string()),
        None => ("never".to_owned(), "never".to_owned()),
    };
    output.line(&format!(
        "rests on {} tokens and {} calls, recorded from {first} to {last}",
        suggestion.tokens, suggestion.calls
    ))?;
    let Broken {
        calls,
        requests,
        undecided,
    } = suggestion.broken;
    let breaks = match (calls, requests) {
        (0, 0) => output.style(Style::Good, "would break nothing recorded"),
        (calls, requests) => output.style(
            Style::Bad,
            &format!("would break {calls} recorded calls and {requests} recorded requests"),
        ),
    };
    let not_told = match undecided {
        0 => String::new(),
        some => format!("; of {some} calls the records do not tell"),
    };
    output.line(&format!("{breaks}{not_told}"))?;
    if suggestion.narrowed.edits.is_empty() {
        output.line("there is nothing to take away")?;
        return Ok(());
    }
    output.note(
        "a client that asks for all tools of a route by name would be refused those: records do not tell who does",
    );
    match &args.out {
        Some(out) => output.note(&format!(
            "written to `{}`; see what it takes away: {}",
            out.display(),
            diff_command(args, out)
        )),
        None => output.note("--out DIR writes the narrower policy"),
    }
    Ok(())
}

fn grants(unused: &[UnusedGrant], output: &mut Output) -> anyhow::Result<()> {
    if unused.is_empty() {
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["ROUTE", "TOOL", "GIVEN BY", "HOW", "TOKENS", "CALLS", ""]);
    for grant in unused {
        let how = match grant.with_approval {
            true => "with an approval",
            false => "outright",
        };
        let what = match grant.kept {
            None => "take away".to_owned(),
            Some(kept) => format!("stays: {}", kept.as_str()),
        };
        table.add_row([
            grant.route.to_string(),
            grant.tool.to_string(),
            grant.source.to_string().replace('`', ""),
            how.to_owned(),
            grant.tokens.to_string(),
            "0".to_owned(),
            what,
        ]);
    }
    for line in table.lines() {
        output.line(line.trim_end())?;
    }
    output.line("")?;
    Ok(())
}

/// A line as a person would type it, in the form of a diff.
fn line(edit: &Edit, output: &mut Output) -> anyhow::Result<()> {
    output.line(&escaped(&format!("{}  route `{}`", edit.place, edit.route)))?;
    if let Some(before) = &edit.before {
        let before = format!("- {}", escaped(before.trim_end()));
        output.line(&output.style(Style::Bad, &before))?;
    }
    let after = format!("+ {}", escaped(edit.after.trim_end()));
    output.line(&output.style(Style::Good, &after))?;
    output.line("")?;
    Ok(())
}

fn json(suggestion: &Suggestion, output: &mut Output) -> anyhow::Result<()> {
    output.json(&Answer {
        old: suggestion.old.digest(),
        new: suggestion.narrowed.policy.digest(),
        first: suggestion.period.map(|(first, _)| first),
        last: suggestion.period.map(|(_, last)| last),
        tokens: suggestion.tokens,
        calls: suggestion.calls,
        unused: suggestion.unused.iter().map(row).collect(),
        edits: suggestion
            .narrowed
            .edits
            .iter()
            .map(|edit| Line {
                file: edit.place.file(),
                line: edit.place.line(),
                route: edit.route.to_string(),
                before: edit.before.as_deref(),
                after: &edit.after,
            })
            .collect(),
        broken: &suggestion.broken,
    })
}

fn row(grant: &UnusedGrant) -> Row {
    Row {
        route: grant.route.to_string(),
        tool: grant.tool.to_string(),
        given_by: grant.source.to_string().replace('`', ""),
        with_approval: grant.with_approval,
        tokens: grant.tokens,
        taken_away: grant.kept.is_none(),
        kept: grant.kept.map(Kept::as_str),
    }
}
