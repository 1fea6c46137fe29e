//! A client that proves itself with a token of its platform: a Kubernetes service account, a CI job.

use hallpass_vocabulary::{ClientId, Timestamp};

use super::Identity;
use super::subject::SubjectTokenError;

/// A client known by the token of its workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VerifiedWorkload {
    /// The one client of the policy that the token fits.
    pub(crate) client: ClientId,
    /// Who vouched, by its name in the policy.
    pub(crate) issuer: String,
}

impl Identity {
    /// Checks the token of a workload as that of a subject is checked, and finds the client of the policy it fits.
    pub(crate) async fn verify_workload(
        &self,
        jwt: &str,
        now: Timestamp,
    ) -> Result<VerifiedWorkload, SubjectTokenError> {
        #[cfg(feature = "oidc")]
        {
            let issuers = self.issuers.load_full();
            let believed = issuers
                .verify(jwt, super::issuer::Whom::Client, now)
                .await?;
            let claims = &believed.jwt.claims;
            let subject = believed.jwt.text("sub");
            let subject = subject.ok_or(SubjectTokenError::Refused("the token names nobody"))?;
            let name = &believed.issuer.settings.name;
            let mut fitting = issuers.workloads.iter().filter(|workload| {
                workload.issuer == *name
                    && workload.subject == subject
                    && workload
                        .claims
                        .iter()
                        .all(|(claim, text)| super::claims::text(claims, claim) == Some(text))
            });
            match (fitting.next(), fitting.next()) {
                (Some(workload), None) => Ok(VerifiedWorkload {
                    client: workload.client.clone(),
                    issuer: name.clone(),
                }),
                (None, _) => Err(SubjectTokenError::Refused(
                    "no client of the policy is this workload",
                )),
                (Some(_), Some(_)) => Err(SubjectTokenError::Refused(
                    "several clients of the policy are this workload",
                )),
            }
        }
        #[cfg(not(feature = "oidc"))]
        {
            let _ = (jwt, now);
            Err(SubjectTokenError::IssuerUnknown)
        }
    }
}
