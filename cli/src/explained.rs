//! What is shown beside a verdict to a person who asks: every step that was taken, and what the Biscuit engine says.

use hallpass_token::engine::{Engine, EngineVerdict, seen_by_engine};
use hallpass_token::{CallFacts, CaveatOutcome, ExplainedCaveat};
use hallpass_vocabulary::DenialCode;

use crate::output::{Output, Style};
use crate::verdict::{Denial, Identified};
use crate::words::escaped;

/// Columns of the labels.
const OUTCOME_COLUMNS: usize = 8;
const LABEL_COLUMNS: usize = 12;

/// What the engine does not look at, so that it can allow what a service denies.
const UNSEEN: &str = "when the token was issued, tenant, proof, revocation, budgets, the catalogue and the bundle's age; \
                      for both, an approval is withheld";

/// Beside the verdict; empty unless it was asked for.
#[derive(Debug, Default, serde::Serialize)]
pub(crate) struct Beside {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) steps: Option<Vec<Step>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) engine: Option<Comparison>,
}

/// A step of a decision.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Step {
    pub(crate) step: &'static str,
    #[serde(flatten)]
    pub(crate) finding: Finding,
}

/// What was found at a step.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
pub(crate) enum Finding {
    Caveat(ExplainedCaveat),
    Plain { outcome: &'static str, says: String },
}

impl Step {
    pub(crate) fn holds(step: &'static str, says: impl Into<String>) -> Self {
        let (outcome, says) = ("holds", says.into());
        Self {
            step,
            finding: Finding::Plain { outcome, says },
        }
    }

    pub(crate) fn fails(step: &'static str, denial: &Denial) -> Self {
        let says = denial.detail.as_deref().unwrap_or(denial.code.meaning());
        let (outcome, says) = ("fails", says.to_owned());
        Self {
            step,
            finding: Finding::Plain { outcome, says },
        }
    }

    /// Its outcome, what it is about, and what it says.
    fn cells(&self) -> (&'static str, String, String) {
        match &self.finding {
            Finding::Plain { outcome, says } => (outcome, self.step.to_owned(), says.clone()),
            Finding::Caveat(caveat) => {
                let (outcome, says) = match &caveat.outcome {
                    CaveatOutcome::Holds => ("holds", caveat.words.clone()),
                    CaveatOutcome::OtherTool => {
                        ("skipped", format!("{} (not for this tool)", caveat.words))
                    }
                    CaveatOutcome::Fails { why: Some(why), .. } => {
                        ("fails", format!("{}: {why}", caveat.words))
                    }
                    CaveatOutcome::Fails { why: None, .. } => ("fails", caveat.words.clone()),
                };
                (outcome, format!("block {}", caveat.block), says)
            }
        }
    }
}

/// The typed decision and the engine's, of what both see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Comparison {
    pub(crate) typed: EngineVerdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) typed_code: Option<DenialCode>,
    pub(crate) engine: EngineVerdict,
    pub(crate) agree: bool,
}

impl Comparison {
    /// Decides a call twice.
    pub(crate) fn of(identified: &Identified, call: &CallFacts<'_>) -> Self {
        let typed = seen_by_engine(&identified.token, call).map_err(|denial| denial.code);
        // What the engine cannot load, it has no verdict on.
        let engine = Engine::load(&identified.verified);
        let engine = engine.map_or(EngineVerdict::CouldNotEvaluate, |engine| {
            engine.decide(call)
        });
        Self::between(typed, engine)
    }

    fn between(typed: Result<(), DenialCode>, engine: EngineVerdict) -> Self {
        let (typed, typed_code) = match typed {
            Ok(()) => (EngineVerdict::Allow, None),
            Err(code) => (EngineVerdict::Deny, Some(code)),
        };
        Self {
            typed,
            typed_code,
            engine,
            agree: typed == engine,
        }
    }

    /// Why the two are no answer, if they are none.
    pub(crate) fn failure(&self) -> Option<(&'static str, &'static str)> {
        match (self.agree, self.engine) {
            (true, _) => None,
            (false, EngineVerdict::CouldNotEvaluate) => Some((
                "the Biscuit engine reached no verdict",
                "it stops at limits of time and of facts, and knows no time before 1970: try again, or without --engine",
            )),
            (false, _) => Some((
                "the typed decision and the Biscuit engine's disagree",
                "one of them is wrong: keep the token and the call, and report it as SECURITY.md says",
            )),
        }
    }
}

/// The rows of what was asked for.
pub(crate) fn lines(beside: &Beside, output: &Output) -> Vec<String> {
    let mut lines = Vec::new();
    for step in beside.steps.iter().flatten() {
        let (outcome, label, says) = step.cells();
        let style = if outcome == "fails" {
            Style::Bad
        } else {
            Style::Faint
        };
        lines.push(format!(
            "{}{label:LABEL_COLUMNS$}{}",
            output.style(style, &format!("{outcome:OUTCOME_COLUMNS$}")),
            escaped(&says)
        ));
    }
    if let Some(compared) = &beside.engine {
        let row = |label: &str, text: &str| {
            let label = format!("{label:OUTCOME_COLUMNS$}");
            format!("{}{text}", output.style(Style::Faint, &label))
        };
        let typed = match compared.typed_code {
            Some(code) => format!("deny {code}"),
            None => "allow".to_owned(),
        };
        lines.push(row("typed", &typed));
        lines.push(row(
            "engine",
            match compared.engine {
                EngineVerdict::Allow => "allow",
                EngineVerdict::CouldNotEvaluate => "no verdict",
                EngineVerdict::Deny => "deny",
            },
        ));
        lines.push(row("unseen", UNSEEN));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_verdict_is_agreement() {
        use EngineVerdict::{Allow, CouldNotEvaluate, Deny};
        let denied = Err(DenialCode::CaveatFailed);
        for (typed, engine, failure) in [
            (Ok(()), Allow, None),
            (denied, Deny, None),
            (Ok(()), Deny, Some("disagree")),
            (denied, Allow, Some("disagree")),
            (Ok(()), CouldNotEvaluate, Some("no verdict")),
            (denied, CouldNotEvaluate, Some("no verdict")),
        ] {
            let compared = Comparison::between(typed, engine);
            let said = compared.failure().map(|(error, _)| error);
            assert_eq!(said.is_some(), failure.is_some());
            assert!(
                said.unwrap_or_default()
                    .contains(failure.unwrap_or_default())
            );
            assert_eq!(compared.agree, failure.is_none());
        }
    }
}
