//! Two closed word lists that stand in the token and in the policy alike.

use std::fmt;
use std::str::FromStr;

/// A word outside its closed list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected one of {expected}")]
pub struct UnknownWord {
    expected: &'static str,
}

/// When a call must carry a proof that the caller holds the key the token is bound to.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum ProofRule {
    /// Never: the token is a bearer token, by a route that says why.
    Waived,
    /// On every call whose tool is not a read.
    Writes,
    /// On every call.
    Always,
}

impl ProofRule {
    /// The word in the token's `proof` fact and in the policy.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waived => "waived",
            Self::Writes => "writes",
            Self::Always => "always",
        }
    }

    /// Whether a call of this impact must carry a proof.
    pub fn demands(self, impact: crate::Impact) -> bool {
        match self {
            Self::Waived => false,
            Self::Writes => impact > crate::Impact::Read,
            Self::Always => true,
        }
    }
}

impl FromStr for ProofRule {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        [Self::Waived, Self::Writes, Self::Always]
            .into_iter()
            .find(|rule| rule.as_str() == text)
            .ok_or(UnknownWord {
                expected: "`waived`, `writes`, `always`",
            })
    }
}

impl fmt::Display for ProofRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How the authority knows the subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SubjectAssurance {
    /// The client said so.
    Asserted,
    /// The subject's own token was checked.
    Verified,
}

impl SubjectAssurance {
    /// The word in the token's `subject` fact.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asserted => "asserted",
            Self::Verified => "verified",
        }
    }
}

impl FromStr for SubjectAssurance {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        [Self::Asserted, Self::Verified]
            .into_iter()
            .find(|assurance| assurance.as_str() == text)
            .ok_or(UnknownWord {
                expected: "`asserted`, `verified`",
            })
    }
}

impl fmt::Display for SubjectAssurance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
