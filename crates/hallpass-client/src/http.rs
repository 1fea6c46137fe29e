//! How every request here is made and every answer read.

use std::time::Duration;

use reqwest::{Client, ClientBuilder, Response, redirect};

use crate::BaseUrl;

/// How long to wait for a connection. On one network, a server that takes longer is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The request did not reach the server, or its answer did not come back. Says nothing about whether it was acted on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// Connection, timeout, or broken HTTP.
    #[error("the server cannot be reached or did not answer")]
    Http(#[source] HttpFailure),
    /// The answer is larger than this kind of answer may be.
    #[error("the answer has more than {max} bytes")]
    TooLarge {
        /// How many it may have.
        max: usize,
    },
}

/// What the HTTP library says of it, without the URL.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct HttpFailure(reqwest::Error);

impl TransportError {
    /// Whether the request may have reached the server: all that is known is that no answer came back.
    pub(crate) fn may_have_arrived(&self) -> bool {
        matches!(self, Self::Http(HttpFailure(error)) if !error.is_connect() && !error.is_builder())
    }
}

impl From<reqwest::Error> for TransportError {
    fn from(error: reqwest::Error) -> Self {
        Self::Http(HttpFailure(error.without_url()))
    }
}

/// A client that goes where it is told: no redirects (they would take secrets along), no proxies from the environment.
/// Believes the certificate authorities of the operating system.
pub(crate) fn client(timeout: Duration) -> Result<Client, TransportError> {
    Ok(builder(timeout).build()?)
}

/// The same for one server, believing of it what was said to be believed.
pub(crate) fn client_to(server: &BaseUrl, timeout: Duration) -> Result<Client, TransportError> {
    build_for(server, builder(timeout))
}

/// The same for answers that go on for as long as both sides like. Whoever reads one sees to it that something comes.
pub(crate) fn streaming_client_to(server: &BaseUrl) -> Result<Client, TransportError> {
    build_for(server, unlimited())
}

fn build_for(server: &BaseUrl, builder: ClientBuilder) -> Result<Client, TransportError> {
    #[cfg(feature = "tls")]
    let builder = match server.trusted() {
        Some(trusted) => builder.tls_certs_only(trusted.certificates()?),
        None if server.is_tls() => builder,
        // No certificate will be looked at, so none of the system's is read.
        None => builder.tls_certs_only([]),
    };
    #[cfg(not(feature = "tls"))]
    let _ = server.trusted();
    Ok(builder.build()?)
}

fn builder(timeout: Duration) -> ClientBuilder {
    unlimited().timeout(timeout)
}

fn unlimited() -> ClientBuilder {
    Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .user_agent(concat!("hallpass/", env!("CARGO_PKG_VERSION")))
}

/// Reads an answer up to a limit, and not a chunk further: a server that never stops is cut off.
pub(crate) async fn read(mut response: Response, max: usize) -> Result<Vec<u8>, TransportError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > max {
            return Err(TransportError::TooLarge { max });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
