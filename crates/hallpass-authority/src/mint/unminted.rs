//! Why no token was handed out.

use std::time::Duration;

use hallpass_journal::AppendError;
use hallpass_keys::RandomnessError;
use hallpass_policy::PolicyRefusal;

use super::signing::Unsigned;
use super::stopped::Stopped;
use crate::identity::subject::SubjectTokenError;
use crate::keys::ring::KeyUnavailable;
use crate::store::StoreError;

/// The member of a request that names a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    /// `parent_run_id`
    Parent,
    /// `run_id`
    Run,
}

impl Named {
    pub(crate) fn pointer(self) -> &'static str {
        match self {
            Self::Parent => "/parent_run_id",
            Self::Run => "/run_id",
        }
    }
}

/// What of a request does not fit the run it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misfit {
    Actor,
    /// More caveats than a token holds, those of the run and those of the policy of now together.
    Caveats,
    /// Another client's run. Told like a run that does not exist.
    Client,
    Parent,
    Route,
    Subject,
    Tenant,
    /// The tool asked for by name that the run did not begin with: its index.
    Tool(usize),
}

/// Why no token was handed out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unminted {
    #[error("the client may name more than one agent, and the request names none")]
    ActorMissing,
    #[error("the request leaves no tool of the service it names")]
    AudienceNotAllowed,
    #[error("every tool of the grant demands a proof of possession, and no key is bound")]
    HolderKeyRequired,
    #[error("the run is bound to another key, or to none")]
    HolderMismatch,
    #[error("the idempotency key was used for another request")]
    IdempotencyConflict,
    #[error("a request with this idempotency key is under way")]
    IdempotencyInFlight,
    #[error("the token of this idempotency key cannot be made again")]
    IdempotencySpent,
    #[error(transparent)]
    Journal(#[from] AppendError),
    #[error(transparent)]
    Key(#[from] KeyUnavailable),
    #[error("a child of a bound run is bound too, and the request names no key")]
    ParentIsBound,
    #[error(transparent)]
    Policy(#[from] PolicyRefusal),
    #[error("the {bucket} asks too often")]
    RateLimited {
        /// Whose limit: `client` or `tenant`.
        bucket: &'static str,
        /// How long until there is room.
        wait: Duration,
    },
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
    #[error("the record of the token would be too large")]
    RecordTooLarge {
        /// Whether the client could do something about it: send fewer labels.
        labelled: bool,
    },
    #[error("the run was ended")]
    RunEnded(Named),
    #[error("the request does not fit the run: {misfit:?}")]
    RunMismatch {
        /// Which of the runs it names.
        named: Named,
        /// What does not fit.
        misfit: Misfit,
    },
    #[error("the run would have more than {} above it", super::lineage::RUN_DEPTH_MAX - 1)]
    RunTooDeep,
    #[error("the run is older than its route allows")]
    RunTooLong(Named),
    #[error("there is no such run")]
    RunUnknown(Named),
    #[error(transparent)]
    Sign(#[from] Unsigned),
    #[error("{} is stopped", .0.selector)]
    Stopped(Box<Stopped>),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Subject(#[from] SubjectTokenError),
    #[error("the subject's token is for another tenant")]
    SubjectOfOtherTenant,
    #[error("the subject's token expires within a second")]
    SubjectTokenSpent,
    /// There is a record of the token, and it is not known whether it was stopped meanwhile.
    #[error("it is not known what is stopped")]
    Unsure(#[source] StoreError),
}

impl Unminted {
    /// Whether there may be a record of the token all the same.
    pub(super) fn may_be_recorded(&self) -> bool {
        match self {
            Self::Journal(error) => error.is_uncertain(),
            Self::Stopped(stopped) => stopped.recorded,
            Self::Unsure(_) => true,
            _ => false,
        }
    }
}
