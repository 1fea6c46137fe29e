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
    #[error("the token is refused: {0}")]
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
    pub(crate) async fn verify_subject(
        &self,
        jwt: &str,
        now: Timestamp,
    ) -> Result<VerifiedSubject, SubjectTokenError> {
        #[cfg(feature = "oidc")]
        {
            let issuers = self.issuers.load_full();
            let believed = issuers
                .verify(jwt, super::issuer::Whom::Subject, now)
                .await?;
            read(&believed)
        }
        #[cfg(not(feature = "oidc"))]
        {
            let _ = (jwt, now);
            Err(SubjectTokenError::IssuerUnknown)
        }
    }
}

/// What the claims of a believed token mean.
#[cfg(feature = "oidc")]
fn read(believed: &super::issuers::Believed<'_>) -> Result<VerifiedSubject, SubjectTokenError> {
    use super::claims::text;
    let (claims, settings) = (&believed.jwt.claims, &believed.issuer.settings);
    let named = text(claims, &settings.subject_claim)
        .filter(|named| !named.is_empty())
        .ok_or(SubjectTokenError::Refused("the token names no subject"))?;
    let subject = Subject::new(&format!("{}{named}", settings.subject_prefix));
    let subject =
        subject.map_err(|_| SubjectTokenError::Refused("the token's subject is no name here"))?;
    let tenant = match &settings.tenant_claim {
        None => None,
        Some(claim) => {
            let tenant = text(claims, claim).and_then(|tenant| Tenant::new(tenant).ok());
            Some(tenant.ok_or(SubjectTokenError::Refused("the token names no tenant"))?)
        }
    };
    Ok(VerifiedSubject {
        subject,
        roles: believed.issuer.roles(claims).collect(),
        tenant,
        expires: believed.expires,
        issuer: settings.name.clone(),
    })
}
