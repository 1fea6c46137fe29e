//! One route: who, for which tenants, which tools, and the written reasons for what is waived.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hallpass_vocabulary::{
    Actor, ClientId, Impact, ProofRule, Role, Route, Tenant, Tool, ToolName,
};
use toml::Spanned;

use super::Reader;
use crate::document::RouteSection;
use crate::error::Fault;
use crate::nearest::nearest;
use crate::pattern::Pattern;
use crate::policy::{Grant, RouteRule, Tenants};
use crate::warning::Warning;
use crate::{
    AUDIENCES_PER_ROUTE_MAX, REASON_CHARS_MIN, ROLES_PER_ROUTE_MAX, TOOLS_PER_ROUTE_MAX,
    TTL_SECONDS_MAX, TTL_SECONDS_MIN,
};

type Tools = BTreeMap<ToolName, Tool>;

/// The rule of a route. What it returns after a fault is never used: the policy is refused whole.
pub(super) fn rule(
    reader: &mut Reader<'_>,
    name: &Spanned<Route>,
    section: &RouteSection,
    known: &Tools,
) -> RouteRule {
    let summary = reader.prose("summary", 1, &section.summary);
    if !(TTL_SECONDS_MIN..=TTL_SECONDS_MAX).contains(section.ttl_seconds.get_ref()) {
        reader.fault(section.ttl_seconds.span(), Fault::Ttl);
    }
    let allowed = tools(reader, &section.allow, known);
    let withheld = tools(reader, &section.require_approval, known);
    for tool in &section.require_approval {
        if allowed.contains_key(tool.get_ref()) {
            reader.fault(tool.span(), Fault::Overlap(tool.get_ref().clone()));
        }
    }
    if allowed.len() + withheld.len() > TOOLS_PER_ROUTE_MAX {
        reader.fault(name.span(), Fault::ToolsTooMany);
    }
    let waived_writes = waived_writes(reader, name, section, &allowed);
    let all = || allowed.values().chain(withheld.values());
    let audiences: BTreeSet<_> = all().map(|tool| tool.audience.clone()).collect();
    if audiences.len() > AUDIENCES_PER_ROUTE_MAX {
        reader.fault(name.span(), Fault::AudiencesTooMany);
    }
    if section.roles.len() > ROLES_PER_ROUTE_MAX {
        reader.fault(name.span(), Fault::RolesTooMany);
    }
    let can_write = all().any(|tool| tool.impact > Impact::Read);
    let proof_waiver = proof_waiver(reader, section, can_write, audiences.len() > 1);
    RouteRule {
        summary,
        clients: clients(reader, &section.clients),
        tenants: tenants(reader, &section.tenants),
        actors: actors(reader, &section.actors),
        ttl: Duration::from_secs(*section.ttl_seconds.get_ref()),
        grant: Arc::new(Grant {
            tools: allowed.into_keys().collect(),
            needs_approval: withheld.into_keys().collect(),
            audiences,
            roles: roles(reader, &section.roles),
            proof: *section.proof.get_ref(),
        }),
        waived_writes,
        proof_waiver,
    }
}

/// What is allowed in a route but probably not meant.
pub(super) fn warnings(route: &Route, rule: &RouteRule) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if rule.clients.iter().any(Pattern::matches_everything) {
        warnings.push(Warning::AnyClient(route.clone()));
    }
    if rule.tenants == Tenants::Any {
        warnings.push(Warning::AnyTenant(route.clone()));
    }
    if rule.clients.is_empty() || rule.tenants == Tenants::Only(BTreeSet::new()) {
        warnings.push(Warning::RouteUnusable(route.clone()));
    }
    if rule.tools().is_empty() && rule.needs_approval().is_empty() {
        warnings.push(Warning::RouteWithoutTools(route.clone()));
    }
    warnings
}

fn tools(reader: &mut Reader<'_>, listed: &[Spanned<ToolName>], known: &Tools) -> Tools {
    let mut found = Tools::new();
    for written in listed {
        let name = written.get_ref();
        let Some(tool) = known.get(name) else {
            let suggestion = nearest(name.as_str(), known.keys().map(ToolName::as_str));
            let written_name = name.clone();
            let fault = Fault::ToolUnknown {
                written: written_name,
                suggestion,
            };
            reader.fault(written.span(), fault);
            continue;
        };
        if found.insert(name.clone(), tool.clone()).is_some() {
            reader.fault(written.span(), Fault::ToolTwice(name.clone()));
        }
    }
    found
}

