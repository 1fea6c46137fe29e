//! A tool as the policy describes it: what the catalogue has of it, and what people and later steps need to know.

use std::sync::Arc;

use hallpass_vocabulary::{Audience, Impact, ToolName};
use serde_json::Value;

use crate::place::Place;

/// One tool.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolRule {
    pub(crate) place: Place,
    pub(crate) audience: Audience,
    pub(crate) impact: Impact,
    pub(crate) summary: String,
    pub(crate) acts_on: String,
    pub(crate) undo: Option<Undo>,
    pub(crate) preview: Option<String>,
    pub(crate) schema: Option<Arc<Value>>,
    pub(crate) limits: ToolLimits,
}

/// How what a tool does is taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undo {
    /// In words.
    Text(String),
    /// By another tool.
    Tool(ToolName),
}

/// How often a tool may be called. Kept in the policy; nothing enforces it yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ToolLimits {
    pub(crate) calls_per_minute: Option<u32>,
}

impl ToolLimits {
    /// Calls a minute.
    pub fn calls_per_minute(&self) -> Option<u32> {
        self.calls_per_minute
    }
}

impl ToolRule {
    /// The service that has it.
    pub fn audience(&self) -> &Audience {
        &self.audience
    }

    /// What it does to the world.
    pub fn impact(&self) -> Impact {
        self.impact
    }

    /// Whether it changes anything.
    pub fn writes(&self) -> bool {
        self.impact > Impact::Read
    }

    /// What it does, in its author's words.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// The noun it acts on: of its name, where the policy does not say.
    pub fn acts_on(&self) -> &str {
        &self.acts_on
    }

    /// How what it does is taken back.
    pub fn undo(&self) -> Option<&Undo> {
        self.undo.as_ref()
    }

    /// The template of what an approver is shown.
    pub fn preview(&self) -> Option<&str> {
        self.preview.as_deref()
    }

    /// The JSON Schema of its arguments: an object.
    pub fn schema(&self) -> Option<&Arc<Value>> {
        self.schema.as_ref()
    }

    /// How often it may be called.
    pub fn limits(&self) -> ToolLimits {
        self.limits
    }

    /// Where it is written.
    pub fn place(&self) -> &Place {
        &self.place
    }
}

/// The noun of a tool's name: all but its verb.
pub(crate) fn noun(tool: &ToolName) -> &str {
    tool.as_str().rsplit_once('.').map_or("", |(noun, _)| noun)
}
