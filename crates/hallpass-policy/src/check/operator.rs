//! The operators and the groups of them: whose each key is, and that every member is known.

use std::collections::{BTreeMap, BTreeSet};

use hallpass_keys::KeyId;
use hallpass_vocabulary::{GroupName, OperatorId};
use toml::Spanned;

use super::entries::Entry;
use super::reader::Reader;
use crate::document::{GroupSection, OperatorSection};
use crate::fault::Fault;
use crate::operator::{GroupRule, OperatorRule};
use crate::{KEYS_PER_OPERATOR_MAX, MEMBERS_PER_GROUP_MAX};

pub(super) type Operators = BTreeMap<OperatorId, OperatorRule>;
pub(super) type OperatorKeys = BTreeMap<KeyId, OperatorId>;

/// The rules of all operators, and whose each key is.
pub(super) fn rules(
    readers: &mut [Reader<'_>],
    entries: Vec<Entry<OperatorId, OperatorSection>>,
) -> (Operators, OperatorKeys) {
    let mut operators = Operators::new();
    let mut owners = OperatorKeys::new();
    for Entry {
        file,
        name,
        section,
    } in entries
    {
        let Some(reader) = readers.get_mut(file) else {
            continue;
        };
        let keys = reader.some_each_once("keys", &section.keys);
        too_many(
            reader,
            section.keys.get_ref(),
            "keys of one operator",
            KEYS_PER_OPERATOR_MAX,
        );
        for key in section.keys.get_ref() {
            let owner = name.get_ref().clone();
            let known = owners.insert(key.get_ref().id(), owner);
            if let Some(other) = known.filter(|other| other != name.get_ref()) {
                reader.fault(key.span(), Fault::OperatorKeyTwice(other));
            }
        }
        let rule = OperatorRule {
            place: reader.place(name.span()),
            roles: reader.some_each_once("roles", &section.roles),
            keys: keys.into_iter().collect(),
            person: section.person,
        };
        operators.insert(name.into_inner(), rule);
    }
    (operators, owners)
}

/// The rules of all groups.
pub(super) fn groups(
    readers: &mut [Reader<'_>],
    entries: Vec<Entry<GroupName, GroupSection>>,
    operators: &Operators,
) -> BTreeMap<GroupName, GroupRule> {
    let mut groups = BTreeMap::new();
    for Entry {
        file,
        name,
        section,
    } in entries
    {
        let Some(reader) = readers.get_mut(file) else {
            continue;
        };
        let rule = GroupRule {
            place: reader.place(name.span()),
            summary: reader.prose("summary", 1, &section.summary),
            members: members(reader, &section.members, operators),
        };
        groups.insert(name.into_inner(), rule);
    }
    groups
}

fn members(
    reader: &mut Reader<'_>,
    listed: &Spanned<Vec<Spanned<OperatorId>>>,
    operators: &Operators,
) -> BTreeSet<OperatorId> {
    for member in listed.get_ref() {
        let name = member.get_ref();
        if !operators.contains_key(name) {
            let known = operators.keys().map(OperatorId::as_str);
            reader.unknown(member.span(), "operator", name.as_str(), known);
        }
    }
    too_many(
        reader,
        listed.get_ref(),
        "members of one group",
        MEMBERS_PER_GROUP_MAX,
    );
    reader.some_each_once("members", listed)
}

fn too_many<T>(reader: &mut Reader<'_>, listed: &[Spanned<T>], what: &'static str, max: usize) {
    if let Some(first_too_many) = listed.get(max) {
        reader.fault(first_too_many.span(), Fault::TooMany { what, max });
    }
}
