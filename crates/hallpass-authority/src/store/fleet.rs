//! Verifiers and the codes they enrol with: rows that both stores write and read with the same statements.
//!
//! Like all rows they do not depend on the order in which records are read: an origin is what its earliest enrolment says, it
//! ends with its earliest retirement, and of its checkpoints the largest counts.

use hallpass_journal::{
    CheckpointRefused, CheckpointWitnessed, Event, VerifierEnrolled, VerifierInvited,
    VerifierRetired,
};
use hallpass_keys::Digest;
use hallpass_vocabulary::{Audience, Timestamp};

use super::selection::{Argument, Selection};

/// The kinds of record about verifiers.
pub(super) const KINDS: [&str; 5] = [
    "checkpoint_refused",
    "checkpoint_witnessed",
    "verifier_enrolled",
    "verifier_invited",
    "verifier_retired",
];

/// An event about verifiers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FleetEvent {
    Enrolled(Box<VerifierEnrolled>),
    Invited(VerifierInvited),
    Refused(Box<CheckpointRefused>),
    Retired(VerifierRetired),
    Witnessed(CheckpointWitnessed),
}

/// A verifier that was enrolled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VerifierRow {
    pub(crate) enrolled: VerifierEnrolled,
    /// When it was.
    pub(crate) at: Timestamp,
    pub(crate) retired: Option<Timestamp>,
    /// When a checkpoint of it was last refused.
    pub(crate) refused: Option<Timestamp>,
    /// The largest checkpoint that was witnessed.
    pub(crate) witnessed: Option<WitnessedRow>,
}

/// A checkpoint that was witnessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WitnessedRow {
    pub(crate) size: u64,
    pub(crate) root: Digest,
    pub(crate) at: Timestamp,
}

/// A code that was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CodeRow {
    pub(crate) audience: Audience,
    pub(crate) until: Timestamp,
}

impl VerifierRow {
    /// The last part of its journal's name.
    pub(crate) fn origin(&self) -> &str {
        self.enrolled.origin.as_str()
    }

    /// Whether what it signs is believed.
    pub(crate) fn is_live(&self) -> bool {
        self.retired.is_none()
    }
}

impl FleetEvent {
    /// The event, if it is about verifiers.
    pub(super) fn of(event: Event) -> Option<Self> {
        match event {
            Event::CheckpointRefused(it) => Some(Self::Refused(Box::new(it))),
            Event::CheckpointWitnessed(it) => Some(Self::Witnessed(it)),
            Event::VerifierEnrolled(it) => Some(Self::Enrolled(it)),
            Event::VerifierInvited(it) => Some(Self::Invited(it)),
            Event::VerifierRetired(it) => Some(Self::Retired(it)),
            _ => None,
        }
    }

    /// The event as it is recorded.
    pub(crate) fn event(&self) -> Event {
        match self.clone() {
            Self::Enrolled(it) => Event::VerifierEnrolled(it),
            Self::Invited(it) => Event::VerifierInvited(it),
            Self::Refused(it) => Event::CheckpointRefused(*it),
            Self::Retired(it) => Event::VerifierRetired(it),
            Self::Witnessed(it) => Event::CheckpointWitnessed(it),
        }
    }

