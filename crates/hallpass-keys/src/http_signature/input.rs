//! What is signed and how: the value of `Signature-Input`, in the one form it has.

use std::fmt;

use super::nonce::Nonce;
use crate::{KeyId, Purpose};

/// The label of the one signature, with the `=` of a dictionary member (RFC 8941 section 3.2).
pub(super) const LABEL: &str = "hallpass=";

/// The components, in their order (RFC 9421 section 2).
const COMPONENTS: &str =
    "(\"@method\" \"@path\" \"@query\" \"content-digest\" \"hallpass-authority\")";

/// What every signature ends with: the algorithm, and what kind of request it is for.
const OPERATOR_END: &str = ";alg=\"ed25519\";tag=\"hallpass-operator-v1\"";
/// The same of a verifier: its signature opens nothing that is an operator's, and the other way round.
const VERIFIER_END: &str = ";alg=\"ed25519\";tag=\"hallpass-verifier-v1\"";

/// The digits of a time at most: until the year 9999.
const CREATED_DIGITS_MAX: usize = 12;

/// The parameters that differ from signature to signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parameters {
    /// In unix seconds, not negative.
    pub(super) created: i64,
    pub(super) nonce: Nonce,
    pub(super) key: KeyId,
    pub(super) signer: Signer,
}

/// Who signs requests. A signature says which, and is believed for no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signer {
    /// A person who acts on the authority.
    Operator,
    /// A verifier that reports.
    Verifier,
}

impl Signer {
    /// Whose requests a key signs, if it signs any.
    pub(super) fn of(purpose: Purpose) -> Option<Self> {
        match purpose {
            Purpose::Operator => Some(Self::Operator),
            Purpose::Verifier => Some(Self::Verifier),
            _ => None,
        }
    }

    fn end(self) -> &'static str {
        match self {
            Self::Operator => OPERATOR_END,
            Self::Verifier => VERIFIER_END,
        }
    }
}

impl Parameters {
    /// Reads the value of a `Signature-Input` header. What is read is written back the same, to the byte.
    pub(super) fn parse(value: &str) -> Option<Self> {
        let signers = [Signer::Operator, Signer::Verifier];
        let signer = signers.into_iter().find(|it| value.ends_with(it.end()))?;
        let rest = value
            .strip_prefix(LABEL)?
            .strip_prefix(COMPONENTS)?
            .strip_prefix(";created=")?
            .strip_suffix(signer.end())?;
        let (created, rest) = rest.split_once(";nonce=\"")?;
        let (nonce, rest) = rest.split_once("\";keyid=\"")?;
        let key = rest.strip_suffix('"')?;
        let plain = (1..=CREATED_DIGITS_MAX).contains(&created.len())
            && created.bytes().all(|byte| byte.is_ascii_digit())
            && (created == "0" || !created.starts_with('0'));
        Some(Self {
            created: plain.then(|| created.parse().ok())??,
            nonce: nonce.parse().ok()?,
            key: key.parse().ok()?,
            signer,
        })
    }
}

/// The value of the component `@signature-params`; behind the label, that of `Signature-Input`.
impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            created,
            nonce,
            key,
            signer,
        } = self;
        let end = signer.end();
        write!(
            f,
            "{COMPONENTS};created={created};nonce=\"{nonce}\";keyid=\"{key}\"{end}"
        )
    }
}
