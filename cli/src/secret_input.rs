//! A client's credentials: from the environment or a file, never from an argument, which everybody can see.

use std::env;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, ensure};
use clap::Args;
use hallpass_client::{BaseUrl, ClientSecret, TrustedCertificates};
use hallpass_vocabulary::ClientId;
use zeroize::Zeroizing;

use crate::hint::HintExt as _;

/// The variable with the secret. Not a flag on purpose.
pub(crate) const SECRET_VARIABLE: &str = "HALLPASS_CLIENT_SECRET";

/// The largest secret file read, in bytes. A secret has 47.
const SECRET_FILE_BYTES_MAX: usize = 4096;

/// Which client asks.
#[derive(Debug, Args)]
pub(crate) struct ClientArgs {
    /// The client
    #[arg(long, value_name = "CLIENT", env = "HALLPASS_CLIENT_ID")]
    client_id: ClientId,
    /// A file with the client's secret; without one it is read from HALLPASS_CLIENT_SECRET
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
}

/// Whether secrets may cross a network as they are.
#[derive(Debug, Clone, Args)]
pub(crate) struct NetworkArgs {
    /// Speak plain HTTP to another machine too: tokens and secrets cross the network unencrypted
    #[arg(long)]
    danger_without_tls: bool,
    /// Believe these certificate authorities (PEM) of an `https` address, and no others
    #[arg(long, value_name = "FILE", env = "HALLPASS_CA_FILE")]
    ca_file: Option<PathBuf>,
}

impl ClientArgs {
    /// What a command that may be a client's has been told.
    pub(crate) fn new(client_id: ClientId, client_secret_file: Option<PathBuf>) -> Self {
        Self {
            client_id,
            client_secret_file,
        }
    }

    pub(crate) fn id(&self) -> &ClientId {
        &self.client_id
    }

    /// The secret.
    pub(crate) fn secret(&self) -> anyhow::Result<ClientSecret> {
        let text = match &self.client_secret_file {
            Some(path) => read(path)
                .with_context(|| format!("cannot read the client secret from `{}`", path.display()))?,
            None => env::var(SECRET_VARIABLE)
                .map(Zeroizing::new)
                .map_err(|_| anyhow!("there is no client secret"))
                .hint(format!(
                    "set {SECRET_VARIABLE}, or give --client-secret-file FILE; `hallpass init` showed the secret once"
                ))?,
        };
        Ok(ClientSecret::new(text.trim())?)
    }
}

impl NetworkArgs {
    /// A base URL: `https`, or on this machine unless the danger was accepted.
    pub(crate) fn base_url(&self, text: &str) -> anyhow::Result<BaseUrl> {
        let base = if self.danger_without_tls {
            BaseUrl::danger_without_tls(text)
        } else {
            BaseUrl::new(text)
        };
        let base = base
            .with_context(|| format!("`{text}` cannot be used"))
            .hint("give `https://HOST:PORT`, or `http://127.0.0.1:PORT`; --danger-without-tls speaks plain HTTP to another machine")?;
        match &self.ca_file {
            Some(path) if base.is_tls() => Ok(base.trusting(TrustedCertificates::read(path)?)),
            _ => Ok(base),
        }
    }
}

fn read(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    // Full capacity from the start: growing would leave copies of the secret behind.
    let mut text = Zeroizing::new(String::with_capacity(SECRET_FILE_BYTES_MAX + 1));
    File::open(path)?
        .take(SECRET_FILE_BYTES_MAX as u64 + 1)
        .read_to_string(&mut text)?;
    ensure!(
        text.len() <= SECRET_FILE_BYTES_MAX,
        "it is larger than any secret"
    );
    Ok(text)
}
