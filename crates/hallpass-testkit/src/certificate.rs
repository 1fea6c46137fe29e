//! Certificates for tests of TLS, made with `openssl` when they are needed.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A certificate authority of one test, in a directory.
#[derive(Debug)]
pub struct Certificates {
    directory: PathBuf,
}

impl Certificates {
    /// Makes the key and the certificate of a new authority in this directory: `ca.key`, `ca.pem`.
    ///
    /// # Panics
    /// When `openssl` is not installed or fails.
    pub fn new(directory: &Path) -> Self {
        let made = Self {
            directory: directory.to_owned(),
        };
        made.openssl(&[
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
            "-subj",
            "/CN=test authority",
        ]);
        made
    }

    /// The certificate to trust.
    pub fn authority(&self) -> PathBuf {
        self.directory.join("ca.pem")
    }

    /// Issues a certificate for this machine, good for a day, to `NAME.pem` and `NAME.key` (mode 0600), over what was there.
    ///
    /// # Panics
    /// When `openssl` fails.
    pub fn issue(&self, name: &str) -> (PathBuf, PathBuf) {
        let (certificate, key) = (format!("{name}.pem"), format!("{name}.key"));
        // Written beside and moved, so that a server that reads them meanwhile sees the old ones or the new ones.
        let (new_certificate, new_key) = (format!("{certificate}.new"), format!("{key}.new"));
        self.openssl(&[
            "-keyout",
            &new_key,
            "-out",
            &new_certificate,
            "-subj",
            "/CN=test service",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-addext",
            "subjectAltName=IP:127.0.0.1,DNS:localhost",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ]);
        for (new, old) in [(&new_certificate, &certificate), (&new_key, &key)] {
            std::fs::rename(self.directory.join(new), self.directory.join(old))
                .expect("a new certificate replaces the old one");
        }
        (self.directory.join(certificate), self.directory.join(key))
    }

    fn openssl(&self, args: &[&str]) {
        let output = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
            ])
            .args(["-noenc", "-days", "1"])
            .args(args)
            .current_dir(&self.directory)
            .output()
            .expect("`openssl` is installed");
        assert!(
            output.status.success(),
            "openssl: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
