//! What a call wants to spend, and why it may not.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use hallpass_vocabulary::{DecisionId, RunId, Subject, Tenant, Timestamp, TokenId, ToolName};

use super::{CLAIM_AHEAD_SECONDS_MAX, PROOFS_PER_TOKEN_MAX};
use crate::ArgumentsDigest;

/// The longest id of something that is used once, in bytes. A UUID has 36; the issuers choose.
pub const CLAIM_ID_BYTES_MAX: usize = 128;

/// The name of something that is used once: an approval, a proof, an idempotency key. 1 to [`CLAIM_ID_BYTES_MAX`] printable
/// ASCII characters without spaces, compared byte for byte.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimId(Arc<str>);

/// Text that is no such name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to {CLAIM_ID_BYTES_MAX} printable ASCII characters without spaces")]
pub struct InvalidClaimId;

impl ClaimId {
    /// Parses a name.
    ///
    /// # Errors
    /// When it breaks the rule.
    pub fn new(text: &str) -> Result<Self, InvalidClaimId> {
        let fits = (1..=CLAIM_ID_BYTES_MAX).contains(&text.len());
        (fits && text.bytes().all(|byte| byte.is_ascii_graphic()))
            .then(|| Self(text.into()))
            .ok_or(InvalidClaimId)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClaimId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ClaimId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl FromStr for ClaimId {
    type Err = InvalidClaimId;

    fn from_str(text: &str) -> Result<Self, InvalidClaimId> {
        Self::new(text)
    }
}

impl serde::Serialize for ClaimId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for ClaimId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

/// Everything one call wants to spend.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claims {
    /// The approval it rests on.
    pub approval: Option<SingleUse>,
    /// The idempotency key it is made under.
    pub key: Option<KeyClaim>,
    /// The proof of possession that came with it.
    pub proof: Option<ProofUse>,
    /// The run whose budgets it is counted against.
    pub run: Option<RunBudget>,
}

impl Claims {
    /// Whether there is nothing to spend.
    pub fn is_empty(&self) -> bool {
        self.approval.is_none() && self.key.is_none() && self.proof.is_none() && self.run.is_none()
    }
}

/// Something that is used once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SingleUse {
    /// Which.
    pub id: ClaimId,
    /// When it was made. Before the journal was, nothing shows that it is unused.
    pub created: Timestamp,
    /// When it ends: from then on it is no good, used or not.
    pub until: Timestamp,
}

/// A proof of possession. Its holder chooses the id, so it counts within one token only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofUse {
    /// The token it is for.
    pub token: TokenId,
    /// The proof.
    pub proof: SingleUse,
}

/// An idempotency key and the call it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyClaim {
    /// Whose key it is: keys of different tenants have nothing to do with each other.
    pub tenant: Tenant,
    /// And of different subjects.
    pub subject: Subject,
    /// The key.
    pub key: ClaimId,
    /// The decision on this call.
    pub decision: DecisionId,
    /// What is called.
    pub tool: ToolName,
    /// With what.
    pub args: ArgumentsDigest,
}

/// One more call of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunBudget {
    /// Which run.
    pub run: RunId,
    /// How many calls it has; `None` for no limit.
    pub calls: Option<u64>,
    /// How much it may cost, in millionths of a US dollar; `None` for no limit. The last call may exceed it: what a call
    /// costs is known when it has ended.
    pub usd_micros: Option<u64>,
}

/// What became of the call with an idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Its handler failed.
    Error,
    /// It was done.
    Ok,
    /// It has not ended.
    Running,
    /// Its end is on no record: the permit was dropped or the process died.
    Unknown,
}

/// The call an idempotency key was used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// The decision on it.
    pub decision: DecisionId,
    /// What was called.
    pub tool: ToolName,
    /// With what.
    pub args: ArgumentsDigest,
    /// What became of it.
    pub state: KeyState,
}

/// A kind of thing that is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Spendable {
    /// Approvals.
    Approval,
    /// Idempotency keys.
    Key,
    /// Proofs of possession.
    Proof,
    /// Runs.
    Run,
}

impl fmt::Display for Spendable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Approval => "approval",
            Self::Key => "idempotency key",
            Self::Proof => "proof",
            Self::Run => "run",
        })
    }
}

/// Why a call cannot have what it wants to spend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotReserved {
    /// The run has had its calls.
    #[error("the run has had its {limit} calls")]
    CallsExhausted {
        /// How many it has.
        limit: u64,
    },
    /// It ends too far in the future to be remembered until then.
    #[error("the {what} ends more than {CLAIM_AHEAD_SECONDS_MAX} s from now")]
    EndsTooLate {
        /// What.
        what: Spendable,
    },
    /// It has ended.
    #[error("the {what} has expired")]
    Expired {
        /// What.
        what: Spendable,
    },
    /// So many live ones are remembered that there is no room for another. None is forgotten for it.
    #[error("no more of kind `{what}` can be remembered for now")]
    Full {
        /// What.
        what: Spendable,
    },
    /// The idempotency key was used before.
    #[error("the idempotency key was used for `{}`", .0.decision)]
    KeyUsed(Box<KeyUse>),
    /// It was made before the journal was, which so cannot show that it is unused.
    #[error("the {what} is older than the journal")]
    PredatesJournal {
        /// What.
        what: Spendable,
    },
    /// The token has more live proofs than one may have.
    #[error("the token has {PROOFS_PER_TOKEN_MAX} proofs that have not expired")]
    ProofQuota,
    /// It was used before.
    #[error("the {what} was used before")]
    Spent {
        /// What.
        what: Spendable,
    },
    /// The run has cost what it may.
    #[error("the run has spent {spent} of its {limit} usd_micros")]
    UsdMicrosExhausted {
        /// What it has cost, in millionths of a US dollar.
        spent: u64,
        /// What it may.
        limit: u64,
    },
}
