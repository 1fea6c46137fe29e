//! A set of names that is never empty and never large.

use std::borrow::Borrow;
use std::collections::BTreeSet;

use crate::limits::SET_ELEMENTS_MAX;

/// One to [`SET_ELEMENTS_MAX`] names, each once, in order.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct NameSet<T: Ord>(BTreeSet<T>);

/// No names, or too many.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to {SET_ELEMENTS_MAX} names")]
pub struct InvalidNameSet;

impl<T: Ord> NameSet<T> {
    /// The set of these names; repeated ones count once.
    ///
    /// # Errors
    /// When there are none, or more than [`SET_ELEMENTS_MAX`].
    pub fn new(names: impl IntoIterator<Item = T>) -> Result<Self, InvalidNameSet> {
        let names: BTreeSet<T> = names.into_iter().collect();
        if (1..=SET_ELEMENTS_MAX).contains(&names.len()) {
            Ok(Self(names))
        } else {
            Err(InvalidNameSet)
        }
    }

    /// Whether a name is in it.
    pub fn contains<Q: Ord + ?Sized>(&self, name: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.0.contains(name)
    }

    /// The names, in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }
}
