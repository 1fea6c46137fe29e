//! What is on record of one decision, in words.

use std::io;

use hallpass_journal::read::Record;
use hallpass_journal::{CallResult, Decided, Event, Verdict};
use hallpass_vocabulary::{DecisionId, DenialCode, Pointer};
use serde_json::value::RawValue;

use super::denied::next_step;
use super::journal::arguments::shown as shown_argument;
use crate::output::{Output, Style};
use crate::words::{escaped, listed, time};

/// Columns of the labels.
const LABEL_COLUMNS: usize = 9;

/// The records of one decision.
pub(crate) struct Story {
    record: Record,
    decided: Box<Decided>,
    after: Vec<Record>,
    source: Source,
}

/// Where the records are from, and so what a missing one means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// All that the journal has.
    Journal,
    /// What somebody put into a proof.
    Proof,
}

impl Source {
    /// What to say of a call without an end, and what to do.
    fn without_end(self) -> (&'static str, &'static str) {
        match self {
            Self::Journal => (
                "no end is recorded",
                "It runs still, or its process died: find out at the service before it is repeated.",
            ),
            Self::Proof => (
                "no end is in the proof: the journal may have one",
                "Ask for a proof made now, or look into the journal, for what came of it.",
            ),
        }
    }
}

#[derive(serde::Serialize)]
pub(crate) struct Explained<'a> {
    decision: DecisionId,
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<DenialCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    meaning: Option<&'a str>,
    next: String,
    record: &'a RawValue,
    after: Vec<&'a RawValue>,
}

impl Story {
    /// The story in these records of one decision, in the order of the journal; none without the decision itself.
    pub(crate) fn of(records: Vec<Record>, source: Source) -> Option<Self> {
        let mut decided = None;
        let mut after = Vec::new();
        for record in records {
            match record.event() {
                Ok(Event::Decided(event)) if decided.is_none() => decided = Some((record, event)),
                _ => after.push(record),
            }
        }
        let (record, decided) = decided?;
        Some(Self {
            record,
            decided,
            after,
            source,
        })
    }

    /// For a program.
    pub(crate) fn explained(&self) -> serde_json::Result<Explained<'_>> {
        Ok(Explained {
            decision: self.decided.decision,
            verdict: self.decided.verdict,
            code: self.decided.code,
            meaning: self.decided.code.map(DenialCode::meaning),
            next: self.ending().1,
            record: raw(&self.record)?,
            after: self.after.iter().map(raw).collect::<Result<_, _>>()?,
        })
    }

    /// In words.
    pub(crate) fn tell(&self, output: &mut Output) -> io::Result<()> {
        let (after, next) = self.ending();
        let row = |label: &str, text: &str| {
            let label = format!("{label:LABEL_COLUMNS$}");
            format!("{}{text}", output.style(Style::Faint, &label))
        };
        let decided = &self.decided;
        let mut lines = vec![
            row("asked", &asked(decided)),
            row("when", &when(&self.record)),
        ];
        for line in arguments(decided) {
            lines.push(row("with", &line));
        }
        if let Some(context) = context(decided) {
            lines.push(row("under", &context));
        }
        lines.push(row("decided", &verdict(decided, output)));
        if let Some(detail) = &decided.detail {
            lines.push(row("detail", &escaped(detail.as_str())));
        }
        for line in after {
            lines.push(row("after", &line));
        }
        lines.push(row("next", &next));
        for line in lines {
            output.line(&line)?;
        }
        Ok(())
    }

    /// What happened after the decision, and what to do now.
    fn ending(&self) -> (Vec<String>, String) {
        if self.decided.verdict == Verdict::Deny {
            let detail = self.decided.detail.as_ref().map(|detail| detail.as_str());
            let next = self.decided.code.map_or_else(
                || "Look at the record.".to_owned(),
                |code| next_step(code, detail),
            );
            return (vec!["nothing ran".to_owned()], next);
        }
        let mut lines = Vec::new();
        let (no_end, mut next) = self.source.without_end();
        let mut withheld = false;
        for record in &self.after {
            match record.event() {
                Ok(Event::Finished(end)) => {
                    lines.push(finished(&end));
                    next = match end.result {
                        CallResult::Ok => "Nothing: the call ran and succeeded.",
                        CallResult::Error => "Look for this decision's id in the service's log.",
                    };
                }
                Ok(Event::Abandoned(_)) => {
                    lines.push(
                        "abandoned: the permit was dropped, the outcome is unknown".to_owned(),
                    );
                    next = "Find out at the service whether it took effect before it is repeated.";
                }
                Ok(Event::RowWithheld(row)) => {
                    withheld = true;
                    lines.push(format!(
                        "a row was withheld and read as not found: {}",
                        escaped(row.detail.as_str())
                    ));
                }
                _ => lines.push(format!("a record of kind `{}`", escaped(record.kind()))),
            }
        }
        if withheld {
            next = "The token's tenant and subject decide which rows there are: for another's, use a token of theirs.";
        }
        if lines.is_empty() {
            lines.push(no_end.to_owned());
        }
        (lines, next.to_owned())
    }
}

