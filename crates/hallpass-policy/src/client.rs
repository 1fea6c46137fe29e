//! The clients: orchestrators that may ask for tokens.

use std::collections::BTreeMap;
use std::fmt;

use hallpass_vocabulary::{Actor, IssuerName};

use crate::pattern::Pattern;
use crate::place::Place;

/// One client: which agents it may name, how often it may ask, and how its workload proves itself. Its static secrets are in
/// the authority's store, not here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRule {
    pub(crate) place: Place,
    pub(crate) summary: String,
    pub(crate) actors: Pattern,
    pub(crate) mints_per_minute: Option<u32>,
    pub(crate) workload: Option<Workload>,
}

/// What the token of a client's workload must say. Only one client of a policy fits any token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    pub(crate) issuer: IssuerName,
    pub(crate) subject: String,
    pub(crate) claims: BTreeMap<String, String>,
}

impl ClientRule {
    /// What the client is, in its author's words.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// The agents it may name. The route's own pattern must fit too.
    pub fn actors(&self) -> &Pattern {
        &self.actors
    }

    /// The tokens it may ask for in a minute, where the policy says so for this client.
    pub fn mints_per_minute(&self) -> Option<u32> {
        self.mints_per_minute
    }

    /// How its workload proves itself; only with static secrets when `None`.
    pub fn workload(&self) -> Option<&Workload> {
        self.workload.as_ref()
    }

    /// Where it is written.
    pub fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) fn admits_actor(&self, actor: &Actor) -> bool {
        self.actors.matches(actor.as_str())
    }
}

impl Workload {
    /// Who vouches for it: a name under `[issuers]`.
    pub fn issuer(&self) -> &IssuerName {
        &self.issuer
    }

    /// Its exact `sub`.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Further claims, each with the exact text it must have.
    pub fn claims(&self) -> &BTreeMap<String, String> {
        &self.claims
    }

    /// Whether a token fits whose signature, `iss` and `aud` are those of `issuer`, whose `sub` is `subject`, and whose other
    /// claims `claim` looks up: the text of one, or `None` where there is none or it is no text.
    pub fn fits<'c>(
        &self,
        issuer: &IssuerName,
        subject: &str,
        claim: impl Fn(&str) -> Option<&'c str>,
    ) -> bool {
        self.issuer == *issuer
            && self.subject == subject
            && self
                .claims
                .iter()
                .all(|(name, text)| claim(name) == Some(text))
    }

    /// Whether some token could fit both.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.issuer == other.issuer
            && self.subject == other.subject
            && self
                .claims
                .iter()
                .all(|(name, text)| other.claims.get(name).is_none_or(|theirs| theirs == text))
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.issuer, self.subject)?;
        for (name, text) in &self.claims {
            write!(f, " {name}={text}")?;
        }
        Ok(())
    }
}
