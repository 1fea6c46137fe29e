//! A JSON Web Token (RFC 7519) in compact form (RFC 7515), taken apart before anything of it is believed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};

use super::strict_json::StrictObject;

/// The largest token, in bytes. Those of clusters and CI have 1 to 2 KiB, those with many groups a few more.
pub(crate) const JWT_BYTES_MAX: usize = 8 * 1024;

/// What a token may say it is (RFC 8725 section 3.11): a plain one, or an access token (RFC 9068). What is for logging out,
/// for proving possession or for reporting events is no proof of who somebody is.
const TYPES: &[&str] = &["jwt", "at+jwt", "application/jwt", "application/at+jwt"];

/// Header parameters that would change what is verified or with which key.
const HEADERS_REFUSED: &[&str] = &["b64", "crit", "enc", "jku", "jwk", "x5u", "zip"];

/// A token of the right form. Nothing in it is believed.
pub(super) struct UnverifiedJwt<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) key: Option<String>,
    pub(super) claims: Map<String, Value>,
    signed: &'a str,
    signature: &'a str,
}

impl<'a> UnverifiedJwt<'a> {
    /// Takes a token apart.
    pub(super) fn parse(jwt: &'a str) -> Result<Self, &'static str> {
        if jwt.len() > JWT_BYTES_MAX {
            return Err("the token is too large");
        }
        let (signed, signature) = jwt.rsplit_once('.').ok_or("the token has no parts")?;
        let (header, claims) = signed.split_once('.').ok_or("the token has no claims")?;
        if claims.contains('.') || signature.is_empty() {
            return Err("the token has not three parts");
        }
        let header = object(header).ok_or("the header is no JSON object, or has a name twice")?;
        if HEADERS_REFUSED
            .iter()
            .any(|name| header.contains_key(*name))
        {
            return Err("the header asks for something that is not done");
        }
        let known = |typ: &Value| {
            let typ = typ.as_str().map(str::to_ascii_lowercase);
            typ.is_some_and(|typ| TYPES.contains(&typ.as_str()))
        };
        if !header.get("typ").is_none_or(known) {
            return Err("the token is of another type");
        }
        let key = match header.get("kid") {
            None => None,
            Some(Value::String(key)) => Some(key.clone()),
            Some(_) => return Err("the key id is no text"),
        };
        let claims = object(claims).ok_or("the claims are no JSON object, or have a name twice")?;
        // A logout token (OpenID Connect Back-Channel Logout) or a security event (RFC 8417), whatever its type.
        if claims.contains_key("events") {
            return Err("the token reports events");
        }
        Ok(Self {
            algorithm: algorithm(&header).ok_or("the algorithm is none that is accepted")?,
            key,
            claims,
            signed,
            signature,
        })
    }

    /// Whether this key signed it, by the algorithm the token names.
    pub(super) fn is_signed_by(&self, key: &jsonwebtoken::DecodingKey) -> bool {
        let verified = jsonwebtoken::crypto::verify(
            self.signature,
            self.signed.as_bytes(),
            key,
            self.algorithm,
        );
        verified.unwrap_or(false)
    }

    /// A claim that is text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name)?.as_str()
    }
}

/// The algorithm, if it is one of those a policy can list: asymmetric, and not `none`.
fn algorithm(header: &Map<String, Value>) -> Option<Algorithm> {
    let algorithm: Algorithm = header.get("alg")?.as_str()?.parse().ok()?;
    let symmetric = matches!(
        algorithm,
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512
    );
    (!symmetric).then_some(algorithm)
}

fn object(part: &str) -> Option<Map<String, Value>> {
    StrictObject::parse(&URL_SAFE_NO_PAD.decode(part).ok()?)
}
