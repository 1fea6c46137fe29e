//! Why a question is answered as it is: each condition, which rule it stands in, and where each tool comes from.

use std::collections::BTreeSet;

use hallpass_vocabulary::{Role, ToolName};

use crate::decide::{PolicyRefusal, Terms};
use crate::grant::{GrantRule, GrantSource};
use crate::grid::Cell;
use crate::place::Place;
use crate::policy::Policy;
use crate::question::Question;
use crate::route::{RouteRule, Tenants};

/// A question, answered step by step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Where the rule of the route is written; `None` when there is no such route.
    pub place: Option<Place>,
    /// Every condition, in the order of deciding, those after the first that fails too.
    pub conditions: Vec<Condition>,
    /// The answer.
    pub answer: Result<Terms, PolicyRefusal>,
    /// The roles that were thought of, by name.
    pub roles: Vec<RoleReason>,
    /// Every tool of the catalogue, or those that were asked for. Nothing when there is no such route.
    pub tools: Vec<ToolReason>,
}

/// A condition of the route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// What it refuses with when it fails.
    pub refusal: PolicyRefusal,
    /// Whether it holds.
    pub holds: bool,
    /// What it says, and what was asked, in words.
    pub words: String,
}

/// Why the subject has a role, or has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleReason {
    /// The role.
    pub role: Role,
    /// Whether the subject has it under this route.
    pub counts: bool,
    /// Why, in words.
    pub words: String,
}

/// What a tool gets, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolReason {
    /// The tool.
    pub tool: ToolName,
    /// What comes of it all.
    pub cell: Cell,
    /// Whether the route denies it, whatever gives it.
    pub denied: bool,
    /// Each grant that gives it.
    pub grants: Vec<Given>,
}

/// One grant that gives a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Who gives it.
    pub source: GrantSource,
    /// Where that is written.
    pub place: Place,
    /// Whether it asks for an approval. Where one grant does, an approval is needed.
    pub with_approval: bool,
    /// Why a tool that writes needs no approval, where this grant says so.
    pub reason: Option<String>,
    /// What this grant binds its calls by, in words. Where one grant binds by nothing, nothing binds.
    pub caveats: Vec<String>,
}

impl Policy {
    /// Answers a question step by step.
    pub fn explain(&self, question: &Question) -> Explanation {
        let answer = self.decide(&question.request());
        let Some(rule) = self.route(&question.route) else {
            return Explanation {
                place: None,
                conditions: vec![Condition {
                    refusal: PolicyRefusal::RouteUnknown,
                    holds: false,
                    words: format!("there is no route `{}`", question.route),
                }],
                answer,
                roles: Vec::new(),
                tools: Vec::new(),
            };
        };
        Explanation {
            place: Some(rule.place().clone()),
            conditions: self.conditions(question, rule),
            answer,
            roles: self.role_reasons(question, rule),
            tools: self.tool_reasons(question, rule),
        }
    }

    fn conditions(&self, question: &Question, rule: &RouteRule) -> Vec<Condition> {
        let known = self.client(&question.client);
        let mut conditions = Vec::new();
        let mut say = |refusal, holds, words: String| {
            conditions.push(Condition {
                refusal,
                holds,
                words,
            });
        };
        say(
            PolicyRefusal::RouteUnknown,
            true,
            format!("route `{}` is at {}", question.route, rule.place()),
        );
        let client = match known {
            Some(_) => format!("client `{}`", question.client),
            None => format!("client `{}`, which no file declares", question.client),
        };
        say(
            PolicyRefusal::ClientNotAllowed,
            known.is_some() && rule.admits_client(&question.client),
            format!("{client}; the route is for {}", listed(rule.clients())),
        );
        let environments = rule
            .environments()
            .map_or_else(|| "every environment".to_owned(), listed);
        say(
            PolicyRefusal::EnvironmentNotAllowed,
            rule.admits_environment(&question.environment),
            format!(
                "environment `{}`; the route is for {environments}",
                question.environment
            ),
        );
        let tenants = match rule.tenants() {
            Tenants::Any => "every tenant".to_owned(),
            Tenants::Only(tenants) => listed(tenants),
        };
        say(
            PolicyRefusal::TenantNotAllowed,
            rule.admits_tenant(&question.tenant),
            format!("tenant `{}`; the route is for {tenants}", question.tenant),
        );
        let (subject, proven) = (&question.subject, question.verified.is_some());
        let is = if proven {
            "proved itself"
        } else {
            "did not prove itself"
        };
        let asks = if rule.verified() {
            "asks for it"
        } else {
            "does not ask for it"
        };
        say(
            PolicyRefusal::SubjectUnverified,
            proven || !rule.verified(),
            format!("subject `{subject}` {is}; the route {asks}"),
        );
        let of_client = known.map_or_else(
            || "nobody".to_owned(),
            |client| format!("`{}`", client.actors()),
        );
        say(
            PolicyRefusal::ActorNotAllowed,
            rule.admits_actor(&question.actor)
                && known.is_none_or(|client| client.admits_actor(&question.actor)),
            format!(
                "agent `{}`; the route is for `{}`, the client may name {of_client}",
                question.actor,
                rule.actors()
            ),
        );
        self.asked_for(question, rule, &mut say);
        conditions
    }

