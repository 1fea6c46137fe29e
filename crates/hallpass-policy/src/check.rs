//! From the files as written to a policy that holds together, collecting every fault on the way.

use hallpass_vocabulary::Catalogue;
use toml::Spanned;

use self::entries::{Kind, take};
use self::largest::Largest;
use self::reader::Reader;
use self::schema::Schemas;
use crate::document::Document;
use crate::error::{PolicyError, PolicyErrors};
use crate::fault::Fault;
use crate::files::PolicyFiles;
use crate::place::Place;
use crate::policy::Policy;
use crate::rates::Limits;
use crate::{
    CLIENTS_PER_POLICY_MAX, GROUPS_PER_POLICY_MAX, ISSUERS_PER_POLICY_MAX,
    OPERATORS_PER_POLICY_MAX, ROLES_PER_POLICY_MAX, ROUTES_PER_POLICY_MAX,
};

mod approval_arguments;
mod arguments;
mod client;
mod combination;
mod entries;
mod grant;
mod issuer;
mod largest;
mod names;
mod operator;
mod reader;
mod role;
mod route;
mod schema;
mod tool;
mod undeclared;
mod warnings;

const CLIENTS: Kind = kind("client", "clients", CLIENTS_PER_POLICY_MAX);
const GROUPS: Kind = kind("group", "groups", GROUPS_PER_POLICY_MAX);
const ISSUERS: Kind = kind("issuer", "issuers", ISSUERS_PER_POLICY_MAX);
const OPERATORS: Kind = kind("operator", "operators", OPERATORS_PER_POLICY_MAX);
const ROLES: Kind = kind("role", "roles", ROLES_PER_POLICY_MAX);
const ROUTES: Kind = kind("route", "routes", ROUTES_PER_POLICY_MAX);
const TOOLS: Kind = kind(
    "tool",
    "tools",
    hallpass_vocabulary::TOOLS_PER_CATALOGUE_MAX,
);

const fn kind(one: &'static str, many: &'static str, max: usize) -> Kind {
    Kind { one, many, max }
}

/// Checks the files together: what one defines, every other can name.
pub(crate) fn check(files: &PolicyFiles) -> Result<Policy, PolicyErrors> {
    let (documents, schemas) = files.sorted_out();
    let mut readers: Vec<Reader<'_>> = documents.into_iter().map(Reader::of).collect();
    let mut schema_readers: Vec<Reader<'_>> = schemas.into_iter().map(Reader::of).collect();
    let mut documents: Vec<Document> = readers.iter_mut().map(Reader::document).collect();
    let mut schemas = Schemas::read(&mut schema_readers);
    // What a file that cannot be read defines would be missing everywhere.
    let unread = readers.iter_mut().chain(&mut schema_readers);
    told(unread.flat_map(|reader| std::mem::take(&mut reader.errors)))?;

    let (readers_, documents_) = (&mut *readers, &mut *documents);
    let tools = take(readers_, documents_, &TOOLS, |d| &mut d.tools);
    let roles = take(readers_, documents_, &ROLES, |d| &mut d.roles);
    let issuers = take(readers_, documents_, &ISSUERS, |d| &mut d.issuers);
    let clients = take(readers_, documents_, &CLIENTS, |d| &mut d.clients);
    let operators = take(readers_, documents_, &OPERATORS, |d| &mut d.operators);
    let groups = take(readers_, documents_, &GROUPS, |d| &mut d.groups);
    let routes = take(readers_, documents_, &ROUTES, |d| &mut d.routes);

    let (tools, catalogue) = tool::rules(&mut readers, &tools, &mut schemas);
    let mut roles = role::rules(&mut readers, roles, &tools);
    let roles_by_route = undeclared::roles(&readers, &routes, &mut roles);
    let issuers = issuer::rules(&mut readers, issuers, &roles);
    let mut clients = client::rules(&mut readers, clients, &issuers);
    let clients_by_route = undeclared::clients(&readers, &routes, &mut clients);
    let (operators, operator_keys) = operator::rules(&mut readers, operators);
    let groups = operator::groups(&mut readers, groups, &operators);
    let known = route::Known {
        clients: clients_by_route.is_none().then_some(&clients),
        roles: &roles,
        tools: &tools,
        largest: Largest::new().ok(),
    };
    let routes = route::rules(&mut readers, routes, &known);
    let limits = limits(&mut readers, &documents);

    let unnamed: Vec<Place> = schemas.unnamed().map(first_line).collect();
    let catalogue = Catalogue::new(catalogue.into_values()).map_err(|error| PolicyError {
        place: first_line(files.iter().next().map_or("", |(name, _)| name)),
        fault: Fault::Catalogue(error),
    });
    told(readers.into_iter().flat_map(|reader| reader.errors))?;
    let mut policy = Policy {
        catalogue: catalogue.map_err(PolicyErrors::one)?,
        clients,
        clients_by_route,
        groups,
        issuers,
        limits,
        operators,
        operator_keys,
        roles,
        roles_by_route,
        routes,
        tools,
        warnings: Vec::new(),
        digest: files.digest(),
    };
    policy.warnings = warnings::of(&policy, unnamed);
    Ok(policy)
}

/// Everything that was wrong, by file and line.
fn told(errors: impl Iterator<Item = PolicyError>) -> Result<(), PolicyErrors> {
    let mut errors: Vec<PolicyError> = errors.collect();
    errors.sort_by(|a, b| a.place.cmp(&b.place));
    PolicyErrors::of(errors).map_or(Ok(()), Err)
}

fn first_line(file: &str) -> Place {
    Place {
        file: file.to_owned(),
        line: 1,
    }
}

/// One `[limits]` over all files.
fn limits(readers: &mut [Reader<'_>], documents: &[Document]) -> Limits {
    let mut limits = Limits::STANDARD;
    let mut first: Option<String> = None;
    for (reader, document) in readers.iter_mut().zip(documents) {
        let Some(section) = &document.limits else {
            continue;
        };
        if let Some(file) = &first {
            let file = file.clone();
            reader.fault(section.span(), Fault::LimitsTwice(file));
        }
        first = Some(reader.place(section.span()).file);
        let mut set = |limit: &mut u32, key, written: &Option<Spanned<u64>>| {
            if let Some(written) = written {
                *limit = reader.per_minute(key, written);
            }
        };
        let section = section.get_ref();
        set(
            &mut limits.client_mints_per_minute,
            "client_mints_per_minute",
            &section.client_mints_per_minute,
        );
        set(
            &mut limits.tenant_mints_per_minute,
            "tenant_mints_per_minute",
            &section.tenant_mints_per_minute,
        );
    }
    limits
}
