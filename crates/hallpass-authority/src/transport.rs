//! How the authority's port speaks: plain HTTP, or TLS with a certificate that can be replaced.

use std::path::Path;
#[cfg(feature = "tls")]
use std::sync::Arc;

#[cfg(feature = "tls")]
use hallpass_http::Tls;
use hallpass_http::{Limits, Server};
use tokio::task::JoinHandle;

use crate::OpenError;
use crate::config::Config;

/// What is spoken on the port.
#[derive(Debug, Default)]
pub(crate) struct Transport {
    #[cfg(feature = "tls")]
    tls: Option<Arc<Tls>>,
}

impl Transport {
    /// What the configuration says; the certificate is read. Blocks on the disk.
    #[cfg(feature = "tls")]
    pub(crate) fn of(directory: &Path, config: &Config) -> Result<Self, OpenError> {
        let tls = match &config.tls {
            None => None,
            Some(tls) => {
                let (certificate, key) =
                    (directory.join(&tls.certificate), directory.join(&tls.key));
                Some(Arc::new(Tls::read(&certificate, &key)?))
            }
        };
        Ok(Self { tls })
    }

    /// Plain HTTP: the configuration was checked to ask for nothing else.
    #[cfg(not(feature = "tls"))]
    pub(crate) fn of(_: &Path, _: &Config) -> Result<Self, OpenError> {
        Ok(Self::default())
    }

    /// Whether it is TLS.
    pub(crate) fn is_tls(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.is_some();
        #[cfg(not(feature = "tls"))]
        false
    }

    /// A server that speaks it.
    pub(crate) fn server(&self, limits: Limits) -> Server {
        let server = Server::new(limits);
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return server.over_tls(Arc::clone(tls));
        }
        server
    }

    /// Reads the certificate again whenever the process is sent SIGHUP.
    pub(crate) fn reload_on_hangup(&self) -> JoinHandle<()> {
        #[cfg(all(unix, feature = "tls"))]
        if let Some(tls) = &self.tls {
            return tokio::spawn(reload_on_hangup(Arc::clone(tls)));
        }
        tokio::spawn(std::future::ready(()))
    }
}

#[cfg(all(unix, feature = "tls"))]
async fn reload_on_hangup(tls: Arc<Tls>) {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangups = match signal(SignalKind::hangup()) {
        Ok(hangups) => hangups,
        Err(error) => {
            tracing::error!(%error, "SIGHUP cannot be heard: a new certificate needs a restart");
            return;
        }
    };
    while hangups.recv().await.is_some() {
        let tls = Arc::clone(&tls);
        match tokio::task::spawn_blocking(move || tls.reload()).await {
            Ok(Ok(())) => tracing::info!("the certificate was read again"),
            Ok(Err(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(
                    error,
                    "the new certificate is refused; the one before stays"
                );
            }
            Err(_) => tracing::error!("reading the certificate again did not end"),
        }
    }
}
