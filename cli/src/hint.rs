//! Failures with advice: what went wrong, and a `hint:` line that says what to do.

use std::error::Error;
use std::fmt;

use crate::output::{Output, Style};
use crate::token_input::without_tokens;
use crate::words::escaped;

/// A failure and what to do about it. Reads as the failure; [`report`] finds the advice.
pub(crate) struct Hinted {
    error: anyhow::Error,
    hint: String,
}

/// Adds advice to failures.
pub(crate) trait HintExt<T> {
    /// This result, with advice for whoever reads the failure.
    fn hint(self, hint: impl Into<String>) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> HintExt<T> for Result<T, E> {
    fn hint(self, hint: impl Into<String>) -> anyhow::Result<T> {
        self.map_err(|error| {
            anyhow::Error::new(Hinted {
                error: error.into(),
                hint: hint.into(),
            })
        })
    }
}

impl fmt::Display for Hinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl fmt::Debug for Hinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.error, f)
    }
}

impl Error for Hinted {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

/// Writes a failure to standard error: its chain of causes on one line, then every piece of advice.
pub(crate) fn report(error: &anyhow::Error, output: &mut Output) {
    let (line, hints) = lines(error);
    output.note(&format!(
        "{} {line}",
        output.err_style(Style::Bad, "error:")
    ));
    for hint in hints {
        output.note(&format!(
            "{} {hint}",
            output.err_style(Style::Hint, "hint:")
        ));
    }
}

fn lines(error: &anyhow::Error) -> (String, Vec<&str>) {
    let mut line = String::new();
    let mut hints = Vec::new();
    for cause in error.chain() {
        if let Some(hinted) = cause.downcast_ref::<Hinted>() {
            hints.push(hinted.hint.as_str());
        }
        // A policy's faults stand on lines of their own.
        let message: Vec<String> = cause
            .to_string()
            .trim_end()
            .split('\n')
            // A token can stand where a file's name or a caveat should.
            .map(|message| escaped(&without_tokens(message)))
            .collect();
        let message = message.join("\n");
        // Some libraries repeat their source in their own message.
        if !line.contains(&message) {
            if !line.is_empty() {
                line.push_str(": ");
            }
            line.push_str(&message);
        }
    }
    (line, hints)
}

#[cfg(test)]
mod tests {
    use anyhow::{Context as _, anyhow};

    use super::*;

    #[test]
    fn the_chain_is_one_line_and_the_advice_is_found_under_context() {
        let failed: Result<(), _> = Err(anyhow!("no such file").context("cannot open `x`"));
        let error = failed.hint("create it").context("starting").unwrap_err();
        let (line, hints) = lines(&error);
        assert_eq!(line, "starting: cannot open `x`: no such file");
        assert_eq!(hints, ["create it"]);
    }

    #[test]
    fn what_a_terminal_would_act_on_is_escaped() {
        let error = anyhow!("a\u{1b}[2Jb\nc\r");
        assert_eq!(lines(&error).0, "a\\u{1b}[2Jb\nc");
    }
}
