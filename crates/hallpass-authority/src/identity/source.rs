//! Where the keys of an issuer come from: a file, a URL, or what the issuer's discovery document names.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Certificate, Client, Url, redirect};

use super::key_set::{KEY_SET_BYTES_MAX, KeySet};
use crate::file;

/// How long fetching may take in all, discovery included. A caller may be waiting for it.
const FETCH_MAX: Duration = Duration::from_secs(5);
/// How long connecting may take.
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// The most redirects, all of them on one host.
const REDIRECTS_MAX: usize = 2;
/// The largest discovery document, in bytes. Real ones have 1 to 5 KiB.
const DISCOVERY_BYTES_MAX: usize = 64 * 1024;
/// The largest file of certificates, in bytes.
const CERTIFICATES_BYTES_MAX: usize = 1024 * 1024;

/// Where OpenID Connect Discovery 1.0 section 4 has the document, under the issuer.
const DISCOVERY_PATH: &str = "/.well-known/openid-configuration";

/// The source of one issuer's keys.
#[derive(Debug)]
pub(super) struct Source {
    issuer: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Discovery { document: Url, client: Client },
    File(PathBuf),
    Url { keys: Url, client: Client },
}

/// Where the policy says the keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Location {
    Discovery,
    File(PathBuf),
    Url(String),
}

/// The discovery document, as far as it matters.
#[derive(serde::Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

