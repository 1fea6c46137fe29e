//! One grant: known tools, written reasons, and caveats on the arguments of its own tools.

use std::collections::{BTreeMap, BTreeSet};

use hallpass_token::{Caveat, NameSet};
use hallpass_vocabulary::ToolName;
use toml::Spanned;

use super::reader::Reader;
use crate::effective::Tools;
use crate::fault::Fault;
use crate::grant::{BoundCaveat, GrantRule};
use crate::nearest::nearest;
use crate::{CAVEATS_MAX, REASON_CHARS_MIN, TOOLS_PER_ROUTE_MAX};

/// A grant as it is written, in a route or in a role.
pub(super) struct GrantSection<'s> {
    /// The section, as it is written in front of `.without_approval`.
    pub(super) section: String,
    pub(super) allow: &'s [Spanned<ToolName>],
    pub(super) require_approval: &'s [Spanned<ToolName>],
    pub(super) without_approval: &'s BTreeMap<Spanned<ToolName>, Spanned<String>>,
    pub(super) caveats: &'s [Spanned<String>],
}

/// The rule of a grant. What it returns after a fault is never used: the policy is refused whole.
pub(super) fn rule(
    reader: &mut Reader<'_>,
    written: &GrantSection<'_>,
    known: &Tools,
) -> GrantRule {
    let allow = tools(reader, written.allow, known);
    let require_approval = tools(reader, written.require_approval, known);
    for tool in written.require_approval {
        if allow.contains(tool.get_ref()) {
            reader.fault(tool.span(), Fault::Overlap(tool.get_ref().clone()));
        }
    }
    let of_both = written.require_approval.iter().chain(written.allow);
    if allow.len() + require_approval.len() > TOOLS_PER_ROUTE_MAX
        && let Some(last) = of_both.max_by_key(|tool| tool.span().start)
    {
        reader.fault(last.span(), Fault::ToolsTooMany);
    }
    let mut grant = GrantRule {
        without_approval: without_approval(reader, written, &allow, known),
        allow,
        require_approval,
        caveats: Vec::new(),
    };
    grant.caveats = caveats(reader, written.caveats, &grant);
    grant
}

/// Known tools, each once.
pub(super) fn tools(
    reader: &mut Reader<'_>,
    listed: &[Spanned<ToolName>],
    known: &Tools,
) -> BTreeSet<ToolName> {
    for written in listed {
        let name = written.get_ref();
        if !known.contains_key(name) {
            let names = known.keys().map(ToolName::as_str);
            reader.unknown(written.span(), "tool", name.as_str(), names);
        }
    }
    reader.each_once(listed)
}

/// Every tool that writes and is allowed outright has a reason, and every reason has such a tool.
fn without_approval(
    reader: &mut Reader<'_>,
    written: &GrantSection<'_>,
    allow: &BTreeSet<ToolName>,
    known: &Tools,
) -> BTreeMap<ToolName, String> {
    let writes = |name: &ToolName| known.get(name).filter(|tool| tool.writes());
    let mut reasons = BTreeMap::new();
    for (tool, reason) in written.without_approval {
        let text = reader.prose("without_approval", REASON_CHARS_MIN, reason);
        let name = tool.get_ref();
        if !allow.contains(name) || writes(name).is_none() {
            reader.fault(tool.span(), Fault::WaiverWithoutWrite(name.clone()));
        }
        reasons.insert(name.clone(), text);
    }
    for listed in written.allow {
        let Some(tool) = writes(listed.get_ref()) else {
            continue;
        };
        if !reasons.contains_key(listed.get_ref()) {
            let fault = Fault::WriteNeedsApproval {
                tool: listed.get_ref().clone(),
                impact: tool.impact,
                section: written.section.clone(),
            };
            reader.fault(listed.span(), fault);
        }
    }
    reasons
}

fn caveats(
    reader: &mut Reader<'_>,
    listed: &[Spanned<String>],
    grant: &GrantRule,
) -> Vec<BoundCaveat> {
    let mut caveats: Vec<BoundCaveat> = Vec::new();
    for (index, written) in listed.iter().enumerate() {
        if index == CAVEATS_MAX {
            let fault = Fault::TooMany {
                what: "caveats of one grant",
                max: CAVEATS_MAX,
            };
            reader.fault(written.span(), fault);
            break;
        }
        let Some(caveat) = caveat(reader, written, grant) else {
            continue;
        };
        if caveats.contains(&caveat) {
            let fault = Fault::EntryTwice(caveat.caveat.to_string());
            reader.fault(written.span(), fault);
        }
        caveats.push(caveat);
    }
    caveats
}

fn caveat(
    reader: &mut Reader<'_>,
    written: &Spanned<String>,
    grant: &GrantRule,
) -> Option<BoundCaveat> {
    let parsed: Caveat = match written.get_ref().parse() {
        Ok(caveat) => caveat,
        Err(error) => {
            reader.fault(written.span(), Fault::Caveat(error));
            return None;
        }
    };
    let Caveat::Argument(argument) = &parsed else {
        reader.fault(written.span(), Fault::CaveatNotOnArguments);
        return None;
    };
    let named = argument.tools();
    let tools: BTreeSet<ToolName> = match named {
        Some(named) => named.iter().cloned().collect(),
        None => grant.tools().cloned().collect(),
    };
    for tool in tools.iter().filter(|tool| !grant.names(tool)) {
        let given = grant.tools().map(ToolName::as_str);
        let fault = Fault::CaveatForeignTool {
            tool: tool.clone(),
            suggestion: nearest(tool.as_str(), given),
        };
        reader.fault(written.span(), fault);
    }
    let Ok(bound) = NameSet::new(tools.iter().cloned()) else {
        let fault = if tools.is_empty() {
            Fault::CaveatWithoutTools
        } else {
            Fault::ToolsTooMany
        };
        reader.fault(written.span(), fault);
        return None;
    };
    Some(BoundCaveat {
        rule: argument.rule(),
        caveat: Caveat::on_arguments(Some(bound), argument.rule()),
        tools,
    })
}
