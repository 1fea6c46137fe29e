//! What of a policy was used: which tools tokens had, and which of them were called.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use hallpass_journal::read::Record;
use hallpass_journal::{Decided, Event, Minted, Verdict};
use hallpass_policy::{GrantSource, MintRequest, Policy, RouteRule, Verified};
use hallpass_vocabulary::{
    Audience, DenialCode, Role, Route, SubjectAssurance, Timestamp, TokenId, ToolName,
};

use crate::reconcile::{Full, TOKENS_MAX};

/// How a tool was used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    /// Tokens that had it.
    pub tokens: u64,
    /// Those that had it and not all of their route's tools: it was asked for by name.
    pub named: u64,
    /// Calls that were allowed.
    pub calls: u64,
    /// Calls that were denied for another reason than that it was not granted: somebody wanted it.
    pub wanted: u64,
}

impl Used {
    /// Whether nobody needed it.
    pub fn is_unneeded(self) -> bool {
        self.named == 0 && self.calls == 0 && self.wanted == 0
    }
}

/// Why a grant that was not used stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kept {
    /// Others use the tool under this route, by other grants.
    OthersUse,
    /// No token was minted under the route.
    RouteUnused,
    /// No journal of the tool's service has a call.
    ServiceUnseen,
}

impl Kept {
    /// Why, in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OthersUse => "others use it under this route",
            Self::RouteUnused => "nothing was minted under the route",
            Self::ServiceUnseen => "no call of its service is recorded here",
        }
    }
}

/// One grant that nobody used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusedGrant {
    /// Under which route.
    pub route: Route,
    /// Which tool.
    pub tool: ToolName,
    /// What gives it.
    pub source: GrantSource,
    /// Whether it gives it with an approval only.
    pub with_approval: bool,
    /// Tokens that had it by this grant.
    pub tokens: u64,
    /// Why it stays; `None` when it can go.
    pub kept: Option<Kept>,
}

/// Records, counted by what was used. First those of every authority, then those of services.
///
/// Holds some 20 bytes and what the table adds for each token ([`TOKENS_MAX`]).
#[derive(Debug)]
pub struct Usage<'p> {
    policy: &'p Policy,
    since: Option<Timestamp>,
    tokens: HashMap<TokenId, u32>,
    roles: Vec<Vec<Role>>,
    roles_known: HashMap<Vec<Role>, u32>,
    minted: BTreeMap<Route, u64>,
    /// By route, by tool, and by what gave it.
    used: BTreeMap<(Route, GrantSource, ToolName), Used>,
    services: BTreeSet<Audience>,
    period: Option<(Timestamp, Timestamp)>,
}

impl<'p> Usage<'p> {
    /// Of this policy; of records before `since` only the tokens are remembered.
    pub fn new(policy: &'p Policy, since: Option<Timestamp>) -> Self {
        Self {
            policy,
            since,
            tokens: HashMap::new(),
            roles: Vec::new(),
            roles_known: HashMap::new(),
            minted: BTreeMap::new(),
            used: BTreeMap::new(),
            services: BTreeSet::new(),
            period: None,
        }
    }

