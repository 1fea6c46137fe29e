//! A subject that proves itself with a token of its own.

use std::collections::BTreeSet;

use hallpass_vocabulary::{Role, Subject, Tenant, Timestamp};

use super::Identity;

/// What a subject's token says, once everything about it was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VerifiedSubject {
    /// On whose behalf, as the issuer's claim names it.
    pub(crate) subject: Subject,
    /// The roles the policy gives for the token's claims. A route admits those it names, and no others.
    pub(crate) roles: BTreeSet<Role>,
    /// The only tenant the token is good for, where the issuer names one.
    pub(crate) tenant: Option<Tenant>,
    /// When the token expires; what is minted on it expires no later.
    pub(crate) expires: Timestamp,
    /// Who vouched, by its name in the policy.
    pub(crate) issuer: String,
}

/// Why a subject's token is not accepted. For the journal and the log: the caller is told `subject_token_invalid` or, for
/// [`SubjectTokenError::Unavailable`], `unavailable`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum SubjectTokenError {
    /// No issuer of the policy signs tokens of subjects with this `iss`.
    #[error("no issuer of the policy vouches so for subjects")]
    IssuerUnknown,
    /// The token has no acceptable form, algorithm, signature, time or claim.
    #[error("the subject's token is refused: {0}")]
    Refused(&'static str),
    /// The issuer's keys cannot be had just now.
    #[error("the keys of the issuer cannot be had just now")]
    Unavailable,
}

impl SubjectTokenError {
    /// The stable code, for the journal.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::IssuerUnknown => "subject_issuer_unknown",
            Self::Refused(_) => "subject_token_invalid",
            Self::Unavailable => "issuer_unavailable",
        }
    }
}

impl Identity {
    /// Checks a subject's own token: form, signature, issuer, audience and times. Waits for the issuer's keys at most once,
    /// and only when a key is named that is not known yet.
    #[allow(
        clippy::unused_async,
        reason = "the issuers come with the next commits"
    )]
    pub(crate) async fn verify_subject(
        &self,
        _jwt: &str,
        _now: Timestamp,
    ) -> Result<VerifiedSubject, SubjectTokenError> {
        Err(SubjectTokenError::IssuerUnknown)
    }
}
