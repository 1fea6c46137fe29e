//! The body of `POST /v1/tokens`, read strictly: every mistake is told with the JSON Pointer of its place.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use hallpass_vocabulary::{Actor, Route, RunId, Subject, Tenant, ToolName};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// The most tools in one request: as many as a token can have.
const TOOLS_MAX: usize = hallpass_policy::TOOLS_PER_ROUTE_MAX;

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenRequest {
    pub(crate) route: Route,
    pub(crate) tenant: Tenant,
    pub(crate) subject: Subject,
    pub(crate) actor: Actor,
    /// The run to renew; a new one when absent.
    pub(crate) run: Option<RunId>,
    pub(crate) ttl: Option<Duration>,
    pub(crate) tools: Option<Vec<ToolName>>,
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
    fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            detail: detail.into(),
        }
    }
}

/// The members as they stand, doubled ones included: a map would silently keep one of them.
struct Members(Vec<(String, Value)>);

impl<'de> serde::Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

impl TokenRequest {
    /// Reads a body.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, BadRequest> {
        let Members(members) = serde_json::from_slice(body).map_err(|error| {
            let place = format!("line {} column {}", error.line(), error.column());
            BadRequest::new("", format!("the body is not a JSON object ({place})"))
        })?;
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
}

#[derive(Default)]
struct Fields {
    route: Option<Route>,
    tenant: Option<Tenant>,
    subject: Option<Subject>,
    actor: Option<Actor>,
    run: Option<RunId>,
    ttl: Option<Duration>,
    tools: Option<Vec<ToolName>>,
}

impl Fields {
    fn take(&mut self, name: &str, value: &Value) -> Result<(), BadRequest> {
        let at = || pointer(name);
        match name {
            "route" => self.route = Some(text(value, at)?),
            "tenant" => self.tenant = Some(text(value, at)?),
            "subject" => self.subject = Some(text(value, at)?),
            "actor" => self.actor = Some(text(value, at)?),
            "run_id" => self.run = Some(text(value, at)?),
            "ttl_seconds" => {
                let seconds = value
                    .as_u64()
                    .ok_or_else(|| BadRequest::new(at(), "expected a whole number of seconds"))?;
                self.ttl = Some(Duration::from_secs(seconds));
            }
            "tools" => self.tools = Some(tools(value)?),
            _ => return Err(BadRequest::new(at(), "there is no such member")),
        }
        Ok(())
    }

    fn complete(self) -> Result<TokenRequest, BadRequest> {
        let missing = |name: &str| BadRequest::new(pointer(name), "the member is missing");
        Ok(TokenRequest {
            route: self.route.ok_or_else(|| missing("route"))?,
            tenant: self.tenant.ok_or_else(|| missing("tenant"))?,
            subject: self.subject.ok_or_else(|| missing("subject"))?,
            actor: self.actor.ok_or_else(|| missing("actor"))?,
            run: self.run,
            ttl: self.ttl,
            tools: self.tools,
        })
    }
}

fn text<T>(value: &Value, at: impl Fn() -> String) -> Result<T, BadRequest>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    value
        .as_str()
        .ok_or_else(|| BadRequest::new(at(), "expected a string"))?
        .parse()
        .map_err(|rule: T::Err| BadRequest::new(at(), rule.to_string()))
}

fn tools(value: &Value) -> Result<Vec<ToolName>, BadRequest> {
    let listed = value
        .as_array()
        .ok_or_else(|| BadRequest::new("/tools", "expected an array of tool names"))?;
    if listed.len() > TOOLS_MAX {
        return Err(BadRequest::new(
            "/tools",
            format!("more than {TOOLS_MAX} tools"),
        ));
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
fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        r#"{"route":"/r","tenant":"acme","subject":"user:alice","actor":"agent:bot"}"#;

    #[test]
    fn reads_the_least_and_the_most() {
        let least = TokenRequest::parse(GOOD.as_bytes()).unwrap();
        assert_eq!((least.run, least.ttl, least.tools), (None, None, None));
        let run = "run_018f3c1e5b7a7000800000000000002a";
        let most = GOOD.replace(
            '}',
            &format!(r#","run_id":"{run}","ttl_seconds":60,"tools":["kb.search"]}}"#),
        );
        let most = TokenRequest::parse(most.as_bytes()).unwrap();
        assert_eq!(most.run.unwrap().to_string(), run);
        assert_eq!(most.ttl, Some(Duration::from_secs(60)));
        assert_eq!(most.tools.unwrap().len(), 1);
    }

    #[test]
    fn every_mistake_has_its_place() {
        let plus = |extra: &str| GOOD.replace('}', &format!(",{extra}}}"));
        let many: Vec<String> = (0..=TOOLS_MAX).map(|n| format!("\"t.n{n}\"")).collect();
        for (body, pointer) in [
            (String::new(), ""),
            ("[]".to_owned(), ""),
            ("{".to_owned(), ""),
            (format!("{GOOD} {GOOD}"), ""),
            (GOOD.replace("route", "rout"), "/rout"),
            (GOOD.replace(r#""route":"/r","#, ""), "/route"),
            (GOOD.replace(r#""/r""#, r#""r""#), "/route"),
            (GOOD.replace("user:alice", "agent:alice"), "/subject"),
            (GOOD.replace("agent:bot", "user:bot"), "/actor"),
            (GOOD.replace("\"acme\"", "7"), "/tenant"),
            (GOOD.replace("\"acme\"", "null"), "/tenant"),
            (plus(r#""tenant":"globex""#), "/tenant"),
            (plus(r#""env":"prod""#), "/env"),
            (plus(r#""a/b~c":1"#), "/a~1b~0c"),
            (plus(r#""run_id":"run_1""#), "/run_id"),
            (plus(r#""ttl_seconds":-1"#), "/ttl_seconds"),
            (plus(r#""ttl_seconds":1.5"#), "/ttl_seconds"),
            (plus(r#""ttl_seconds":"60""#), "/ttl_seconds"),
            (plus(r#""tools":"kb.search""#), "/tools"),
            (plus(r#""tools":["kb.search",3]"#), "/tools/1"),
            (plus(r#""tools":["kb.search","kb.search"]"#), "/tools/1"),
            (plus(&format!(r#""tools":[{}]"#, many.join(","))), "/tools"),
        ] {
            let refused = TokenRequest::parse(body.as_bytes()).unwrap_err();
            assert_eq!(refused.pointer, pointer, "{body}");
        }
    }

    #[test]
    fn a_mistake_repeats_no_value() {
        let refused =
            TokenRequest::parse(GOOD.replace("/r", "secret value").as_bytes()).unwrap_err();
        assert!(!format!("{refused:?}").contains("secret value"));
    }

    #[test]
    fn deep_nesting_is_an_error_and_not_a_crash() {
        let deep = GOOD.replace("\"acme\"", &"[".repeat(10_000));
        assert!(TokenRequest::parse(deep.as_bytes()).is_err());
    }
}
