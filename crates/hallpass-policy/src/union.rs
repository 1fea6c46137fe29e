//! The caveats of a token that several grants make: the union of the grants, each with its own caveats.
//!
//! For each tool, the grants that give it are combined by [`Caveat::any_of`]: one without caveats frees the tool, what all of
//! them demand binds it as it stands, and of the rest one must hold.

use std::collections::{BTreeMap, BTreeSet};

use hallpass_token::{ArgumentRule, Caveat, InvalidArgumentCaveat, NameSet};
use hallpass_vocabulary::ToolName;

use crate::grant::GrantRule;

/// Grants of a tool whose caveats no caveats say together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unsayable {
    /// The tool.
    pub(crate) tool: ToolName,
    /// Why not.
    pub(crate) why: InvalidArgumentCaveat,
}

/// The caveats of a token with these tools, all of which some grant gives: each for exactly the tools it binds, sorted by the
/// words of what it demands.
pub(crate) fn caveats<'t>(
    grants: &[&GrantRule],
    tools: impl Iterator<Item = &'t ToolName>,
) -> Result<Vec<Caveat>, Unsayable> {
    if grants.iter().all(|grant| grant.caveats.is_empty()) {
        return Ok(Vec::new());
    }
    let mut demanded: BTreeMap<String, (ArgumentRule, BTreeSet<ToolName>)> = BTreeMap::new();
    for tool in tools {
        let given = grants.iter().filter(|grant| grant.names(tool));
        let rules = given.map(|grant| grant.rules_for(tool).cloned().collect());
        let unsayable = |why| Unsayable {
            tool: tool.clone(),
            why,
        };
        for caveat in Caveat::any_of(None, rules).map_err(unsayable)? {
            let Caveat::Argument(caveat) = caveat else {
                continue; // Never: rules on arguments make caveats on arguments.
            };
            let rule = caveat.rule();
            let known = demanded.entry(rule.to_string());
            let (_, bound) = known.or_insert_with(|| (rule, BTreeSet::new()));
            bound.insert(tool.clone());
        }
    }
    demanded
        .into_values()
        .map(|(rule, bound)| for_tools(rule, bound))
        .collect()
}

fn for_tools(rule: ArgumentRule, bound: BTreeSet<ToolName>) -> Result<Caveat, Unsayable> {
    let Some(tool) = bound.first().cloned() else {
        return Ok(Caveat::on_arguments(None, rule)); // Never: a tool brought the rule.
    };
    let tools = NameSet::new(bound).map_err(|_| Unsayable {
        tool,
        why: InvalidArgumentCaveat::Tools,
    })?;
    Ok(Caveat::on_arguments(Some(tools), rule))
}
