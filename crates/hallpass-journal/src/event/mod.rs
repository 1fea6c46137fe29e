//! What is recorded: one typed value per kind of record.
//!
//! A member that does not apply is left out. New kinds and members are added over time; readers keep what they do not
//! know as plain JSON ([`Record`](crate::read::Record)), and verification never looks inside.

mod authority;
mod clock;
mod fleet;
mod keys;
mod recorded_args;
mod spent;
mod stops;
mod verifier;
mod writer;

pub use authority::{
    ClientChange, ClientChanged, KeyCreated, MintRefused, Minted, OperatorActed, OperatorRefused,
    PolicyLoaded, PolicyRefused, RunEnded, WIDENINGS_RECORDED_MAX,
};
pub use clock::ClockCorrected;
pub use fleet::{
    CheckpointFault, CheckpointRefused, CheckpointWitnessed, VerifierEnrolled, VerifierInvited,
    VerifierRetired,
};
pub use keys::{KeyChanged, KeyMoved, KeyStanding, RootInstalled};
pub use recorded_args::{ARG_BYTES_MAX, ARGS_BYTES_MAX, RecordedArgs};
pub use spent::{Claimed, KeyKept, Spent};
pub use stops::{CutOff, StopLiftAsked, StopLifted, StopPlaced, TokenRevoked};
pub use verifier::{
    Abandoned, BundleSeen, CallResult, Decided, Finished, RowWithheld, StopSeen, Verdict,
};
pub use writer::{
    KeysErased, Opened, PossibleLoss, Pruned, Recovery, Refused, TornBecause, Unrecorded,
};

/// The content of one record. The member `kind` holds the name of the variant in snake case.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// A permit was dropped unfinished: whether the handler did anything is unknown.
    Abandoned(Abandoned),
    /// A verifier took a bundle into use.
    BundleSeen(BundleSeen),
    /// A checkpoint of a verifier's journal contradicts what was witnessed.
    CheckpointRefused(CheckpointRefused),
    /// A checkpoint of a verifier's journal was found to go on from the last one.
    CheckpointWitnessed(CheckpointWitnessed),
    /// The registration of a client changed.
    ClientChanged(ClientChanged),
    /// An exchange with the authority showed another time than the wall clock.
    ClockCorrected(ClockCorrected),
    /// The journal was closed in good order. Written by the journal itself.
    Closed {},
    /// The authority refuses tokens that were issued before a time.
    CutOff(CutOff),
    /// A verifier decided a call.
    Decided(Box<Decided>),
    /// A permitted call ended.
    Finished(Finished),
    /// Keys of the authority moved on in their lives.
    KeyChanged(KeyChanged),
    /// The authority made a key.
    KeyCreated(KeyCreated),
    /// Keys of sensitive digests were erased. Written by the journal itself.
    KeysErased(KeysErased),
    /// The authority refused to mint.
    MintRefused(Box<MintRefused>),
    /// The authority minted a token.
    Minted(Box<Minted>),
    /// The journal was created or opened. Written by the journal itself.
    Opened(Box<Opened>),
    /// An operator's request was carried out.
    OperatorActed(OperatorActed),
    /// A request to an operator's endpoint was refused.
    OperatorRefused(OperatorRefused),
    /// The authority loaded a policy.
    PolicyLoaded(PolicyLoaded),
    /// The authority refused a policy.
    PolicyRefused(PolicyRefused),
    /// The machine restarted since the last record and the journal was not closed: relaxed records of the last
    /// moments may be missing. Written by the journal itself.
    PossibleLoss(PossibleLoss),
    /// Old records were removed. Written by the journal itself.
    Pruned(Pruned),
    /// An unfinished tail was cut off. Written by the journal itself.
    Recovered(Recovery),
    /// Refusals too many to record singly. Written by the journal itself.
    Refused(Refused),
    /// A root was installed in the authority.
    RootInstalled(RootInstalled),
    /// A permitted call asked for a row that is not its own, and was told that there is none.
    RowWithheld(RowWithheld),
    /// A run was ended before its time.
    RunEnded(RunEnded),
    /// The first of two people asked for a stop to be lifted.
    StopLiftAsked(StopLiftAsked),
    /// A stop was lifted.
    StopLifted(StopLifted),
    /// A stop was placed.
    StopPlaced(Box<StopPlaced>),
    /// A verifier saw a stop come, or go.
    StopSeen(StopSeen),
    /// A token was revoked.
    TokenRevoked(Box<TokenRevoked>),
    /// Records that callers asked for could not be written. Written by the journal itself.
    Unrecorded(Unrecorded),
    /// A verifier is known from here on.
    VerifierEnrolled(Box<VerifierEnrolled>),
    /// A code was issued, by which one verifier may enrol.
    VerifierInvited(VerifierInvited),
    /// A verifier is no longer believed.
    VerifierRetired(VerifierRetired),
}

impl Event {
    /// Whether it holds text as it came from outside, which [`Text`](crate::Text) would have made harmless.
    pub(crate) fn has_arguments(&self) -> bool {
        matches!(self, Self::Decided(decided) if !decided.args.is_empty())
    }

    /// The value of the member `kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Abandoned(_) => "abandoned",
            Self::BundleSeen(_) => "bundle_seen",
            Self::CheckpointRefused(_) => "checkpoint_refused",
            Self::CheckpointWitnessed(_) => "checkpoint_witnessed",
            Self::ClientChanged(_) => "client_changed",
            Self::ClockCorrected(_) => "clock_corrected",
            Self::Closed {} => "closed",
            Self::CutOff(_) => "cut_off",
            Self::Decided(_) => "decided",
            Self::Finished(_) => "finished",
            Self::KeyChanged(_) => "key_changed",
            Self::KeyCreated(_) => "key_created",
            Self::KeysErased(_) => "keys_erased",
            Self::MintRefused(_) => "mint_refused",
            Self::Minted(_) => "minted",
            Self::Opened(_) => "opened",
            Self::OperatorActed(_) => "operator_acted",
            Self::OperatorRefused(_) => "operator_refused",
            Self::PolicyLoaded(_) => "policy_loaded",
            Self::PolicyRefused(_) => "policy_refused",
            Self::PossibleLoss(_) => "possible_loss",
            Self::Pruned(_) => "pruned",
            Self::Recovered(_) => "recovered",
            Self::Refused(_) => "refused",
            Self::RootInstalled(_) => "root_installed",
            Self::RowWithheld(_) => "row_withheld",
            Self::RunEnded(_) => "run_ended",
            Self::StopLiftAsked(_) => "stop_lift_asked",
            Self::StopLifted(_) => "stop_lifted",
            Self::StopPlaced(_) => "stop_placed",
            Self::StopSeen(_) => "stop_seen",
            Self::TokenRevoked(_) => "token_revoked",
            Self::Unrecorded(_) => "unrecorded",
            Self::VerifierEnrolled(_) => "verifier_enrolled",
            Self::VerifierInvited(_) => "verifier_invited",
            Self::VerifierRetired(_) => "verifier_retired",
        }
    }
}
