//! Whether a request is one of a verifier that is enrolled: signed with its key, fresh, and not seen before.

use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use hallpass_keys::VerifyingKey;
use hallpass_keys::http_signature::{
    AUTHORITY_HEADER, CONTENT_DIGEST_HEADER, ContentDigest, HttpSignatureError, NONCE_LIFE,
    SIGNATURE_HEADER, SIGNATURE_INPUT_HEADER, SignedParts, Signer, UnverifiedSignature,
    authority_value,
};
use hallpass_vocabulary::RequestId;

use super::body::{self, BodyBounds};
use super::problem::{Problem, ProblemCode};
use crate::fleet::is_origin;
use crate::service::Service;
use crate::store::{StoreError, VerifierRow};

/// Why a request is no verifier's. For the log only: who asks is always told the same.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotAVerifier {
    #[error("the body is not the one that was signed")]
    Body,
    #[error("a header is missing, there twice, or not text")]
    Headers,
    #[error("the verifier has another key")]
    Key,
    #[error("the request is signed for another authority")]
    OtherAuthority,
    #[error("the request was seen before")]
    Replayed,
    #[error("the verifier was retired")]
    Retired,
    #[error(transparent)]
    Signature(#[from] HttpSignatureError),
    #[error("there is no such verifier")]
    Unknown,
}

/// Why a request goes no further.
pub(super) enum Turned {
    Away(NotAVerifier),
    Problem(Problem),
}

impl<E: Into<NotAVerifier>> From<E> for Turned {
    fn from(why: E) -> Self {
        Self::Away(why.into())
    }
}

impl Turned {
    /// What the caller is told.
    pub(super) fn problem(self, instance: RequestId) -> Problem {
        match self {
            Self::Problem(problem) => problem,
            Self::Away(why) => {
                tracing::warn!(request.id = %instance, error = %why, "refused what is to be a verifier's request");
                Problem::new(ProblemCode::VerifierUnauthorized, instance)
            }
        }
    }
}

/// What a request says of its signature.
pub(super) struct Claimed<'a> {
    signature: UnverifiedSignature,
    authority: &'a str,
    digest: &'a str,
}

/// The verifier of an origin, and the body it signed.
pub(super) async fn admit(
    service: &Service,
    instance: RequestId,
    origin: &str,
    (head, body): (&Parts, Body),
    bounds: BodyBounds,
) -> Result<(VerifierRow, Bytes), Problem> {
    let admitted = async {
        let claimed = Claimed::of(&head.headers)?;
        if !is_origin(origin) {
            return Err(NotAVerifier::Unknown.into());
        }
        let row = service.store().verifier(origin).await;
        let row = row.map_err(|error| unread(instance, &error))?;
        let row = row.ok_or(NotAVerifier::Unknown)?;
        if !row.is_live() {
            return Err(NotAVerifier::Retired.into());
        }
        claimed.verify(service, head, &row.enrolled.key)?;
        // Only now: a body costs memory, and a nonce a row.
        let body = body::read_within(body, instance, bounds).await;
        let body = body.map_err(Turned::Problem)?;
        claimed.is_of(&body)?;
        claimed.remember(service, instance).await?;
        Ok((row, body))
    };
    admitted
        .await
        .map_err(|turned: Turned| turned.problem(instance))
}

impl<'a> Claimed<'a> {
    /// Reads the headers.
    pub(super) fn of(headers: &'a HeaderMap) -> Result<Self, NotAVerifier> {
        let input = once(headers, SIGNATURE_INPUT_HEADER)?;
        let signature = once(headers, SIGNATURE_HEADER)?;
        Ok(Self {
            signature: UnverifiedSignature::parse_of(Signer::Verifier, input, signature)?,
            authority: once(headers, AUTHORITY_HEADER)?,
            digest: once(headers, CONTENT_DIGEST_HEADER)?,
        })
    }

    /// That this key signed the head of the request, lately, for this authority.
    pub(super) fn verify(
        &self,
        service: &Service,
        head: &Parts,
        key: &VerifyingKey,
    ) -> Result<(), NotAVerifier> {
        if self.signature.key_id() != key.id() {
            return Err(NotAVerifier::Key);
        }
        let parts = SignedParts {
            method: head.method.as_str(),
            path: head.uri.path(),
            query: head.uri.query(),
            content_digest: self.digest,
            authority: self.authority,
        };
        self.signature.verify(key, &parts, service.clock.now())?;
        if self.authority != authority_value(&service.name, &service.environment) {
            return Err(NotAVerifier::OtherAuthority);
        }
        Ok(())
    }

    /// That the body is the one that was signed.
    pub(super) fn is_of(&self, body: &[u8]) -> Result<(), NotAVerifier> {
        if ContentDigest::parse(self.digest)?.matches(body) {
            Ok(())
        } else {
            Err(NotAVerifier::Body)
        }
    }

    /// That it was not seen before.
    pub(super) async fn remember(
        &self,
        service: &Service,
        instance: RequestId,
    ) -> Result<(), Turned> {
        let until = service.clock.now().after(NONCE_LIFE);
        let (key, nonce) = (self.signature.key_id(), self.signature.nonce().as_str());
        match service.store().remember_nonce(key, nonce, until).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(NotAVerifier::Replayed.into()),
            Err(error) => Err(unread(instance, &error)),
        }
    }
}

fn unread(instance: RequestId, error: &StoreError) -> Turned {
    let error = error as &dyn std::error::Error;
    tracing::error!(request.id = %instance, error, "a verifier cannot be looked up");
    Turned::Problem(Problem::new(ProblemCode::StoreUnavailable, instance))
}

/// A header that is there once, as text.
fn once<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, NotAVerifier> {
    let mut values = headers.get_all(name).iter();
    match (values.next().map(|value| value.to_str()), values.next()) {
        (Some(Ok(text)), None) => Ok(text),
        _ => Err(NotAVerifier::Headers),
    }
}
