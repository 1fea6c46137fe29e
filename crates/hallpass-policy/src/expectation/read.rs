//! From the files as written to expectations that can fail, collecting every fault on the way.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use hallpass_args::Arguments;
use hallpass_vocabulary::{Role, Subject, ToolName};
use toml::Spanned;

use super::document::{Asked, Call, Document, Section};
use super::{
    Expectation, ExpectationError, ExpectationErrors, ExpectationFault, Granted, Wanted, WantedCall,
};
use crate::decide::{PolicyRefusal, Verified};
use crate::nearest::nearest;
use crate::policy::Policy;
use crate::question::Question;
use crate::{POLICY_FILE_BYTES_MAX, PROSE_CHARS_MAX};

/// On whose behalf, where no expectation says: most policies do not ask.
const SUBJECT_DEFAULT: &str = "user:someone";

impl Policy {
    /// Reads expectations of this policy from files, each `(name, text)`. Names of tools and roles must exist in it.
    ///
    /// # Errors
    /// Everything that is wrong, with file and line.
    pub fn expectations(
        &self,
        files: &[(&str, &str)],
    ) -> Result<Vec<Expectation>, ExpectationErrors> {
        let mut errors = Vec::new();
        let mut expectations = Vec::new();
        let mut names = BTreeSet::new();
        for (name, text) in files {
            let mut reader = Reader {
                policy: self,
                name,
                text,
                errors: Vec::new(),
            };
            for section in reader.sections() {
                let (asked, section) = section;
                let at = section.span();
                let read = reader.expectation(&asked, at, section.into_inner(), &mut names);
                expectations.extend(read);
            }
            errors.append(&mut reader.errors);
        }
        if errors.is_empty() {
            return Ok(expectations);
        }
        errors.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        Err(ExpectationErrors(errors))
    }
}

struct Reader<'a> {
    policy: &'a Policy,
    name: &'a str,
    text: &'a str,
    errors: Vec<ExpectationError>,
}

