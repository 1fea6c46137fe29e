//! One route: who, for which tenants, which tools, and the written reasons for what is waived.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hallpass_token::BudgetUnit;
use hallpass_token::limits::BUDGET_AMOUNT_MAX;
use hallpass_vocabulary::{ClientId, ProofRule, Role, Route, ToolName};
use toml::Spanned;

use super::combination;
use super::entries::Entry;
use super::grant::{self, GrantSection};
use super::largest::Largest;
use super::names;
use super::reader::Reader;
use super::role;
use crate::client::ClientRule;
use crate::document::{BudgetsSection, RouteSection};
use crate::effective::{Effective, Grants, Roles, Tools};
use crate::fault::Fault;
use crate::route::{RouteRule, RouteWritten};
use crate::{
    AUDIENCES_PER_ROUTE_MAX, REASON_CHARS_MIN, ROLES_PER_ROUTE_MAX, RUN_SECONDS_DEFAULT,
    RUN_SECONDS_MAX, TOOLS_PER_ROUTE_MAX, TTL_SECONDS_MAX, TTL_SECONDS_MIN,
};

/// What routes name.
pub(super) struct Known<'k> {
    /// Those that are declared; `None` where routes name them all.
    pub(super) clients: Option<&'k BTreeMap<ClientId, ClientRule>>,
    pub(super) roles: &'k Roles,
    pub(super) tools: &'k Tools,
    /// Always there: its names are of their form.
    pub(super) largest: Option<Largest>,
}

