//! All issuers of a policy, and the clients they vouch for.

use std::collections::BTreeMap;

use hallpass_vocabulary::{ClientId, Timestamp};

use super::issuer::{Issuer, Settings, Whom};
use super::source::SourceError;
use super::subject::SubjectTokenError;
use super::token::UnverifiedJwt;

/// The issuers of one policy.
#[derive(Debug, Default)]
pub(super) struct Issuers {
    all: Vec<Issuer>,
    pub(super) workloads: Vec<Workload>,
}

/// What the token of a client's workload must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Workload {
    pub(super) client: ClientId,
    pub(super) issuer: String,
    pub(super) subject: String,
    pub(super) claims: BTreeMap<String, String>,
}

/// A token everything about which was checked, but for what its claims mean.
pub(super) struct Believed<'a> {
    pub(super) issuer: &'a Issuer,
    pub(super) jwt: UnverifiedJwt<'a>,
    pub(super) expires: Timestamp,
}

impl Issuers {
    /// The issuers of these settings. Those that are there already keep the keys they have.
    pub(super) fn new(
        settings: Vec<Settings>,
        workloads: Vec<Workload>,
        before: &Self,
    ) -> Result<Self, (String, SourceError)> {
        let all = settings.into_iter().map(|settings| {
            let same = before
                .all
                .iter()
                .find(|issuer| issuer.settings.name == settings.name);
            let name = settings.name.clone();
            Issuer::new(settings, same).map_err(|error| (name, error))
        });
        Ok(Self {
            all: all.collect::<Result<_, _>>()?,
            workloads,
        })
    }

    /// Takes a token apart, finds its issuer, and checks it.
    pub(super) async fn verify<'a>(
        &'a self,
        jwt: &'a str,
        whom: Whom,
        now: Timestamp,
    ) -> Result<Believed<'a>, SubjectTokenError> {
        let jwt = UnverifiedJwt::parse(jwt).map_err(SubjectTokenError::Refused)?;
        let named = jwt.text("iss").ok_or(SubjectTokenError::IssuerUnknown)?;
        // One provider may stand in the policy several times, with an audience each.
        let mut refused = SubjectTokenError::IssuerUnknown;
        for issuer in &self.all {
            if issuer.settings.issuer != named || !issuer.vouches_for(whom) {
                continue;
            }
            match issuer.verify(&jwt, now).await {
                Ok(expires) => {
                    return Ok(Believed {
                        issuer,
                        jwt,
                        expires,
                    });
                }
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }
}
