//! How the server is reached: the connection string, the password, TLS.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::failed;
use crate::store::StoreError;
use crate::store::settings::StoreSettings;

/// How long a connection may take to be made.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// How long one statement may take, and how long the network may leave data unacknowledged: past it the server is as
/// good as gone.
pub(super) const STATEMENT_MAX: Duration = Duration::from_secs(10);

/// The largest password file, in bytes.
const PASSFILE_BYTES_MAX: usize = 64 * 1024;

/// The largest file of certificates, in bytes: every public authority there is fits twice.
const CA_FILE_BYTES_MAX: usize = 1024 * 1024;

/// What every session sets. A landing that is acknowledged must survive the server, whatever the server's default is.
const SESSION: &str =
    "-c synchronous_commit=on -c statement_timeout=10s -c idle_in_transaction_session_timeout=10s";

/// Everything needed to connect, the password too.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}

impl Server {
    /// Reads the settings, and the files they name.
    pub(super) fn of(settings: &StoreSettings, postgres: &str) -> Result<Self, StoreError> {
        let mut config: Config = postgres
            .parse()
            .map_err(failed("understand the settings of"))?;
        if config.get_password().is_some() {
            return Err(StoreError::Setting(
                "`postgres` holds a password; give it by PGPASSWORD or in a `passfile`",
            ));
        }
        if let Some(password) = std::env::var_os("PGPASSWORD") {
            config.password(password.into_encoded_bytes());
        } else if let Some(path) = &settings.passfile
            && let Some(password) = password_of(path, &config)?
        {
            config.password(password);
        }
        let encrypted = settings.ca_file.is_some();
        match (encrypted, config.get_ssl_mode()) {
            (true, SslMode::Disable) => {
                return Err(StoreError::Setting(
                    "`ca_file` is for an encrypted connection, and `sslmode=disable` is for one that is not",
                ));
            }
            (true, _) => _ = config.ssl_mode(SslMode::Require),
            (false, SslMode::Disable | SslMode::Prefer) if stays_here(&config) => {
                _ = config.ssl_mode(SslMode::Disable);
            }
            (false, _) => {
                return Err(StoreError::Setting(
                    "a server on another machine needs a `ca_file`, and so does `sslmode=require`: who answers must be known",
                ));
            }
        }
        let options = match config.get_options() {
            Some(theirs) => format!("{theirs} {SESSION}"),
            None => SESSION.to_owned(),
        };
        config
            .options(&options)
            .connect_timeout(CONNECT_MAX)
            .tcp_user_timeout(STATEMENT_MAX);
        if config.get_application_name().is_none() {
            config.application_name("hallpass-authority");
        }
        let tls = MakeRustlsConnect::new(client_config(settings.ca_file.as_deref())?);
        Ok(Self { config, tls })
    }

    /// One connection, driven by a task of the current runtime.
    pub(super) async fn connect(&self) -> Result<Client, StoreError> {
        let (client, connection) = self
            .config
            .connect(self.tls.clone())
            .await
            .map_err(failed("connect to"))?;
        // Its end is seen by whoever uses the client.
        tokio::spawn(async move { _ = connection.await });
        Ok(client)
    }
}

/// Whether every address is this machine.
fn stays_here(config: &Config) -> bool {
    let names_here = config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|ip| ip.is_loopback())
        }
        Host::Unix(_) => true,
    });
    names_here
        && config
            .get_hostaddrs()
            .iter()
            .all(std::net::IpAddr::is_loopback)
}

fn client_config(ca_file: Option<&Path>) -> Result<rustls::ClientConfig, StoreError> {
    let mut roots = rustls::RootCertStore::empty();
    if let Some(path) = ca_file {
        let pem = read(path, CA_FILE_BYTES_MAX)?;
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate
                .map_err(|_| StoreError::Setting("`ca_file` holds no readable certificate"))?;
            roots
                .add(certificate)
                .map_err(|_| StoreError::Setting("`ca_file` holds no usable certificate"))?;
        }
        if roots.is_empty() {
            return Err(StoreError::Setting("`ca_file` holds no certificate"));
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| StoreError::Setting("TLS has no protocol version in this build"))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// The password of the first line that fits, as PostgreSQL's own clients read such a file.
fn password_of(path: &Path, config: &Config) -> Result<Option<Vec<u8>>, StoreError> {
    let mode = std::fs::metadata(path).map(|it| it.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o077 != 0) {
        return Err(StoreError::Setting(
            "the `passfile` can be read by others; make its mode 0600",
        ));
    }
    let text = zeroize::Zeroizing::new(read(path, PASSFILE_BYTES_MAX)?);
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.as_str(),
        _ => "localhost",
    };
    let port = config.get_ports().first().unwrap_or(&5432).to_string();
    let user = config.get_user().unwrap_or_default();
    let database = config.get_dbname().unwrap_or(user);
    let wanted = [host, &port, database, user];
    for line in text.split(|byte| *byte == b'\n') {
        let fields = fields(line);
        if let [names @ .., password] = fields.as_slice()
            && names.len() == wanted.len()
            && names
                .iter()
                .zip(wanted)
                .all(|(name, wanted)| name == b"*" || name == wanted.as_bytes())
        {
            return Ok(Some(password.clone()));
        }
    }
    Ok(None)
}

/// Fields between colons; a backslash takes the next character as it is.
fn fields(line: &[u8]) -> Vec<Vec<u8>> {
    let mut fields = vec![Vec::new()];
    let mut bytes = line.iter();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            // The password is the last of five, and may hold colons.
            b':' if fields.len() < 5 => {
                fields.push(Vec::new());
                continue;
            }
            b'\\' => bytes.next().unwrap_or(byte),
            b'\r' if bytes.len() == 0 => continue,
            byte => byte,
        };
        if let Some(field) = fields.last_mut() {
            field.push(*byte);
        }
    }
    fields
}

fn read(path: &Path, bytes_max: usize) -> Result<Vec<u8>, StoreError> {
    crate::file::read(path, bytes_max)?
        .map(String::into_bytes)
        .ok_or_else(|| StoreError::Missing {
            path: path.to_owned(),
        })
}
