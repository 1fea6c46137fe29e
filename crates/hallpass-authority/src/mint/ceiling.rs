//! What a run may say at most: what its first token said, or what the run that started it may say. No later token and no
//! child is wider in anything.

use std::collections::{BTreeMap, BTreeSet};

use hallpass_token::{BudgetUnit, Caveat};
use hallpass_vocabulary::{ProofRule, Role, Timestamp, ToolName};

use super::draft::Draft;

/// The most a token may say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ceiling {
    pub(super) tools: BTreeSet<ToolName>,
    pub(super) needs_approval: BTreeSet<ToolName>,
    pub(super) roles: BTreeSet<Role>,
    pub(super) proof: ProofRule,
    pub(super) caveats: Vec<Caveat>,
    pub(super) budgets: BTreeMap<BudgetUnit, u64>,
    pub(super) ends: Timestamp,
}

/// A tool is asked for by name that is above the ceiling: the index of it among those asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ToolAbove(pub(super) usize);

impl Ceiling {
    /// Brings a draft below. What is above is left out: tools, except where they are asked for by name. A tool that needs
    /// approvals below the ceiling needs them whatever the policy says now; of two budgets the smaller holds; caveats of
    /// both hold; no role is new; of two rules on proofs the stricter holds; and nothing outlives the run.
    pub(super) fn hold(
        &self,
        draft: Draft,
        asked: Option<&[ToolName]>,
    ) -> Result<Draft, ToolAbove> {
        let named =
            |tool: &ToolName| self.tools.contains(tool) || self.needs_approval.contains(tool);
        if let Some(above) = asked
            .unwrap_or_default()
            .iter()
            .position(|tool| !named(tool))
        {
            return Err(ToolAbove(above));
        }
        let mut held = draft;
        held.keep(named);
        let (free, approved) = held
            .tools
            .into_iter()
            .partition(|tool| self.tools.contains(tool));
        held.tools = free;
        held.needs_approval.extend::<BTreeSet<ToolName>>(approved);
        held.roles.retain(|role| self.roles.contains(role));
        held.proof = held.proof.max(self.proof);
        let mut caveats = self.caveats.clone();
        caveats.extend(
            held.caveats
                .into_iter()
                .filter(|caveat| !self.caveats.contains(caveat)),
        );
        held.caveats = caveats;
        for (unit, most) in &self.budgets {
            let amount = held.budgets.entry(*unit).or_insert(*most);
            *amount = (*amount).min(*most);
        }
        held.run_ends = held.run_ends.min(self.ends);
        held.expires = held.expires.min(held.run_ends);
        Ok(held)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tools(bits: u8, names: &[&str]) -> BTreeSet<ToolName> {
        names
            .iter()
            .enumerate()
            .filter(|(index, _)| bits & (1 << index) != 0)
            .map(|(_, name)| name.parse().unwrap())
            .collect()
    }

    const TOOLS: [&str; 6] = ["a.get", "b.get", "c.set", "d.set", "e.drop", "f.drop"];
    const PROOFS: [ProofRule; 3] = [ProofRule::Waived, ProofRule::Writes, ProofRule::Always];

    fn roles(bits: u8) -> BTreeSet<Role> {
        let names = ["one", "two", "three"];
        let given = |index: &usize| bits & (1 << index) != 0;
        (0..3)
            .filter(given)
            .map(|index| names[index].parse().unwrap())
            .collect()
    }

    const CAVEATS: [&str; 4] = [
        "only tools a.get, b.get, c.set",
        "/limit<=100",
        "for c.set: /priority one of low, normal",
        "at most 3 blocks",
    ];

    fn caveats(bits: u8) -> Vec<Caveat> {
        CAVEATS
            .iter()
            .enumerate()
            .filter(|(index, _)| bits & (1 << index) != 0)
            .map(|(_, words)| words.parse().unwrap())
            .collect()
    }

    fn budget() -> impl Strategy<Value = BTreeMap<BudgetUnit, u64>> {
        (prop::option::of(0..5_u64), prop::option::of(0..5_u64)).prop_map(|(calls, micros)| {
            let calls = calls.map(|amount| (BudgetUnit::Calls, amount));
            let micros = micros.map(|amount| (BudgetUnit::UsdMicros, amount));
            calls.into_iter().chain(micros).collect()
        })
    }

    prop_compose! {
        fn ceiling()(
            free in 0..64_u8, approved in 0..64_u8, of in 0..16_u8, budgets in budget(), ends in 1..5_000_i64,
        ) -> Ceiling {
            Ceiling {
                tools: tools(free, &TOOLS),
                needs_approval: tools(approved & !free, &TOOLS),
                roles: roles(of),
                proof: PROOFS[usize::from(of) % 3],
                caveats: caveats(of),
                budgets,
                ends: Timestamp::from_unix_ms(ends),
            }
        }
    }

    prop_compose! {
        fn draft()(
            free in 0..64_u8, approved in 0..64_u8, of in 0..16_u8, budgets in budget(), expires in 1..5_000_i64,
            run_ends in 1..5_000_i64,
        ) -> Draft {
            Draft {
                tools: tools(free, &TOOLS),
                needs_approval: tools(approved & !free, &TOOLS),
                roles: roles(free),
                proof: PROOFS[usize::from(approved) % 3],
                caveats: caveats(of),
                budgets,
                expires: Timestamp::from_unix_ms(expires),
                run_ends: Timestamp::from_unix_ms(run_ends),
            }
        }
    }

    fn contains_all(wide: &[Caveat], narrow: &[Caveat]) -> bool {
        narrow.iter().all(|caveat| wide.contains(caveat))
    }

    fn within(
        held: &Draft,
        (tools, needs_approval): (&BTreeSet<ToolName>, &BTreeSet<ToolName>),
    ) -> bool {
        let named: BTreeSet<_> = tools.union(needs_approval).cloned().collect();
        held.tools.is_subset(tools) && held.needs_approval.is_subset(&named)
    }

    proptest! {
        /// The law of renewals and of children, against both sides: the policy of now, and what the run may say.
        #[test]
        fn what_is_held_is_wider_than_neither_side_in_anything(draft in draft(), ceiling in ceiling()) {
            let held = ceiling.hold(draft.clone(), None).unwrap();
            for (side, caveats, budgets, ends) in [
                ((&ceiling.tools, &ceiling.needs_approval), &ceiling.caveats, &ceiling.budgets, ceiling.ends),
                ((&draft.tools, &draft.needs_approval), &draft.caveats, &draft.budgets, draft.expires),
            ] {
                prop_assert!(within(&held, side));
                prop_assert!(contains_all(&held.caveats, caveats));
                for (unit, most) in budgets {
                    prop_assert!(held.budgets.get(unit).is_some_and(|amount| amount <= most));
                }
                prop_assert!(held.expires <= ends);
            }
            prop_assert!(held.roles.is_subset(&ceiling.roles) && held.roles.is_subset(&draft.roles));
            prop_assert!(held.proof >= ceiling.proof && held.proof >= draft.proof);
            prop_assert!(held.tools.is_disjoint(&held.needs_approval));
            prop_assert!(held.expires <= held.run_ends && held.run_ends <= draft.run_ends);
            // And nothing is lost that both sides allow.
            for tool in draft.tools.intersection(&ceiling.tools) {
                prop_assert!(held.tools.contains(tool));
            }
        }

        /// A renewal of a renewal, a child of a child: what is held once holds for what is held under it.
        #[test]
        fn a_ceiling_of_what_was_held_is_no_higher(first in draft(), later in draft(), ceiling in ceiling()) {
            let held = ceiling.hold(first, None).unwrap();
            let next = Ceiling {
                tools: held.tools.clone(),
                needs_approval: held.needs_approval.clone(),
                roles: held.roles.clone(),
                proof: held.proof,
                caveats: held.caveats.clone(),
                budgets: held.budgets.clone(),
                ends: held.run_ends,
            };
            let under = next.hold(later, None).unwrap();
            prop_assert!(within(&under, (&ceiling.tools, &ceiling.needs_approval)));
            prop_assert!(contains_all(&under.caveats, &ceiling.caveats));
            prop_assert!(under.expires <= ceiling.ends);
            for (unit, most) in &ceiling.budgets {
                prop_assert!(under.budgets[unit] <= *most);
            }
        }
    }

    #[test]
    fn a_tool_above_is_left_out_unless_it_is_asked_for_by_name() {
        let ceiling = Ceiling {
            tools: tools(0b1, &TOOLS),
            needs_approval: tools(0b10, &TOOLS),
            roles: BTreeSet::new(),
            proof: ProofRule::Waived,
            caveats: Vec::new(),
            budgets: BTreeMap::new(),
            ends: Timestamp::from_unix_ms(9),
        };
        let draft = Draft {
            tools: tools(0b111, &TOOLS),
            needs_approval: BTreeSet::new(),
            roles: BTreeSet::new(),
            proof: ProofRule::Waived,
            caveats: Vec::new(),
            budgets: BTreeMap::new(),
            expires: Timestamp::from_unix_ms(5),
            run_ends: Timestamp::from_unix_ms(7),
        };
        let held = ceiling.hold(draft.clone(), None).unwrap();
        assert_eq!(held.tools, tools(0b1, &TOOLS));
        assert_eq!(held.needs_approval, tools(0b10, &TOOLS));
        let asked: Vec<ToolName> = ["a.get", "c.set"].map(|name| name.parse().unwrap()).into();
        assert_eq!(ceiling.hold(draft, Some(&asked)), Err(ToolAbove(1)));
    }
}
