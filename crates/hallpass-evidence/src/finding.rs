//! What was found: kinds with a stable text, how bad each is, and the places where it was seen.

use std::collections::BTreeMap;
use std::fmt;

use hallpass_vocabulary::{DecisionId, RunId, Timestamp, TokenId};

/// The most findings of one kind that are kept one by one; all are counted.
pub const LISTED_MAX: usize = 100;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Somebody else holds a key, or has rewritten a journal. Act now.
    Alarm,
    /// A promise was not kept, or cannot be shown to have been.
    Fault,
    /// To be known, and no more.
    Notice,
}

impl Severity {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alarm => "alarm",
            Self::Fault => "fault",
            Self::Notice => "notice",
        }
    }
}

macro_rules! kinds {
    ($($variant:ident { $text:literal, $severity:ident, meaning: $meaning:literal, next: $next:literal })+) => {
        /// What kind of finding it is. Closed and stable; alphabetical.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FindingKind {
            $(#[doc = $meaning] $variant,)+
        }

        impl FindingKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable text.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// How bad it is.
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity),+ }
            }

            /// What it means, in one line.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning),+ }
            }

            /// What to do about it, in one line.
            pub fn next_step(self) -> &'static str {
                match self { $(Self::$variant => $next),+ }
            }
        }
    };
}

kinds! {
    Abandoned { "abandoned", Notice,
        meaning: "A permitted call was given up without an outcome: whether anything happened is unknown.",
        next: "Look at what the tool changed; a service that gives up often has a fault or too short a deadline." }
    BeforeJournal { "before_journal", Notice,
        meaning: "A token was used that the authority may have minted before its first record that is here.",
        next: "Give the authority's older records, where they were kept." }
    BeginsLate { "begins_late", Notice,
        meaning: "The journal does not begin with its first record.",
        next: "Nothing where it was pruned or exported from a time on; else look for the records before it." }
    DiffersFromMint { "differs_from_mint", Alarm,
        meaning: "A genuine signature stood under a token that says something else than the one that was minted under its id.",
        next: "Treat the signing key as stolen: stop everything, taint the key, then look at these calls." }
    DiffersFromWitness { "differs_from_witness", Alarm,
        meaning: "The journal is not the one whose checkpoint an authority witnessed.",
        next: "It was rewritten: keep it, and compare it with the records that were shipped." }
    Forked { "forked", Alarm,
        meaning: "Two copies of one journal go on in different ways.",
        next: "Stop both writers and keep both copies: one of them was copied and continued, or rewritten." }
    Hole { "hole", Fault,
        meaning: "Records are missing between two that are here.",
        next: "Give the whole journal; an export made with filters has holes." }
    JournalMissing { "journal_missing", Notice,
        meaning: "An authority knows a verifier whose journal is not here: nothing is said of its calls.",
        next: "Give it, or what it shipped; retire a verifier that is no more." }
    KeyShared { "key_shared", Alarm,
        meaning: "Two journals are signed by one key, or one journal by two.",
        next: "A journal's directory was copied: give each service one of its own, and keep both for comparison." }
    MintedAfterRunEnd { "minted_after_run_end", Fault,
        meaning: "The authority minted a token for a run after it was ended.",
        next: "Compare the clocks of the authority's replicas; where they agree this is a defect." }
    MintedTwice { "minted_twice", Alarm,
        meaning: "Two tokens were minted under one id.",
        next: "Look for a second authority with this one's keys." }
    NeverFinished { "never_finished", Notice,
        meaning: "A permitted call has no outcome on record: its process died, or it hangs.",
        next: "Look at what the tool changed." }
    NeverMinted { "never_minted", Alarm,
        meaning: "A genuine signature stood under a token that no authority here has on record.",
        next: "Treat the signing key as stolen: stop everything, taint the key, then look at these calls." }
    NotAsSigned { "not_as_signed", Fault,
        meaning: "The journal is not what was signed.",
        next: "Run `hallpass journal verify` on it, and compare it with what was shipped." }
    NotRecorded { "not_recorded", Notice,
        meaning: "Records could not be written, and their callers were told.",
        next: "Look at the service's disk at that time." }
    NotUnderstood { "not_understood", Notice,
        meaning: "A record is of a kind or form that this version does not know.",
        next: "Use a version of Hallpass that is as new as the writer's." }
    OverBudget { "over_budget", Fault,
        meaning: "A run spent more than its budget, over all services together.",
        next: "Each journal counts by itself: use a shared store, or smaller budgets." }
    PossibleLoss { "possible_loss", Notice,
        meaning: "A machine lost its power, and records of the last moments may be missing.",
        next: "Where that matters, have the service's reads wait for the disk too." }
    RanUnrecorded { "ran_unrecorded", Fault,
        meaning: "Calls took effect without a record, because the service chose so.",
        next: "What ran then is on no record here; look at the tool's own logs." }
    Recovered { "recovered", Notice,
        meaning: "An unfinished end was cut off at a start.",
        next: "Nothing: nobody was told that those records were written." }
    ShorterThanWitnessed { "shorter_than_witnessed", Fault,
        meaning: "The journal has fewer records than an authority witnessed.",
        next: "Nothing where it is a copy made before; else it was cut or put back: keep it as it is." }
    UsedAfterExpiry { "used_after_expiry", Fault,
        meaning: "A call was allowed after its token had expired.",
        next: "Compare the clocks of the service and the authority." }
    UsedAfterRunEnd { "used_after_run_end", Notice,
        meaning: "A call was allowed after its run had been ended: the end of a run refuses further tokens, not those that live.",
        next: "Use `hallpass stop` where living tokens must not be used either." }
    UsedAfterStop { "used_after_stop", Fault,
        meaning: "A call was allowed longer after a stop, a revocation, a cut-off or the taint of its key than a verifier may go without news.",
        next: "Look at the service's bounds of staleness, its source of bundles and its clock." }
    UsedBeforeStopArrived { "used_before_stop_arrived", Notice,
        meaning: "A call was allowed after a stop, a revocation, a cut-off or the taint of its key that had not reached the service yet.",
        next: "Look at what the call did; a service that hears late has lost its connection to the authority." }
    WitnessRefused { "witness_refused", Alarm,
        meaning: "The authority refused a checkpoint of a service's journal that contradicts one before.",
        next: "That journal was cut, put back, rewritten or continued twice: keep it as it is." }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One place where something was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind it is.
    pub kind: FindingKind,
    /// The journal it was found in.
    pub origin: String,
    /// The record.
    pub index: Option<u64>,
    /// When that record was written, by its writer's clock.
    pub time: Option<Timestamp>,
    /// The decision.
    pub decision: Option<DecisionId>,
    /// The token.
    pub token: Option<TokenId>,
    /// The run.
    pub run: Option<RunId>,
    /// What was found, in words. Text that came from outside is in the form in which records hold it.
    pub words: String,
}

