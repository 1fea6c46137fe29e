//! What verifiers are told to deny: stops, revoked tokens, cut-offs.

use hallpass_vocabulary::{StopId, Timestamp};

use crate::document;
use crate::{IdSet, InvalidDocument, Selector};

/// The most stops in one bundle.
pub const STOPS_MAX: usize = 4_096;
/// The most tokens revoked in one bundle.
pub const REVOKED_TOKENS_MAX: usize = 1 << 20;
/// The most cut-offs in one bundle.
pub const CUTOFFS_MAX: usize = 65_536;
/// The most runs that stops and cut-offs list, together.
pub const DERIVED_RUNS_MAX: usize = 1 << 16;
/// The most lists of revoked tokens: one for each end, and tokens live minutes.
pub const REVOCATIONS_MAX: usize = 4_096;

/// An order to deny, until it is lifted or ends by itself.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "StopFields", into = "StopFields")]
pub struct Stop {
    /// What it is lifted by.
    pub id: StopId,
    /// What it is about.
    pub selector: Selector,
    /// When it was given.
    pub issued: Timestamp,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
    /// Runs that come from what it is about and do not show it: children under another route, through another agent.
    pub runs: IdSet,
}

/// Tokens that are refused, and when the last of them has expired.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// When the last of them has expired, and the entry can go.
    pub expires: Timestamp,
    /// Which tokens.
    pub tokens: IdSet,
}

/// Tokens of something are refused if they were issued before a time.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "CutoffFields", into = "CutoffFields")]
pub struct Cutoff {
    /// Of what.
    pub selector: Selector,
    /// Tokens issued before then are refused.
    pub before: Timestamp,
    /// When the last of them has expired, and the entry can go.
    pub expires: Timestamp,
    /// Runs that come from it and do not show it; as of a [`Stop`].
    pub runs: IdSet,
}

/// All that a bundle says is to be denied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restrictions {
    /// Stops in force.
    pub stops: Vec<Stop>,
    /// Tokens revoked one by one.
    pub revocations: Vec<Revocation>,
    /// Tokens refused by when they were issued.
    pub cutoffs: Vec<Cutoff>,
}

impl Restrictions {
    /// Whether nothing is restricted.
    pub fn is_empty(&self) -> bool {
        self.stops.is_empty() && self.revocations.is_empty() && self.cutoffs.is_empty()
    }
}

/// Whether they are as many as a bundle may have, and each stop is one.
pub(crate) fn check(
    stops: &[Stop],
    revocations: &[Revocation],
    cutoffs: &[Cutoff],
) -> Result<(), InvalidDocument> {
    document::check_count("stops", stops.len(), STOPS_MAX)?;
    document::check_count("revocations", revocations.len(), REVOCATIONS_MAX)?;
    document::check_count("cutoffs", cutoffs.len(), CUTOFFS_MAX)?;
    let tokens = revocations.iter().map(|it| it.tokens.len()).sum();
    document::check_count("revoked tokens", tokens, REVOKED_TOKENS_MAX)?;
    let stopped = stops.iter().map(|it| it.runs.len());
    let runs = stopped.chain(cutoffs.iter().map(|it| it.runs.len()));
    document::check_count("runs", runs.sum(), DERIVED_RUNS_MAX)?;
    let mut ids: Vec<StopId> = stops.iter().map(|stop| stop.id).collect();
    ids.sort_unstable();
    match ids.array_windows().find(|[a, b]| a == b) {
        Some([twice, _]) => Err(InvalidDocument::StopTwice { id: *twice }),
        None => Ok(()),
    }
}

/// A stop as it is written.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct StopFields {
    id: StopId,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    issued: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "IdSet::is_empty")]
    runs: IdSet,
}

/// A cut-off as it is written.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct CutoffFields {
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    before: Timestamp,
    expires: Timestamp,
    #[serde(default, skip_serializing_if = "IdSet::is_empty")]
    runs: IdSet,
}

fn selector(kind: &str, value: Option<&str>) -> Result<Selector, &'static str> {
    Selector::of(kind, value).ok_or("expected a known kind with a value of its form")
}

impl TryFrom<StopFields> for Stop {
    type Error = &'static str;

    fn try_from(fields: StopFields) -> Result<Self, &'static str> {
        Ok(Self {
            id: fields.id,
            selector: selector(&fields.kind, fields.value.as_deref())?,
            issued: fields.issued,
            until: fields.until,
            runs: fields.runs,
        })
    }
}

impl From<Stop> for StopFields {
    fn from(stop: Stop) -> Self {
        Self {
            id: stop.id,
            kind: stop.selector.kind().to_owned(),
            value: stop.selector.value(),
            issued: stop.issued,
            until: stop.until,
            runs: stop.runs,
        }
    }
}

impl TryFrom<CutoffFields> for Cutoff {
    type Error = &'static str;

    fn try_from(fields: CutoffFields) -> Result<Self, &'static str> {
        Ok(Self {
            selector: selector(&fields.kind, fields.value.as_deref())?,
            before: fields.before,
            expires: fields.expires,
            runs: fields.runs,
        })
    }
}

impl From<Cutoff> for CutoffFields {
    fn from(cutoff: Cutoff) -> Self {
        Self {
            kind: cutoff.selector.kind().to_owned(),
            value: cutoff.selector.value(),
            before: cutoff.before,
            expires: cutoff.expires,
            runs: cutoff.runs,
        }
    }
}
