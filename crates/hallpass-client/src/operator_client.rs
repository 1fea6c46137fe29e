//! Acting on an authority as an operator: every request signed, each for itself.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hallpass_keys::http_signature::{
    AUTHORITY_HEADER, CONTENT_DIGEST_HEADER, HttpSignatureError, Nonce, Outgoing, SIGNATURE_HEADER,
    SIGNATURE_INPUT_HEADER,
};
use hallpass_keys::{KeyId, RandomnessError, SigningKey, random_bytes};
use hallpass_vocabulary::{
    AuthorityId, ClientId, Clock, Environment, GroupName, OperatorId, PersonId, RunId, Timestamp,
};
use reqwest::Method;
use zeroize::Zeroizing;

use crate::http::{self, TransportError};
use crate::{BaseUrl, ClientSecret, Problem, RunEnd};

/// The largest answer to an operator, in bytes: a page of 500 runs with long names.
pub const OPERATOR_ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long to wait for an answer. An act waits for the authority's journal.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Why an operator's request came to nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OperatorError {
    /// The request could not be signed.
    #[error("the request cannot be signed")]
    Sign(#[from] HttpSignatureError),
    /// There is no randomness for a nonce.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
    /// The authority says no, and why.
    #[error("the authority refused: {0}")]
    Refused(Box<Problem>),
    /// An answer that is neither what was asked for nor a problem.
    #[error("the authority answered {status} with something that is not understood")]
    Unreadable {
        /// The HTTP status.
        status: u16,
    },
    /// The authority was not reached, or its answer did not come back. The act may have been carried out all the same.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// Acts on one authority, as one operator.
#[derive(Clone)]
pub struct OperatorClient {
    http: reqwest::Client,
    base: BaseUrl,
    authority: AuthorityId,
    environment: Environment,
    key: Arc<SigningKey>,
    clock: Arc<dyn Clock>,
}

/// A client as the authority has it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RegisteredClient {
    /// Its name.
    pub client: ClientId,
    /// Whether the policy in force has it. One that it has not is nobody.
    pub declared: bool,
    /// What it is, in the policy's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Whether it may ask at all.
    pub enabled: bool,
    /// How its workload proves itself, where the policy says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<RegisteredWorkload>,
    /// Its secrets, the oldest first.
    pub secrets: Vec<RegisteredSecret>,
}

/// How the workload of a client proves itself.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RegisteredWorkload {
    /// Who vouches, by the policy's name for it.
    pub issuer: String,
    /// Its exact `sub`.
    pub subject: String,
}

/// A secret of a client, by its public id.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RegisteredSecret {
    /// Its public id.
    pub secret_id: String,
    /// Since when it is there.
    pub added: Timestamp,
    /// From when on it opens nothing; for ever good when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Whether it opens anything now.
    pub good: bool,
}

/// A secret that was added. It is told this once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedSecret {
    /// Whose it is.
    pub client: ClientId,
    /// Its public id.
    pub secret_id: String,
    /// The secret itself.
    pub secret: ClientSecret,
    /// From when on it opens nothing; for ever good when `None`.
    pub until: Option<Timestamp>,
}

/// An operator as the policy in force has it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EnrolledOperator {
    /// Its name.
    pub operator: OperatorId,
    /// The human being.
    pub person: PersonId,
    /// What it may do.
    pub roles: Vec<String>,
    /// The ids of its keys.
    pub keys: Vec<KeyId>,
}

/// A group of operators who may approve.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ApprovalGroup {
    /// Its name.
    pub group: GroupName,
    /// What it is, in the policy's words.
    pub summary: String,
    /// Who is in it.
    pub members: Vec<OperatorId>,
}

/// The operators of an authority and their groups.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Operators {
    /// The operators.
    pub operators: Vec<EnrolledOperator>,
    /// The groups.
    pub groups: Vec<ApprovalGroup>,
}

#[derive(serde::Deserialize)]
struct WireClients {
    clients: Vec<RegisteredClient>,
}

#[derive(serde::Deserialize)]
struct WireAdded {
    client: ClientId,
    secret_id: String,
    secret: String,
    until: Option<Timestamp>,
}

#[derive(serde::Deserialize)]
struct WireRetired {
    until: Timestamp,
}

impl OperatorClient {
    /// Acts on the authority of this name and environment, which is what requests are signed for: one that is at `base` and is
    /// another refuses them.
    ///
    /// # Errors
    /// When the HTTP library cannot start.
    pub fn new(
        base: BaseUrl,
        authority: AuthorityId,
        environment: Environment,
        key: SigningKey,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TransportError> {
        Ok(Self {
            http: http::client_to(&base, TIMEOUT)?,
            base,
            authority,
            environment,
            key: Arc::new(key),
            clock,
        })
    }

    /// Every client of the authority.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn clients(&self) -> Result<Vec<RegisteredClient>, OperatorError> {
        let listed: WireClients = self.ask("GET", "/v1/clients", None, b"").await?;
        Ok(listed.clients)
    }

