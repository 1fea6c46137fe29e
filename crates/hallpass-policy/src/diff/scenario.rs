//! The roles that a subject's own token may give it under a route: each combination that can make a difference.

use std::collections::BTreeSet;

use hallpass_vocabulary::Role;

/// The most roles of which every combination is looked at.
const ROLES_COMBINED_MAX: usize = 6;

/// Combinations of these roles, smaller ones first, none among them.
///
/// With more than [`ROLES_COMBINED_MAX`] roles: none, each, each two, and all. What a tool needs is the strictest of what the
/// roles say and who may call it the widest, so a difference that three of them make shows with two of them.
pub(super) fn scenarios(roles: &BTreeSet<Role>) -> Vec<BTreeSet<Role>> {
    let roles: Vec<&Role> = roles.iter().collect();
    let mut all: Vec<BTreeSet<Role>> = vec![BTreeSet::new()];
    if roles.len() <= ROLES_COMBINED_MAX {
        for role in roles {
            let with: Vec<BTreeSet<Role>> = all
                .iter()
                .map(|some| some.iter().chain([role]).cloned().collect())
                .collect();
            all.extend(with);
        }
        all.sort_by_key(BTreeSet::len);
        return all;
    }
    for (index, one) in roles.iter().enumerate() {
        all.push([(*one).clone()].into());
        for other in roles.iter().skip(index + 1) {
            all.push([(*one).clone(), (*other).clone()].into());
        }
    }
    all.push(roles.into_iter().cloned().collect());
    all.sort_by_key(BTreeSet::len);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(count: usize) -> BTreeSet<Role> {
        (0..count)
            .map(|n| Role::new(&format!("r{n}")).unwrap())
            .collect()
    }

    #[test]
    fn few_roles_are_combined_in_every_way_and_many_by_two() {
        for (count, combinations) in [(0, 1), (1, 2), (3, 8), (6, 64), (7, 1 + 7 + 21 + 1)] {
            let found = scenarios(&roles(count));
            assert_eq!(found.len(), combinations, "{count}");
            let distinct: BTreeSet<_> = found.iter().collect();
            assert_eq!(distinct.len(), combinations, "{count}");
            assert!(found.first().unwrap().is_empty());
            assert!(found.is_sorted_by_key(BTreeSet::len));
        }
    }
}
