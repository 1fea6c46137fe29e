//! Signed HTTP requests: one fixed profile of HTTP Message Signatures (RFC 9421), for operators and for verifiers, whose tag is
//! `hallpass-verifier-v1`.
//!
//! ```text
//! Hallpass-Authority: prod.hallpass/prod
//! Content-Digest: sha-256=:…:
//! Signature-Input: hallpass=("@method" "@path" "@query" "content-digest" "hallpass-authority");created=…;nonce="…";keyid="…";alg="ed25519";tag="hallpass-operator-v1"
//! Signature: hallpass=:…:
//! ```
//!
//! Every request is signed over the same components with the same parameters in the same order, and is read back in this
//! exact form: there is nothing to negotiate, so nothing to be talked out of. Pure: time and randomness are arguments, and
//! whether a nonce was seen before is for whoever remembers them. docs/keys.md describes the profile.

mod base;
mod content_digest;
mod input;
mod nonce;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hallpass_vocabulary::{AuthorityId, Environment, Timestamp};

pub use content_digest::ContentDigest;
pub use input::Signer;
pub use nonce::{InvalidNonce, NONCE_CHARS_MAX, NONCE_CHARS_MIN, NONCE_RANDOM_BYTES, Nonce};

use crate::{KeyId, SIGNATURE_BYTES, Signature, SigningKey, VerifyingKey};
use input::Parameters;

/// The header that names the authority a request is for.
pub const AUTHORITY_HEADER: &str = "hallpass-authority";
/// The header with the digest of the body (RFC 9530).
pub const CONTENT_DIGEST_HEADER: &str = "content-digest";
/// The header with the signature (RFC 9421 section 4.2).
pub const SIGNATURE_HEADER: &str = "signature";
/// The header that says what is signed and how (RFC 9421 section 4.1).
pub const SIGNATURE_INPUT_HEADER: &str = "signature-input";

/// How far the clock of a signer and that of the authority may be apart, either way.
pub const CREATED_SKEW_MAX: Duration = Duration::from_secs(60);
/// For how long a nonce must be remembered once it was seen: longer than any signature with it can be fresh.
pub const NONCE_LIFE: Duration = Duration::from_secs(180);

/// The longest signed request line or header value, in bytes. Paths and queries of the authority are far shorter.
const COMPONENT_BYTES_MAX: usize = 4096;

/// A request that is to be signed.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// The authority it is for.
    pub authority: &'a AuthorityId,
    /// The environment of that authority.
    pub environment: &'a Environment,
    /// The method, in capitals.
    pub method: &'a str,
    /// The path as the authority gets it, percent-encoding and all.
    pub path: &'a str,
    /// What follows the `?`, as it is sent; `None` without one.
    pub query: Option<&'a str>,
    /// The body; empty without one.
    pub body: &'a [u8],
}

/// What a request is signed over, as it stands on the wire.
#[derive(Debug, Clone, Copy)]
pub struct SignedParts<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// The path as it was sent, percent-encoding and all.
    pub path: &'a str,
    /// What follows the `?`, as it was sent; `None` without one.
    pub query: Option<&'a str>,
    /// The value of `Content-Digest`.
    pub content_digest: &'a str,
    /// The value of `Hallpass-Authority`.
    pub authority: &'a str,
}

/// The four headers of a signed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHeaders {
    /// `Hallpass-Authority`.
    pub authority: String,
    /// `Content-Digest`.
    pub content_digest: String,
    /// `Signature`.
    pub signature: String,
    /// `Signature-Input`.
    pub signature_input: String,
}

/// What a request says of its signature. Nothing of it is to be believed before [`UnverifiedSignature::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedSignature {
    parameters: Parameters,
    signature: Signature,
}

/// A request that is not signed as the profile says. None repeats a value of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpSignatureError {
    /// A part that is signed is too long or not of visible ASCII, so it has no place in a signature base.
    #[error("a part of the request cannot be signed: it is too long or not visible ASCII")]
    Component,
    /// A header is not in the one form it has.
    #[error("the header `{0}` is malformed")]
    Malformed(&'static str),
    /// Signed too long ago, or too far in the future.
    #[error("the request was signed more than {} seconds ago or ahead", CREATED_SKEW_MAX.as_secs())]
    OutOfTime,
    /// The signature is not one of this key over this request.
    #[error("the signature does not verify")]
    Signature,
    /// The key is not for signing requests to this authority.
    #[error("the key is for other signatures, or belongs to another environment")]
    WrongKey,
}

/// The value of `Hallpass-Authority` for one authority: its name and its environment.
pub fn authority_value(authority: &AuthorityId, environment: &Environment) -> String {
    format!("{authority}/{environment}")
}