    /// The conditions on what is asked for: tools and a life.
    fn asked_for(
        &self,
        question: &Question,
        rule: &RouteRule,
        say: &mut impl FnMut(PolicyRefusal, bool, String),
    ) {
        let (outright, withheld) = self.grants_of(rule, question.verified.as_ref()).tools();
        let given = |tool: &&ToolName| outright.contains(*tool) || withheld.contains(*tool);
        if let Some(wanted) = &question.tools {
            let lacking: Vec<&ToolName> = wanted.iter().filter(|tool| !given(tool)).collect();
            let words = match lacking.is_empty() {
                true => "every tool asked for is given".to_owned(),
                false => format!("asked for and not given: {}", listed(lacking)),
            };
            let holds = wanted.iter().all(|tool| given(&tool));
            say(PolicyRefusal::ToolNotInRoute, holds, words);
        }
        let left = match &question.tools {
            Some(wanted) => wanted.iter().filter(given).collect::<BTreeSet<_>>().len(),
            None => outright.len().saturating_add(withheld.len()),
        };
        say(
            PolicyRefusal::ToolsEmpty,
            left > 0,
            format!("{left} {}", if left == 1 { "tool" } else { "tools" }),
        );
        if let Some(ttl) = question.ttl {
            let (asked, most) = (ttl.as_secs(), rule.ttl().as_secs());
            say(
                PolicyRefusal::TtlTooLong,
                ttl <= rule.ttl(),
                format!("a life of {asked} s; the route's is {most} s"),
            );
            say(
                PolicyRefusal::TtlTooShort,
                asked >= crate::TTL_SECONDS_MIN,
                format!("a life of at least {} s", crate::TTL_SECONDS_MIN),
            );
        }
    }

    fn role_reasons(&self, question: &Question, rule: &RouteRule) -> Vec<RoleReason> {
        let none = BTreeSet::new();
        let proven = question.verified.as_ref().map_or(&none, |it| &it.roles);
        let admitted = |role: &Role| proven.contains(role) && rule.subject_roles().contains(role);
        let counts = self.grants_of(rule, question.verified.as_ref());
        let counts = counts.roles();
        let all: BTreeSet<&Role> = counts.iter().chain(proven).collect();
        let because = |role: &Role| -> String {
            if rule.roles().contains(role) {
                return "the route gives it to every subject".to_owned();
            }
            if admitted(role) {
                return "the subject's token says it, and the route admits it".to_owned();
            }
            let of = |other: &&Role| {
                let includes = self.role(other).map(|rule| rule.includes());
                *other != role && includes.is_some_and(|roles| roles.contains(role))
            };
            match counts.iter().filter(of).collect::<Vec<_>>() {
                none if none.is_empty() => {
                    "the subject's token says it, and the route does not admit it".to_owned()
                }
                including => format!("included in {}", listed(including)),
            }
        };
        all.into_iter()
            .map(|role| RoleReason {
                role: role.clone(),
                counts: counts.contains(role),
                words: because(role),
            })
            .collect()
    }

    fn tool_reasons(&self, question: &Question, rule: &RouteRule) -> Vec<ToolReason> {
        let grants = self.grants(rule, question.verified.as_ref());
        let place = |source: &GrantSource| match source {
            GrantSource::Role(role) => self.role(role).map_or(rule.place(), |role| role.place()),
            GrantSource::Route => rule.place(),
        };
        let given = |(source, grant): &(GrantSource, &GrantRule), tool: &ToolName| Given {
            source: source.clone(),
            place: place(source).clone(),
            with_approval: grant.require_approval().contains(tool),
            reason: grant.without_approval().get(tool).cloned(),
            caveats: grant.rules_for(tool).map(ToString::to_string).collect(),
        };
        let wanted = |tool: &&ToolName| {
            let tools = question.tools.as_ref();
            tools.is_none_or(|wanted| wanted.contains(tool))
        };
        let tools = self.tools().map(|(tool, _)| tool).filter(wanted);
        tools
            .map(|tool| {
                let giving = grants.iter().filter(|(_, grant)| grant.names(tool));
                let grants: Vec<Given> = giving.map(|it| given(it, tool)).collect();
                let denied = rule.deny().contains(tool);
                ToolReason {
                    tool: tool.clone(),
                    cell: cell(&grants, denied),
                    denied,
                    grants,
                }
            })
            .collect()
    }
}

fn cell(grants: &[Given], denied: bool) -> Cell {
    if denied || grants.is_empty() {
        return Cell::No;
    }
    let bound = grants.iter().all(|given| !given.caveats.is_empty());
    match (grants.iter().any(|given| given.with_approval), bound) {
        (false, false) => Cell::Allow,
        (false, true) => Cell::AllowBound,
        (true, false) => Cell::Approval,
        (true, true) => Cell::ApprovalBound,
    }
}

fn listed<T: std::fmt::Display>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.is_empty() {
        true => "nobody".to_owned(),
        false => names.join(", "),
    }
}