/// A source that cannot be used as the policy has it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The certificates cannot be read.
    #[error(transparent)]
    Certificates(#[from] file::FileError),
    /// There is no file of certificates.
    #[error("there is no `{}`", .0.display())]
    CertificatesMissing(PathBuf),
    /// The certificates are none, or the HTTP library cannot start.
    #[error("the certificates or the HTTP client cannot be used")]
    Client(#[source] reqwest::Error),
    /// Not `https:`, and not on this machine.
    #[error("keys are fetched by `https:` only, or by `http:` from this machine")]
    Scheme,
    /// Not a URL.
    #[error("the address of the keys is no URL")]
    Url,
}

/// Keys that cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the discovery document is malformed or of another issuer")]
    Discovery,
    #[error(transparent)]
    File(#[from] file::FileError),
    #[error("there is no such file")]
    FileMissing,
    #[error("the issuer cannot be reached or did not answer")]
    Http(#[source] reqwest::Error),
    #[error("the keys are no JWK set")]
    KeySet,
    #[error("the address of the keys in the discovery document cannot be used")]
    Scheme(#[source] SourceError),
    #[error("the issuer answered {0}")]
    Status(u16),
    #[error("the issuer did not answer in time")]
    Timeout,
}

impl Source {
    /// A source as the policy has it. Reads the certificates; fetches nothing.
    pub(super) fn new(
        issuer: &str,
        location: Location,
        certificates: Option<PathBuf>,
    ) -> Result<Self, SourceError> {
        let place = match location {
            Location::File(path) => Place::File(path),
            Location::Url(url) => Place::Url {
                keys: safe(&url)?,
                client: client(certificates)?,
            },
            Location::Discovery => Place::Discovery {
                document: safe(&format!("{}{DISCOVERY_PATH}", issuer.trim_end_matches('/')))?,
                client: client(certificates)?,
            },
        };
        Ok(Self {
            issuer: issuer.to_owned(),
            place,
        })
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Fetches the keys, in bounded time.
    pub(super) async fn fetch(&self) -> Result<KeySet, FetchError> {
        let fetched = tokio::time::timeout(FETCH_MAX, self.bytes()).await;
        let json = fetched.map_err(|_| FetchError::Timeout)??;
        KeySet::parse(&json).ok_or(FetchError::KeySet)
    }

    async fn bytes(&self) -> Result<Vec<u8>, FetchError> {
        match &self.place {
            Place::Discovery { document, client } => {
                let json = get(client, document.clone(), DISCOVERY_BYTES_MAX).await?;
                let found: Discovery =
                    serde_json::from_slice(&json).map_err(|_| FetchError::Discovery)?;
                // OpenID Connect Discovery 1.0 section 4.3: exactly the one that was asked.
                if found.issuer != self.issuer {
                    return Err(FetchError::Discovery);
                }
                let keys = named_by(document, &found.jwks_uri).map_err(FetchError::Scheme)?;
                get(client, keys, KEY_SET_BYTES_MAX).await
            }
            Place::File(path) => {
                let path = path.clone();
                let read = move || file::read(&path, KEY_SET_BYTES_MAX);
                let text = tokio::task::spawn_blocking(read).await;
                let text = text.map_err(|_| FetchError::Timeout)??;
                Ok(text.ok_or(FetchError::FileMissing)?.into_bytes())
            }
            Place::Url { keys, client } => get(client, keys.clone(), KEY_SET_BYTES_MAX).await,
        }
    }
}

/// A client for one issuer: redirects on the same host only, no proxies from the environment, other certificates where the
/// policy names some.
fn client(certificates: Option<PathBuf>) -> Result<Client, SourceError> {
    let same_host = redirect::Policy::custom(|attempt| {
        let first = attempt.previous().first();
        let same = first.is_some_and(|first| first.origin() == attempt.url().origin());
        if same && attempt.previous().len() <= REDIRECTS_MAX {
            attempt.follow()
        } else {
            attempt.stop()
        }
    });
    let mut builder = Client::builder()
        .redirect(same_host)
        .no_proxy()
        .connect_timeout(CONNECT_MAX)
        .timeout(FETCH_MAX)
        .user_agent(concat!("hallpass-authority/", env!("CARGO_PKG_VERSION")));
    if let Some(path) = certificates {
        let pem = file::read(&path, CERTIFICATES_BYTES_MAX)?
            .ok_or(SourceError::CertificatesMissing(path))?;
        let bundle = Certificate::from_pem_bundle(pem.as_bytes()).map_err(SourceError::Client)?;
        builder = builder.tls_certs_only(bundle);
    }
    builder.build().map_err(SourceError::Client)
}

/// A URL that nobody on the way can answer for: `https:`, or a server on this machine.
fn safe(text: &str) -> Result<Url, SourceError> {
    let url = Url::parse(text).map_err(|_| SourceError::Url)?;
    let here = url.host_str().is_some_and(|host| {
        host == "localhost"
            || host
                .trim_matches(['[', ']'])
                .parse::<std::net::IpAddr>()
                .is_ok_and(|ip| ip.is_loopback())
    });
    match url.scheme() {
        "https" => Ok(url),
        "http" if here => Ok(url),
        _ => Err(SourceError::Scheme),
    }
}

/// The address of the keys in a discovery document. One that came over TLS does not name a server on this machine without:
/// whoever listens on a port here is not who the certificate was for.
fn named_by(document: &Url, keys: &str) -> Result<Url, SourceError> {
    let keys = safe(keys)?;
    if document.scheme() == "https" && keys.scheme() != "https" {
        return Err(SourceError::Scheme);
    }
    Ok(keys)
}

/// Reads an answer up to a limit, and not a chunk further.
async fn get(client: &Client, url: Url, max: usize) -> Result<Vec<u8>, FetchError> {
    let http = |error: reqwest::Error| FetchError::Http(error.without_url());
    let mut response = client.get(url).send().await.map_err(http)?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(FetchError::Status(response.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(http)? {
        if body.len() + chunk.len() > max {
            return Err(FetchError::TooLarge(max));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_discovery_document_over_tls_names_no_server_without() {
        let url = |text: &str| Url::parse(text).unwrap();
        let (remote, here) = (url("https://idp.example/d"), url("http://127.0.0.1:1/d"));
        for (document, keys, is_followed) in [
            (&remote, "https://idp.example/keys", true),
            (&remote, "https://keys.example/keys", true),
            (&remote, "http://127.0.0.1:8200/v1/keys", false),
            (&remote, "http://localhost/keys", false),
            (&remote, "http://[::1]/keys", false),
            (&remote, "http://idp.example/keys", false),
            (&remote, "file:///etc/keys.json", false),
            (&remote, "keys.json", false),
            (&here, "http://127.0.0.1:1/keys", true),
            (&here, "https://keys.example/keys", true),
            (&here, "http://idp.example/keys", false),
        ] {
            assert_eq!(
                named_by(document, keys).is_ok(),
                is_followed,
                "{document} {keys}"
            );
        }
    }
}
