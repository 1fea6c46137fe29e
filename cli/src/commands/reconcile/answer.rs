//! What is said of it: for people as a table and what to do, for programs as JSON.

use comfy_table::Table;
use hallpass_evidence::{Finding, FindingKind, LISTED_MAX, Reconciled, Severity, Tally};
use hallpass_vocabulary::Timestamp;

use super::{Args, Journals, path_of};
use crate::journals_input::{Given, State};
use crate::output::{Output, Style};
use crate::words::escaped;

/// Findings of one kind in a table when nothing else is asked for.
const ROWS_DEFAULT: usize = 10;

#[derive(serde::Serialize)]
struct Answer<'a> {
    in_order: bool,
    alarms: u64,
    faults: u64,
    notices: u64,
    journals: Vec<Journal<'a>>,
    tokens: u64,
    calls: u64,
    allowed: u64,
    findings: Vec<Kind<'a>>,
}

#[derive(serde::Serialize)]
struct Journal<'a> {
    role: &'static str,
    path: String,
    origin: &'a str,
    state: &'static str,
    records: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
}

#[derive(serde::Serialize)]
struct Kind<'a> {
    severity: &'static str,
    kind: &'static str,
    count: u64,
    meaning: &'static str,
    next: &'static str,
    listed: Vec<Listed<'a>>,
}

#[derive(serde::Serialize)]
struct Listed<'a> {
    origin: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<String>,
    words: &'a str,
}

pub(super) fn show(
    args: &Args,
    journals: &Journals,
    found: &Reconciled,
    output: &mut Output,
) -> anyhow::Result<()> {
    let mut kinds: Vec<(FindingKind, &Tally)> = found
        .findings
        .iter()
        .map(|(kind, it)| (*kind, it))
        .collect();
    // The worst first, then by name.
    kinds.sort_by_key(|(kind, _)| kind.severity());
    if args.json {
        return json(journals, found, &kinds, output);
    }
    of_journals(journals, output)?;
    let limit = if args.all { LISTED_MAX } else { ROWS_DEFAULT };
    for (kind, tally) in &kinds {
        of_kind(*kind, tally, limit, output)?;
    }
    let counts = &found.counts;
    let looked = format!(
        "{}, {} allowed, of {} in {}",
        counted(counts.calls, "call"),
        counts.allowed,
        counted(counts.tokens, "token"),
        counted(counts.records, "record")
    );
    let verdict = match found.worst() {
        Some(Severity::Alarm) => output.style(Style::Bad, "ALARM"),
        Some(Severity::Fault) => output.style(Style::Bad, "NOT IN ORDER"),
        Some(Severity::Notice) | None => output.style(Style::Good, "in order"),
    };
    output.line("")?;
    let of = |severity| counted(found.count(severity), severity.as_str());
    output.line(&format!(
        "{verdict}: {}, {}, {}; {looked}",
        of(Severity::Alarm),
        of(Severity::Fault),
        of(Severity::Notice)
    ))?;
    Ok(())
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn of_journals(journals: &Journals, output: &mut Output) -> anyhow::Result<()> {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["", "JOURNAL", "RECORDS", ""]);
    for (role, journal) in roles(journals) {
        let state = match &journal.state {
            State::Export => "an export: not signed".to_owned(),
            State::NotAsSigned(_) => "NOT AS SIGNED".to_owned(),
            State::Verified(signed) => format!("verified, {signed} signed"),
        };
        let origin = escaped(&journal.origin);
        table.add_row([role.to_owned(), origin, journal.records.to_string(), state]);
    }
    for line in table.lines() {
        output.line(line.trim_end())?;
    }
    Ok(())
}

fn of_kind(
    kind: FindingKind,
    tally: &Tally,
    limit: usize,
    output: &mut Output,
) -> anyhow::Result<()> {
    let label = match kind.severity() {
        Severity::Alarm => output.style(Style::Bad, "ALARM"),
        Severity::Fault => output.style(Style::Bad, "fault"),
        Severity::Notice => output.style(Style::Caution, "notice"),
    };
    output.line("")?;
    output.line(&format!("{label} {kind}: {}", tally.count))?;
    output.line(&format!("  {}", kind.meaning()))?;
    for finding in tally.listed.iter().take(limit) {
        output.line(&format!("  - {}", escaped(&line_of(finding))))?;
    }
    let shown = u64::try_from(tally.listed.len().min(limit)).unwrap_or(u64::MAX);
    if tally.count > shown && tally.listed.len() > limit {
        output.line("  - and more: --all shows up to 100")?;
    }
    output.line(&format!("  -> {}", kind.next_step()))?;
    Ok(())
}

fn line_of(finding: &Finding) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(finding.time.map(|time| time.to_string()));
    match finding.index {
        Some(index) => parts.push(format!("record {index} of {}", finding.origin)),
        None => parts.push(finding.origin.clone()),
    }
    parts.extend(finding.decision.map(|id| id.to_string()));
    parts.extend(finding.token.map(|id| id.to_string()));
    if finding.token.is_none() && finding.decision.is_none() {
        parts.extend(finding.run.map(|id| id.to_string()));
    }
    format!("{}: {}", parts.join(", "), finding.words)
}

fn roles(journals: &Journals) -> impl Iterator<Item = (&'static str, &Given)> {
    let authorities = journals.authorities.iter().map(|it| ("authority", it));
    authorities.chain(journals.services.iter().map(|it| ("service", it)))
}

fn json(
    journals: &Journals,
    found: &Reconciled,
    kinds: &[(FindingKind, &Tally)],
    output: &mut Output,
) -> anyhow::Result<()> {
    let journals = roles(journals).map(|(role, given)| Journal {
        role,
        path: path_of(&given.path),
        origin: &given.origin,
        state: given.state.as_str(),
        records: given.records,
        signed: match &given.state {
            State::Verified(signed) => Some(*signed),
            State::Export | State::NotAsSigned(_) => None,
        },
        key: given.key.as_deref(),
    });
    let journals = journals.collect();
    let alarms = found.count(Severity::Alarm);
    let faults = found.count(Severity::Fault);
    output.json(&Answer {
        in_order: alarms == 0 && faults == 0,
        alarms,
        faults,
        notices: found.count(Severity::Notice),
        journals,
        tokens: found.counts.tokens,
        calls: found.counts.calls,
        allowed: found.counts.allowed,
        findings: kinds
            .iter()
            .map(|(kind, tally)| kind_of(*kind, tally))
            .collect(),
    })
}

fn kind_of(kind: FindingKind, tally: &Tally) -> Kind<'_> {
    Kind {
        severity: kind.severity().as_str(),
        kind: kind.as_str(),
        count: tally.count,
        meaning: kind.meaning(),
        next: kind.next_step(),
        listed: tally.listed.iter().map(listed).collect(),
    }
}

fn listed(finding: &Finding) -> Listed<'_> {
    Listed {
        origin: &finding.origin,
        index: finding.index,
        time: finding.time,
        decision: finding.decision.map(|id| id.to_string()),
        token: finding.token.map(|id| id.to_string()),
        run: finding.run.map(|id| id.to_string()),
        words: &finding.words,
    }
}
