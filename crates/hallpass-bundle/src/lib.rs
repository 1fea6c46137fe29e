//! The signed bundle as data: what the authority tells its verifiers, and how they come to believe it.
//!
//! Floor 1. Three signed documents make one publication: a [`Root`] names the keys that may sign the others, a
//! [`Bundle`] holds token keys, approval keys, the tool catalogue and what is stopped, a [`Heartbeat`] says which bundle was current
//! when. [`accept`] turns the bytes of a [`Published`] into a [`Snapshot`], or says why not; it is pure, so a file
//! drop, a fetch and a restart are believed by the same rules. The format is docs/bundle-format.md.
//!
//! ```
//! use hallpass_bundle::{BundleDraft, BundleError, HighWater, Snapshot, TrustRoot, accept};
//! use hallpass_vocabulary::Timestamp;
//!
//! fn believe(
//!     published: &[u8],
//!     pinned: &TrustRoot,
//!     seen: Option<&HighWater>,
//!     now: Timestamp,
//! ) -> Result<Snapshot, BundleError> {
//!     accept(published, pinned, seen, now)
//! }
//! ```

mod accept;
mod bundle;
mod clock_reading;
mod document;
mod heartbeat;
mod high_water;
mod id_set;
mod kept;
mod listed;
mod local_stops;
mod published;
mod restrained;
mod restrictions;
mod role;
mod root;
mod selector;
mod signed_stop;
mod snapshot;
mod snapshots;
mod staleness;
pub mod store;
mod token_key;
mod trust_root;

pub use accept::{
    BUNDLE_VERSION_AHEAD_MAX_MS, BundleError, CLOCK_SKEW_MAX, Document, HEARTBEAT_BYTES_MAX,
    accept, accept_heartbeat, accept_to_keep, believe_root, unverified_root,
};
pub use bundle::{
    APPROVAL_KEYS_MAX, BUNDLE_FORMAT_VERSION, BUNDLE_PAYLOAD_TYPE, Bundle, BundleDraft, BundleId,
    SignedBundle, TOKEN_KEYS_MAX,
};
pub use clock_reading::{CLOCK_BYTES_MAX, CLOCK_PAYLOAD_TYPE, ClockError, ClockNonce, read_clock};
pub use document::{FORMAT_VERSION, InvalidDocument, SignError};
pub use heartbeat::{HEARTBEAT_PAYLOAD_TYPE, Heartbeat};
pub use high_water::HighWater;
pub use id_set::IdSet;
pub use listed::{
    KEYS_PER_OPERATOR_MAX, ListedOperator, ListedVerifier, OPERATORS_MAX, VERIFIERS_MAX,
};
pub use local_stops::LocalStops;
pub use published::{PUBLISHED_BYTES_MAX, Published, ROOTS_MAX, TooLarge};
pub use restrained::{Restricted, Standing};
pub use restrictions::{
    CUTOFFS_MAX, Cutoff, DERIVED_RUNS_MAX, REVOCATIONS_MAX, REVOKED_TOKENS_MAX, Restrictions,
    Revocation, STOPS_MAX, Stop,
};
pub use role::{KEYS_PER_ROLE_MAX, Role};
pub use root::{ROOT_PAYLOAD_TYPE, Root, RootDraft};
pub use selector::{InvalidSelector, Selector};
pub use signed_stop::{SIGNED_STOP_BYTES_MAX, STOP_PAYLOAD_TYPE, SignedStop, SignedStopError};
pub use snapshot::Snapshot;
pub use snapshots::Snapshots;
pub use staleness::{InvalidStaleness, Staleness};
pub use token_key::{ApprovalKey, KeyState, TokenKey, TokenPurpose};
pub use trust_root::{InvalidTrustRoot, TrustRoot, TrustRootDigest};
