//! The roles: their grants, and what they include over all steps.

use std::collections::{BTreeMap, BTreeSet};

use hallpass_vocabulary::Role;
use toml::Spanned;

use super::entries::Entry;
use super::grant::{self, GrantSection};
use super::reader::Reader;
use crate::document::RoleSection;
use crate::effective::{Roles, Tools};
use crate::fault::Fault;
use crate::role::RoleRule;
use crate::{INCLUDE_DEPTH_MAX, ROLES_PER_ROUTE_MAX};

type Includes = BTreeMap<Role, BTreeSet<Role>>;

/// The rules of all roles.
pub(super) fn rules(
    readers: &mut [Reader<'_>],
    entries: Vec<Entry<Role, RoleSection>>,
    tools: &Tools,
) -> Roles {
    let names: BTreeSet<Role> = entries.iter().map(|e| e.name.get_ref().clone()).collect();
    let mut includes = Includes::new();
    for Entry {
        file,
        name,
        section,
    } in &entries
    {
        if let Some(reader) = readers.get_mut(*file) {
            let included = listed(reader, &section.includes, &names);
            includes.insert(name.get_ref().clone(), included);
        }
    }
    let mut roles = Roles::new();
    for Entry {
        file,
        name,
        section,
    } in entries
    {
        let Some(reader) = readers.get_mut(file) else {
            continue;
        };
        let written = GrantSection {
            section: format!("roles.{}", name.get_ref()),
            allow: &section.allow,
            require_approval: &section.require_approval,
            without_approval: &section.without_approval,
            caveats: &section.caveats,
        };
        let rule = RoleRule {
            place: reader.place(name.span()),
            summary: reader.prose("summary", 1, &section.summary),
            includes: includes.get(name.get_ref()).cloned().unwrap_or_default(),
            all: all(reader, &name, &includes),
            grant: grant::rule(reader, &written, tools),
        };
        roles.insert(name.into_inner(), rule);
    }
    roles
}

/// Known roles, each once.
pub(super) fn listed(
    reader: &mut Reader<'_>,
    listed: &[Spanned<Role>],
    known: &BTreeSet<Role>,
) -> BTreeSet<Role> {
    for written in listed {
        let name = written.get_ref();
        if !known.contains(name) {
            let names = known.iter().map(Role::as_str);
            reader.unknown(written.span(), "role", name.as_str(), names);
        }
    }
    if let Some(first_too_many) = listed.get(ROLES_PER_ROUTE_MAX) {
        reader.fault(first_too_many.span(), Fault::RolesTooMany);
    }
    reader.each_once(listed)
}

/// A role and every role it includes, level by level. Ends at the depth that is allowed, so also in a circle.
fn all(reader: &mut Reader<'_>, name: &Spanned<Role>, includes: &Includes) -> BTreeSet<Role> {
    let start = name.get_ref();
    let mut all = BTreeSet::from([start.clone()]);
    let mut level = vec![start];
    for _ in 0..INCLUDE_DEPTH_MAX {
        let next: Vec<&Role> = level
            .into_iter()
            .filter_map(|role| includes.get(role))
            .flatten()
            .collect();
        if next.contains(&start) {
            reader.fault(name.span(), Fault::RoleCycle(start.clone()));
            return all;
        }
        level = next
            .into_iter()
            .filter(|role| all.insert((*role).clone()))
            .collect();
        if level.is_empty() {
            return all;
        }
    }
    let beyond = level
        .iter()
        .filter_map(|role| includes.get(*role))
        .flatten();
    if beyond.into_iter().any(|role| !all.contains(role)) {
        reader.fault(name.span(), Fault::IncludesTooDeep(start.clone()));
    }
    all
}
