//! What a URL says of where it leads: scheme, host, port.

use crate::host::{Host, HostRefused};

/// The longest URL, in bytes: the power of two above the 8000 that RFC 9110 section 4.1 wants supported.
pub const URL_BYTES_MAX: usize = 8192;

/// Where a URL leads. Strict: what a lenient reader would mend, and could mend into another host, is refused.
///
/// ```
/// use hallpass_args::UrlParts;
///
/// let parts = UrlParts::parse("HTTPS://Files.Example.com/a?b=c")?;
/// assert_eq!((parts.scheme(), parts.host()), ("https", "files.example.com"));
/// assert_eq!(parts.domain(), Some(".files.example.com"));
/// assert_eq!(parts.port(), Some(443));
/// assert!(UrlParts::parse("https://example.com@evil.test/").is_err());
/// # Ok::<(), hallpass_args::UrlRefused>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UrlParts {
    scheme: String,
    host: Host,
    port: Option<u16>,
}

/// Why a text is no URL that every reader understands alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlRefused {
    /// A character that RFC 3986 does not allow there; `%` stands only before two hex digits, `#` only once.
    #[error("a url must hold only the characters of RFC 3986")]
    Character,
    /// No DNS name and no address.
    #[error(transparent)]
    Host(#[from] HostRefused),
    /// Nothing between `//` and the path.
    #[error("a url must have a host")]
    NoHost,
    /// Empty, zero, too big, with leading zeros, or not a number.
    #[error("the port of a url must be a number from 1 to 65535 without leading zeros")]
    Port,
    /// No scheme, or one that is no word.
    #[error("a url must start with a scheme, such as https")]
    Scheme,
    /// Not exactly `//` after the scheme.
    #[error("a url must have `//` after its scheme")]
    Slashes,
    /// More than [`URL_BYTES_MAX`] bytes.
    #[error("a url must be at most {URL_BYTES_MAX} bytes")]
    TooLong,
    /// An `@` before the path, or where some readers look for one.
    #[error("a url must not hold user information")]
    UserInformation,
}

impl UrlParts {
    /// Reads an absolute URL with an authority.
    ///
    /// # Errors
    /// [`UrlRefused`]: two readers could be led to different places.
    pub fn parse(text: &str) -> Result<Self, UrlRefused> {
        if text.len() > URL_BYTES_MAX {
            return Err(UrlRefused::TooLong);
        }
        check_characters(text)?;
        let (scheme, rest) = text.split_once(':').ok_or(UrlRefused::Scheme)?;
        if !is_scheme(scheme) {
            return Err(UrlRefused::Scheme);
        }
        let rest = rest.strip_prefix("//").ok_or(UrlRefused::Slashes)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at_checked(end).ok_or(UrlRefused::NoHost)?;
        // Some readers end the authority only at a `/`, and find user information where RFC 3986 has a query.
        if authority.contains('@') || (!tail.starts_with('/') && tail.contains('@')) {
            return Err(UrlRefused::UserInformation);
        }
        if authority.is_empty() {
            return Err(UrlRefused::NoHost);
        }
        let scheme = scheme.to_ascii_lowercase();
        let (host, port) = host_and_port(authority);
        let port = match port {
            Some(digits) => Some(read_port(digits)?),
            None => port_of(&scheme),
        };
        Ok(Self {
            host: host.parse()?,
            scheme,
            port,
        })
    }

    /// The scheme, in lower case.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The host: a DNS name in lower case, an IPv4 address, or an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        self.host.as_str()
    }

    /// A dot and the host, if it is a DNS name.
    pub fn domain(&self) -> Option<&str> {
        self.host.domain()
    }

    /// The port given, or the scheme's own where that is known (http, https, ws, wss, ftp).
    pub fn port(&self) -> Option<u16> {
        self.port
    }
}

/// Only what RFC 3986 section 2 allows. Brackets, which belong to the host alone, are let through everywhere: many
/// writers leave them as they are in queries, after the point where any reader looks for a host.
fn check_characters(text: &str) -> Result<(), UrlRefused> {
    let mut in_fragment = false;
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let allowed = match byte {
            b'%' => matches!(after, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()),
            b'#' => !std::mem::replace(&mut in_fragment, true),
            byte => byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=".contains(byte),
        };
        if !allowed {
            return Err(UrlRefused::Character);
        }
    }
    Ok(())
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

/// Parts an authority at the colon before its port, if it has one.
fn host_and_port(authority: &str) -> (&str, Option<&str>) {
    let after_brackets = authority.find(']').unwrap_or(0);
    match authority.split_at_checked(after_brackets) {
        Some((_, tail)) if tail.contains(':') => match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
        _ => (authority, None),
    }
}

fn read_port(digits: &str) -> Result<u16, UrlRefused> {
    let one_spelling = digits.starts_with(|c: char| matches!(c, '1'..='9'));
    match digits.parse() {
        Ok(port) if one_spelling => Ok(port),
        _ => Err(UrlRefused::Port),
    }
}

fn port_of(scheme: &str) -> Option<u16> {
    match scheme {
        "ftp" => Some(21),
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}