/// Every tool that writes and is allowed outright has a reason, and every reason has such a tool.
fn waived_writes(
    reader: &mut Reader<'_>,
    route: &Spanned<Route>,
    section: &RouteSection,
    allowed: &Tools,
) -> BTreeMap<ToolName, String> {
    let writes = |name: &ToolName| allowed.get(name).filter(|tool| tool.impact > Impact::Read);
    let mut reasons = BTreeMap::new();
    for (tool, reason) in &section.without_approval {
        let text = reader.prose("without_approval", REASON_CHARS_MIN, reason);
        if writes(tool.get_ref()).is_none() {
            let fault = Fault::WaiverWithoutWrite(tool.get_ref().clone());
            reader.fault(tool.span(), fault);
        }
        reasons.insert(tool.get_ref().clone(), text);
    }
    for listed in &section.allow {
        let Some(tool) = writes(listed.get_ref()) else {
            continue;
        };
        if !reasons.contains_key(listed.get_ref()) {
            let fault = Fault::WriteNeedsApproval {
                tool: tool.name.clone(),
                impact: tool.impact,
                route: route.get_ref().clone(),
            };
            reader.fault(listed.span(), fault);
        }
    }
    reasons
}

fn proof_waiver(
    reader: &mut Reader<'_>,
    section: &RouteSection,
    can_write: bool,
    several_services: bool,
) -> Option<String> {
    let waiver = section.waiver.as_ref();
    let at = section.proof.span();
    match section.proof.get_ref() {
        ProofRule::Waived if waiver.is_none() && (can_write || several_services) => {
            reader.fault(at, Fault::ProofWaiverMissing);
        }
        ProofRule::Writes if several_services => reader.fault(at, Fault::ProofTooWeak),
        ProofRule::Waived | ProofRule::Writes | ProofRule::Always => {}
    }
    let waiver = waiver?;
    if *section.proof.get_ref() != ProofRule::Waived {
        reader.fault(waiver.span(), Fault::ProofNotWaived);
    }
    Some(reader.prose("waiver", REASON_CHARS_MIN, waiver))
}

fn pattern(reader: &mut Reader<'_>, written: &Spanned<String>) -> Option<Pattern> {
    match Pattern::parse(written.get_ref()) {
        Ok(pattern) => Some(pattern),
        Err(source) => {
            let text = written.get_ref().clone();
            reader.fault(
                written.span(),
                Fault::Pattern {
                    written: text,
                    source,
                },
            );
            None
        }
    }
}

fn clients(reader: &mut Reader<'_>, listed: &[Spanned<String>]) -> Vec<Pattern> {
    let mut patterns = Vec::new();
    for written in listed {
        let Some(pattern) = pattern(reader, written) else {
            continue;
        };
        // A prefix that could start no client's name would match nothing, which is never what was meant.
        let (Pattern::Exact(name) | Pattern::Prefix(name)) = &pattern;
        if !pattern.matches_everything()
            && let Err(rule) = ClientId::new(name)
        {
            let fault = Fault::ClientInvalid {
                written: written.get_ref().clone(),
                rule: rule.to_string(),
            };
            reader.fault(written.span(), fault);
        }
        if patterns.contains(&pattern) {
            reader.fault(written.span(), Fault::EntryTwice(pattern.to_string()));
        }
        patterns.push(pattern);
    }
    patterns
}

fn tenants(reader: &mut Reader<'_>, listed: &[Spanned<String>]) -> Tenants {
    if let [only] = listed
        && only.get_ref() == "*"
    {
        return Tenants::Any;
    }
    let mut tenants = BTreeSet::new();
    for written in listed {
        if written.get_ref() == "*" {
            reader.fault(written.span(), Fault::TenantWildcardNotAlone);
            continue;
        }
        match Tenant::new(written.get_ref()) {
            Ok(tenant) => {
                if !tenants.insert(tenant) {
                    let fault = Fault::EntryTwice(written.get_ref().clone());
                    reader.fault(written.span(), fault);
                }
            }
            Err(rule) => {
                let fault = Fault::TenantInvalid {
                    written: written.get_ref().clone(),
                    rule: rule.to_string(),
                };
                reader.fault(written.span(), fault);
            }
        }
    }
    Tenants::Only(tenants)
}

fn actors(reader: &mut Reader<'_>, written: &Spanned<String>) -> Pattern {
    let Some(pattern) = pattern(reader, written) else {
        // Matches no actor; the policy is refused anyway.
        return Pattern::Exact(String::new());
    };
    let names_agents = match &pattern {
        Pattern::Exact(name) => Actor::new(name).is_ok(),
        Pattern::Prefix(start) => start == "agent:" || Actor::new(start).is_ok(),
    };
    if !names_agents {
        reader.fault(written.span(), Fault::ActorsNotAgents);
    }
    pattern
}

fn roles(reader: &mut Reader<'_>, listed: &[Spanned<Role>]) -> Vec<Role> {
    let mut roles = Vec::new();
    for written in listed {
        if roles.contains(written.get_ref()) {
            reader.fault(written.span(), Fault::RoleTwice(written.get_ref().clone()));
        } else {
            roles.push(written.get_ref().clone());
        }
    }
    roles
}