/// The rules of all routes.
pub(super) fn rules(
    readers: &mut [Reader<'_>],
    entries: Vec<Entry<Route, RouteSection>>,
    known: &Known<'_>,
) -> BTreeMap<Route, RouteRule> {
    let role_names: BTreeSet<Role> = known.roles.keys().cloned().collect();
    let mut routes = BTreeMap::new();
    for Entry {
        file,
        name,
        section,
    } in entries
    {
        let Some(reader) = readers.get_mut(file) else {
            continue;
        };
        let faults_before = reader.errors.len();
        let written = written(reader, &name, &section, known, &role_names);
        // What follows is about the whole, of which something may be missing.
        if reader.errors.len() > faults_before {
            continue;
        }
        if let Some(base) = whole(reader, &name, &section, &written, known) {
            let base = Arc::new(base);
            routes.insert(name.into_inner(), RouteRule { base, written });
        }
    }
    routes
}

fn written(
    reader: &mut Reader<'_>,
    name: &Spanned<Route>,
    section: &RouteSection,
    known: &Known<'_>,
    role_names: &BTreeSet<Role>,
) -> RouteWritten {
    let grant = GrantSection {
        section: format!("routes.\"{}\"", name.get_ref()),
        allow: &section.allow,
        require_approval: &section.require_approval,
        without_approval: &section.without_approval,
        caveats: &section.caveats,
    };
    let subject_roles = role::listed(reader, &section.subject_roles, role_names);
    let roles = role::listed(reader, &section.roles, role_names);
    for role in &section.subject_roles {
        if roles.contains(role.get_ref()) {
            reader.fault(role.span(), Fault::RoleGiven(role.get_ref().clone()));
        }
    }
    RouteWritten {
        place: reader.place(name.span()),
        summary: reader.prose("summary", 1, &section.summary),
        clients: names::clients(reader, &section.clients, known.clients),
        tenants: names::tenants(reader, &section.tenants),
        environments: section
            .environments
            .as_ref()
            .map(|listed| reader.each_once(listed)),
        actors: names::actors(reader, &section.actors),
        verified: section.verified,
        roles,
        subject_roles,
        grant: grant::rule(reader, &grant, known.tools),
        deny: grant::tools(reader, &section.deny, known.tools),
        ttl: ttl(reader, section),
        run_max: run_max(reader, section),
        budgets: budgets(reader, &section.budgets),
        proof: *section.proof.get_ref(),
        proof_waiver: proof_waiver(reader, section),
    }
}

/// What all grants come to, and that a token can hold it, whichever roles its subject has. The base, without any.
fn whole(
    reader: &mut Reader<'_>,
    name: &Spanned<Route>,
    section: &RouteSection,
    written: &RouteWritten,
    known: &Known<'_>,
) -> Option<Effective> {
    let at = name.span();
    let faults_before = reader.errors.len();
    let widest = Grants::of(written, &written.subject_roles, known.roles);
    if widest.roles().len() > ROLES_PER_ROUTE_MAX {
        reader.fault(at.clone(), Fault::RolesTooMany);
    }
    let (tools, needs_approval) = widest.tools();
    let all: BTreeSet<&ToolName> = tools.iter().chain(&needs_approval).collect();
    if all.len() > TOOLS_PER_ROUTE_MAX {
        reader.fault(at.clone(), Fault::ToolsTooMany);
    }
    let rules = || all.iter().filter_map(|tool| known.tools.get(*tool));
    let audiences: BTreeSet<_> = rules().map(|tool| &tool.audience).collect();
    if audiences.len() > AUDIENCES_PER_ROUTE_MAX {
        reader.fault(at.clone(), Fault::AudiencesTooMany);
    }
    let can_write = rules().any(|tool| tool.writes());
    strong_enough(reader, section, can_write, audiences.len() > 1);
    if reader.errors.len() > faults_before {
        return None;
    }
    if let Err(fault) = combination::check(name.get_ref(), written, known) {
        reader.fault(at, fault);
        return None;
    }
    let base = Grants::of(written, [], known.roles);
    let (tools, needs_approval) = base.tools();
    base.effective(tools, needs_approval, known.tools).ok()
}

/// Proofs are demanded where they matter, or somebody wrote why not.
fn strong_enough(
    reader: &mut Reader<'_>,
    section: &RouteSection,
    can_write: bool,
    several_services: bool,
) {
    let at = section.proof.span();
    match section.proof.get_ref() {
        ProofRule::Waived if section.waiver.is_none() && (can_write || several_services) => {
            reader.fault(at, Fault::ProofWaiverMissing);
        }
        ProofRule::Writes if several_services => reader.fault(at, Fault::ProofTooWeak),
        ProofRule::Waived | ProofRule::Writes | ProofRule::Always => {}
    }
}

fn proof_waiver(reader: &mut Reader<'_>, section: &RouteSection) -> Option<String> {
    let waiver = section.waiver.as_ref()?;
    if *section.proof.get_ref() != ProofRule::Waived {
        reader.fault(waiver.span(), Fault::ProofNotWaived);
    }
    Some(reader.prose("waiver", REASON_CHARS_MIN, waiver))
}

fn ttl(reader: &mut Reader<'_>, section: &RouteSection) -> Duration {
    let seconds = *section.ttl_seconds.get_ref();
    if !(TTL_SECONDS_MIN..=TTL_SECONDS_MAX).contains(&seconds) {
        reader.fault(section.ttl_seconds.span(), Fault::Ttl);
    }
    Duration::from_secs(seconds)
}

fn run_max(reader: &mut Reader<'_>, section: &RouteSection) -> Duration {
    let Some(written) = &section.run_max_seconds else {
        return Duration::from_secs(RUN_SECONDS_DEFAULT);
    };
    let seconds = *written.get_ref();
    if !(*section.ttl_seconds.get_ref()..=RUN_SECONDS_MAX).contains(&seconds) {
        reader.fault(written.span(), Fault::RunMax);
    }
    Duration::from_secs(seconds)
}

fn budgets(reader: &mut Reader<'_>, section: &BudgetsSection) -> BTreeMap<BudgetUnit, u64> {
    let written = [
        (BudgetUnit::Calls, &section.calls),
        (BudgetUnit::UsdMicros, &section.usd_micros),
    ];
    let mut budgets = BTreeMap::new();
    for (unit, amount) in written {
        let Some(amount) = amount else { continue };
        if !(1..=BUDGET_AMOUNT_MAX).contains(amount.get_ref()) {
            reader.fault(amount.span(), Fault::Budget(unit));
        }
        budgets.insert(unit, *amount.get_ref());
    }
    budgets
}
