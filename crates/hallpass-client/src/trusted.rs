//! Whose certificates are believed of `https` servers.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest file with certificates, in bytes. The 150 of a whole operating system have about 250,000.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Certificate authorities believed instead of those of the operating system.
#[derive(Clone, PartialEq, Eq)]
pub struct TrustedCertificates {
    pem: Arc<[u8]>,
}

/// A file with certificates that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCertificates {
    /// It holds no certificate.
    #[error("`{}` holds no PEM certificate", path.display())]
    None {
        /// Which file.
        path: PathBuf,
    },
    /// This build has no TLS.
    #[error("certificates need a build with the feature `tls` (`full` has it)")]
    NoTls,
    /// It cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

impl TrustedCertificates {
    /// Reads a PEM file of one certificate or several.
    ///
    /// # Errors
    /// [`InvalidCertificates`]; a build without TLS reads none.
    pub fn read(path: &Path) -> Result<Self, InvalidCertificates> {
        use std::io::Read as _;
        if !cfg!(feature = "tls") {
            return Err(InvalidCertificates::NoTls);
        }
        let mut pem = Vec::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut pem))
            .map_err(|source| InvalidCertificates::Read {
                path: path.to_owned(),
                source,
            })?;
        if count(&pem) == 0 {
            return Err(InvalidCertificates::None {
                path: path.to_owned(),
            });
        }
        Ok(Self { pem: pem.into() })
    }

    /// As the HTTP library takes them.
    #[cfg(feature = "tls")]
    pub(crate) fn certificates(&self) -> reqwest::Result<Vec<reqwest::Certificate>> {
        reqwest::Certificate::from_pem_bundle(&self.pem)
    }
}

#[cfg(feature = "tls")]
fn count(pem: &[u8]) -> usize {
    reqwest::Certificate::from_pem_bundle(pem).map_or(0, |certificates| certificates.len())
}

#[cfg(not(feature = "tls"))]
fn count(_: &[u8]) -> usize {
    0
}

impl fmt::Debug for TrustedCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustedCertificates")
            .field("bytes", &self.pem.len())
            .finish()
    }
}
