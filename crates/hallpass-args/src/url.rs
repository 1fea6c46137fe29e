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
    /// A scheme whose readers look at no host, whatever stands where others have one.
    #[error("a url must not have a scheme that leads to no host, such as file, data or javascript")]
    SchemeWithoutHost,
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

/// Schemes that lead to a file, to their own text or to a program, with `//example.com` behind them too: those of
/// browsers, of Python's urllib, of Java and of PHP. Sorted.
const SCHEMES_WITHOUT_HOST: [&str; 20] = [
    "about",
    "blob",
    "compress.bzip2",
    "compress.zlib",
    "data",
    "expect",
    "file",
    "filesystem",
    "glob",
    "jar",
    "javascript",
    "mailto",
    "netdoc",
    "phar",
    "php",
    "rar",
    "vbscript",
    "view-source",
    "zip",
    "zlib",
];

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
        let scheme = scheme.to_ascii_lowercase();
        if SCHEMES_WITHOUT_HOST.contains(&&*scheme) {
            return Err(UrlRefused::SchemeWithoutHost);
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at_checked(end).ok_or(UrlRefused::NoHost)?;
        // Some readers end the authority only at a `/`, and find user information where RFC 3986 has a query.
        if authority.contains('@') || (!tail.starts_with('/') && tail.contains('@')) {
            return Err(UrlRefused::UserInformation);
        }
        if authority.is_empty() {
            return Err(UrlRefused::NoHost);
        }
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

    /// [`scheme`](Self::scheme), taken out.
    pub fn into_scheme(self) -> String {
        self.scheme
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{DnsNameRefused, IpRefused};

    #[test]
    fn a_url_says_where_it_leads() {
        for (text, scheme, host, domain, port) in [
            ("http://a", "http", "a", Some(".a"), Some(80)),
            (
                "HTTPS://Example.COM:8443/x",
                "https",
                "example.com",
                Some(".example.com"),
                Some(8443),
            ),
            (
                "https://example.com?x=1",
                "https",
                "example.com",
                Some(".example.com"),
                Some(443),
            ),
            (
                "https://example.com#x",
                "https",
                "example.com",
                Some(".example.com"),
                Some(443),
            ),
            (
                "https://example.com/@user?to=a@b#@",
                "https",
                "example.com",
                Some(".example.com"),
                Some(443),
            ),
            ("http://192.0.2.1:80/", "http", "192.0.2.1", None, Some(80)),
            (
                "ws://[2001:DB8::0:1]/",
                "ws",
                "[2001:db8::1]",
                None,
                Some(80),
            ),
            ("wss://[::1]:65535", "wss", "[::1]", None, Some(65535)),
            (
                "ftp://a.example",
                "ftp",
                "a.example",
                Some(".a.example"),
                Some(21),
            ),
            ("s3://bucket/key", "s3", "bucket", Some(".bucket"), None),
            ("git+ssh://a:22/b", "git+ssh", "a", Some(".a"), Some(22)),
            (
                "http://a/?f[x]=%5b&u=http://b",
                "http",
                "a",
                Some(".a"),
                Some(80),
            ),
            (
                "http://xn--bcher-kva.example/",
                "http",
                "xn--bcher-kva.example",
                Some(".xn--bcher-kva.example"),
                Some(80),
            ),
        ] {
            let url = UrlParts::parse(text).unwrap();
            let found = (url.scheme(), url.host(), url.domain(), url.port());
            assert_eq!(found, (scheme, host, domain, port), "{text}");
        }
    }

    #[test]
    fn what_leads_two_readers_to_two_places_is_refused() {
        use DnsNameRefused as Name;
        use UrlRefused::*;
        let long = format!("http://a/{}", "a".repeat(URL_BYTES_MAX));
        for (text, reason) in [
            ("", Scheme),
            ("example.com", Scheme),
            ("//example.com", Scheme),
            ("/a://b", Scheme),
            ("://a", Scheme),
            ("1a://b", Scheme),
            ("ht_tp://a", Scheme),
            ("http:/a", Slashes),
            ("http:a", Slashes),
            ("mailto:a@example.com", Slashes),
            ("url:http://a", Slashes),
            ("http://", NoHost),
            ("http:///a", NoHost),
            ("http:////a", NoHost),
            ("http://?a", NoHost),
            ("file:///etc/passwd", SchemeWithoutHost),
            ("file://localhost/etc/passwd", SchemeWithoutHost),
            ("FILE://example.com/etc/passwd", SchemeWithoutHost),
            ("javascript://example.com/%0aalert(1)", SchemeWithoutHost),
            ("data://example.com/,text", SchemeWithoutHost),
            ("php://filter/resource=a", SchemeWithoutHost),
            ("http://u@a", UserInformation),
            ("http://u:p@a/", UserInformation),
            ("http://@a/", UserInformation),
            ("http://a@b@c/", UserInformation),
            ("http://a:80@b/", UserInformation),
            ("http://a?@b", UserInformation),
            ("http://a#@b", UserInformation),
            ("http://a?x/y@b", UserInformation),
            ("http://a:", Port),
            ("http://a:/", Port),
            ("http://a:0", Port),
            ("http://a:080", Port),
            ("http://a:65536", Port),
            ("http://a:99999999999", Port),
            ("http://a:+80", Port),
            ("http://a:-1", Port),
            ("http://a:8a", Port),
            ("http://[::1]:", Port),
            ("http://a:80:", Port),
            ("http://a:1:2", Host(Name::Character.into())),
            ("http://:80", Host(Name::EmptyLabel.into())),
            ("http://a%2eb/", Host(Name::Character.into())),
            ("http://a%00.b/", Host(Name::Character.into())),
            ("http://example.com./", Host(Name::EmptyLabel.into())),
            ("http://127.1/", Host(Name::Number.into())),
            ("http://0x7f.1/", Host(Name::Number.into())),
            ("http://0x7f000001/", Host(Name::Number.into())),
            ("http://2130706433/", Host(Name::Number.into())),
            ("http://0177.0.0.1/", Host(Name::Number.into())),
            ("http://::1/", Host(Name::Character.into())),
            ("http://[::1", Host(HostRefused::Brackets)),
            ("http://[::1]a", Host(HostRefused::Brackets)),
            ("http://a[::1]", Host(Name::Character.into())),
            ("http://[::ffff:1.2.3.4]/", Host(IpRefused::Mapped.into())),
            ("http://[fe80::1%25eth0]/", Host(IpRefused::Form.into())),
            ("http://[fe80::1%eth0]/", Character),
            (" http://a", Character),
            ("http://a ", Character),
            ("http://a b", Character),
            ("http://a\t.b", Character),
            ("ht\ntp://a", Character),
            ("http://a\\@b", Character),
            ("http:\\\\a", Character),
            ("http://a/\"", Character),
            ("http://a/<>", Character),
            ("http://a/^`{|}", Character),
            ("http://a/%", Character),
            ("http://a/%2", Character),
            ("http://a/%zz", Character),
            ("http://a#b#c", Character),
            ("http://b\u{fc}cher.example", Character),
            ("http://\u{ff41}", Character),
            ("http://a\u{3002}b", Character),
            ("http://a/\u{e9}", Character),
            ("http://a\0", Character),
            (&long, TooLong),
        ] {
            assert_eq!(UrlParts::parse(text), Err(reason), "{text:?}");
        }
        assert!(UrlParts::parse(&long[..URL_BYTES_MAX]).is_ok());
    }

    /// A scheme, what stands for an authority, and what follows it, each as URLs are attacked with.
    fn hostile() -> impl Strategy<Value = String> {
        let some = |pieces: &'static str, count| {
            let pieces: Vec<&str> = pieces.split(' ').collect();
            prop::collection::vec(prop::sample::select(pieces), 0..=count).prop_map(|p| p.concat())
        };
        let start =
            prop_oneof![3 => Just("http://".to_owned()), 1 => some("https:// x:// http:/ // :", 1)];
        let host = some(
            "a.example B 127.0.0.1 1 0x7f [::1] [2001:DB8::] [ %2e . @ @b :80 :0 :",
            3,
        );
        let host = prop_oneof![Just("a.example".to_owned()), host];
        let end = some(
            "/ ? # /x ?x ?@b #@b ?x@b @ @b \\ \\@b %40 % // \t \u{e9}",
            3,
        );
        (start, host, end).prop_map(|(start, host, end)| [start, host, end].concat())
    }

    /// The authority as the simplest of lenient readers finds it: up to a `/`, and after the last `@`.
    fn lenient_host(text: &str) -> &str {
        let rest = text.split_once("//").map_or(text, |(_, rest)| rest);
        let authority = rest.split(['/', '\\']).next().unwrap();
        authority.rsplit('@').next().unwrap()
    }

    proptest! {
        #[test]
        fn the_parts_make_a_url_of_the_same_parts(text in hostile()) {
            if let Ok(url) = UrlParts::parse(&text) {
                let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                let again = format!("{}://{}{port}", url.scheme(), url.host());
                prop_assert_eq!(UrlParts::parse(&again), Ok(url.clone()));
                let host: Host = url.host().parse().unwrap();
                prop_assert_eq!((host.as_str(), host.domain()), (url.host(), url.domain()));
            }
        }

        #[test]
        fn a_lenient_reader_finds_no_other_host(text in hostile()) {
            if let Ok(url) = UrlParts::parse(&text) {
                let lenient = lenient_host(&text).to_ascii_lowercase();
                if !url.host().starts_with('[') {
                    prop_assert!(lenient.starts_with(url.host()), "{lenient}");
                    let after = lenient[url.host().len()..].chars().next();
                    prop_assert!(matches!(after, None | Some(':' | '?' | '#')), "{lenient}");
                }
            }
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = UrlParts::parse(&text);
            let _ = UrlParts::parse(&format!("http://{text}"));
        }
    }
}
