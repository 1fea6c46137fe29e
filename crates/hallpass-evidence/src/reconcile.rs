//! Journals of authorities and services, compared.

mod calls;
mod copies;
mod fleet;
mod journal;
mod mints;
mod runs;
mod stops;
mod unknown;
mod witness;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use hallpass_journal::read::Record;
use hallpass_keys::VerifyingKey;
use hallpass_vocabulary::Timestamp;

use crate::finding::{Finding, FindingKind, Findings, Severity, Tally};
use copies::Copies;
use fleet::Fleet;
use journal::Reader;
use mints::Mints;
use runs::Runs;
use stops::Stops;
use unknown::UnknownTokens;
use witness::Witnessed;

/// The most tokens that are remembered: 80 bytes each, in a table that is half full at the worst. With a million a day, a week.
pub const TOKENS_MAX: usize = 8 * 1024 * 1024;
/// The most runs that are remembered: those that have a budget, were ended, or were started by another.
pub const RUNS_MAX: usize = 4 * 1024 * 1024;
/// The most stops, revocations and cut-offs that are remembered: far more than a bundle holds at once, but for revocations.
pub const STOPS_MAX: usize = 1024 * 1024;
/// The most permitted calls of one journal that wait for their outcome; past it the oldest counts as never finished.
pub const OPEN_CALLS_MAX: usize = 256 * 1024;
/// The most tokens without a mint that are told apart; past it they are counted together.
pub const UNKNOWN_TOKENS_MAX: usize = 64 * 1024;
/// How far the clocks of two writers may be apart: the bound of the token clock.
pub const SKEW_MAX: Duration = Duration::from_secs(30);
/// How long a permitted call may be under way at the end of a journal before it counts as never finished.
pub const IN_FLIGHT_MAX: Duration = Duration::from_secs(300);

/// More than is remembered. Nothing that was found until then is wrong; what would follow is not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Full {
    /// More runs.
    #[error("there are more than {RUNS_MAX} runs with a budget, an end or a parent")]
    Runs,
    /// More stops, revocations and cut-offs.
    #[error("there are more than {STOPS_MAX} stops, revocations and cut-offs")]
    Stops,
    /// More tokens.
    #[error("there are more than {TOKENS_MAX} tokens")]
    Tokens,
}

/// What was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tokens that authorities minted.
    pub tokens: u64,
    /// Calls that services decided, those only counted left out.
    pub calls: u64,
    /// Those of them that were allowed.
    pub allowed: u64,
    /// Those of them that showed a token with a genuine signature.
    pub with_token: u64,
    /// Records in all.
    pub records: u64,
}

/// Everything that was found, the worst first within [`Reconciled::findings`].
#[derive(Debug)]
pub struct Reconciled {
    /// What was looked at.
    pub counts: Counts,
    /// What was found.
    pub findings: BTreeMap<FindingKind, Tally>,
}

impl Reconciled {
    /// The worst there is; `None` when nothing was found.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.keys().map(|kind| kind.severity()).min()
    }

    /// How many there are of a severity.
    pub fn count(&self, severity: Severity) -> u64 {
        let of = self
            .findings
            .iter()
            .filter(|(kind, _)| kind.severity() == severity);
        of.fold(0, |sum, (_, tally)| sum.saturating_add(tally.count))
    }
}

/// Journals laid beside each other. First every authority, then every service, and where journals are live, what
/// authorities wrote meanwhile.
///
/// Holds what is said at [`TOKENS_MAX`], [`RUNS_MAX`], [`OPEN_CALLS_MAX`] and [`UNKNOWN_TOKENS_MAX`], and nothing for each call.
#[derive(Debug, Default)]
pub struct Reconciliation {
    mints: Mints,
    runs: Runs,
    stops: Stops,
    unknown: UnknownTokens,
    witnessed: Witnessed,
    fleet: Fleet,
    findings: Findings,
    counts: Counts,
    journals: Vec<String>,
    keys: HashMap<VerifyingKey, String>,
    origins: HashMap<String, VerifyingKey>,
    /// Until when tokens may be used that were minted before the first record of an authority that is here.
    before_until: Option<Timestamp>,
}

impl Reconciliation {
    /// Nothing looked at yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The journal of one authority, as one copy of it or several.
    ///
    /// # Errors
    /// What the records cannot be read for, or [`Full`].
    pub fn authority<E, I>(&mut self, origin: &str, copies: Vec<I>) -> Result<(), E>
    where
        E: From<Full>,
        I: Iterator<Item = Result<Record, E>>,
    {
        self.journal(origin, copies, true)
    }

    /// The journal of one service, as one copy of it or several.
    ///
    /// # Errors
    /// As [`Reconciliation::authority`].
    pub fn service<E, I>(&mut self, origin: &str, copies: Vec<I>) -> Result<(), E>
    where
        E: From<Full>,
        I: Iterator<Item = Result<Record, E>>,
    {
        self.journal(origin, copies, false)
    }

    /// What an authority wrote after its journal was given: tokens minted while the services' journals were read.
    ///
    /// # Errors
    /// As [`Reconciliation::authority`].
    pub fn written_since<E: From<Full>>(
        &mut self,
        records: impl Iterator<Item = Result<Record, E>>,
    ) -> Result<(), E> {
        for record in records {
            if let Ok(hallpass_journal::Event::Minted(minted)) = record?.event() {
                self.mints.take(&minted)?;
            }
        }
        Ok(())
    }

    /// Something found about a journal before its records were given: that it does not verify.
    pub fn found(&mut self, finding: Finding) {
        self.findings.add(finding);
    }

    fn journal<E, I>(&mut self, origin: &str, copies: Vec<I>, mints: bool) -> Result<(), E>
    where
        E: From<Full>,
        I: Iterator<Item = Result<Record, E>>,
    {
        let number = u32::try_from(self.journals.len()).unwrap_or(u32::MAX);
        self.journals.push(origin.to_owned());
        let mut copies = Copies::new(copies);
        let mut reader = Reader::new(self, origin, number, mints);
        while let Some(place) = copies.next_place()? {
            reader.take(&place)?;
        }
        reader.end();
        Ok(())
    }

    /// What was found in all.
    pub fn conclude(mut self) -> Reconciled {
        self.runs.over_budget(&self.journals, &mut self.findings);
        self.fleet.missing(&self.journals, &mut self.findings);
        let unknown = std::mem::take(&mut self.unknown);
        unknown.conclude(&self.mints, &mut self.findings);
        self.counts.tokens = u64::try_from(self.mints.len()).unwrap_or(u64::MAX);
        Reconciled {
            counts: self.counts,
            findings: self.findings.into_tallies(),
        }
    }
}
