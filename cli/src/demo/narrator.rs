//! How the demo speaks: numbered steps, one call each, the decision in words, and whether it was the one expected.

use anyhow::Context as _;
use hallpass_client::{Problem, ToolAnswer};
use hallpass_vocabulary::DenialCode;

use super::world::World;
use crate::exit::Exit;
use crate::output::{Output, Style};
use crate::words::escaped;

/// The longest answer shown, in characters.
const ANSWER_CHARS_MAX: usize = 88;

/// What a step says will happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    Allowed,
    Denied(DenialCode),
}

pub(crate) struct Narrator<'o> {
    output: &'o mut Output,
    steps: u32,
    surprises: u32,
}

impl<'o> Narrator<'o> {
    pub(crate) fn new(output: &'o mut Output) -> Self {
        Self {
            output,
            steps: 0,
            surprises: 0,
        }
    }

    pub(crate) fn introduce(&mut self, world: &World) -> anyhow::Result<()> {
        self.say("Hallpass demo: an authority hands out passes, two tool services check them, nobody calls home.")?;
        self.say("")?;
        for (name, url, what) in [
            (
                "authority",
                &world.authority,
                "mints a token per agent run, for the environment `dev`",
            ),
            (
                "tickets",
                &world.shared.url,
                "a tool service with the data of many tenants",
            ),
            (
                "tickets (globex)",
                &world.globex_only.url,
                "the same service, pinned to the tenant globex",
            ),
        ] {
            self.say(&format!("  {name:<17} {url:<24} {what}"))?;
        }
        Ok(())
    }

    /// Begins a step.
    pub(crate) fn step(&mut self, title: &str, explanation: &str) -> anyhow::Result<()> {
        self.steps += 1;
        self.say("")?;
        let number = format!("{:>2}.", self.steps);
        self.say(&format!(
            "{} {title}",
            self.output.style(Style::Faint, &number)
        ))?;
        for line in explanation.lines() {
            self.say(&format!("    {line}"))?;
        }
        Ok(())
    }

    /// A line within a step.
    pub(crate) fn detail(&mut self, line: &str) -> anyhow::Result<()> {
        self.say(&format!("    {line}"))
    }

    /// What came of a call, against what was said to come of it.
    pub(crate) fn decision(
        &mut self,
        call: &str,
        answer: &ToolAnswer,
        expected: Expected,
    ) -> anyhow::Result<()> {
        let decision = answer.decision.context("the service named no decision")?;
        self.detail(&self.output.style(Style::Faint, &format!("> {call}")))?;
        let problem = answer.problem();
        let came = match &problem {
            None if answer.is_success() => Some(Expected::Allowed),
            None => None,
            Some(Problem { code, .. }) => code.parse().ok().map(Expected::Denied),
        };
        match &problem {
            None if !answer.is_success() => {
                let verdict = self.output.style(Style::Bad, "UNCLEAR");
                self.detail(&format!("{verdict} {} {decision}", answer.status))?;
            }
            None => {
                let verdict = self.output.style(Style::Good, "ALLOWED");
                let body: String = String::from_utf8_lossy(&answer.body)
                    .chars()
                    .take(ANSWER_CHARS_MAX)
                    .collect();
                self.detail(&format!("{verdict} {} {decision}", answer.status))?;
                self.detail(&escaped(&body))?;
            }
            Some(problem) => {
                let verdict = self.output.style(Style::Bad, "DENIED ");
                self.detail(&format!(
                    "{verdict} {} {}  {decision}",
                    answer.status,
                    escaped(&problem.code)
                ))?;
                self.detail(&escaped(&problem.title))?;
            }
        }
        self.expect(
            came == Some(expected),
            &format!("expected {expected:?}, got {came:?}"),
        )
    }

    /// Notes whether something was as said.
    pub(crate) fn expect(&mut self, as_said: bool, otherwise: &str) -> anyhow::Result<()> {
        if !as_said {
            self.surprises += 1;
            let label = self.output.style(Style::Bad, "NOT AS SAID:");
            self.detail(&format!("{label} {otherwise}"))?;
        }
        Ok(())
    }

    /// A verdict on a file, in colour.
    pub(crate) fn finding(&mut self, good: bool, word: &str, rest: &str) -> anyhow::Result<()> {
        let word = self
            .output
            .style(if good { Style::Good } else { Style::Bad }, word);
        self.detail(&format!("{word} {rest}"))
    }

