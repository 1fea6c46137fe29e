//! Stops and cut-offs by what they are about, so that a call looks only at its own.

use std::collections::BTreeMap;

use hallpass_vocabulary::{
    Actor, Audience, ClientId, Environment, Route, RunId, StopId, Subject, Tenant, Timestamp,
    TokenId, ToolName,
};

use crate::{Cutoff, IdSet, Restrictions, Revocation, Selector, Stop};

/// What a call is part of.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// Its token.
    pub token: TokenId,
    /// Its run.
    pub run: RunId,
    /// When the token was issued.
    pub issued: Timestamp,
    /// Whose data it touches.
    pub tenant: &'a Tenant,
    /// On whose behalf it is.
    pub subject: &'a Subject,
    /// The agents it comes through, all of them.
    pub actors: &'a [Actor],
    /// Who asked for the token.
    pub client: &'a ClientId,
    /// Under which policy.
    pub route: &'a Route,
    /// Where it is.
    pub environment: &'a Environment,
    /// The service.
    pub audience: &'a Audience,
    /// The tool.
    pub tool: &'a ToolName,
}

/// Why a call is denied that all else would allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restricted {
    /// Its token was issued before a cut-off.
    CutOff {
        /// Which tokens are refused: those issued before.
        before: Timestamp,
    },
    /// Its token is revoked.
    Revoked,
    /// A stop is in force.
    Stopped {
        /// Which.
        id: StopId,
    },
}

/// Restrictions, ready to be asked on every call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Restrained {
    stops: Index<Stop>,
    cutoffs: Index<Cutoff>,
    revocations: Vec<Revocation>,
    any: bool,
}

impl Restrained {
    pub(crate) fn new(restrictions: Restrictions) -> Self {
        Self {
            any: !restrictions.is_empty(),
            stops: Index::new(restrictions.stops),
            cutoffs: Index::new(restrictions.cutoffs),
            revocations: restrictions.revocations,
        }
    }

    /// Why the call is denied, if it is. What is listed holds for as long as it is listed, and a stop no longer than until
    /// its own end.
    pub(crate) fn restriction(&self, call: &Standing<'_>, now: Timestamp) -> Option<Restricted> {
        if !self.any {
            return None;
        }
        let lasts = |stop: &&Stop| stop.until.is_none_or(|until| now < until);
        if let Some(stop) = self.stops.about(call).find(lasts) {
            return Some(Restricted::Stopped { id: stop.id });
        }
        let token = call.token.as_u128();
        if self.revocations.iter().any(|it| it.tokens.contains(token)) {
            return Some(Restricted::Revoked);
        }
        let refused = |cutoff: &&Cutoff| call.issued < cutoff.before;
        let cutoff = self.cutoffs.about(call).find(refused)?;
        Some(Restricted::CutOff {
            before: cutoff.before,
        })
    }

    pub(crate) fn is_any(&self) -> bool {
        self.any
    }

    pub(crate) fn stops(&self) -> &[Stop] {
        &self.stops.entries
    }

    pub(crate) fn cutoffs(&self) -> &[Cutoff] {
        &self.cutoffs.entries
    }

    pub(crate) fn revocations(&self) -> &[Revocation] {
        &self.revocations
    }
}

/// An entry that is about something.
trait About {
    fn selector(&self) -> &Selector;
    fn runs(&self) -> &IdSet;
}

impl About for Stop {
    fn selector(&self) -> &Selector {
        &self.selector
    }

    fn runs(&self) -> &IdSet {
        &self.runs
    }
}

impl About for Cutoff {
    fn selector(&self) -> &Selector {
        &self.selector
    }

    fn runs(&self) -> &IdSet {
        &self.runs
    }
}

/// Places of entries in their list.
type Places = Vec<usize>;

/// Entries, found by what they are about.
#[derive(Debug, Clone)]
struct Index<E> {
    entries: Vec<E>,
    everything: Places,
    /// Of each kind of name, by the name.
    named: BTreeMap<&'static str, BTreeMap<String, Places>>,
    /// Runs and tokens; a run and a token never have the same bits, for each is random.
    ids: BTreeMap<u128, Places>,
}

impl<E> Default for Index<E> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            everything: Vec::new(),
            named: BTreeMap::new(),
            ids: BTreeMap::new(),
        }
    }
}

impl<E: About> Index<E> {
    fn new(entries: Vec<E>) -> Self {
        let mut index = Self::default();
        for (place, entry) in entries.iter().enumerate() {
            for run in entry.runs().iter() {
                index.ids.entry(run).or_default().push(place);
            }
            match entry.selector() {
                Selector::Everything => index.everything.push(place),
                Selector::Run(run) => index.ids.entry(run.as_u128()).or_default().push(place),
                Selector::Token(token) => index.ids.entry(token.as_u128()).or_default().push(place),
                named => {
                    let names = index.named.entry(named.kind()).or_default();
                    let name = named.value().unwrap_or_default();
                    names.entry(name).or_default().push(place);
                }
            }
        }
        index.entries = entries;
        index
    }

    /// Every entry that is about this call.
    fn about(&self, call: &Standing<'_>) -> impl Iterator<Item = &E> {
        let actors = call.actors.iter().map(|actor| ("actor", actor.as_str()));
        let names = [
            ("audience", call.audience.as_str()),
            ("client", call.client.as_str()),
            ("environment", call.environment.as_str()),
            ("route", call.route.as_str()),
            ("subject", call.subject.as_str()),
            ("tenant", call.tenant.as_str()),
            ("tool", call.tool.as_str()),
        ];
        let named = names.into_iter().chain(actors);
        let named = named.filter_map(|(kind, name)| self.named.get(kind)?.get(name));
        let ids = [call.run.as_u128(), call.token.as_u128()];
        let ids = ids.into_iter().filter_map(|id| self.ids.get(&id));
        std::iter::once(&self.everything)
            .chain(named)
            .chain(ids)
            .flatten()
            .filter_map(|place| self.entries.get(*place))
    }
}
