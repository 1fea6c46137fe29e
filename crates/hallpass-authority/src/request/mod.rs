//! What a client asks for. The body of `POST /v1/tokens` is read here, strictly: every mistake is told with the JSON
//! Pointer of its place.

mod document;
mod ending;
pub(crate) mod labels;
mod question;
mod stopping;
mod subject_token;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use hallpass_keys::{Digest, VerifyingKey};
use hallpass_vocabulary::{Actor, Audience, Route, RunId, Subject, Tenant, ToolName};

use document::Document;
pub(crate) use ending::reason;
pub(crate) use question::nonce;
pub(crate) use stopping::{RevocationRequest, StopRequest};
pub(crate) use subject_token::SubjectToken;

/// The most tools in one request: as many as a token can have.
pub(crate) const TOOLS_MAX: usize = hallpass_policy::TOOLS_PER_ROUTE_MAX;

/// On whose behalf, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Behalf {
    /// The client says so.
    Asserted(Subject),
    /// The subject's own token says so.
    Token(SubjectToken),
}

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenRequest {
    pub(crate) route: Route,
    pub(crate) tenant: Tenant,
    pub(crate) behalf: Behalf,
    /// The agent; the only one the client may name, when absent.
    pub(crate) actor: Option<Actor>,
    /// The run to renew; a new one when absent.
    pub(crate) run: Option<RunId>,
    /// The run this one is started by.
    pub(crate) parent: Option<RunId>,
    pub(crate) ttl: Option<Duration>,
    pub(crate) tools: Option<Vec<ToolName>>,
    /// Only the tools of this service: the target of a token exchange. No member of a body.
    pub(crate) audience: Option<Audience>,
    /// The key the run is bound to.
    pub(crate) holder: Option<VerifyingKey>,
    pub(crate) labels: BTreeMap<String, String>,
}

/// What is wrong with a body. Repeats no value of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub(crate) struct BadRequest {
    /// Where: an RFC 6901 pointer; empty for the whole body.
    pub(crate) pointer: String,
    /// What.
    pub(crate) detail: String,
}

impl BadRequest {
    pub(crate) fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            detail: detail.into(),
        }
    }
}

impl TokenRequest {
    /// Reads a body.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, BadRequest> {
        let document = serde_json::from_slice(body).map_err(|error| {
            let place = format!("line {} column {}", error.line(), error.column());
            BadRequest::new("", format!("the body is not a JSON object ({place})"))
        })?;
        let Document::Object(members) = document else {
            return Err(BadRequest::new("", "the body is not a JSON object"));
        };
        let mut fields = Fields::default();
        let mut seen = BTreeSet::new();
        for (name, value) in &members {
            if !seen.insert(name.as_str()) {
                return Err(BadRequest::new(pointer(name), "the member is there twice"));
            }
            fields.take(name, value)?;
        }
        fields.complete()
    }

    /// On whose behalf, in the client's words.
    pub(crate) fn subject(&self) -> Option<&Subject> {
        match &self.behalf {
            Behalf::Asserted(subject) => Some(subject),
            Behalf::Token(_) => None,
        }
    }

    /// What makes it the same request again, whatever its spelling: white space, the order of members and of tools. A subject's
    /// token is in it by its digest.
    pub(crate) fn digest(&self) -> Digest {
        let (subject, subject_token) = match &self.behalf {
            Behalf::Asserted(subject) => (Some(subject), None),
            Behalf::Token(token) => (None, Some(token.digest())),
        };
        let tools = self.tools.as_ref().map(|tools| {
            let tools: BTreeSet<_> = tools.iter().collect();
            tools
        });
        let document = serde_json::json!({
            "actor": self.actor,
            "audience": self.audience,
            "holder_key": self.holder,
            "labels": self.labels,
            "parent_run_id": self.parent,
            "route": self.route,
            "run_id": self.run,
            "subject": subject,
            "subject_token": subject_token,
            "tenant": self.tenant,
            "tools": tools,
            "ttl_seconds": self.ttl.map(|ttl| ttl.as_secs()),
        });
        Digest::of(document.to_string().as_bytes())
    }
}

#[derive(Default)]
struct Fields {
    route: Option<Route>,
    tenant: Option<Tenant>,
    subject: Option<Subject>,
    subject_token: Option<SubjectToken>,
    actor: Option<Actor>,
    run: Option<RunId>,
    parent: Option<RunId>,
    ttl: Option<Duration>,
    tools: Option<Vec<ToolName>>,
    holder: Option<VerifyingKey>,
    labels: BTreeMap<String, String>,
}