    /// Adds a secret to a client, good for ever or for so many seconds.
    ///
    /// # Errors
    /// [`OperatorError`]. After [`OperatorError::Transport`] there may be a secret that nobody knows: look, and retire it.
    pub async fn add_secret(
        &self,
        client: &ClientId,
        valid_seconds: Option<u64>,
    ) -> Result<AddedSecret, OperatorError> {
        let path = format!("/v1/clients/{client}/secrets");
        let body = match valid_seconds {
            Some(seconds) => format!("{{\"valid_seconds\":{seconds}}}"),
            None => "{}".to_owned(),
        };
        let added: WireAdded = self.ask("POST", &path, None, body.as_bytes()).await?;
        let secret = ClientSecret::new(&Zeroizing::new(added.secret));
        Ok(AddedSecret {
            client: added.client,
            secret_id: added.secret_id,
            secret: secret.map_err(|_| OperatorError::Unreadable { status: 201 })?,
            until: added.until,
        })
    }

    /// Retires a secret, after so many seconds; answers when it ends.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn retire_secret(
        &self,
        client: &ClientId,
        secret_id: &str,
        after_seconds: u64,
    ) -> Result<Timestamp, OperatorError> {
        let path = format!("/v1/clients/{client}/secrets/{secret_id}");
        let query = format!("after_seconds={after_seconds}");
        let retired: WireRetired = self.ask("DELETE", &path, Some(&query), b"").await?;
        Ok(retired.until)
    }

    /// Keeps a client out whatever it proves itself with, or lets it in again.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn set_enabled(&self, client: &ClientId, enabled: bool) -> Result<(), OperatorError> {
        let verb = if enabled { "enable" } else { "disable" };
        let path = format!("/v1/clients/{client}/{verb}");
        let _body = self.send("POST", &path, None, b"{}").await?;
        Ok(())
    }

    /// Ends a run, whichever client started it: it gets no further token, and neither do the runs it started.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn end_run(&self, run: RunId, reason: Option<&str>) -> Result<RunEnd, OperatorError> {
        let path = format!("/v1/runs/{run}/end");
        let body = match reason {
            Some(reason) => serde_json::json!({ "reason": reason }).to_string(),
            None => String::new(),
        };
        self.ask("POST", &path, None, body.as_bytes()).await
    }

    /// The operators of the policy in force.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn operators(&self) -> Result<Operators, OperatorError> {
        self.ask("GET", "/v1/operators", None, b"").await
    }

    /// Signs and sends any request of an operator, and reads its answer as JSON.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        query: Option<&str>,
        body: &[u8],
    ) -> Result<T, OperatorError> {
        let (status, body) = self.send(method, path, query, body).await?;
        serde_json::from_slice(&body).map_err(|_| OperatorError::Unreadable { status })
    }

    /// Signs and sends any request of an operator. `path` is as the authority has it, and `query` as it goes over the wire.
    ///
    /// # Errors
    /// [`OperatorError`], also for every status that is no success.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        query: Option<&str>,
        body: &[u8],
    ) -> Result<(u16, Zeroizing<Vec<u8>>), OperatorError> {
        let signed = Outgoing {
            authority: &self.authority,
            environment: &self.environment,
            method,
            path,
            query,
            body,
        }
        .sign(
            &self.key,
            self.clock.now(),
            &Nonce::from_random(random_bytes()?),
        )?;
        let verb =
            Method::from_bytes(method.as_bytes()).map_err(|_| HttpSignatureError::Component)?;
        let mut url = self.base.join(path);
        url.set_query(query);
        let mut request = self
            .http
            .request(verb, url)
            .header(AUTHORITY_HEADER, signed.authority)
            .header(CONTENT_DIGEST_HEADER, signed.content_digest)
            .header(SIGNATURE_INPUT_HEADER, signed.signature_input)
            .header(SIGNATURE_HEADER, signed.signature);
        if !body.is_empty() {
            request = request
                .header("content-type", "application/json")
                .body(body.to_vec());
        }
        let response = request.send().await.map_err(TransportError::from)?;
        let status = response.status();
        // An answer may have a secret in it.
        let body = Zeroizing::new(http::read(response, OPERATOR_ANSWER_BYTES_MAX).await?);
        let code = status.as_u16();
        if status.is_success() {
            return Ok((code, body));
        }
        let problem = Problem::read(code, &body);
        let problem = problem.ok_or(OperatorError::Unreadable { status: code })?;
        Err(OperatorError::Refused(Box::new(problem)))
    }
}

impl fmt::Debug for OperatorClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperatorClient")
            .field("base", &self.base)
            .field("authority", &self.authority)
            .field("environment", &self.environment)
            .field("key", &self.key.id())
            .finish_non_exhaustive()
    }
}
