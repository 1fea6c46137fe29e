//! What an operator may do.

use std::fmt;

/// What an operator may do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum OperatorRole {
    /// Clients and the policy, and reading.
    Admin,
    /// Approvals, and reading.
    Approver,
    /// Reading.
    Auditor,
    /// Runs and stops, and reading.
    Operator,
}

impl OperatorRole {
    /// Every role, alphabetically.
    pub const ALL: [Self; 4] = [Self::Admin, Self::Approver, Self::Auditor, Self::Operator];

    /// The word in policies and bundles.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Approver => "approver",
            Self::Auditor => "auditor",
            Self::Operator => "operator",
        }
    }
}

impl fmt::Display for OperatorRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