    /// What to try while everything is left running.
    pub(crate) fn invite(&mut self, world: &World) -> anyhow::Result<()> {
        let token = world.scratch("token");
        let (token, journal) = (token.display(), world.shared.journal.display());
        let url = &world.shared.url;
        self.say("")?;
        self.say("Left running. The token of step 1 is in a file; in another terminal try:")?;
        self.say("")?;
        for (tool, body) in [
            ("kb.search", r#"{"query":"refund"}"#),
            ("ticket.close", r#"{"id":"T-1001"}"#),
        ] {
            self.say(&format!(
                "  curl -i {} -H \"Authorization: Bearer $(cat {token})\" \\\n       -H 'Content-Type: application/json' -d '{body}'",
                format_args!("{url}/tools/{tool}")
            ))?;
        }
        self.say(&format!("  hallpass tokens inspect @{token}"))?;
        self.say(&format!("  hallpass journal tail {journal}"))?;
        self.say(&format!("  hallpass why dec_… --journal {journal}"))?;
        self.say("")?;
        self.say("Ctrl-C ends it and removes everything.")
    }

    /// The last line, and the exit status that goes with it.
    pub(crate) fn conclude(&mut self) -> anyhow::Result<Exit> {
        let (steps, surprises) = (self.steps, self.surprises);
        self.say("")?;
        if surprises == 0 && steps > 0 {
            let line = format!("All {steps} steps went as said.");
            self.say(&self.output.style(Style::Good, &line))?;
            Ok(Exit::Ok)
        } else {
            let line =
                format!("{surprises} surprises in {steps} steps: not everything went as said.");
            self.say(&self.output.style(Style::Bad, &line))?;
            Ok(Exit::Denied)
        }
    }

    fn say(&mut self, line: &str) -> anyhow::Result<()> {
        Ok(self.output.line(line)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECISION: &str = "dec_01a1fd711d1c740fa60ab507fe645d0d";

    fn answer(status: u16, body: &str) -> ToolAnswer {
        ToolAnswer {
            status,
            decision: Some(DECISION.parse().unwrap()),
            body: body.as_bytes().to_vec(),
        }
    }

    fn denial(code: &str) -> ToolAnswer {
        let body = format!(r#"{{"code":"{code}","title":"No.","status":403}}"#);
        answer(403, &body)
    }

    /// What the demo says and how it ends after one step in which this came of what was expected.
    fn told(answer: &ToolAnswer, expected: Expected) -> (String, Exit) {
        let (mut output, written) = Output::to_memory();
        let mut narrator = Narrator::new(&mut output);
        narrator.step("A step", "What it is about.").unwrap();
        narrator.decision("kb.search {}", answer, expected).unwrap();
        let exit = narrator.conclude().unwrap();
        (written.text(), exit)
    }

    #[test]
    fn what_goes_as_said_ends_well() {
        let allowed = answer(200, r#"{"articles":[]}"#);
        let denied = denial("tool_not_granted");
        for (answer, expected) in [
            (allowed, Expected::Allowed),
            (denied, Expected::Denied(DenialCode::ToolNotGranted)),
        ] {
            let (text, exit) = told(&answer, expected);
            assert_eq!(exit, Exit::Ok, "{text}");
            assert!(text.ends_with("All 1 steps went as said.\n"), "{text}");
        }
    }

    #[test]
    fn any_surprise_is_told_and_ends_badly() {
        let expected = Expected::Denied(DenialCode::ToolNotGranted);
        for (answer, expected) in [
            (answer(200, "{}"), expected),
            (denial("caveat_failed"), expected),
            (denial("a_code_of_tomorrow"), expected),
            (denial("tool_not_granted"), Expected::Allowed),
            // No problem document, and no success either.
            (answer(502, "<html>bad gateway"), Expected::Allowed),
            (answer(403, "{}"), expected),
        ] {
            let (text, exit) = told(&answer, expected);
            assert_eq!(exit, Exit::Denied, "{text}");
            assert!(text.contains("NOT AS SAID: expected "), "{text}");
            assert!(text.ends_with("not everything went as said.\n"), "{text}");
        }
    }

    #[test]
    fn an_answer_without_a_decision_ends_the_demo() {
        let mut nameless = answer(200, "{}");
        nameless.decision = None;
        let (mut output, _) = Output::to_memory();
        let mut narrator = Narrator::new(&mut output);
        assert!(
            narrator
                .decision("kb.search {}", &nameless, Expected::Allowed)
                .is_err()
        );
    }

    #[test]
    fn a_demo_without_steps_proves_nothing() {
        let (mut output, _) = Output::to_memory();
        assert_eq!(Narrator::new(&mut output).conclude().unwrap(), Exit::Denied);
    }

    #[test]
    fn what_a_service_says_cannot_write_to_the_terminal() {
        let (text, _) = told(&answer(200, "\u{1b}[2J{}"), Expected::Allowed);
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
}
