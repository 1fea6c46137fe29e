//! A token exchange (RFC 8693): the parameters of a form become a request for a token.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use hallpass_vocabulary::{RequestId, ToolName};

use super::error::OauthError;
use super::form::Form;
use crate::http::problem::{Problem, ProblemCode};
use crate::request::{Behalf, SubjectToken, TOOLS_MAX, TokenRequest};

/// The one grant of this endpoint.
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// What is asked for and answered.
pub(super) const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";

/// What a subject token may be called. Each is checked as the JSON Web Token it must be.
const SUBJECT_TOKEN_TYPES: [&str; 3] = [
    ACCESS_TOKEN_TYPE,
    "urn:ietf:params:oauth:token-type:id_token",
    "urn:ietf:params:oauth:token-type:jwt",
];

/// Parameters that would change what is granted if they were read, and are not: to ignore them would be to grant more than
/// was meant.
const NOT_HERE: [(&str, &str); 10] = [
    ("actor_token", "the agent is named by the parameter actor"),
    (
        "actor_token_type",
        "the agent is named by the parameter actor",
    ),
    ("audiences", "a service is named by the parameter audience"),
    (
        "budgets",
        "a request gives no budget: the budget of the route is that of the run",
    ),
    (
        "caveats",
        "a request gives no caveats: those of the route bind the token",
    ),
    (
        "env",
        "an authority serves its own environment and no other",
    ),
    ("labels", "labels are for POST /v1/tokens"),
    (
        "roles",
        "roles come from the route and from the token of the subject",
    ),
    ("subject", "the token of the subject names the subject"),
    ("tools", "tools are named by the parameter scope"),
];

/// Reads the request. Parameters nobody knows are ignored, as RFC 6749 section 3.2 has it.
pub(super) fn read(form: &Form, instance: RequestId) -> Result<TokenRequest, OauthError> {
    let malformed = |detail: String| -> OauthError {
        Problem::new(ProblemCode::RequestMalformed, instance)
            .detail(detail)
            .into()
    };
    match form.get("grant_type") {
        None => return Err(malformed("grant_type is missing".to_owned())),
        Some(TOKEN_EXCHANGE) => {}
        Some(_) => return Err(OauthError::unsupported_grant_type(instance)),
    }
    if let Some((name, why)) = NOT_HERE.iter().find(|(name, _)| form.get(name).is_some()) {
        return Err(malformed(format!("{name}: {why}")));
    }
    if form
        .get("requested_token_type")
        .is_some_and(|kind| kind != ACCESS_TOKEN_TYPE)
    {
        return Err(malformed(format!(
            "requested_token_type: only {ACCESS_TOKEN_TYPE}"
        )));
    }
    let kind = form
        .get("subject_token_type")
        .ok_or_else(|| malformed("subject_token_type is missing".to_owned()))?;
    if !SUBJECT_TOKEN_TYPES.contains(&kind) {
        return Err(malformed(
            "subject_token_type: only JSON Web Tokens are accepted".to_owned(),
        ));
    }
    if form.get("resource").is_some() {
        let detail = "resource: services are known by name here, in the parameter audience";
        return Err(OauthError::invalid_target(instance, detail));
    }
    let token = form
        .get("subject_token")
        .ok_or_else(|| malformed("subject_token is missing".to_owned()))?;
    let token =
        SubjectToken::new(token).map_err(|rule| malformed(format!("subject_token: {rule}")))?;
    let audience = match form.get("audience") {
        None => None,
        Some(name) => Some(name.parse().map_err(|_| {
            OauthError::invalid_target(instance, "audience: not the name of a service")
        })?),
    };
    let parameters = Parameters { form, instance };
    Ok(TokenRequest {
        route: parameters.required("route")?,
        tenant: parameters.required("tenant")?,
        behalf: Behalf::Token(token),
        actor: parameters.optional("actor")?,
        run: parameters.optional("run_id")?,
        parent: parameters.optional("parent_run_id")?,
        ttl: parameters.optional("ttl_seconds")?.map(Duration::from_secs),
        tools: parameters.scope()?,
        audience,
        holder: parameters.optional("holder_key")?,
        labels: std::collections::BTreeMap::new(),
    })
}

struct Parameters<'a> {
    form: &'a Form,
    instance: RequestId,
}

impl Parameters<'_> {
    fn required<T>(&self, name: &str) -> Result<T, OauthError>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        self.optional(name)?
            .ok_or_else(|| self.malformed(name, format!("{name} is missing")))
    }

    fn optional<T>(&self, name: &str) -> Result<Option<T>, OauthError>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        self.form
            .get(name)
            .map(|text| {
                text.parse()
                    .map_err(|rule: T::Err| self.malformed(name, format!("{name}: {rule}")))
            })
            .transpose()
    }

    /// RFC 6749 section 3.3: tools, separated by single spaces, in any order, each once.
    fn scope(&self) -> Result<Option<Vec<ToolName>>, OauthError> {
        let Some(scope) = self.form.get("scope") else {
            return Ok(None);
        };
        let refused = || {
            OauthError::from(
                Problem::new(ProblemCode::ToolNotInRoute, self.instance)
                    .detail("scope: names of tools, each once, with a space between two"),
            )
        };
        let mut tools: Vec<ToolName> = Vec::new();
        for name in scope.split(' ') {
            let tool = name.parse().map_err(|_| refused())?;
            if tools.contains(&tool) || tools.len() == TOOLS_MAX {
                return Err(refused());
            }
            tools.push(tool);
        }
        Ok(Some(tools))
    }

    fn malformed(&self, name: &str, detail: String) -> OauthError {
        Problem::new(ProblemCode::RequestMalformed, self.instance)
            .pointer(format!("/{name}"))
            .detail(detail)
            .into()
    }
}