/// A record as it stands in the file.
fn raw(record: &Record) -> serde_json::Result<&RawValue> {
    serde_json::from_str(record.line())
}

/// Who asked for what, on whose behalf.
fn asked(decided: &Decided) -> String {
    let who = match (&decided.subject, decided.actors.is_empty()) {
        (Some(subject), false) => format!("{}, on behalf of {subject},", listed(&decided.actors)),
        (Some(subject), true) => subject.to_string(),
        // Nothing in a token that was not believed says who sent it.
        (None, _) => "somebody unknown".to_owned(),
    };
    let mut text = match &decided.tool {
        Some(tool) => format!("{who} called {tool} of {}", decided.audience),
        None => format!("{who} sent {} something that is no call", decided.audience),
    };
    if let Some(impact) = decided.impact {
        text.push_str(&format!(" ({impact})"));
    }
    match &decided.tenant {
        Some(tenant) => text.push_str(&format!(", for tenant {tenant} in {}", decided.env)),
        None => text.push_str(&format!(", in {}", decided.env)),
    }
    text
}

/// What is on record of the arguments.
fn arguments(decided: &Decided) -> Vec<String> {
    let pointer = |pointer: &Pointer| escaped(pointer.as_str());
    let shown = decided.args.iter();
    let shown = shown.map(|(pointer, value)| shown_argument(pointer.as_str(), value));
    let sensitive = decided.sensitive_args.keys();
    let sensitive =
        sensitive.map(|name| format!("{} is sensitive: only a digest is kept", pointer(name)));
    let omitted = decided.args_omitted.iter();
    let omitted = omitted.map(|name| {
        format!(
            "{} is left out: too large, or sensitive in part",
            pointer(name)
        )
    });
    shown.chain(sensitive).chain(omitted).collect()
}

fn when(record: &Record) -> String {
    format!("{}, record {}", time(record.time()), record.index())
}

/// The run, route and token, where a token was believed.
fn context(decided: &Decided) -> Option<String> {
    let parts = [
        decided.route.as_ref().map(|route| format!("route {route}")),
        decided.run.map(|run| run.to_string()),
        decided.token.map(|token| token.to_string()),
        decided.bundle.map(|bundle| format!("bundle {bundle}")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn verdict(decided: &Decided, output: &Output) -> String {
    match (decided.verdict, decided.code) {
        (Verdict::Allow, _) => output.style(Style::Good, "allow"),
        (Verdict::Deny, Some(code)) => {
            let verdict = output.style(Style::Bad, &format!("deny {code}"));
            let no_verdict = if code.is_verdict() {
                ""
            } else {
                " No verdict was reached, so it was denied."
            };
            format!("{verdict}: {}{no_verdict}", code.meaning())
        }
        (Verdict::Deny, None) => output.style(Style::Bad, "deny"),
    }
}

fn finished(end: &hallpass_journal::Finished) -> String {
    match end.result {
        CallResult::Ok => format!("finished ok after {} ms", end.duration_ms),
        CallResult::Error => {
            let class = end
                .error_class
                .as_ref()
                .map_or("unnamed", |class| class.as_str());
            format!("failed after {} ms: {}", end.duration_ms, escaped(class))
        }
    }
}
