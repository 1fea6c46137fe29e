//! The registered clients, and who is at the door.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hallpass_vocabulary::{ClientId, Environment};

use crate::secret::SecretHash;

/// The longest `Authorization` value looked at, in bytes. Basic with the longest client name and a secret has 160.
pub(crate) const AUTHORIZATION_BYTES_MAX: usize = 512;

/// One registered client.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) id: ClientId,
    pub(crate) environment: Environment,
    pub(crate) secret: SecretHash,
    pub(crate) disabled: bool,
}

/// All registered clients. Read at start: this release has no command that changes them while the authority runs.
#[derive(Debug)]
pub(crate) struct Clients {
    by_id: HashMap<ClientId, Client>,
    by_secret: HashMap<[u8; 32], ClientId>,
    /// Stands in for a client that does not exist, so that looking for one takes the same steps.
    nobody: SecretHash,
}

/// Why a caller is not a client. For the journal and the log only: the caller is always told the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stranger {
    #[error("the client is disabled")]
    Disabled,
    #[error("the credentials have no readable form")]
    Malformed,
    #[error("no credentials were sent")]
    Missing,
    #[error("the client is registered for another environment")]
    OtherEnvironment,
    #[error("no client has this name and secret")]
    Unknown,
}

impl Stranger {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Disabled => "client_disabled",
            Self::Malformed => "credentials_malformed",
            Self::Missing => "credentials_missing",
            Self::OtherEnvironment => "client_of_other_environment",
            Self::Unknown => "credentials_unknown",
        }
    }
}

impl Clients {
    /// `unguessable` is the hash no secret has; it must be random.
    pub(crate) fn new(clients: Vec<Client>, unguessable: [u8; 32]) -> Self {
        Self {
            by_secret: clients
                .iter()
                .map(|c| (*c.secret.as_bytes(), c.id.clone()))
                .collect(),
            by_id: clients.into_iter().map(|c| (c.id.clone(), c)).collect(),
            nobody: SecretHash::from_bytes(unguessable),
        }
    }

    /// The client of an `Authorization` value: HTTP Basic with its id and secret (RFC 7617), or Bearer with its secret.
    pub(crate) fn authenticate(&self, authorization: Option<&[u8]>) -> Result<&Client, Stranger> {
        let value = authorization.ok_or(Stranger::Missing)?;
        let text = std::str::from_utf8(value)
            .ok()
            .filter(|text| text.len() <= AUTHORIZATION_BYTES_MAX)
            .ok_or(Stranger::Malformed)?;
        let (scheme, rest) = text.split_once(' ').ok_or(Stranger::Malformed)?;
        if scheme.eq_ignore_ascii_case("basic") {
            let decoded = STANDARD
                .decode(rest.trim())
                .map_err(|_| Stranger::Malformed)?;
            let decoded = zeroize::Zeroizing::new(decoded);
            let pair = std::str::from_utf8(&decoded).map_err(|_| Stranger::Malformed)?;
            let (id, secret) = pair.split_once(':').ok_or(Stranger::Malformed)?;
            self.confirm(self.by_id.get(id), secret)
        } else if scheme.eq_ignore_ascii_case("bearer") {
            // A lookup by hash: what its time tells is about the hash of a guess, which helps nobody guess.
            let secret = rest.trim();
            let named = self.by_secret.get(SecretHash::of(secret).as_bytes());
            self.confirm(named.and_then(|id| self.by_id.get(id)), secret)
        } else {
            Err(Stranger::Malformed)
        }
    }

    /// Hashes and compares whether or not there is such a client, and whether or not it is enabled.
    fn confirm<'a>(
        &'a self,
        named: Option<&'a Client>,
        secret: &str,
    ) -> Result<&'a Client, Stranger> {
        let presented = SecretHash::of(secret);
        let matches = named
            .map_or(&self.nobody, |client| &client.secret)
            .matches(&presented);
        match named {
            Some(client) if bool::from(matches) && client.disabled => Err(Stranger::Disabled),
            Some(client) if bool::from(matches) => Ok(client),
            _ => Err(Stranger::Unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::ClientSecret;

    fn clients() -> (Clients, ClientSecret, ClientSecret) {
        let dev = Environment::new("dev").unwrap();
        let (one, gone) = (
            ClientSecret::generate().unwrap(),
            ClientSecret::generate().unwrap(),
        );
        let client = |id: &str, secret: &ClientSecret, disabled| Client {
            id: ClientId::new(id).unwrap(),
            environment: dev.clone(),
            secret: secret.hash(),
            disabled,
        };
        let all = vec![client("one", &one, false), client("gone", &gone, true)];
        (Clients::new(all, [7; 32]), one, gone)
    }

    fn basic(id: &str, secret: &str) -> Vec<u8> {
        format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))).into_bytes()
    }

    #[test]
    fn both_schemes_name_the_client() {
        let (clients, secret, _) = clients();
        for value in [
            basic("one", secret.expose()),
            format!("Bearer {}", secret.expose()).into_bytes(),
            format!("bearer {}", secret.expose()).into_bytes(),
        ] {
            assert_eq!(
                clients.authenticate(Some(&value)).unwrap().id.as_str(),
                "one"
            );
        }
    }

    #[test]
    fn nobody_else_gets_in() {
        let (clients, secret, gone) = clients();
        let other = ClientSecret::generate().unwrap();
        for (value, why) in [
            (basic("one", other.expose()), Stranger::Unknown),
            (basic("two", secret.expose()), Stranger::Unknown),
            (basic("one", ""), Stranger::Unknown),
            (basic("nobody", ""), Stranger::Unknown),
            (basic("gone", secret.expose()), Stranger::Unknown),
            (basic("gone", gone.expose()), Stranger::Disabled),
            (b"Bearer ".to_vec(), Stranger::Unknown),
            (
                format!("Bearer {}", other.expose()).into_bytes(),
                Stranger::Unknown,
            ),
            (
                format!("Bearer {}", gone.expose()).into_bytes(),
                Stranger::Disabled,
            ),
            (b"Basic !!!".to_vec(), Stranger::Malformed),
            (b"Basic b25l".to_vec(), Stranger::Malformed),
            (b"Digest x".to_vec(), Stranger::Malformed),
            (b"Basic".to_vec(), Stranger::Malformed),
            (b"\xff\xfe x".to_vec(), Stranger::Malformed),
            (
                [b"Bearer ".as_slice(), &[b'x'; AUTHORIZATION_BYTES_MAX]].concat(),
                Stranger::Malformed,
            ),
        ] {
            assert_eq!(
                clients.authenticate(Some(&value)).unwrap_err(),
                why,
                "{}",
                value.escape_ascii()
            );
        }
        assert_eq!(clients.authenticate(None).unwrap_err(), Stranger::Missing);
    }
}
