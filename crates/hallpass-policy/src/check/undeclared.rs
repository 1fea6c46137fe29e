//! What a policy of release 0.1.0 leaves undeclared: it had neither `[clients]` nor `[roles]`, and its routes named them all.

use std::collections::{BTreeMap, BTreeSet};

use hallpass_vocabulary::{ClientId, Role, Route};
use toml::Spanned;

use super::entries::Entry;
use super::reader::Reader;
use crate::client::ClientRule;
use crate::document::RouteSection;
use crate::effective::Roles;
use crate::grant::GrantRule;
use crate::pattern::Pattern;
use crate::place::Place;
use crate::role::RoleRule;

type Clients = BTreeMap<ClientId, ClientRule>;
type Entries = [Entry<Route, RouteSection>];

/// What stands where a declaration would have its summary.
const SUMMARY: &str = "Not declared; a route names it";

/// The clients that routes name where no file declares any, and the rule of all that fit a pattern of a route. `None` where
/// some file declares one, or no route names any.
pub(super) fn clients(
    readers: &[Reader<'_>],
    routes: &Entries,
    declared: &mut Clients,
) -> Option<ClientRule> {
    if !declared.is_empty() {
        return None;
    }
    let mut places: Vec<Place> = Vec::new();
    for (place, name) in named(readers, routes, |section| &section.clients) {
        if let Ok(client) = ClientId::new(name) {
            let rule = declared.entry(client);
            rule.or_insert_with(|| rule_at(place.clone()));
        }
        places.push(place);
    }
    places.into_iter().min().map(rule_at)
}

/// The roles that routes give where no file declares any: names without grants, and where the first stands. `None` as above.
pub(super) fn roles(
    readers: &[Reader<'_>],
    routes: &Entries,
    declared: &mut Roles,
) -> Option<Place> {
    if !declared.is_empty() {
        return None;
    }
    let mut places: Vec<Place> = Vec::new();
    for (place, role) in named(readers, routes, |section| &section.roles) {
        let rule = declared.entry(role.clone());
        rule.or_insert_with(|| role_at(role, place.clone()));
        places.push(place);
    }
    places.into_iter().min()
}

fn named<'e, T: 'e>(
    readers: &'e [Reader<'_>],
    routes: &'e Entries,
    of: impl Fn(&RouteSection) -> &Vec<Spanned<T>> + 'e,
) -> impl Iterator<Item = (Place, &'e T)> {
    routes.iter().flat_map(move |entry| {
        let reader = readers.get(entry.file);
        let listed = reader.map(|reader| (reader, of(&entry.section)));
        listed.into_iter().flat_map(|(reader, listed)| {
            let each = listed.iter();
            each.map(|written| (reader.place(written.span()), written.get_ref()))
        })
    })
}

fn rule_at(place: Place) -> ClientRule {
    ClientRule {
        place,
        summary: SUMMARY.to_owned(),
        actors: Pattern::Prefix("agent:".to_owned()),
        mints_per_minute: None,
        workload: None,
    }
}

fn role_at(role: &Role, place: Place) -> RoleRule {
    RoleRule {
        place,
        summary: SUMMARY.to_owned(),
        includes: BTreeSet::new(),
        all: BTreeSet::from([role.clone()]),
        grant: GrantRule::default(),
    }
}