    /// One record, of an authority or of a service.
    ///
    /// # Errors
    /// [`Full`].
    pub fn take(&mut self, record: &Record) -> Result<(), Full> {
        let counts = self.since.is_none_or(|since| record.time() >= since);
        match record.event() {
            Ok(Event::Decided(decided)) if counts => {
                self.during(record);
                self.decided(&decided);
            }
            Ok(Event::Minted(minted)) => {
                if self.tokens.len() >= TOKENS_MAX {
                    return Err(Full::Tokens);
                }
                let number = self.number(&minted.roles);
                self.tokens.insert(minted.token, number);
                if counts {
                    self.during(record);
                    self.minted(&minted);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn during(&mut self, record: &Record) {
        let time = record.time();
        let (first, last) = self.period.unwrap_or((time, time));
        self.period = Some((first.min(time), last.max(time)));
    }

    fn number(&mut self, roles: &[Role]) -> u32 {
        if let Some(number) = self.roles_known.get(roles) {
            return *number;
        }
        let number = u32::try_from(self.roles.len()).unwrap_or(u32::MAX);
        self.roles.push(roles.to_vec());
        self.roles_known.insert(roles.to_vec(), number);
        number
    }

    fn minted(&mut self, minted: &Minted) {
        *self.minted.entry(minted.route.clone()).or_default() += 1;
        let has: Vec<&ToolName> = minted.tools.iter().chain(&minted.needs_approval).collect();
        let named = u64::from(has.len() < self.all_of_route(minted));
        for tool in has {
            for source in sources(&minted.roles) {
                let key = (minted.route.clone(), source, tool.clone());
                let used = self.used.entry(key).or_default();
                used.tokens = used.tokens.saturating_add(1);
                used.named = used.named.saturating_add(named);
            }
        }
    }

    /// How many tools this policy would give who asks for all of them.
    fn all_of_route(&self, minted: &Minted) -> usize {
        let verified = (minted.assurance == SubjectAssurance::Verified).then(|| Verified {
            roles: minted.roles.iter().cloned().collect(),
        });
        let terms = self.policy.decide(&MintRequest {
            client: &minted.client,
            environment: &minted.env,
            route: &minted.route,
            tenant: &minted.tenant,
            subject: &minted.subject,
            verified: verified.as_ref(),
            actor: &minted.actor,
            tools: None,
            ttl: None,
        });
        terms.map_or(0, |it| it.tools().len() + it.needs_approval().len())
    }

    fn decided(&mut self, decided: &Decided) {
        self.services.insert(decided.audience.clone());
        let (Some(route), Some(tool)) = (&decided.route, &decided.tool) else {
            return;
        };
        let not_granted = [DenialCode::ToolNotGranted, DenialCode::ToolUnknown];
        if decided.code.is_some_and(|code| not_granted.contains(&code)) {
            return;
        }
        let known = decided.token.and_then(|token| self.tokens.get(&token));
        let roles = known.and_then(|number| self.roles.get(usize::try_from(*number).ok()?));
        // A call whose mint is not there may be anybody's: it counts for every role.
        let all: Vec<Role>;
        let roles = match roles {
            Some(roles) => roles,
            None => {
                all = self.policy.roles().map(|(role, _)| role.clone()).collect();
                &all
            }
        };
        for source in sources(roles) {
            let key = (route.clone(), source, tool.clone());
            let used = self.used.entry(key).or_default();
            match decided.verdict {
                Verdict::Allow => used.calls = used.calls.saturating_add(1),
                Verdict::Deny => used.wanted = used.wanted.saturating_add(1),
            }
        }
    }

    /// The times of the first and the last record that counted.
    pub fn period(&self) -> Option<(Timestamp, Timestamp)> {
        self.period
    }

    /// Tokens that were minted.
    pub fn tokens(&self) -> u64 {
        self.minted.values().sum()
    }

    /// Calls of tools that their tokens had.
    pub fn calls(&self) -> u64 {
        let of_routes = self.used.iter();
        let of_routes = of_routes.filter(|((_, source, _), _)| *source == GrantSource::Route);
        of_routes
            .map(|(_, used)| used.calls.saturating_add(used.wanted))
            .sum()
    }

    /// How a tool was used under a route by those who had this source of grants; of the route itself, by everybody.
    fn used(&self, route: &Route, source: &GrantSource, tool: &ToolName) -> Used {
        let key = (route.clone(), source.clone(), tool.clone());
        self.used.get(&key).copied().unwrap_or_default()
    }

    /// Every grant of the policy that nobody used, by route. With `routes`, those of routes under which nothing was minted can
    /// go, too.
    pub fn unused(&self, routes: bool) -> Vec<UnusedGrant> {
        let mut unused = Vec::new();
        for (route, rule) in self.policy.routes() {
            let of_route = self.unused_of(route, rule, routes);
            unused.extend(of_route);
        }
        unused
    }

    fn unused_of(&self, route: &Route, rule: &RouteRule, routes: bool) -> Vec<UnusedGrant> {
        let verified = Verified {
            roles: rule.subject_roles().clone(),
        };
        let minted = self.minted.get(route).copied().unwrap_or(0);
        let mut unused = Vec::new();
        for (source, grant) in self.policy.grants(rule, Some(&verified)) {
            for tool in grant.tools().filter(|tool| !rule.deny().contains(*tool)) {
                let here = self.used(route, &source, tool);
                if !here.is_unneeded() {
                    continue;
                }
                let service = self.policy.tool(tool).map(|tool| tool.audience());
                let seen = service.is_some_and(|service| self.services.contains(service));
                let by_all = self.used(route, &GrantSource::Route, tool);
                let kept = match () {
                    () if !seen => Some(Kept::ServiceUnseen),
                    () if minted == 0 && !routes => Some(Kept::RouteUnused),
                    () if !by_all.is_unneeded() => Some(Kept::OthersUse),
                    () => None,
                };
                unused.push(UnusedGrant {
                    route: route.clone(),
                    tool: tool.clone(),
                    source: source.clone(),
                    with_approval: grant.require_approval().contains(tool),
                    tokens: here.tokens,
                    kept,
                });
            }
        }
        unused
    }
}

/// The route itself, which everybody under it has, and the roles of one.
fn sources(roles: &[Role]) -> impl Iterator<Item = GrantSource> {
    let roles = roles.iter().cloned().map(GrantSource::Role);
    std::iter::once(GrantSource::Route).chain(roles)
}
