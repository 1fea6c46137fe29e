//! The certificate a server shows, and how it is replaced while connections are open.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use tokio_rustls::TlsAcceptor;

/// The largest certificate or key file, in bytes. A chain of four with long names has about 12,000.
const PEM_BYTES_MAX: u64 = 256 * 1024;

/// The protocol that is spoken under TLS (RFC 7301): nothing else is offered.
const ALPN: &[u8] = b"http/1.1";

/// A certificate and its key, from two PEM files that can be read again. TLS 1.2 and 1.3, `http/1.1`.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<ServerConfig>>,
}

/// A certificate that cannot be used. Says nothing of the key but where it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The file with the certificate holds none.
    #[error("`{}` holds no PEM certificate", path.display())]
    Certificate {
        /// Which file.
        path: PathBuf,
    },
    /// The file with the key holds none.
    #[error("`{}` holds no PEM private key", path.display())]
    Key {
        /// Which file.
        path: PathBuf,
    },
    /// The key can be read by others.
    #[error("`{}` can be read or written by others; make it mode 0600 or 0640", path.display())]
    KeyOpen {
        /// Which file.
        path: PathBuf,
    },
    /// Certificate and key do not belong together, or are of a kind that is not supported.
    #[error("the certificate `{}` and its key cannot be used", path.display())]
    Pair {
        /// The file with the certificate.
        path: PathBuf,
        /// Why not.
        #[source]
        source: rustls::Error,
    },
    /// A file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

impl Tls {
    /// Reads a certificate chain and its key. Blocks on the disk.
    ///
    /// # Errors
    /// [`TlsError`], for the first thing that is wrong.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        Ok(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            current: RwLock::new(read(certificate, key)?),
        })
    }

    /// Reads both files again. Connections that are open go on with what they have; those to come get the new one. When
    /// it cannot be used the old one stays. Blocks on the disk.
    ///
    /// # Errors
    /// As [`Tls::read`].
    pub fn reload(&self) -> Result<(), TlsError> {
        let read = read(&self.certificate, &self.key)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&current))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("certificate", &self.certificate)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&pem(certificate)?)
        .collect::<Result<_, _>>()
        .ok()
        .filter(|chain: &Vec<_>| !chain.is_empty())
        .ok_or_else(|| TlsError::Certificate {
            path: certificate.to_owned(),
        })?;
    require_private(key)?;
    let secret = PrivateKeyDer::from_pem_slice(&pem(key)?).map_err(|_| TlsError::Key {
        path: key.to_owned(),
    })?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .and_then(|builder| {
            builder
                .with_no_client_auth()
                .with_single_cert(chain, secret)
        })
        .map_err(|source| TlsError::Pair {
            path: certificate.to_owned(),
            source,
        })?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(Arc::new(config))
}

fn pem(path: &Path) -> Result<zeroize::Zeroizing<Vec<u8>>, TlsError> {
    use std::io::Read as _;
    let failed = |source| TlsError::Read {
        path: path.to_owned(),
        source,
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len().min(PEM_BYTES_MAX);
    // Full capacity from the start: growing would leave copies of the key behind.
    let capacity = usize::try_from(length)
        .unwrap_or_default()
        .saturating_add(64);
    let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(capacity));
    file.take(PEM_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(bytes)
}

/// A key that everybody on the machine can read is no secret. Its group may: that is how a key is lent to a service.
#[cfg(unix)]
fn require_private(path: &Path) -> Result<(), TlsError> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = std::fs::metadata(path).map_err(|source| TlsError::Read {
        path: path.to_owned(),
        source,
    })?;
    if metadata.permissions().mode() & 0o027 == 0 {
        Ok(())
    } else {
        Err(TlsError::KeyOpen {
            path: path.to_owned(),
        })
    }
}

#[cfg(not(unix))]
fn require_private(_: &Path) -> Result<(), TlsError> {
    Ok(())
}
