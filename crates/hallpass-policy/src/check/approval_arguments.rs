//! Whether an approver can judge the arguments of a tool, by its schema.

use hallpass_vocabulary::ToolName;
use serde_json::{Map, Value};

use crate::APPROVAL_ARGUMENTS_MAX;
use crate::tool::ToolRule;
use crate::warning::Concern;

/// How far references and alternatives are followed: a schema may refer to itself.
const STEPS_MAX: usize = 16;

/// What an approver could not judge. Nothing is said of a tool without a schema.
pub(super) fn concerns(tool: &ToolName, rule: &ToolRule) -> Vec<Concern> {
    let Some(schema) = rule.schema() else {
        return Vec::new();
    };
    let none = Map::new();
    let arguments = schema.get("properties").and_then(Value::as_object);
    let arguments = arguments.unwrap_or(&none);
    let mut concerns = Vec::new();
    if arguments.len() > APPROVAL_ARGUMENTS_MAX {
        concerns.push(Concern::ApprovalArgumentsMany {
            tool: tool.clone(),
            count: arguments.len(),
        });
    }
    for (argument, schema_of_it) in arguments {
        if may_be_any_object(schema_of_it, schema, STEPS_MAX) {
            concerns.push(Concern::ApprovalArgumentFree {
                tool: tool.clone(),
                argument: argument.escape_debug().to_string(),
            });
        }
    }
    concerns
}

/// Whether a value, or an element of it, may be an object with members the schema does not name. When in doubt it may.
fn may_be_any_object(schema: &Value, root: &Value, steps: usize) -> bool {
    let Some(steps) = steps.checked_sub(1) else {
        return true;
    };
    let Some(schema) = schema.as_object() else {
        return *schema != Value::Bool(false);
    };
    if schema.contains_key("const") || schema.contains_key("enum") {
        return false;
    }
    if let Some(reference) = schema.get("$ref") {
        let target = reference.as_str().and_then(|to| to.strip_prefix('#'));
        let target = target.and_then(|pointer| root.pointer(pointer));
        return target.is_none_or(|target| may_be_any_object(target, root, steps));
    }
    for alternatives in ["anyOf", "oneOf"] {
        if let Some(alternatives) = schema.get(alternatives).and_then(Value::as_array) {
            return alternatives
                .iter()
                .any(|schema| may_be_any_object(schema, root, steps));
        }
    }
    if let Some(all) = schema.get("allOf").and_then(Value::as_array) {
        return all
            .iter()
            .all(|schema| may_be_any_object(schema, root, steps));
    }
    let open_object = is_type(schema, "object") && !is_closed(schema, root, steps);
    let open_items = is_type(schema, "array")
        && schema
            .get("items")
            .is_none_or(|items| may_be_any_object(items, root, steps));
    open_object || open_items
}

/// Whether an object has the members its schema names, and no others, none of which may be any object itself.
fn is_closed(schema: &Map<String, Value>, root: &Value, steps: usize) -> bool {
    let members = schema.get("properties").and_then(Value::as_object);
    let no_others = schema
        .get("additionalProperties")
        .or_else(|| schema.get("unevaluatedProperties"))
        == Some(&Value::Bool(false));
    no_others
        && !schema.contains_key("patternProperties")
        && members
            .into_iter()
            .flatten()
            .all(|(_, member)| !may_be_any_object(member, root, steps))
}

/// Whether a value may be of this type; every type where the schema names none.
fn is_type(schema: &Map<String, Value>, name: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(one)) => one == name,
        Some(Value::Array(some)) => some.iter().any(|one| one == name),
        _ => true,
    }
}
