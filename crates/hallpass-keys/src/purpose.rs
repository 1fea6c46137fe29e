//! What a key is for.

use std::fmt;
use std::str::FromStr;

/// What a key is for. A key has one purpose for life; nothing accepts it for another.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Signs approval blocks.
    Approval,
    /// Signs break-glass tokens; sealed until then.
    BreakGlass,
    /// Signs bundles; online.
    Bundle,
    /// Signs heartbeats; online.
    Heartbeat,
    /// Signs the checkpoints of a journal.
    Journal,
    /// Signs an operator's requests.
    Operator,
    /// Signs trust roots; offline.
    Root,
    /// Signs the tokens of agent runs.
    Run,
    /// Signs what a verifier reports.
    Verifier,
}

/// A word that names no purpose.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "purpose must be `approval`, `break_glass`, `bundle`, `heartbeat`, `journal`, `operator`, `root`, `run` or `verifier`"
)]
pub struct UnknownPurpose;

impl Purpose {
    /// Every purpose, alphabetically.
    pub const ALL: [Self; 9] = [
        Self::Approval,
        Self::BreakGlass,
        Self::Bundle,
        Self::Heartbeat,
        Self::Journal,
        Self::Operator,
        Self::Root,
        Self::Run,
        Self::Verifier,
    ];

    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approval => "approval",
            Self::BreakGlass => "break_glass",
            Self::Bundle => "bundle",
            Self::Heartbeat => "heartbeat",
            Self::Journal => "journal",
            Self::Operator => "operator",
            Self::Root => "root",
            Self::Run => "run",
            Self::Verifier => "verifier",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Purpose {
    type Err = UnknownPurpose;

    fn from_str(text: &str) -> Result<Self, UnknownPurpose> {
        Self::ALL
            .into_iter()
            .find(|purpose| purpose.as_str() == text)
            .ok_or(UnknownPurpose)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_each_in_text_and_in_json() {
        for purpose in Purpose::ALL {
            assert_eq!(purpose.as_str().parse(), Ok(purpose));
            assert_eq!(
                serde_json::to_string(&purpose).unwrap(),
                format!("\"{purpose}\"")
            );
        }
        assert_eq!("Run".parse::<Purpose>(), Err(UnknownPurpose));
    }

    #[test]
    fn listed_alphabetically() {
        assert!(
            Purpose::ALL
                .windows(2)
                .all(|pair| pair[0].as_str() < pair[1].as_str() && pair[0] < pair[1])
        );
    }
}