impl Fields {
    fn take(&mut self, name: &str, value: &Document) -> Result<(), BadRequest> {
        let at = || pointer(name);
        match name {
            "route" => self.route = Some(text(value, at)?),
            "tenant" => self.tenant = Some(text(value, at)?),
            "subject" => self.subject = Some(text(value, at)?),
            "subject_token" => {
                let token = SubjectToken::new(string(value, at)?);
                let token = token.map_err(|rule| BadRequest::new(at(), rule.to_string()))?;
                self.subject_token = Some(token);
            }
            "actor" => self.actor = Some(text(value, at)?),
            "run_id" => self.run = Some(text(value, at)?),
            "parent_run_id" => self.parent = Some(text(value, at)?),
            "ttl_seconds" => {
                let Document::Whole(seconds) = value else {
                    return Err(BadRequest::new(at(), "expected a whole number of seconds"));
                };
                self.ttl = Some(Duration::from_secs(*seconds));
            }
            "tools" => self.tools = Some(tools(value)?),
            "holder_key" => self.holder = Some(text(value, at)?),
            "labels" => self.labels = labels::read(value)?,
            _ => return Err(BadRequest::new(at(), no_such_member(name))),
        }
        Ok(())
    }

    fn complete(self) -> Result<TokenRequest, BadRequest> {
        let missing = |name: &str| BadRequest::new(pointer(name), "the member is missing");
        let behalf = match (self.subject, self.subject_token) {
            (Some(subject), None) => Behalf::Asserted(subject),
            (None, Some(token)) => Behalf::Token(token),
            (None, None) => {
                let detail = "the member is missing; or `subject_token` instead of it";
                return Err(BadRequest::new("/subject", detail));
            }
            (Some(_), Some(_)) => {
                let detail = "the subject's token names the subject; leave it out";
                return Err(BadRequest::new("/subject", detail));
            }
        };
        Ok(TokenRequest {
            route: self.route.ok_or_else(|| missing("route"))?,
            tenant: self.tenant.ok_or_else(|| missing("tenant"))?,
            behalf,
            actor: self.actor,
            run: self.run,
            parent: self.parent,
            ttl: self.ttl,
            tools: self.tools,
            audience: None,
            holder: self.holder,
            labels: self.labels,
        })
    }
}

/// What a caller should know who believes that a request may say this.
fn no_such_member(name: &str) -> &'static str {
    match name {
        "audience" | "audiences" => {
            "a request names no service: the services follow from the tools"
        }
        "budget" | "budgets" => "a request gives no budget: the route's is the run's",
        "caveats" => {
            "a request gives no caveats: the route's bind the token, and its holder adds more"
        }
        "client" => "a request names no client: the credentials do",
        "env" | "environment" => {
            "a request names no environment: an authority serves its own and no other"
        }
        "role" | "roles" => {
            "a request gives no roles: they come from the route, and from the subject's own token"
        }
        _ => "there is no such member",
    }
}

fn string(value: &Document, at: impl Fn() -> String) -> Result<&str, BadRequest> {
    match value {
        Document::String(text) => Ok(text),
        _ => Err(BadRequest::new(at(), "expected a string")),
    }
}

fn text<T>(value: &Document, at: impl Fn() -> String) -> Result<T, BadRequest>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    string(value, &at)?
        .parse()
        .map_err(|rule: T::Err| BadRequest::new(at(), rule.to_string()))
}

fn tools(value: &Document) -> Result<Vec<ToolName>, BadRequest> {
    let Document::Array(listed) = value else {
        let expected = "expected an array of tool names";
        return Err(BadRequest::new("/tools", expected));
    };
    if listed.len() > TOOLS_MAX {
        let rule = format!("more than {TOOLS_MAX} tools");
        return Err(BadRequest::new("/tools", rule));
    }
    let mut tools = Vec::with_capacity(listed.len());
    for (index, value) in listed.iter().enumerate() {
        let at = || format!("/tools/{index}");
        let tool: ToolName = text(value, at)?;
        if tools.contains(&tool) {
            return Err(BadRequest::new(at(), "the tool is there twice"));
        }
        tools.push(tool);
    }
    Ok(tools)
}

/// RFC 6901 section 3.
pub(crate) fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests;
