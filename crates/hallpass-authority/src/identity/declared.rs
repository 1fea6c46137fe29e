//! From what the policy declares to issuers whose tokens can be checked.

use std::path::Path;

use hallpass_policy::Policy;

use super::Identity;

/// Issuers of a policy that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// This build cannot check tokens.
    #[error(
        "the policy declares the issuer `{issuer}` (`{file}` line {line}), and this build checks no tokens; use a build with the feature `oidc` (`full` has it)"
    )]
    NoOidc {
        /// The first issuer.
        issuer: String,
        /// The file it is in.
        file: String,
        /// The line it is on.
        line: usize,
    },
    /// The keys of an issuer cannot come from where the policy says.
    #[cfg(feature = "oidc")]
    #[error("the issuer `{issuer}` of the policy cannot be used")]
    Source {
        /// Which issuer.
        issuer: String,
        /// Why not.
        #[source]
        source: super::source::SourceError,
    },
}

/// The issuers of a policy that is not in force yet.
pub(crate) struct Prepared {
    #[cfg(feature = "oidc")]
    issuers: super::issuers::Issuers,
}

impl Identity {
    /// Makes the issuers of a policy ready. Files are relative to `directory`; nothing is fetched. Keys that are there
    /// already are kept. Blocks on the disk.
    #[cfg(feature = "oidc")]
    pub(crate) fn prepare(
        &self,
        policy: &Policy,
        directory: &Path,
    ) -> Result<Prepared, IdentityError> {
        use super::issuer::Settings;
        use super::issuers::{Issuers, Workload};
        let settings = policy
            .issuers()
            .map(|(name, rule)| Settings::declared(name, rule, directory));
        let workloads = policy.clients().filter_map(|(client, rule)| {
            let workload = rule.workload()?;
            Some(Workload {
                client: client.clone(),
                issuer: workload.issuer().to_string(),
                subject: workload.subject().to_owned(),
                claims: workload.claims().clone(),
            })
        });
        let before = self.issuers.load();
        Issuers::new(settings.collect(), workloads.collect(), &before)
            .map(|issuers| Prepared { issuers })
            .map_err(|(issuer, source)| IdentityError::Source { issuer, source })
    }

    /// Refuses a policy that declares issuers: this build checks no tokens.
    #[cfg(not(feature = "oidc"))]
    pub(crate) fn prepare(&self, policy: &Policy, _: &Path) -> Result<Prepared, IdentityError> {
        match policy.issuers().next() {
            None => Ok(Prepared {}),
            Some((issuer, rule)) => Err(IdentityError::NoOidc {
                issuer: issuer.to_string(),
                file: rule.place().file().to_owned(),
                line: rule.place().line(),
            }),
        }
    }

    /// Puts issuers in force, with the policy they are of.
    pub(crate) fn install(&self, prepared: Prepared) {
        #[cfg(feature = "oidc")]
        self.issuers.store(std::sync::Arc::new(prepared.issuers));
        #[cfg(not(feature = "oidc"))]
        let Prepared {} = prepared;
    }
}

#[cfg(feature = "oidc")]
impl super::issuer::Settings {
    /// What the policy declares of an issuer.
    fn declared(
        name: &hallpass_vocabulary::IssuerName,
        rule: &hallpass_policy::IssuerRule,
        directory: &Path,
    ) -> Self {
        use super::source::Location;
        use hallpass_policy::{KeySource, Vouches};
        let subjects = rule.subjects();
        Self {
            name: name.to_string(),
            issuer: rule.issuer().to_owned(),
            audience: rule.audience().to_owned(),
            location: match rule.keys() {
                KeySource::Discovery => Location::Discovery,
                KeySource::File(path) => Location::File(directory.join(path)),
                KeySource::Url(url) => Location::Url(url.clone()),
            },
            certificates: rule.ca_file().map(|path| directory.join(path)),
            algorithms: rule.algorithms().iter().copied().map(algorithm).collect(),
            for_clients: rule.vouches_for(Vouches::Clients),
            for_subjects: rule.vouches_for(Vouches::Subjects),
            subject_claim: subjects.subject().to_owned(),
            subject_prefix: subjects.prefix().to_owned(),
            roles_claim: subjects.roles_claim().map(str::to_owned),
            roles: subjects.roles().clone(),
            tenant_claim: subjects.tenant().map(str::to_owned),
        }
    }
}

#[cfg(feature = "oidc")]
fn algorithm(listed: hallpass_policy::Algorithm) -> jsonwebtoken::Algorithm {
    use hallpass_policy::Algorithm as Listed;
    use jsonwebtoken::Algorithm;
    match listed {
        Listed::EdDsa => Algorithm::EdDSA,
        Listed::Es256 => Algorithm::ES256,
        Listed::Es384 => Algorithm::ES384,
        Listed::Ps256 => Algorithm::PS256,
        Listed::Ps384 => Algorithm::PS384,
        Listed::Ps512 => Algorithm::PS512,
        Listed::Rs256 => Algorithm::RS256,
        Listed::Rs384 => Algorithm::RS384,
        Listed::Rs512 => Algorithm::RS512,
    }
}
