//! What a tool does to the world.

use std::fmt;
use std::str::FromStr;

/// What a tool does to the world. Ordered from harmless to harmful; strictness follows the order.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Impact {
    /// Changes nothing.
    Read,
    /// Changes something that can be changed back.
    Write,
    /// Changes something that cannot be changed back.
    Destructive,
}

/// A word that names no impact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("impact must be `read`, `write` or `destructive`")]
pub struct UnknownImpact;

impl Impact {
    /// Every impact, from harmless to harmful.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Destructive];

    /// The word used in files, logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Destructive => "destructive",
        }
    }
}

impl fmt::Display for Impact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Impact {
    type Err = UnknownImpact;

    fn from_str(text: &str) -> Result<Self, UnknownImpact> {
        Self::ALL
            .into_iter()
            .find(|impact| impact.as_str() == text)
            .ok_or(UnknownImpact)
    }
}
