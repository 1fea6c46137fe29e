//! From the files as written to a policy that holds together, collecting every fault on the way.

use std::collections::BTreeMap;

use hallpass_vocabulary::{Catalogue, Route, Tool, ToolName};
use toml::Spanned;

use crate::document::{Document, ToolSection};
use crate::error::{Fault, PolicyError, PolicyErrors};
use crate::policy::RouteRule;
use crate::warning::Warning;
use crate::{
    POLICY_FILE_BYTES_MAX, POLICY_FILE_NAME_CHARS_MAX, PROSE_CHARS_MAX, ROUTES_PER_POLICY_MAX,
};

mod arguments;
mod route;

/// What [`check`] makes of the files.
pub(crate) struct Checked {
    pub(crate) catalogue: Catalogue,
    pub(crate) summaries: BTreeMap<ToolName, String>,
    pub(crate) routes: BTreeMap<Route, RouteRule>,
    pub(crate) warnings: Vec<Warning>,
}

/// One file and the faults found in it: turns places in the text into lines.
struct Reader<'a> {
    name: &'a str,
    text: &'a str,
    errors: Vec<PolicyError>,
}

impl Reader<'_> {
    fn fault(&mut self, at: std::ops::Range<usize>, fault: Fault) {
        let before = self.text.as_bytes().get(..at.start).unwrap_or_default();
        self.errors.push(PolicyError {
            // The name may be anything the file system takes.
            file: self.name.escape_debug().to_string(),
            line: 1 + before.iter().filter(|byte| **byte == b'\n').count(),
            fault,
        });
    }

    /// A summary or a reason: one line of words.
    fn prose(&mut self, key: &'static str, min: usize, written: &Spanned<String>) -> String {
        let text = written.get_ref().trim();
        let chars = text.chars().count();
        if chars < min || chars > PROSE_CHARS_MAX || text.chars().any(char::is_control) {
            self.fault(written.span(), Fault::Prose { key, min });
        }
        text.to_owned()
    }

    /// The digest names files one a line as `sha256sum *.toml` does: a line feed in a name could pass for a second file,
    /// and a hidden file is one that whoever recomputes the digest does not see.
    fn name(&mut self) {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        let first = self.name.bytes().next();
        if self.name.len() > POLICY_FILE_NAME_CHARS_MAX
            || !first.is_some_and(|byte| byte.is_ascii_alphanumeric())
            || !self.name.bytes().all(plain)
        {
            self.fault(0..0, Fault::FileName);
        }
    }

    fn document(&mut self) -> Option<Document> {
        self.name();
        if self.text.len() > POLICY_FILE_BYTES_MAX {
            self.fault(0..0, Fault::FileTooLarge);
            return None;
        }
        match toml::from_str(self.text) {
            Ok(document) => Some(document),
            Err(error) => {
                self.fault(
                    error.span().unwrap_or(0..0),
                    Fault::Form(error.message().to_owned()),
                );
                None
            }
        }
    }
}

/// Checks the files together. Tools of all files are known to the routes of each.
pub(crate) fn check(files: &[(&str, &str)]) -> Result<Checked, PolicyErrors> {
    let mut readers: Vec<Reader<'_>> = files
        .iter()
        .map(|(name, text)| Reader {
            name,
            text,
            errors: Vec::new(),
        })
        .collect();
    let documents: Vec<Option<Document>> = readers.iter_mut().map(Reader::document).collect();

    let mut tools = BTreeMap::new();
    let mut summaries = BTreeMap::new();
    let mut sections = Vec::new();
    for (reader, document) in readers.iter_mut().zip(documents) {
        let Some(document) = document else { continue };
        for (name, section) in document.tools {
            define_tool(reader, &name, &section, &mut tools, &mut summaries);
        }
        sections.push((reader, document.routes));
    }

    let mut routes: BTreeMap<Route, RouteRule> = BTreeMap::new();
    let mut defined_in: BTreeMap<Route, &str> = BTreeMap::new();
    for (reader, section) in sections {
        for (name, section) in section {
            let route = name.get_ref().clone();
            if let Some(other) = defined_in.insert(route.clone(), reader.name) {
                reader.fault(name.span(), Fault::RouteTwice(route, other.to_owned()));
            } else if routes.len() == ROUTES_PER_POLICY_MAX {
                reader.fault(name.span(), Fault::RoutesTooMany);
                break;
            } else {
                let rule = route::rule(reader, &name, &section, &tools);
                routes.insert(route, rule);
            }
        }
    }

    let mut errors: Vec<PolicyError> = readers.into_iter().flat_map(|r| r.errors).collect();
    errors.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    if let Some(errors) = PolicyErrors::of(errors) {
        return Err(errors);
    }
    let catalogue = Catalogue::new(tools.into_values()).map_err(|error| {
        let (name, _) = files.first().copied().unwrap_or_default();
        let whole = PolicyError {
            file: name.to_owned(),
            line: 1,
            fault: Fault::Catalogue(error),
        };
        PolicyErrors::one(whole)
    })?;
    let warnings = warnings(&catalogue, &routes);
    Ok(Checked {
        catalogue,
        summaries,
        routes,
        warnings,
    })
}

fn define_tool(
    reader: &mut Reader<'_>,
    name: &Spanned<ToolName>,
    section: &ToolSection,
    tools: &mut BTreeMap<ToolName, Tool>,
    summaries: &mut BTreeMap<ToolName, String>,
) {
    let summary = reader.prose("summary", 1, &section.summary);
    let (recorded, sensitive) = arguments::named(reader, section);
    let tool = Tool {
        name: name.get_ref().clone(),
        audience: section.audience.clone(),
        impact: section.impact,
        recorded,
        sensitive,
    };
    summaries.insert(tool.name.clone(), summary);
    if let Some(first) = tools.insert(tool.name.clone(), tool) {
        reader.fault(name.span(), Fault::ToolTwice(first.name));
    }
}

fn warnings(catalogue: &Catalogue, routes: &BTreeMap<Route, RouteRule>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for (route, rule) in routes {
        warnings.extend(route::warnings(route, rule));
    }
    let unused = catalogue.iter().map(|tool| &tool.name).filter(|tool| {
        !routes
            .values()
            .any(|rule| rule.tools().contains(*tool) || rule.needs_approval().contains(*tool))
    });
    warnings.extend(unused.cloned().map(Warning::ToolUnused));
    warnings
}
