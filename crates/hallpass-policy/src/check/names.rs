//! Who a route is for: clients, tenants and agents, by name or by the start of one.

use std::collections::{BTreeMap, BTreeSet};

use hallpass_vocabulary::{Actor, ClientId, Tenant};
use toml::Spanned;

use super::reader::Reader;
use crate::CLIENTS_PER_ROUTE_MAX;
use crate::client::ClientRule;
use crate::fault::Fault;
use crate::pattern::Pattern;
use crate::route::Tenants;

/// The clients of a route, each of which some declared client fits; anything goes where none is declared.
pub(super) fn clients(
    reader: &mut Reader<'_>,
    listed: &[Spanned<String>],
    known: Option<&BTreeMap<ClientId, ClientRule>>,
) -> Vec<Pattern> {
    let mut patterns = Vec::new();
    for written in listed {
        if patterns.len() == CLIENTS_PER_ROUTE_MAX {
            let fault = Fault::TooMany {
                what: "clients of one route",
                max: CLIENTS_PER_ROUTE_MAX,
            };
            reader.fault(written.span(), fault);
            break;
        }
        let Some(pattern) = reader.pattern(written) else {
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
        } else if let Some(known) = known
            && !known.keys().any(|client| pattern.matches(client.as_str()))
        {
            let names = known.keys().map(ClientId::as_str);
            reader.unknown(written.span(), "client", written.get_ref(), names);
        }
        if patterns.contains(&pattern) {
            reader.fault(written.span(), Fault::EntryTwice(pattern.to_string()));
        }
        patterns.push(pattern);
    }
    patterns
}

/// The tenants of a route: every one, or these.
pub(super) fn tenants(reader: &mut Reader<'_>, listed: &[Spanned<String>]) -> Tenants {
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

/// The agents of a route or of a client.
pub(super) fn actors(reader: &mut Reader<'_>, written: &Spanned<String>) -> Pattern {
    let Some(pattern) = reader.pattern(written) else {
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
