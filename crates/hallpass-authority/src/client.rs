//! Who is at the door: a client with a secret of its own, or with the token of its workload.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hallpass_journal::Text;
use hallpass_vocabulary::ClientId;
use zeroize::Zeroizing;

use crate::identity::subject::SubjectTokenError;
use crate::secret::{SECRET_PREFIX, SecretHash};

/// The longest `Authorization` value with a secret, in bytes. Basic with the longest client name and a secret has 160.
const SECRET_VALUE_BYTES_MAX: usize = 512;

/// The longest `Authorization` value looked at, in bytes: the scheme and the largest token of a workload.
pub(crate) const AUTHORIZATION_BYTES_MAX: usize = 8 * 1024 + 16;

/// A client that proved itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuthenticatedClient {
    pub(crate) id: ClientId,
    /// What it proved itself with: the id of a secret, or the policy's name of an issuer.
    pub(crate) credential: Text,
}

/// Why a caller is not a client. For the journal and the log only: the caller is always told the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stranger {
    #[error("the client is disabled")]
    Disabled,
    #[error("the credentials have no readable form")]
    Malformed,
    #[error("no credentials were sent")]
    Missing,
    #[error("the secret was retired")]
    Retired,
    #[error("the token of the workload is not accepted: {0}")]
    Token(SubjectTokenError),
    #[error("the policy has no such client")]
    Undeclared,
    #[error("no client has this name and secret")]
    Unknown,
}

impl Stranger {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Disabled => "client_disabled",
            Self::Malformed => "credentials_malformed",
            Self::Missing => "credentials_missing",
            Self::Retired => "secret_retired",
            Self::Token(SubjectTokenError::IssuerUnknown) => "workload_issuer_unknown",
            Self::Token(SubjectTokenError::Unavailable) => "issuer_unavailable",
            Self::Token(_) => "workload_token_invalid",
            Self::Undeclared => "client_undeclared",
            Self::Unknown => "credentials_unknown",
        }
    }
}

/// What was presented. Nothing of it is believed.
pub(crate) enum Credentials {
    /// A secret, by its hash, and whose it is said to be.
    Secret {
        named: Option<String>,
        presented: SecretHash,
    },
    /// The token of a workload.
    Token(Zeroizing<String>),
}

impl Credentials {
    /// Reads an `Authorization` value: HTTP Basic with id and secret (RFC 7617), or Bearer with a secret or a token.
    pub(crate) fn parse(authorization: Option<&[u8]>) -> Result<Self, Stranger> {
        let value = authorization.ok_or(Stranger::Missing)?;
        let text = std::str::from_utf8(value)
            .ok()
            .filter(|text| text.len() <= AUTHORIZATION_BYTES_MAX)
            .ok_or(Stranger::Malformed)?;
        let (scheme, rest) = text.split_once(' ').ok_or(Stranger::Malformed)?;
        let rest = rest.trim();
        let short = text.len() <= SECRET_VALUE_BYTES_MAX;
        if scheme.eq_ignore_ascii_case("basic") && short {
            let decoded = STANDARD.decode(rest).map_err(|_| Stranger::Malformed)?;
            let decoded = Zeroizing::new(decoded);
            let pair = std::str::from_utf8(&decoded).map_err(|_| Stranger::Malformed)?;
            let (id, secret) = pair.split_once(':').ok_or(Stranger::Malformed)?;
            Ok(Self::Secret {
                named: Some(id.to_owned()),
                presented: SecretHash::of(secret),
            })
        } else if scheme.eq_ignore_ascii_case("bearer") {
            if rest.starts_with(SECRET_PREFIX) && short {
                Ok(Self::Secret {
                    named: None,
                    presented: SecretHash::of(rest),
                })
            } else if rest.matches('.').count() == 2 {
                Ok(Self::Token(Zeroizing::new(rest.to_owned())))
            } else {
                Err(Stranger::Malformed)
            }
        } else {
            Err(Stranger::Malformed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::ClientSecret;

    fn basic(id: &str, secret: &str) -> Vec<u8> {
        format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))).into_bytes()
    }

    #[test]
    fn a_secret_is_read_in_either_scheme() {
        let secret = ClientSecret::generate().unwrap();
        for (value, whose) in [
            (basic("one", secret.expose()), Some("one")),
            (format!("Bearer {}", secret.expose()).into_bytes(), None),
            (format!("bearer {}", secret.expose()).into_bytes(), None),
        ] {
            let Ok(Credentials::Secret { named, presented }) = Credentials::parse(Some(&value))
            else {
                panic!("{}", value.escape_ascii());
            };
            assert_eq!(named.as_deref(), whose);
            assert!(bool::from(presented.matches(&secret.hash())));
        }
    }

    #[test]
    fn a_token_is_one_by_its_form() {
        for (value, is_token) in [
            ("Bearer a.b.c", true),
            ("Bearer hps_a.b.c", false),
            ("Bearer hp1.token", false),
            ("Bearer a.b.c.d", false),
            ("Bearer abc", false),
            ("Bearer ", false),
        ] {
            let parsed = Credentials::parse(Some(value.as_bytes()));
            assert_eq!(
                matches!(parsed, Ok(Credentials::Token(_))),
                is_token,
                "{value}"
            );
        }
    }

    #[test]
    fn nothing_else_has_a_form() {
        for value in [
            b"Basic !!!".to_vec(),
            b"Basic b25l".to_vec(),
            b"Digest x".to_vec(),
            b"Basic".to_vec(),
            b"Bearer".to_vec(),
            b"\xff\xfe x".to_vec(),
            [b"Bearer hps_".as_slice(), &[b'x'; SECRET_VALUE_BYTES_MAX]].concat(),
            [b"Bearer a.b.".as_slice(), &[b'x'; AUTHORIZATION_BYTES_MAX]].concat(),
            basic("one", &"x".repeat(SECRET_VALUE_BYTES_MAX)),
        ] {
            let parsed = Credentials::parse(Some(&value));
            assert!(
                matches!(parsed, Err(Stranger::Malformed)),
                "{}",
                value.escape_ascii()
            );
        }
        assert!(matches!(Credentials::parse(None), Err(Stranger::Missing)));
    }
}
