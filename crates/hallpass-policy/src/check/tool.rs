//! The tools: what goes into the catalogue, and what is kept for people and later steps.

use std::collections::BTreeMap;

use hallpass_vocabulary::{Tool, ToolName};
use toml::Spanned;

use super::arguments;
use super::entries::Entry;
use super::reader::Reader;
use super::schema::{self, Schemas};
use crate::PREVIEW_CHARS_MAX;
use crate::document::ToolSection;
use crate::effective::Tools;
use crate::fault::Fault;
use crate::tool::{ToolLimits, ToolRule, Undo, noun};

/// The longest noun, in bytes: of the longest name of a tool.
const NOUN_BYTES_MAX: usize = 64;

/// The rules of all tools, and their entries in the catalogue.
pub(super) fn rules(
    readers: &mut [Reader<'_>],
    entries: &[Entry<ToolName, ToolSection>],
    schemas: &mut Schemas<'_>,
) -> (Tools, BTreeMap<ToolName, Tool>) {
    let mut tools = Tools::new();
    let mut catalogue = BTreeMap::new();
    let names: Vec<&str> = entries.iter().map(|e| e.name.get_ref().as_str()).collect();
    for Entry {
        file,
        name,
        section,
    } in entries
    {
        let Some(reader) = readers.get_mut(*file) else {
            continue;
        };
        let tool = name.get_ref();
        let rule = rule(reader, name, section, &names, schemas);
        let (recorded, sensitive) = arguments::named(reader, section);
        let entry = Tool {
            name: tool.clone(),
            audience: section.audience.clone(),
            impact: section.impact,
            recorded,
            sensitive,
        };
        catalogue.insert(tool.clone(), entry);
        tools.insert(tool.clone(), rule);
    }
    (tools, catalogue)
}

fn rule(
    reader: &mut Reader<'_>,
    name: &Spanned<ToolName>,
    section: &ToolSection,
    names: &[&str],
    schemas: &mut Schemas<'_>,
) -> ToolRule {
    let limits = &section.limits;
    ToolRule {
        place: reader.place(name.span()),
        audience: section.audience.clone(),
        impact: section.impact,
        summary: reader.prose("summary", 1, &section.summary),
        acts_on: match &section.acts_on {
            Some(written) => acts_on(reader, written),
            None => noun(name.get_ref()).to_owned(),
        },
        undo: section
            .undo
            .as_ref()
            .map(|written| undo(reader, written, names)),
        preview: section
            .preview
            .as_ref()
            .map(|written| preview(reader, written)),
        schema: section
            .schema
            .as_ref()
            .and_then(|written| schema::of(reader, written, schemas)),
        limits: ToolLimits {
            calls_per_minute: limits
                .calls_per_minute
                .as_ref()
                .map(|rate| reader.per_minute("calls_per_minute", rate)),
        },
    }
}

fn acts_on(reader: &mut Reader<'_>, written: &Spanned<String>) -> String {
    let noun = written.get_ref();
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    };
    if noun.len() > NOUN_BYTES_MAX || !noun.split('.').all(part) {
        reader.fault(written.span(), Fault::Noun);
    }
    noun.clone()
}

/// A text that has the form of a tool's name is one.
fn undo(reader: &mut Reader<'_>, written: &Spanned<String>, names: &[&str]) -> Undo {
    let Ok(tool) = written.get_ref().parse::<ToolName>() else {
        return Undo::Text(reader.prose("undo", 1, written));
    };
    if !names.contains(&tool.as_str()) {
        reader.unknown(written.span(), "tool", tool.as_str(), names.iter().copied());
    }
    Undo::Tool(tool)
}

fn preview(reader: &mut Reader<'_>, written: &Spanned<String>) -> String {
    let text = written.get_ref();
    let plain = |c: char| c == '\n' || !c.is_control();
    let chars = text.chars().count();
    if !(1..=PREVIEW_CHARS_MAX).contains(&chars) || !text.chars().all(plain) {
        reader.fault(written.span(), Fault::Preview);
    }
    text.clone()
}
