//! Why an allowed call did not succeed: the tool's own failures, apart from denials.

use hallpass_verifier::{ErrorClass, Refusal};

/// Why a handler could not do what it was allowed to do.
#[derive(Debug)]
pub enum ToolFailure {
    /// The arguments do not suit the tool; the text says what to change and is sent to the caller.
    Invalid(String),
    /// There is no such thing for this tenant.
    NotFound,
    /// A row belongs to somebody else: what [`Permit::owns`](hallpass_verifier::Permit::owns) answered.
    Refused(Refusal),
    /// Something broke; the text is logged, never sent.
    Broken(String),
}

impl ToolFailure {
    pub(crate) fn class(&self) -> ErrorClass {
        match self {
            Self::Invalid(_) => ErrorClass::InvalidInput,
            Self::NotFound => ErrorClass::NotFound,
            Self::Refused(_) => ErrorClass::Refused,
            Self::Broken(_) => ErrorClass::Failed,
        }
    }
}

impl From<Refusal> for ToolFailure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
