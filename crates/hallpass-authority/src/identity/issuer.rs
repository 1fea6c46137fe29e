//! One issuer: whose tokens it signs, and what they must say.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use hallpass_vocabulary::{Role, Timestamp};
use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};

use super::claims;
use super::key_ring::{KeyRing, NoKey};
use super::source::{Location, Source, SourceError};
use super::subject::SubjectTokenError;
use super::token::UnverifiedJwt;

/// For whom a token is to vouch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whom {
    Client,
    Subject,
}

/// What the policy says of an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) name: String,
    pub(super) issuer: String,
    pub(super) audience: String,
    pub(super) location: Location,
    pub(super) certificates: Option<PathBuf>,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) for_clients: bool,
    pub(super) for_subjects: bool,
    pub(super) subject_claim: String,
    pub(super) subject_prefix: String,
    pub(super) roles_claim: Option<String>,
    pub(super) roles: BTreeMap<String, Role>,
    pub(super) tenant_claim: Option<String>,
}

/// One issuer, with its keys.
#[derive(Debug)]
pub(super) struct Issuer {
    pub(super) settings: Settings,
    keys: Arc<KeyRing>,
}

impl Issuer {
    /// The issuer of these settings. Keeps the keys of `before`, where they came from the same place.
    pub(super) fn new(settings: Settings, before: Option<&Self>) -> Result<Self, SourceError> {
        let same = before.filter(|before| before.settings.keys_from() == settings.keys_from());
        let keys = match same {
            Some(before) => Arc::clone(&before.keys),
            None => {
                let (issuer, location, certificates) = settings.keys_from();
                let source = Source::new(issuer, location.clone(), certificates.cloned())?;
                Arc::new(KeyRing::new(source))
            }
        };
        Ok(Self { settings, keys })
    }

    pub(super) fn vouches_for(&self, whom: Whom) -> bool {
        match whom {
            Whom::Client => self.settings.for_clients,
            Whom::Subject => self.settings.for_subjects,
        }
    }

    /// Checks everything about a token that names this issuer; the claims are to be believed after that. Answers when it
    /// expires.
    pub(super) async fn verify(
        &self,
        jwt: &UnverifiedJwt<'_>,
        now: Timestamp,
    ) -> Result<Timestamp, SubjectTokenError> {
        if !self.settings.algorithms.contains(&jwt.algorithm) {
            return Err(SubjectTokenError::Refused(
                "the algorithm is not one of the issuer's",
            ));
        }
        // Before the signature: an old token costs no fetch.
        let expires = claims::check(&jwt.claims, &self.settings.audience, now)
            .map_err(SubjectTokenError::Refused)?;
        let id = jwt.key.as_deref();
        let verified = self
            .keys
            .verify(id, jwt.algorithm, now, |key| jwt.is_signed_by(&key.key))
            .await;
        match verified {
            Ok(true) => Ok(expires),
            Ok(false) => Err(SubjectTokenError::Refused("the signature does not verify")),
            Err(NoKey::Unknown) => Err(SubjectTokenError::Refused("the issuer has no such key")),
            Err(NoKey::Unnamed) => Err(SubjectTokenError::Refused(
                "the token does not say which of several keys signed it",
            )),
            Err(NoKey::Unavailable) => Err(SubjectTokenError::Unavailable),
        }
    }

    /// The roles of the values of the roles claim: a text, or an array of texts.
    pub(super) fn roles(&self, claims: &Map<String, Value>) -> impl Iterator<Item = Role> {
        let claim = self.settings.roles_claim.as_deref();
        let values = match claim.and_then(|name| claims::find(claims, name)) {
            Some(Value::Array(values)) => values.clone(),
            Some(one) => vec![one.clone()],
            None => Vec::new(),
        };
        let roles: Vec<Role> = values
            .iter()
            .filter_map(|value| self.settings.roles.get(value.as_str()?).cloned())
            .collect();
        roles.into_iter()
    }
}

impl Settings {
    fn keys_from(&self) -> (&str, &Location, Option<&PathBuf>) {
        (&self.issuer, &self.location, self.certificates.as_ref())
    }
}
