//! A JWK set (RFC 7517): the public keys of an issuer.

use jsonwebtoken::{Algorithm, DecodingKey};

/// The largest set, in bytes. Real ones have 1 to 20 KiB.
pub(super) const KEY_SET_BYTES_MAX: usize = 256 * 1024;
/// The most keys in a set. Real ones have 1 to 10.
const KEYS_MAX: usize = 128;

/// The keys of an issuer that can verify signatures.
#[derive(Debug)]
pub(super) struct KeySet(Vec<Key>);

/// One public key.
pub(super) struct Key {
    id: Option<String>,
    /// The algorithms it may be used with.
    algorithms: &'static [Algorithm],
    /// The only one of them, where the set says so.
    algorithm: Option<String>,
    pub(super) key: DecodingKey,
}

/// Which key a token is to be verified with.
pub(super) enum Found<'a> {
    /// This one.
    Key(&'a Key),
    /// The token's key is none of the set: the set may be old.
    Unknown,
    /// The token names no key, and there are several it could be.
    Unnamed,
}

#[derive(serde::Deserialize)]
struct Wire {
    keys: Vec<serde_json::Value>,
}

/// Members we do not know are ignored (RFC 7517 section 4).
#[derive(serde::Deserialize)]
struct WireKey {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl KeySet {
    /// Reads a set. Keys that are not for signatures, or of a kind we do not use, are left out, as the standard says.
    pub(super) fn parse(json: &[u8]) -> Option<Self> {
        if json.len() > KEY_SET_BYTES_MAX {
            return None;
        }
        let Wire { keys } = serde_json::from_slice(json).ok()?;
        if keys.len() > KEYS_MAX {
            return None;
        }
        let keys = keys
            .into_iter()
            .filter_map(|key| Key::of(serde_json::from_value(key).ok()?));
        Some(Self(keys.collect()))
    }

    /// The key with this id that goes with this algorithm; without an id the only key there is.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Found<'_> {
        if id.is_none() && self.0.len() > 1 {
            return Found::Unnamed;
        }
        let named = |key: &&Key| id.is_none() || key.id.as_deref() == id;
        let mut fitting = self
            .0
            .iter()
            .filter(named)
            .filter(|key| key.goes_with(algorithm));
        match (fitting.next(), fitting.next()) {
            (None, _) => Found::Unknown,
            (Some(key), None) => Found::Key(key),
            (Some(_), Some(_)) => Found::Unnamed,
        }
    }
}

impl Key {
    fn of(wire: WireKey) -> Option<Self> {
        let for_signatures = wire.usage.as_deref().is_none_or(|usage| usage == "sig")
            && wire
                .key_ops
                .as_ref()
                .is_none_or(|operations| operations.iter().any(|it| it == "verify"));
        if !for_signatures {
            return None;
        }
        let (algorithms, key): (&[Algorithm], _) = match (wire.kty.as_str(), wire.crv.as_deref()) {
            ("RSA", None) => (
                &[
                    Algorithm::RS256,
                    Algorithm::RS384,
                    Algorithm::RS512,
                    Algorithm::PS256,
                    Algorithm::PS384,
                    Algorithm::PS512,
                ],
                DecodingKey::from_rsa_components(&wire.n?, &wire.e?),
            ),
            ("EC", Some("P-256")) => (
                &[Algorithm::ES256],
                DecodingKey::from_ec_components(&wire.x?, &wire.y?),
            ),
            ("EC", Some("P-384")) => (
                &[Algorithm::ES384],
                DecodingKey::from_ec_components(&wire.x?, &wire.y?),
            ),
            ("OKP", Some("Ed25519")) => (
                &[Algorithm::EdDSA],
                DecodingKey::from_ed_components(&wire.x?),
            ),
            _ => return None,
        };
        Some(Self {
            id: wire.kid,
            algorithms,
            algorithm: wire.alg,
            key: key.ok()?,
        })
    }

    fn goes_with(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
            && self
                .algorithm
                .as_deref()
                .is_none_or(|only| only.parse() == Ok(algorithm))
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("algorithms", &self.algorithms)
            .finish_non_exhaustive()
    }
}
