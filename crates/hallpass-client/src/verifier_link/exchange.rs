//! Requests of a verifier, each signed with its key.

use std::sync::Arc;
use std::time::Duration;

use hallpass_journal::shipping::ShippingError;
use hallpass_keys::http_signature::{
    AUTHORITY_HEADER, CONTENT_DIGEST_HEADER, HttpSignatureError, Nonce, Outgoing, SIGNATURE_HEADER,
    SIGNATURE_INPUT_HEADER,
};
use hallpass_keys::key_file::KeyFileError;
use hallpass_keys::{RandomnessError, SigningKey, random_bytes};
use hallpass_vocabulary::{AuthorityId, Clock, Environment, Timestamp};

use crate::http::{self, TransportError};
use crate::{BaseUrl, Problem};

/// The largest answer to a verifier.
const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// How long to wait for an answer: a shipment of a megabyte over a slow line.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What a verifier said or shipped did not arrive.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// Its journal cannot be read.
    #[error("the journal cannot be shown to the authority")]
    Journal(#[from] ShippingError),
    /// Its key cannot be used.
    #[error("the key of the verifier cannot be used")]
    Key(#[from] KeyFileError),
    /// The authority does not know it, and there is nothing to enrol with.
    #[error("the verifier is not enrolled, and has no code to enrol with")]
    NotEnrolled,
    /// No randomness for a key or a nonce.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
    /// The authority refused.
    #[error("the authority refused: {0}")]
    Refused(Box<Problem>),
    /// The request cannot be signed.
    #[error(transparent)]
    Sign(#[from] HttpSignatureError),
    /// The state directory cannot be used.
    #[error("the state directory cannot be used")]
    State(#[source] std::io::Error),
    /// The process is ending.
    #[error("the process is ending")]
    Stopping,
    /// The authority was not reached, or did not answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The authority answered something else.
    #[error("the authority answered {status}, and not as an authority does")]
    Unreadable {
        /// The HTTP status.
        status: u16,
    },
}

impl LinkError {
    /// The authority's code, where it refused.
    pub(super) fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(problem) => Some(&problem.code),
            _ => None,
        }
    }
}

/// Sends signed requests.
pub(super) struct Exchange {
    http: reqwest::Client,
    base: BaseUrl,
    authority: AuthorityId,
    environment: Environment,
    key: SigningKey,
    clock: Arc<dyn Clock>,
}

impl Exchange {
    pub(super) fn new(
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
            key,
            clock,
        })
    }

    pub(super) fn key(&self) -> &SigningKey {
        &self.key
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Signs and sends a body, and reads the answer as JSON.
    pub(super) async fn post<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        query: Option<&str>,
        media_type: &'static str,
        body: Vec<u8>,
    ) -> Result<T, LinkError> {
        let signed = Outgoing {
            authority: &self.authority,
            environment: &self.environment,
            method: "POST",
            path,
            query,
            body: &body,
        }
        .sign(
            &self.key,
            self.clock.now(),
            &Nonce::from_random(random_bytes()?),
        )?;
        let mut url = self.base.join(path);
        url.set_query(query);
        let response = self
            .http
            .post(url)
            .header(AUTHORITY_HEADER, signed.authority)
            .header(CONTENT_DIGEST_HEADER, signed.content_digest)
            .header(SIGNATURE_INPUT_HEADER, signed.signature_input)
            .header(SIGNATURE_HEADER, signed.signature)
            .header("content-type", media_type)
            .body(body)
            .send()
            .await
            .map_err(TransportError::from)?;
        let status = response.status();
        let body = http::read(response, ANSWER_BYTES_MAX).await?;
        let code = status.as_u16();
        let unreadable = || LinkError::Unreadable { status: code };
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|_| unreadable());
        }
        let problem = Problem::read(code, &body).ok_or_else(unreadable)?;
        Err(LinkError::Refused(Box::new(problem)))
    }
}
