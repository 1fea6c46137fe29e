//! The answer no: what the caller may see of it, and what only the journal keeps.

use std::fmt;

use hallpass_vocabulary::{DecisionId, DenialCode};

use crate::Disclosure;

/// Why a call does not run. An answer, not a failure: it has a decision id and is on record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The call is withheld until somebody approves exactly it.
    #[error("approval required ({})", .0.decision)]
    ApprovalRequired(ApprovalRequired),
    /// The call is denied.
    #[error("{0}")]
    Denied(Denied),
}

impl Refusal {
    /// The decision this refusal is.
    pub fn decision(&self) -> DecisionId {
        match self {
            Self::ApprovalRequired(required) => required.decision,
            Self::Denied(denied) => denied.decision,
        }
    }

    /// The code the caller sees.
    pub fn code(&self) -> DenialCode {
        match self {
            Self::ApprovalRequired(_) => DenialCode::ApprovalRequired,
            Self::Denied(denied) => denied.code,
        }
    }

    /// The detail the caller sees; present where the service discloses details.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::ApprovalRequired(_) => None,
            Self::Denied(denied) => denied.detail.as_deref(),
        }
    }
}

/// A call that an approval would allow.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApprovalRequired {
    /// The decision that withheld it.
    pub decision: DecisionId,
}

/// A denial, as much of it as the service discloses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    decision: DecisionId,
    code: DenialCode,
    detail: Option<String>,
}

impl Denied {
    pub(crate) fn disclosed(decision: DecisionId, denial: &Denial, disclosure: Disclosure) -> Self {
        match (disclosure, denial.code) {
            (Disclosure::Explain, code) => Self {
                decision,
                code,
                detail: denial.detail.clone(),
            },
            (Disclosure::NotFound, DenialCode::WrongTenant) => Self {
                decision,
                code: DenialCode::NotFound,
                detail: None,
            },
            (Disclosure::Code | Disclosure::NotFound, code) => Self {
                decision,
                code,
                detail: None,
            },
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "denied: {} ({})", self.code, self.decision)
    }
}

/// The verdict no, with everything the journal keeps. Its detail may quote the holder's text, escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Denial {
    pub(crate) code: DenialCode,
    pub(crate) detail: Option<String>,
}

impl Denial {
    pub(crate) fn new(code: DenialCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: Some(detail.into()),
        }
    }
}

impl From<DenialCode> for Denial {
    fn from(code: DenialCode) -> Self {
        Self { code, detail: None }
    }
}

#[cfg(test)]
mod tests {
    use hallpass_vocabulary::Timestamp;

    use super::*;

    #[test]
    fn only_another_tenant_reads_as_absent_and_only_where_a_service_wants_that() {
        let decision = DecisionId::new(Timestamp::from_unix_ms(0), [0; 10]);
        for code in DenialCode::ALL {
            let denial = Denial::new(*code, "why");
            let seen = |disclosure| {
                let denied = Denied::disclosed(decision, &denial, disclosure);
                (denied.code, denied.detail)
            };
            let absent = match code {
                DenialCode::WrongTenant => DenialCode::NotFound,
                code => *code,
            };
            assert_eq!(seen(Disclosure::Explain), (*code, Some("why".to_owned())));
            assert_eq!(seen(Disclosure::Code), (*code, None));
            assert_eq!(seen(Disclosure::NotFound), (absent, None));
        }
    }
}
