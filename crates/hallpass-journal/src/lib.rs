//! Tamper-evident decision journal: JSON lines, a Merkle log over them, signed checkpoints.
//!
//! Floor 1. A [`Journal`] is one directory with one writer. [`Journal::append`] takes an [`Event`] and gives a future
//! whose result, [`Recorded`], is proof that the record is in the file; what may only happen once it is recorded asks
//! for that proof. [`read`] follows a journal while it is written, [`verify`] checks one without its writer, and [`proof`]
//! shows one decision without the journal. The files are described in `docs/journal-format.md`, well enough to check
//! them without this crate.

mod ancestors;
mod append;
mod arguments;
mod background;
mod checkpoint;
mod core;
mod directory;
mod event;
mod history;
mod identity;
mod journal;
mod line;
pub mod memory;
pub mod merkle;
mod not_recorded;
mod open;
mod plain_json;
mod presence;
pub mod proof;
mod prune;
mod pruned;
mod queued;
pub mod read;
mod refusals;
mod reserve;
mod resume;
mod scan;
mod sensitive;
mod settings;
pub mod shipping;
mod snapshot;
mod storage;
mod text;
pub mod verify;
mod writer;

pub use append::{Append, AppendError, Durability, Recorded};
pub use arguments::{ArgumentsDigest, InvalidArgumentsDigest};
pub use checkpoint::{Checkpoint, CheckpointError};
pub use event::{
    ARG_BYTES_MAX, ARGS_BYTES_MAX, Abandoned, BundleSeen, CallResult, CheckpointFault,
    CheckpointRefused, CheckpointWitnessed, Claimed, ClientChange, ClientChanged, ClockCorrected,
    CutOff, Decided, Event, Finished, KeyChanged, KeyCreated, KeyKept, KeyMoved, KeyStanding,
    KeysErased, MintRefused, Minted, Opened, OperatorActed, OperatorRefused, PolicyLoaded,
    PolicyRefused, PossibleLoss, Pruned, RecordedArgs, Recovery, Refused, RootInstalled,
    RowWithheld, RunEnded, Spent, StopLiftAsked, StopLifted, StopPlaced, StopSeen, TokenRevoked,
    TornBecause, Unrecorded, Verdict, VerifierEnrolled, VerifierInvited, VerifierRetired,
    WIDENINGS_RECORDED_MAX,
};
pub use identity::IdentityError;
pub use journal::{Journal, Status};
pub use line::{LineDefect, RECORD_BYTES_MAX};
pub use open::OpenError;
pub use prune::{KEEP_MIN, Old, Prunable, PruneError, prunable};
pub use refusals::{
    REFUSAL_SHARE, RefusalRecord, TOKEN_SINGLES_PER_SECOND, TOKENS_COUNTED_MAX,
    UNSIGNED_SINGLES_PER_SECOND,
};
pub use resume::Started;
pub use scan::{Damage, TornTail};
pub use sensitive::{EraseError, Erased, SensitiveKey};
pub use settings::{
    DISK_BUDGET_BYTES_DEFAULT, InvalidJournalName, JOURNAL_NAME_BYTES_MAX, JournalName,
    RESERVE_BYTES_DEFAULT, SEGMENT_AGE_DEFAULT, SEGMENT_BYTES_DEFAULT, Settings,
};
pub use storage::{FileId, OsStorage, Storage, StoredFile};
pub use text::{TEXT_BYTES_MAX, Text};