impl Outgoing<'_> {
    /// Signs the request.
    ///
    /// # Errors
    /// [`HttpSignatureError::WrongKey`] for a key that is neither an operator's nor a verifier's, or not of this environment;
    /// [`HttpSignatureError::Component`] for a path or query that is not as it goes over the wire.
    pub fn sign(
        &self,
        key: &SigningKey,
        created: Timestamp,
        nonce: &Nonce,
    ) -> Result<SignedHeaders, HttpSignatureError> {
        let signer = Signer::of(key.purpose()).ok_or(HttpSignatureError::WrongKey)?;
        if key.environment() != self.environment {
            return Err(HttpSignatureError::WrongKey);
        }
        let authority = authority_value(self.authority, self.environment);
        let content_digest = ContentDigest::of(self.body).to_string();
        let parameters = Parameters {
            created: created.unix_seconds().max(0),
            nonce: nonce.clone(),
            key: key.id(),
            signer,
        };
        let parts = SignedParts {
            method: self.method,
            path: self.path,
            query: self.query,
            content_digest: &content_digest,
            authority: &authority,
        };
        let signature = key.sign(parts.base(&parameters)?.as_bytes());
        let signature = STANDARD.encode(signature.as_bytes());
        Ok(SignedHeaders {
            signature: format!("{}:{signature}:", input::LABEL),
            signature_input: format!("{}{parameters}", input::LABEL),
            authority,
            content_digest,
        })
    }
}

impl UnverifiedSignature {
    /// Reads the values of `Signature-Input` and `Signature` of an operator's request.
    ///
    /// # Errors
    /// [`HttpSignatureError::Malformed`], for anything but the one form.
    pub fn parse(signature_input: &str, signature: &str) -> Result<Self, HttpSignatureError> {
        Self::parse_of(Signer::Operator, signature_input, signature)
    }

    /// Reads the values of `Signature-Input` and `Signature` of a request of this kind of signer.
    ///
    /// # Errors
    /// [`HttpSignatureError::Malformed`], for anything but the one form.
    pub fn parse_of(
        signer: Signer,
        signature_input: &str,
        signature: &str,
    ) -> Result<Self, HttpSignatureError> {
        let parameters = Parameters::parse(signature_input)
            .filter(|parameters| parameters.signer == signer)
            .ok_or(HttpSignatureError::Malformed(SIGNATURE_INPUT_HEADER))?;
        let signature =
            parse_signature(signature).ok_or(HttpSignatureError::Malformed(SIGNATURE_HEADER))?;
        Ok(Self {
            parameters,
            signature,
        })
    }

    /// The key that is said to have signed; for finding it.
    pub fn key_id(&self) -> KeyId {
        self.parameters.key
    }

    /// What makes the request unlike any other of this key. To be remembered for [`NONCE_LIFE`] after verifying.
    pub fn nonce(&self) -> &Nonce {
        &self.parameters.nonce
    }

    /// Verifies that this key signed these parts, lately. The body is compared by [`ContentDigest::matches`]; the nonce is
    /// looked up by whoever remembers them.
    ///
    /// # Errors
    /// [`HttpSignatureError::Signature`] and [`HttpSignatureError::WrongKey`]; [`HttpSignatureError::OutOfTime`] for a good
    /// signature that is not fresh.
    pub fn verify(
        &self,
        key: &VerifyingKey,
        parts: &SignedParts<'_>,
        now: Timestamp,
    ) -> Result<(), HttpSignatureError> {
        if key.id() != self.parameters.key {
            return Err(HttpSignatureError::WrongKey);
        }
        let base = parts.base(&self.parameters)?;
        key.verify(base.as_bytes(), &self.signature)
            .map_err(|_| HttpSignatureError::Signature)?;
        let created = Timestamp::from_unix_seconds(self.parameters.created);
        if now.since(created).max(created.since(now)) > CREATED_SKEW_MAX {
            return Err(HttpSignatureError::OutOfTime);
        }
        Ok(())
    }
}

impl SignedParts<'_> {
    /// The signature base (RFC 9421 section 2.5). No two requests have the same: no part holds a line end.
    fn base(&self, parameters: &Parameters) -> Result<String, HttpSignatureError> {
        let query = format!("?{}", self.query.unwrap_or_default());
        let components = [
            ("@method", self.method),
            ("@path", self.path),
            ("@query", &query),
            (CONTENT_DIGEST_HEADER, self.content_digest),
            (AUTHORITY_HEADER, self.authority),
        ];
        let plain = |value: &str| {
            (1..=COMPONENT_BYTES_MAX).contains(&value.len())
                && value.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if !components.iter().all(|(_, value)| plain(value)) || !self.path.starts_with('/') {
            return Err(HttpSignatureError::Component);
        }
        Ok(base::signature_base(&components, &parameters.to_string()))
    }
}

fn parse_signature(value: &str) -> Option<Signature> {
    let encoded = value
        .strip_prefix(input::LABEL)?
        .strip_prefix(':')?
        .strip_suffix(':')?;
    // Before decoding: four characters carry three bytes.
    if encoded.len() != SIGNATURE_BYTES.div_ceil(3) * 4 {
        return None;
    }
    let bytes = STANDARD.decode(encoded).ok()?;
    Signature::try_from(bytes.as_slice()).ok()
}