    /// The statement that writes its row, and its values.
    pub(super) fn statement(&self, at: Timestamp) -> (&'static str, Vec<Argument>) {
        let text = |text: &str| Argument::Text(text.to_owned());
        let at = Argument::Number(at.unix_ms());
        match self {
            Self::Enrolled(it) => {
                // The members are names, keys and digests: writing them to memory cannot fail.
                let body = serde_json::to_string(it).unwrap_or_default();
                // No code is the empty text: two enrolments without one have nothing in common.
                let code = it.code.map(|code| code.to_string()).unwrap_or_default();
                (
                    "INSERT INTO verifiers (origin, enrolled, code, at) VALUES ($1, $2, $3, $4)
                     ON CONFLICT (origin) DO UPDATE
                     SET enrolled = excluded.enrolled, code = excluded.code, at = excluded.at
                     WHERE verifiers.enrolled IS NULL OR excluded.at < verifiers.at",
                    vec![text(it.origin.as_str()), text(&body), text(&code), at],
                )
            }
            Self::Invited(it) => (
                "INSERT INTO verifier_codes (code, audience, until) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                vec![
                    text(&it.code.to_string()),
                    text(it.audience.as_str()),
                    Argument::Number(it.until.unix_ms()),
                ],
            ),
            Self::Refused(it) => (
                "INSERT INTO verifiers (origin, at, refused) VALUES ($1, 0, $2)
                 ON CONFLICT (origin) DO UPDATE SET refused = excluded.refused
                 WHERE verifiers.refused IS NULL OR excluded.refused > verifiers.refused",
                vec![text(it.origin.as_str()), at],
            ),
            Self::Retired(it) => (
                "INSERT INTO verifiers (origin, at, retired) VALUES ($1, 0, $2)
                 ON CONFLICT (origin) DO UPDATE SET retired = excluded.retired
                 WHERE verifiers.retired IS NULL OR excluded.retired < verifiers.retired",
                vec![text(it.origin.as_str()), at],
            ),
            Self::Witnessed(it) => (
                "INSERT INTO verifiers (origin, at, size, root, witnessed) VALUES ($1, 0, $2, $3, $4)
                 ON CONFLICT (origin) DO UPDATE
                 SET size = excluded.size, root = excluded.root, witnessed = excluded.witnessed
                 WHERE verifiers.size IS NULL OR excluded.size > verifiers.size",
                vec![
                    text(it.origin.as_str()),
                    Argument::Number(i64::try_from(it.size).unwrap_or(i64::MAX)),
                    text(&it.root.to_string()),
                    at,
                ],
            ),
        }
    }
}

/// The columns of a verifier, in the order in which both stores read them.
const COLUMNS: &str = "SELECT enrolled, at, retired, refused, size, root, witnessed FROM verifiers WHERE enrolled IS NOT NULL";

impl Selection {
    /// Every verifier, in the order of origins.
    pub(super) fn verifiers() -> Self {
        // Origins are hex digits, which every collation sorts alike.
        Self::plain(format!("{COLUMNS} ORDER BY origin"), Vec::new())
    }

    pub(super) fn verifier(origin: &str) -> Self {
        let origin = Argument::Text(origin.to_owned());
        Self::plain(format!("{COLUMNS} AND origin = $1"), vec![origin])
    }

    /// Who enrolled with a code.
    pub(super) fn verifier_of_code(code: &Digest) -> Self {
        let code = Argument::Text(code.to_string());
        Self::plain(format!("{COLUMNS} AND code = $1 ORDER BY at"), vec![code])
    }

    pub(super) fn code(code: &Digest) -> Self {
        let code = Argument::Text(code.to_string());
        let sql = "SELECT audience, until FROM verifier_codes WHERE code = $1";
        Self::plain(sql.to_owned(), vec![code])
    }
}

/// The columns of a verifier, read.
pub(super) struct VerifierColumns<'a> {
    pub(super) enrolled: &'a str,
    pub(super) at: i64,
    pub(super) retired: Option<i64>,
    pub(super) refused: Option<i64>,
    pub(super) size: Option<i64>,
    pub(super) root: Option<&'a str>,
    pub(super) witnessed: Option<i64>,
}

impl VerifierColumns<'_> {
    /// The row; what is malformed is none.
    pub(super) fn row(self) -> Option<VerifierRow> {
        let witnessed = match (self.size, self.root, self.witnessed) {
            (Some(size), Some(root), Some(at)) => Some(WitnessedRow {
                size: u64::try_from(size).ok()?,
                root: root.parse().ok()?,
                at: Timestamp::from_unix_ms(at),
            }),
            _ => None,
        };
        Some(VerifierRow {
            enrolled: serde_json::from_str(self.enrolled).ok()?,
            at: Timestamp::from_unix_ms(self.at),
            retired: self.retired.map(Timestamp::from_unix_ms),
            refused: self.refused.map(Timestamp::from_unix_ms),
            witnessed,
        })
    }
}
