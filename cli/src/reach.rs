//! Which verifiers have a bundle, and when the others stop by themselves.

use std::time::Duration;

use hallpass_client::{KnownVerifier, OperatorClient, OperatorError};
use hallpass_vocabulary::{Clock as _, SystemClock, Timestamp};
use serde_json::Value;

use crate::listing::text;
use crate::operator_input::wait;
use crate::output::{Output, Style};
use crate::words::{escaped, relative, span};

/// How long verifiers are waited for: they report every few seconds.
const WAIT_MAX: Duration = Duration::from_secs(15);

/// How often it is asked again.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// Verifiers that are asked for their calls in flight, and calls that are shown of each.
const FLYING_ASKED: usize = 16;
const CALLS_SHOWN: usize = 10;

/// How long a verifier goes on without a heartbeat unless it is set otherwise: destructive calls, writes, reads.
const STALENESS_DEFAULT: [Duration; 3] = [
    Duration::from_secs(60),
    Duration::from_secs(300),
    Duration::from_secs(900),
];

/// What the authority knows of its verifiers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reach {
    /// As the authority has it; absent where it knows of no verifiers.
    pub(crate) document: Option<Value>,
    /// Verifiers with calls in flight, with some of those calls.
    flying: Vec<KnownVerifier>,
}

impl Reach {
    /// Asks which verifiers have a bundle of this number or a later one; where it is waited for, again until all of them have.
    pub(crate) fn of(
        operator: &OperatorClient,
        version: u64,
        waiting: bool,
    ) -> anyhow::Result<Self> {
        let began = std::time::Instant::now();
        loop {
            let asked = async {
                match operator.verifiers_reached(version).await {
                    // An authority of a release that keeps no list of them.
                    Err(OperatorError::Refused(problem)) if problem.code == "not_found" => Ok(None),
                    answer => answer.map(Some),
                }
            };
            let document = wait(asked, "the verifiers are not known")?;
            let mut reach = Self {
                document,
                flying: Vec::new(),
            };
            if !waiting || reach.missing().is_empty() || began.elapsed() >= WAIT_MAX {
                reach.flying = reach.asked_for_calls(operator)?;
                return Ok(reach);
            }
            std::thread::sleep(ASK_EVERY);
        }
    }

    fn asked_for_calls(&self, operator: &OperatorClient) -> anyhow::Result<Vec<KnownVerifier>> {
        let flies = |it: &&Value| {
            it.get("calls_in_flight")
                .and_then(Value::as_u64)
                .unwrap_or(0)
                > 0
        };
        let mut flying = Vec::new();
        for verifier in self.live().filter(flies).take(FLYING_ASKED) {
            let origin = text(verifier, "origin");
            flying.push(wait(
                operator.verifier(&origin),
                "the calls in flight are not known",
            )?);
        }
        Ok(flying)
    }

    /// Those that have not said that they have it.
    pub(crate) fn missing(&self) -> &[Value] {
        self.list("not_reached")
    }

    fn live(&self) -> impl Iterator<Item = &Value> {
        let verifiers = self.list("verifiers").iter();
        verifiers.filter(|verifier| verifier.get("retired_at").is_none())
    }

    fn list(&self, name: &str) -> &[Value] {
        let list = self.document.as_ref().and_then(|it| it.get(name));
        list.and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Says all of it.
    pub(crate) fn say(&self, output: &mut Output) -> anyhow::Result<()> {
        let live = self.live().count();
        if live == 0 {
            let [destructive, write, read] = STALENESS_DEFAULT.map(span);
            output.line("verifiers: none has enrolled, so none is known to have it")?;
            output.line(&format!(
                "  one that is cut off denies destructive calls {destructive} after its last heartbeat, writes after {write}, \
                 reads after {read}, unless it is set otherwise"
            ))?;
            return Ok(());
        }
        let missing = self.missing();
        let label = match missing.is_empty() {
            true => output.style(Style::Good, "verifiers:"),
            false => output.style(Style::Caution, "verifiers:"),
        };
        output.line(&format!(
            "{label} {} of {live} have it",
            live.saturating_sub(missing.len())
        ))?;
        let now = SystemClock.now();
        for verifier in missing {
            let who = format!(
                "{} of {}",
                text(verifier, "origin"),
                text(verifier, "audience")
            );
            output.line(&format!("  not reached: {who}{}", stops(verifier, now)))?;
        }
        if self.flying.is_empty() {
            output.line("calls in flight: none was reported")?;
        }
        for verifier in &self.flying {
            output.line(&format!(
                "calls in flight: {} at {} of {}",
                verifier.calls_in_flight,
                escaped(&verifier.origin),
                verifier.audience
            ))?;
            for call in verifier.calls.iter().take(CALLS_SHOWN) {
                let run = call.run.map(|run| format!(" of {run}")).unwrap_or_default();
                let since = relative(call.since, now);
                output.line(&format!(
                    "  {} {}{run} since {since}",
                    call.decision, call.tool
                ))?;
            }
        }
        Ok(())
    }
}

/// When a verifier that hears nothing more stops by itself.
fn stops(verifier: &Value, now: Timestamp) -> String {
    let at = |name: &str| {
        let time: Timestamp = verifier
            .get("stops_at")?
            .get(name)?
            .as_str()?
            .parse()
            .ok()?;
        Some(relative(time, now))
    };
    match (at("destructive"), at("write"), at("read")) {
        (Some(destructive), Some(write), Some(read)) => format!(
            ", which stops by itself: destructive calls {destructive}, writes {write}, reads {read}"
        ),
        _ => ", which never reported".to_owned(),
    }
}
