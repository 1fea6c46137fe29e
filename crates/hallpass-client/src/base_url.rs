//! Where a server is.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use reqwest::Url;

use crate::TrustedCertificates;

/// Where a server is: scheme, host, port, and a path prefix if there is one; and whose certificates are believed of it.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl {
    url: Url,
    trusted: Option<TrustedCertificates>,
}

/// A text that is no base URL, or one that must not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidBaseUrl {
    /// Not a URL, or one with a user, a password, a query or a fragment.
    #[error("expected `https://HOST:PORT` or `http://HOST:PORT`, without user, query or fragment")]
    Form,
    /// Encryption, which this build does not have.
    #[error("`https` needs a build with the feature `tls` (`full` has it), or a local TLS proxy")]
    NoTls,
    /// Secrets would cross a network unencrypted.
    #[error("plain `http` to another machine would show secrets to the network")]
    PlainText,
}

impl BaseUrl {
    /// Parses a URL of a server: `https` anywhere, plain `http` on this machine.
    ///
    /// # Errors
    /// [`InvalidBaseUrl`], which never repeats the input.
    pub fn new(text: &str) -> Result<Self, InvalidBaseUrl> {
        let base = Self::danger_without_tls(text)?;
        if base.is_tls() || base.is_loopback() {
            Ok(base)
        } else {
            Err(InvalidBaseUrl::PlainText)
        }
    }

    /// Parses a URL of a server on any machine, also for plain `http`.
    ///
    /// # Danger
    /// Tokens and client secrets cross the network as they are. Only for a network that encrypts below us (a service
    /// mesh, a tunnel) or where nobody else listens (a pod, a private bridge).
    ///
    /// # Errors
    /// [`InvalidBaseUrl`], which never repeats the input.
    pub fn danger_without_tls(text: &str) -> Result<Self, InvalidBaseUrl> {
        let url = Url::parse(text).map_err(|_| InvalidBaseUrl::Form)?;
        let extras = !url.username().is_empty()
            || url.password().is_some()
            || url.query().is_some()
            || url.fragment().is_some();
        match url.scheme() {
            _ if extras || !url.has_host() => Err(InvalidBaseUrl::Form),
            "https" if !cfg!(feature = "tls") => Err(InvalidBaseUrl::NoTls),
            "http" | "https" => Ok(Self { url, trusted: None }),
            _ => Err(InvalidBaseUrl::Form),
        }
    }

    /// Believing these certificate authorities of it and no others.
    #[must_use]
    pub fn trusting(mut self, trusted: TrustedCertificates) -> Self {
        self.trusted = Some(trusted);
        self
    }

    /// Whether it is reached over TLS.
    pub fn is_tls(&self) -> bool {
        self.url.scheme() == "https"
    }

    pub(crate) fn trusted(&self) -> Option<&TrustedCertificates> {
        self.trusted.as_ref()
    }

    fn is_loopback(&self) -> bool {
        self.url.host_str().is_some_and(|host| {
            host == "localhost"
                || host
                    .trim_matches(['[', ']'])
                    .parse::<IpAddr>()
                    .is_ok_and(|ip| ip.is_loopback())
        })
    }

    /// The URL of something on this server; `path` starts with a slash and needs no escaping.
    pub(crate) fn join(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        let prefix = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{prefix}{path}"));
        url
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for BaseUrl {
    type Err = InvalidBaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidBaseUrl> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_follow_the_prefix() {
        for (base, url) in [
            ("http://127.0.0.1:80", "http://127.0.0.1/v1/x"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/v1/x"),
            ("http://[::1]:8080/a/b/", "http://[::1]:8080/a/b/v1/x"),
            ("http://localhost:1/a", "http://localhost:1/a/v1/x"),
        ] {
            assert_eq!(BaseUrl::new(base).unwrap().join("/v1/x").as_str(), url);
        }
    }

    #[test]
    fn secrets_stay_on_the_machine_unless_said() {
        for elsewhere in [
            "http://10.0.0.1:80",
            "http://authority:80",
            "http://localhost.example:80",
            "http://[::2]:80",
            "http://0.0.0.0:80",
        ] {
            assert_eq!(BaseUrl::new(elsewhere), Err(InvalidBaseUrl::PlainText));
            assert!(BaseUrl::danger_without_tls(elsewhere).is_ok());
        }
    }

    #[test]
    fn refuses_what_is_no_base() {
        for bad in [
            "",
            "127.0.0.1:80",
            "ftp://127.0.0.1",
            "http://",
            "http://user@127.0.0.1",
            "http://user:pass@127.0.0.1",
            "http://:pass@127.0.0.1",
            "http://127.0.0.1/?a=b",
            "http://127.0.0.1/#a",
            "file:///etc/passwd",
            "data:text/plain,x",
        ] {
            assert_eq!(
                BaseUrl::danger_without_tls(bad),
                Err(InvalidBaseUrl::Form),
                "{bad}"
            );
        }
    }

    #[test]
    fn over_tls_secrets_may_leave_the_machine_where_the_build_has_it() {
        for anywhere in ["https://127.0.0.1", "https://authority.example:7420/a"] {
            let base = BaseUrl::new(anywhere);
            if cfg!(feature = "tls") {
                assert!(base.unwrap().is_tls());
            } else {
                assert_eq!(base, Err(InvalidBaseUrl::NoTls));
            }
        }
        assert_eq!(BaseUrl::new("https://u@h"), Err(InvalidBaseUrl::Form));
    }
}
