//! A call that was allowed and is on record, as the handler sees it.

use std::ops::Deref;
use std::sync::Arc;

use hallpass_verifier::Permit;

use crate::ToolFailure;

/// An allowed, recorded call. Dereferences to its [`Permit`]: tenant, subject, arguments and the rest are there.
///
/// Only the router makes one. It is not `Clone`: when the handler is done the router writes the outcome, and a call
/// whose handler kept it alive elsewhere is on record as abandoned, which is the truth.
pub struct Guarded(Arc<Permit>);

impl Guarded {
    pub(crate) fn new(permit: &Arc<Permit>) -> Self {
        Self(Arc::clone(permit))
    }

    /// The text argument of this name.
    ///
    /// # Errors
    /// [`ToolFailure::Invalid`] when it is missing or no text.
    pub fn text(&self, name: &'static str) -> Result<&str, ToolFailure> {
        let value = self
            .0
            .arguments()
            .member(name)
            .and_then(|value| value.as_str());
        value.ok_or(ToolFailure::Invalid(format!("`{name}` must be a text")))
    }

    /// The integer argument of this name, or `default` when it is absent.
    ///
    /// # Errors
    /// [`ToolFailure::Invalid`] when it is there but no integer.
    pub fn integer_or(&self, name: &'static str, default: i64) -> Result<i64, ToolFailure> {
        match self.0.arguments().member(name) {
            None => Ok(default),
            Some(value) => value
                .as_i64()
                .ok_or(ToolFailure::Invalid(format!("`{name}` must be an integer"))),
        }
    }
}

impl Deref for Guarded {
    type Target = Permit;

    fn deref(&self) -> &Permit {
        &self.0
    }
}
