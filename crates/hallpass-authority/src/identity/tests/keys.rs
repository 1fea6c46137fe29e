//! Keys of an issuer that does not exist.

use hallpass_keys::{Purpose, SigningKey};
use hallpass_vocabulary::Environment;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::{unsigned, with};

/// A key with its id.
pub(crate) struct TestKey {
    pub(crate) id: String,
    pub(crate) algorithm: Algorithm,
    secret: EncodingKey,
}

impl TestKey {
    /// Ed25519.
    pub(crate) fn ed(id: &str, seed: u8) -> Self {
        // PKCS#8 version 1 (RFC 8410 section 7) of a seed.
        let mut der = hex::decode("302e020100300506032b657004220420").unwrap();
        der.extend_from_slice(&[seed; 32]);
        Self {
            id: id.to_owned(),
            algorithm: Algorithm::EdDSA,
            secret: EncodingKey::from_ed_der(&der),
        }
    }

    /// ECDSA over P-256, made for these tests.
    pub(crate) fn ec(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            algorithm: Algorithm::ES256,
            secret: EncodingKey::from_ec_pem(include_bytes!("ec.pem")).unwrap(),
        }
    }

    /// RSA of 2048 bits, made for these tests.
    pub(crate) fn rsa(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            algorithm: Algorithm::RS256,
            secret: EncodingKey::from_rsa_pem(include_bytes!("rsa.pem")).unwrap(),
        }
    }

    /// The same key for another algorithm.
    pub(crate) fn by(self, algorithm: Algorithm) -> Self {
        Self { algorithm, ..self }
    }

    pub(crate) fn header(&self) -> Value {
        json!({"alg": format!("{:?}", self.algorithm), "kid": self.id, "typ": "JWT"})
    }

    /// A token with these claims.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.token_of(&self.header().to_string(), &claims.to_string())
    }

    /// A token with these texts, signed whatever they are.
    pub(crate) fn token_of(&self, header: &str, claims: &str) -> String {
        let signed = unsigned(header, claims);
        let signature =
            jsonwebtoken::crypto::sign(signed.as_bytes(), &self.secret, self.algorithm).unwrap();
        format!("{signed}.{signature}")
    }

    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = match self.algorithm {
            // The seed is a byte over and over.
            Algorithm::EdDSA => {
                let seed = self.secret.as_bytes();
                let seed: [u8; 32] = seed[seed.len() - 32..].try_into().unwrap();
                let dev = Environment::new("dev").unwrap();
                let key = SigningKey::from_seed(Purpose::Operator, dev, seed).verifying_key();
                let x = base64::Engine::encode(
                    &base64::engine::general_purpose::URL_SAFE_NO_PAD,
                    key.as_bytes(),
                );
                json!({"kty": "OKP", "crv": "Ed25519", "x": x})
            }
            algorithm => {
                let jwk = Jwk::from_encoding_key(&self.secret, algorithm).unwrap();
                let Value::Object(mut jwk) = serde_json::to_value(jwk).unwrap() else {
                    panic!("an object");
                };
                jwk.remove("alg");
                Value::Object(jwk)
            }
        };
        jwk["kid"] = json!(self.id);
        with(jwk, "use", json!("sig"))
    }
}

/// A JWK set.
pub(crate) fn set(keys: &[&TestKey]) -> String {
    let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
    json!({ "keys": keys }).to_string()
}
