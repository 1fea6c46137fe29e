//! The issuers: identity providers whose signed tokens the authority believes, for clients, for subjects or for both.

use std::collections::BTreeMap;
use std::fmt;

use hallpass_vocabulary::Role;

use crate::place::Place;

/// How a token may be signed. Asymmetric only: whoever checks must not be able to sign.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum Algorithm {
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// ECDSA over P-256.
    #[serde(rename = "ES256")]
    Es256,
    /// ECDSA over P-384.
    #[serde(rename = "ES384")]
    Es384,
    /// RSA-PSS with SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
    /// RSA-PSS with SHA-384.
    #[serde(rename = "PS384")]
    Ps384,
    /// RSA-PSS with SHA-512.
    #[serde(rename = "PS512")]
    Ps512,
    /// RSA with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// RSA with SHA-384.
    #[serde(rename = "RS384")]
    Rs384,
    /// RSA with SHA-512.
    #[serde(rename = "RS512")]
    Rs512,
}

impl Algorithm {
    /// The `alg` of RFC 7518 and RFC 8037.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// For whom an issuer vouches.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Vouches {
    /// For orchestrators.
    Clients,
    /// For those on whose behalf a run acts.
    Subjects,
}

impl Vouches {
    /// The word in the policy.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::Subjects => "subjects",
        }
    }
}

impl fmt::Display for Vouches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where the keys of an issuer come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// OpenID discovery under the issuer.
    Discovery,
    /// A JWK set in a file.
    File(String),
    /// A JWK set at a URL.
    Url(String),
}

/// One issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerRule {
    pub(crate) place: Place,
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) keys: KeySource,
    pub(crate) ca_file: Option<String>,
    pub(crate) algorithms: Vec<Algorithm>,
    pub(crate) vouches: Vec<Vouches>,
    pub(crate) subjects: SubjectClaims,
}

/// How a subject's token is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectClaims {
    pub(crate) subject: String,
    pub(crate) prefix: String,
    pub(crate) roles_claim: Option<String>,
    pub(crate) roles: BTreeMap<String, Role>,
    pub(crate) tenant: Option<String>,
}

impl IssuerRule {
    /// The exact `iss` of its tokens.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What must be among the `aud` of its tokens.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// Where its keys come from.
    pub fn keys(&self) -> &KeySource {
        &self.keys
    }

    /// The certificates, in a file, by which its keys are fetched; those of the machine when `None`.
    pub fn ca_file(&self) -> Option<&str> {
        self.ca_file.as_deref()
    }

    /// How its tokens may be signed; at least one.
    pub fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    /// Whether it vouches for these.
    pub fn vouches_for(&self, whom: Vouches) -> bool {
        self.vouches.contains(&whom)
    }

    /// How a subject's token of it is read. Of no use where it does not vouch for subjects.
    pub fn subjects(&self) -> &SubjectClaims {
        &self.subjects
    }

    /// Where it is written.
    pub fn place(&self) -> &Place {
        &self.place
    }
}

impl SubjectClaims {
    /// The claim that names the subject.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What stands before it to make it a subject: `user:`.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The claim with what is mapped to roles: a text, or an array of texts.
    pub fn roles_claim(&self) -> Option<&str> {
        self.roles_claim.as_deref()
    }

    /// The role of each value of that claim. Other values give none.
    pub fn roles(&self) -> &BTreeMap<String, Role> {
        &self.roles
    }

    /// The claim that must be equal to the tenant that is asked for.
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }
}
