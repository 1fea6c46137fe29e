//! The caveats of a token that several grants make: the union of the grants, each with its own caveats.
//!
//! For each tool, the alternatives are the caveats of each grant that gives it. One alternative without caveats frees the
//! tool. What all alternatives demand binds it as it stands; of the rest, one alternative must hold.

use std::collections::{BTreeMap, BTreeSet};

use hallpass_token::Caveat;
use hallpass_vocabulary::ToolName;

use crate::grant::{BoundCaveat, GrantRule};

/// Rules by their words.
type Rules<'g> = BTreeMap<&'g str, &'g BoundCaveat>;

/// Alternatives that no caveat says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unsayable {
    /// The tool they are for.
    pub(crate) tool: ToolName,
}

/// The caveats of a token with these tools, each for exactly the tools it binds, in an order of their own. More grants or
/// fewer tools never make them stricter for a tool.
pub(crate) fn caveats<'t>(
    grants: &[&GrantRule],
    tools: impl Iterator<Item = &'t ToolName>,
) -> Result<Vec<Caveat>, Unsayable> {
    let mut demanded: BTreeMap<&str, (&BoundCaveat, BTreeSet<ToolName>)> = BTreeMap::new();
    for tool in tools {
        let alternatives = alternatives(grants, tool);
        let Some((first, others)) = alternatives.split_first() else {
            continue;
        };
        let is_common = |rule: &str| others.iter().all(|other| other.contains_key(rule));
        for (rule, caveat) in first.iter().filter(|(rule, _)| is_common(rule)) {
            let (_, bound) = demanded.entry(rule).or_insert((caveat, BTreeSet::new()));
            bound.insert(tool.clone());
        }
        if !others.is_empty() {
            // ANY-OF: the one place that needs a caveat "either … or …". Until there is one, such a policy is refused.
            return Err(Unsayable { tool: tool.clone() });
        }
    }
    demanded
        .into_values()
        .map(|(caveat, bound)| for_tools(&caveat.caveat, bound))
        .collect()
}

/// What each grant that gives a tool demands. One that demands all that another does adds nothing, so it is left out.
fn alternatives<'g>(grants: &[&'g GrantRule], tool: &ToolName) -> Vec<Rules<'g>> {
    let mut alternatives: Vec<Rules<'g>> = Vec::new();
    let given = grants.iter().filter(|grant| grant.names(tool));
    for rules in given.map(|grant| rules_for(grant, tool)) {
        let demands =
            |more: &Rules<'_>, less: &Rules<'_>| less.keys().all(|rule| more.contains_key(rule));
        if alternatives.iter().any(|other| demands(&rules, other)) {
            continue;
        }
        alternatives.retain(|other| !demands(other, &rules));
        alternatives.push(rules);
    }
    alternatives
}

fn rules_for<'g>(grant: &'g GrantRule, tool: &ToolName) -> Rules<'g> {
    let bound = grant.caveats_for(tool);
    bound.map(|caveat| (&*caveat.rule, caveat)).collect()
}

fn for_tools(caveat: &Caveat, tools: BTreeSet<ToolName>) -> Result<Caveat, Unsayable> {
    let Some(first) = tools.first().cloned() else {
        return Ok(caveat.clone());
    };
    caveat
        .clone()
        .for_tools(tools)
        .map_err(|_| Unsayable { tool: first })
}
