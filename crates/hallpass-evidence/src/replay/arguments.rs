//! What a token's caveats say to a call of which the record shows some arguments, and of all others a digest.

use std::borrow::Cow;

use hallpass_args::Arguments;
use hallpass_journal::Decided;
use hallpass_token::{ArgumentCaveat, ArgumentRule, CallFacts, Caveat};
use hallpass_vocabulary::{DenialCode, Pointer, ToolName};
use serde_json::{Map, Value};

/// What is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Satisfied {
    No(String),
    NotTold(String),
    Yes,
}

/// Whether a call that satisfied some caveats satisfies these as well.
pub(super) fn satisfied(
    decided: &Decided,
    tool: &ToolName,
    before: &[String],
    now: &[Caveat],
) -> Satisfied {
    let before = before
        .iter()
        .filter_map(|words| words.parse::<Caveat>().ok());
    let before: Vec<ArgumentRule> = before
        .filter_map(|caveat| for_tool(&caveat, tool).map(ArgumentCaveat::rule))
        .collect();
    let further = now.iter().filter_map(|caveat| for_tool(caveat, tool));
    // Caveats come before approvals and budgets.
    let after = [DenialCode::ApprovalRequired, DenialCode::BudgetExhausted];
    let passed = decided.code.is_none_or(|code| after.contains(&code));
    let mut not_told = None;
    for caveat in further {
        let rule = caveat.rule();
        if passed && before.iter().any(|more| more.demands(&rule)) {
            continue;
        }
        match shown(decided, &rule) {
            Some(arguments) => {
                let call = CallFacts {
                    now: hallpass_vocabulary::Timestamp::from_unix_ms(0),
                    audience: &decided.audience,
                    environment: &decided.env,
                    tool,
                    arguments: &arguments,
                };
                if caveat.unmet(&call).is_some() {
                    return Satisfied::No(format!("`{rule}` does not hold"));
                }
            }
            None => {
                not_told = Some(format!(
                    "`{rule}` is on arguments of which the record has a digest only"
                ));
            }
        }
    }
    not_told.map_or(Satisfied::Yes, Satisfied::NotTold)
}

fn for_tool<'c>(caveat: &'c Caveat, tool: &ToolName) -> Option<&'c ArgumentCaveat> {
    match caveat {
        Caveat::Argument(caveat) if caveat.is_for(tool) => Some(caveat),
        _ => None,
    }
}

/// The arguments a rule looks at, where the record shows all of them.
fn shown(decided: &Decided, rule: &ArgumentRule) -> Option<Arguments> {
    if looks_at_names(rule) {
        return None;
    }
    let mut members = Map::new();
    for pointer in rule.pointers() {
        let value = decided.args.get(pointer)?;
        put(&mut members, pointer, value)?;
    }
    Arguments::parse(Value::Object(members).to_string().as_bytes()).ok()
}

/// Which names there are is in no record.
fn looks_at_names(rule: &ArgumentRule) -> bool {
    match rule.alternatives() {
        Some(alternatives) => alternatives.iter().flatten().any(looks_at_names),
        None => rule.pointers().is_empty(),
    }
}

/// Puts a value where a pointer finds it. A number in a pointer may be a place in an array, so it is not told.
fn put(members: &mut Map<String, Value>, pointer: &Pointer, value: &Value) -> Option<()> {
    let names: Vec<Cow<'_, str>> = pointer.names().collect();
    let (last, before) = names.split_last()?;
    let is_number = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    if names.iter().any(|name| is_number(name)) {
        return None;
    }
    let mut here = members;
    for name in before {
        let inner = here
            .entry(name.as_ref())
            .or_insert_with(|| Value::Object(Map::new()));
        here = inner.as_object_mut()?;
    }
    here.insert(last.to_string(), value.clone());
    Some(())
}
