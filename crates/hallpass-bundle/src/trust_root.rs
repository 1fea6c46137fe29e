//! What a verifier is configured with, and trusts without being told by the network.

use std::fmt;
use std::str::FromStr;

use hallpass_keys::{Digest, InvalidDigest};
use hallpass_vocabulary::{AuthorityId, Environment, InvalidName};

/// The SHA-256 of the payload of a root document. Written as `sha256:` and 64 lower-case hex digits.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct TrustRootDigest(Digest);

/// What a verifier pins: whose bundle it believes, for which environment, from which root on.
///
/// Text form, which is also the file `hallpass init` writes:
///
/// ```text
/// Hallpass-Trust-Root: 1
/// Authority: hallpass.example
/// Environment: prod
/// Digest: sha256:…
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustRoot {
    /// Whose.
    pub authority: AuthorityId,
    /// Where.
    pub environment: Environment,
    /// The first root believed; later ones must be signed by it.
    pub digest: TrustRootDigest,
}

/// A text that is no trust root.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTrustRoot {
    /// A line is missing, or does not start as it must.
    #[error("line {line} of a trust root must start with `{expected}`")]
    Line {
        /// Counted from one.
        line: usize,
        /// How the line must start.
        expected: &'static str,
    },
    /// Something follows the last line.
    #[error("something follows the digest of the trust root")]
    TrailingData,
    /// An authority or environment that is none.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// A digest that is none.
    #[error(transparent)]
    Digest(#[from] InvalidDigest),
}

impl TrustRootDigest {
    /// The digest of the payload of a root document.
    pub fn of(root_payload: &[u8]) -> Self {
        Self(Digest::of(root_payload))
    }

    /// The digest.
    pub fn digest(&self) -> &Digest {
        &self.0
    }

    /// The first 16 bytes in eight groups of four hex digits, for reading to one another over the telephone. People
    /// compare it; verifiers pin the whole digest.
    pub fn fingerprint(&self) -> String {
        let hex = hex::encode(self.0.as_bytes());
        let groups: Vec<&str> = (0..8)
            .filter_map(|group| hex.get(group * 4..group * 4 + 4))
            .collect();
        groups.join("-")
    }
}

impl fmt::Display for TrustRootDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for TrustRootDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for TrustRootDigest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        text.parse().map(Self)
    }
}

impl fmt::Display for TrustRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            authority,
            environment,
            digest,
        } = self;
        write!(
            f,
            "Hallpass-Trust-Root: 1\nAuthority: {authority}\nEnvironment: {environment}\nDigest: {digest}\n"
        )
    }
}

impl FromStr for TrustRoot {
    type Err = InvalidTrustRoot;

    fn from_str(text: &str) -> Result<Self, InvalidTrustRoot> {
        let mut lines = text.lines();
        let mut value = |line, expected| {
            lines
                .next()
                .and_then(|text: &str| text.strip_prefix(expected))
                .ok_or(InvalidTrustRoot::Line { line, expected })
        };
        if !value(1, "Hallpass-Trust-Root: 1")?.is_empty() {
            return Err(InvalidTrustRoot::Line {
                line: 1,
                expected: "Hallpass-Trust-Root: 1",
            });
        }
        let trust_root = Self {
            authority: value(2, "Authority: ")?.parse()?,
            environment: value(3, "Environment: ")?.parse()?,
            digest: value(4, "Digest: ")?.parse()?,
        };
        if lines.next().is_some() {
            return Err(InvalidTrustRoot::TrailingData);
        }
        Ok(trust_root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trust_root() -> TrustRoot {
        TrustRoot {
            authority: AuthorityId::new("hallpass.example").unwrap(),
            environment: Environment::new("prod").unwrap(),
            digest: TrustRootDigest::of(b""),
        }
    }

    #[test]
    fn text_form_round_trips() {
        let text = trust_root().to_string();
        assert_eq!(text.parse(), Ok(trust_root()));
        assert_eq!(text.trim_end().parse(), Ok(trust_root()));
    }

    #[test]
    fn refuses_another_form() {
        let good = trust_root().to_string();
        for bad in [
            String::new(),
            good.replace("Root: 1", "Root: 12"),
            good.replace("Authority: ", "Authority:"),
            good.replace("prod", "Prod"),
            good.replace("sha256:", ""),
            format!("{good}Digest: {}\n", trust_root().digest),
            format!("\n{good}"),
        ] {
            assert!(bad.parse::<TrustRoot>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_fingerprint_is_the_start_of_the_digest() {
        assert_eq!(
            trust_root().digest.fingerprint(),
            "e3b0-c442-98fc-1c14-9afb-f4c8-996f-b924"
        );
    }
}
