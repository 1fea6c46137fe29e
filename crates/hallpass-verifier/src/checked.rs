//! A call that was checked and not yet recorded.

use std::sync::Arc;
use std::time::Instant;

use hallpass_args::ToolCall;
use hallpass_bundle::BundleId;
use hallpass_token::AdmittedToken;
use hallpass_vocabulary::{DenialCode, Impact, Timestamp};

use crate::journalled::Plan;
use crate::refusal::Denial;

/// The verdict on a call, before it is on record. It permits nothing: [`Verifier::commit`](crate::Verifier::commit)
/// records it and answers with a permit or a refusal.
#[must_use = "a verdict takes effect only when it is committed"]
pub struct Checked {
    /// Which verifier checked: only it can commit.
    pub(crate) verifier: u64,
    pub(crate) call: ToolCall,
    pub(crate) now: Timestamp,
    /// When the call arrived, where [`Verifier::authorize`](crate::Verifier::authorize) measures it.
    pub(crate) arrived: Option<Instant>,
    pub(crate) token: Option<Arc<AdmittedToken>>,
    pub(crate) impact: Option<Impact>,
    /// Which arguments the record shows. Boxed, because few tools have any.
    pub(crate) shown: Option<Box<Plan>>,
    pub(crate) bundle: Option<BundleId>,
    pub(crate) verdict: Result<Impact, Denial>,
    /// Whether the engine has yet to run; the verdict denies until it has.
    pub(crate) deferred: bool,
}

impl Checked {
    /// Why the call is denied; `None` when the verdict is to allow it.
    pub fn denial(&self) -> Option<DenialCode> {
        self.verdict.as_ref().err().map(|denial| denial.code)
    }

    /// The call.
    pub fn call(&self) -> &ToolCall {
        &self.call
    }
}