impl Finding {
    /// One of a journal as a whole.
    pub fn of(kind: FindingKind, origin: &str, words: impl Into<String>) -> Self {
        Self {
            kind,
            origin: origin.to_owned(),
            index: None,
            time: None,
            decision: None,
            token: None,
            run: None,
            words: words.into(),
        }
    }
}

/// All findings of one kind: how many, and the first [`LISTED_MAX`] of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many there are.
    pub count: u64,
    /// The first ones.
    pub listed: Vec<Finding>,
}

/// Findings by kind.
#[derive(Debug, Default)]
pub(crate) struct Findings(BTreeMap<FindingKind, Tally>);

impl Findings {
    /// One more.
    pub(crate) fn add(&mut self, finding: Finding) {
        self.add_many(finding, 1);
    }

    /// One more, which stands for several.
    pub(crate) fn add_many(&mut self, finding: Finding, count: u64) {
        let tally = self.0.entry(finding.kind).or_default();
        tally.count = tally.count.saturating_add(count);
        if tally.listed.len() < LISTED_MAX {
            tally.listed.push(finding);
        }
    }

    pub(crate) fn into_tallies(self) -> BTreeMap<FindingKind, Tally> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_alphabetical_and_have_different_texts() {
        let texts: Vec<&str> = FindingKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert!(texts.is_sorted_by(|a, b| a < b), "{texts:?}");
    }

    #[test]
    fn all_are_counted_and_so_many_kept() {
        let mut findings = Findings::default();
        for _ in 0..=LISTED_MAX {
            findings.add(Finding::of(FindingKind::Hole, "a", "here"));
        }
        let tallies = findings.into_tallies();
        let tally = &tallies[&FindingKind::Hole];
        assert_eq!((tally.count, tally.listed.len()), (101, LISTED_MAX));
    }
}
