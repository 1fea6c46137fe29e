//! What a policy that holds together should be asked about again.

use std::collections::BTreeSet;

use hallpass_vocabulary::{ProofRule, Route, ToolName};

use super::approval_arguments;
use crate::effective::Grants;
use crate::issuer::Vouches;
use crate::pattern::Pattern;
use crate::place::Place;
use crate::policy::Policy;
use crate::route::{RouteRule, Tenants};
use crate::warning::{Concern, Unusable, Warning};

/// What a route may come to, over the roles its subjects may have.
struct Reach {
    usable: Result<(), Unusable>,
    /// Callable without an approval by somebody.
    free: BTreeSet<ToolName>,
    /// Callable only with one by somebody.
    withheld: BTreeSet<ToolName>,
}

/// All warnings, in the order of the files.
pub(super) fn of(policy: &Policy, unnamed_schemas: Vec<Place>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut callable = BTreeSet::new();
    let mut withheld = BTreeSet::new();
    for (route, rule) in policy.routes() {
        let reach = reach(policy, rule);
        of_route(policy, route, rule, &reach, &mut warnings);
        if reach.usable.is_ok() {
            callable.extend(reach.free);
            callable.extend(reach.withheld.iter().cloned());
        }
        withheld.extend(reach.withheld);
    }
    let mut warn = |place: &Place, concern| {
        let place = place.clone();
        warnings.push(Warning { place, concern });
    };
    for (tool, rule) in policy.tools() {
        if !callable.contains(tool) {
            warn(&rule.place, Concern::ToolUnused(tool.clone()));
        }
        if withheld.contains(tool) {
            for concern in approval_arguments::concerns(tool, rule) {
                warn(&rule.place, concern);
            }
        }
    }
    for (role, rule) in policy.roles() {
        let mut routes = policy.routes().map(|(_, rule)| rule);
        if !routes.any(|route| {
            let grants = Grants::of(&route.written, route.subject_roles(), &policy.roles);
            grants.roles().contains(role)
        }) {
            warn(&rule.place, Concern::RoleUnused(role.clone()));
        }
        for tool in rule.grant.without_approval.keys() {
            let (by, tool) = (format!("role `{role}`"), tool.clone());
            warn(&rule.place, Concern::WriteWaived { by, tool });
        }
    }
    for (client, rule) in policy.clients() {
        let mut routes = policy.routes().map(|(_, rule)| rule);
        if !routes.any(|route| route.admits_client(client)) {
            warn(&rule.place, Concern::ClientUnused(client.clone()));
        }
    }
    if let Some(rule) = &policy.clients_by_route {
        warn(&rule.place, Concern::ClientsUndeclared);
    }
    if let Some(place) = &policy.roles_by_route {
        warn(place, Concern::RolesUndeclared);
    }
    for place in unnamed_schemas {
        warn(&place, Concern::SchemaUnused);
    }
    warnings.sort_by(|a, b| a.place.cmp(&b.place));
    warnings
}

fn reach(policy: &Policy, rule: &RouteRule) -> Reach {
    let mut reach = Reach {
        usable: usable(policy, rule),
        free: rule.tools().clone(),
        withheld: rule.needs_approval().clone(),
    };
    for role in rule.subject_roles() {
        let (free, withheld) = Grants::of(&rule.written, [role], &policy.roles).tools();
        reach.free.extend(free);
        reach.withheld.extend(withheld);
    }
    reach
}

fn usable(policy: &Policy, rule: &RouteRule) -> Result<(), Unusable> {
    if rule.clients().is_empty() {
        return Err(Unusable::Clients);
    }
    if *rule.tenants() == Tenants::Only(BTreeSet::new()) {
        return Err(Unusable::Tenants);
    }
    if rule.environments().is_some_and(BTreeSet::is_empty) {
        return Err(Unusable::Environments);
    }
    // Where none is declared, each may name any agent.
    let mut clients = policy.clients();
    if policy.declares_clients()
        && !clients.any(|(client, known)| {
            rule.admits_client(client) && rule.actors().overlaps(known.actors())
        })
    {
        return Err(Unusable::Actors);
    }
    let mut issuers = policy.issuers();
    if rule.verified() && !issuers.any(|(_, issuer)| issuer.vouches_for(Vouches::Subjects)) {
        return Err(Unusable::Issuers);
    }
    Ok(())
}

fn of_route(
    policy: &Policy,
    route: &Route,
    rule: &RouteRule,
    reach: &Reach,
    warnings: &mut Vec<Warning>,
) {
    let mut warn = |concern| {
        let place = rule.place().clone();
        warnings.push(Warning { place, concern });
    };
    if rule.clients().iter().any(Pattern::matches_everything) {
        warn(Concern::AnyClient(route.clone()));
    }
    if *rule.tenants() == Tenants::Any {
        warn(Concern::AnyTenant(route.clone()));
    }
    if let Err(why) = reach.usable {
        warn(Concern::RouteUnusable(route.clone(), why));
    }
    if reach.free.is_empty() && reach.withheld.is_empty() {
        warn(Concern::RouteWithoutTools(route.clone()));
    }
    for tool in rule.deny() {
        if rule.grant().names(tool) {
            let (route, tool) = (route.clone(), tool.clone());
            warn(Concern::DeniedAndGiven { route, tool });
        }
    }
    for tool in rule.waived_writes().keys() {
        if reach.free.contains(tool) {
            let (by, tool) = (format!("route `{route}`"), tool.clone());
            warn(Concern::WriteWaived { by, tool });
        }
    }
    let writes = |tool: &&ToolName| policy.tool(tool).is_some_and(|rule| rule.writes());
    let mut all = reach.free.iter().chain(&reach.withheld);
    if rule.proof() == ProofRule::Waived && all.any(|tool| writes(&tool)) {
        warn(Concern::ProofWaived(route.clone()));
    }
    // What reads changes nothing an approval is asked for.
    let thing = |tool: &ToolName| policy.tool(tool).map(|rule| rule.acts_on());
    for tool in reach.free.iter().filter(writes) {
        let mut withheld = reach.withheld.iter().filter(|other| *other != tool);
        let Some(other) = withheld.find(|other| thing(other) == thing(tool)) else {
            continue;
        };
        warn(Concern::ApprovalSidestepped {
            route: route.clone(),
            tool: tool.clone(),
            withheld: other.clone(),
            thing: thing(tool).unwrap_or_default().to_owned(),
        });
    }
}