impl Reader<'_> {
    fn line(&self, at: &Range<usize>) -> usize {
        let before = self.text.as_bytes().get(..at.start).unwrap_or_default();
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }

    fn fault(&mut self, at: Range<usize>, fault: ExpectationFault) {
        let line = self.line(&at);
        self.errors.push(ExpectationError {
            file: self.name.escape_debug().to_string(),
            line,
            fault,
        });
    }

    fn sections(&mut self) -> Vec<(Asked, Spanned<Section>)> {
        if self.text.len() > POLICY_FILE_BYTES_MAX {
            self.fault(0..0, ExpectationFault::FileTooLarge);
            return Vec::new();
        }
        match toml::from_str::<Document>(self.text) {
            Ok(document) => {
                let defaults = document.defaults;
                let sections = document.expect.into_iter();
                sections.map(|it| (defaults.clone(), it)).collect()
            }
            Err(error) => {
                let fault = ExpectationFault::Form(error.message().to_owned());
                self.fault(error.span().unwrap_or(0..0), fault);
                Vec::new()
            }
        }
    }

    /// `None` after a fault that leaves nothing to ask.
    fn expectation(
        &mut self,
        defaults: &Asked,
        at: Range<usize>,
        section: Section,
        names: &mut BTreeSet<String>,
    ) -> Option<Expectation> {
        let name = self.named(&section.name, names);
        let wanted = self.wanted(&at, &section);
        let question = self.question(defaults, &at, section)?;
        Some(Expectation {
            file: self.name.escape_debug().to_string(),
            line: self.line(&at),
            name,
            question,
            wanted: wanted?,
        })
    }

    fn named(&mut self, written: &Spanned<String>, names: &mut BTreeSet<String>) -> String {
        let name = written.get_ref().trim().to_owned();
        let chars = name.chars().count();
        if !(1..=PROSE_CHARS_MAX).contains(&chars) || name.chars().any(char::is_control) {
            self.fault(written.span(), ExpectationFault::Name);
        } else if !names.insert(name.clone()) {
            self.fault(written.span(), ExpectationFault::NameTwice(name.clone()));
        }
        name
    }

    fn question(
        &mut self,
        defaults: &Asked,
        at: &Range<usize>,
        section: Section,
    ) -> Option<Question> {
        let verified = match &section.subject_roles {
            Some(roles) => Some(Verified {
                roles: self.roles(roles),
            }),
            None => section.verified.then(Verified::default),
        };
        let tools = section.tools.as_deref().map(|listed| {
            let mut known = BTreeSet::new();
            self.tools(listed, &mut known);
            known.into_iter().collect()
        });
        let mut missing = Vec::new();
        macro_rules! asked {
            ($part:ident, $written:expr) => {{
                let value = $written.or_else(|| defaults.$part.clone());
                if value.is_none() {
                    missing.push(stringify!($part));
                }
                value
            }};
        }
        let client = asked!(client, section.client);
        let environment = asked!(environment, section.environment);
        let route = asked!(route, section.route.map(Spanned::into_inner));
        let tenant = asked!(tenant, section.tenant);
        let actor = asked!(actor, section.actor);
        for part in missing {
            self.fault(at.clone(), ExpectationFault::Missing(part));
        }
        let subject = section.subject.or_else(|| defaults.subject.clone());
        Some(Question {
            client: client?,
            environment: environment?,
            route: route?,
            tenant: tenant?,
            subject: subject.or_else(|| Subject::new(SUBJECT_DEFAULT).ok())?,
            verified,
            actor: actor?,
            tools,
            ttl: section.ttl_seconds.map(Duration::from_secs),
        })
    }

    fn wanted(&mut self, at: &Range<usize>, section: &Section) -> Option<Wanted> {
        let granted = section.allow.is_some()
            || section.needs_approval.is_some()
            || !section.deny.is_empty()
            || !section.calls.is_empty();
        if let Some(refused) = &section.refused {
            if granted {
                self.fault(refused.span(), ExpectationFault::BesideRefused);
            }
            return self.refusal(refused).map(Wanted::Refused);
        }
        if !granted {
            self.fault(at.clone(), ExpectationFault::NothingWanted);
            return None;
        }
        // A tool is in one of the lists only.
        let mut listed = BTreeSet::new();
        let mut exactly = |reader: &mut Self, tools: Option<&Vec<Spanned<ToolName>>>| {
            tools.map(|tools| reader.tools(tools, &mut listed))
        };
        let allow = exactly(self, section.allow.as_ref());
        let needs_approval = exactly(self, section.needs_approval.as_ref());
        let deny = exactly(self, Some(&section.deny)).unwrap_or_default();
        let calls = section.calls.iter();
        let calls: Vec<WantedCall> = calls.filter_map(|call| self.call(call)).collect();
        Some(Wanted::Granted(Granted {
            allow,
            needs_approval,
            deny,
            calls,
        }))
    }

    fn refusal(&mut self, written: &Spanned<String>) -> Option<PolicyRefusal> {
        let code = written.get_ref().as_str();
        let found = PolicyRefusal::ALL.into_iter().find(|it| it.code() == code);
        if found.is_none() {
            let known = PolicyRefusal::ALL.into_iter().map(PolicyRefusal::code);
            let fault = ExpectationFault::RefusalUnknown {
                written: code.escape_debug().to_string(),
                suggestion: nearest(code, known),
            };
            self.fault(written.span(), fault);
        }
        found
    }

    fn call(&mut self, written: &Spanned<Call>) -> Option<WantedCall> {
        let call = written.get_ref();
        self.known_tool(&call.tool);
        let arguments = match &call.arguments {
            None => Ok(Arguments::none()),
            Some(value) => arguments(value.get_ref()),
        };
        match arguments {
            Ok(arguments) => Some(WantedCall {
                tool: call.tool.get_ref().clone(),
                shown: String::from_utf8_lossy(arguments.canonical()).into_owned(),
                arguments,
                answer: call.answer,
            }),
            Err(why) => {
                let at = call
                    .arguments
                    .as_ref()
                    .map_or(written.span(), Spanned::span);
                self.fault(at, ExpectationFault::Arguments(why));
                None
            }
        }
    }

    /// The tools of a list, none of which may be in `listed` yet.
    fn tools(
        &mut self,
        written: &[Spanned<ToolName>],
        listed: &mut BTreeSet<ToolName>,
    ) -> BTreeSet<ToolName> {
        for tool in written {
            self.known_tool(tool);
            if !listed.insert(tool.get_ref().clone()) {
                let fault = ExpectationFault::ToolTwice(tool.get_ref().clone());
                self.fault(tool.span(), fault);
            }
        }
        written.iter().map(|tool| tool.get_ref().clone()).collect()
    }

    fn known_tool(&mut self, written: &Spanned<ToolName>) {
        let catalogue = self.policy.catalogue();
        if catalogue.tool(written.get_ref()).is_none() {
            let known = catalogue.iter().map(|tool| tool.name.as_str());
            let suggestion = nearest(written.get_ref().as_str(), known);
            let fault = ExpectationFault::ToolUnknown {
                written: written.get_ref().clone(),
                suggestion,
            };
            self.fault(written.span(), fault);
        }
    }

    fn roles(&mut self, written: &[Spanned<Role>]) -> BTreeSet<Role> {
        for role in written {
            if self.policy.role(role.get_ref()).is_none() {
                let known = self.policy.roles().map(|(role, _)| role.as_str());
                let suggestion = nearest(role.get_ref().as_str(), known);
                let fault = ExpectationFault::RoleUnknown {
                    written: role.get_ref().clone(),
                    suggestion,
                };
                self.fault(role.span(), fault);
            }
        }
        written.iter().map(|role| role.get_ref().clone()).collect()
    }
}

/// A table of TOML or the text of a JSON object: TOML has no null.
fn arguments(value: &toml::Value) -> Result<Arguments, String> {
    let text = match value {
        toml::Value::String(text) => text.clone(),
        other => json(other)?.to_string(),
    };
    Arguments::parse(text.as_bytes()).map_err(|error| error.to_string())
}

fn json(value: &toml::Value) -> Result<serde_json::Value, String> {
    Ok(match value {
        toml::Value::Array(values) => {
            serde_json::Value::Array(values.iter().map(json).collect::<Result<_, _>>()?)
        }
        toml::Value::Boolean(value) => (*value).into(),
        toml::Value::Datetime(_) => return Err("JSON has no dates; write a text".to_owned()),
        toml::Value::Float(value) => (*value).into(),
        toml::Value::Integer(value) => (*value).into(),
        toml::Value::String(value) => value.as_str().into(),
        toml::Value::Table(members) => {
            let members = members
                .iter()
                .map(|(name, value)| Ok((name.clone(), json(value)?)));
            serde_json::Value::Object(members.collect::<Result<_, String>>()?)
        }
    })
}
