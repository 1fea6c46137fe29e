//! Names of machines, as a URL or an e-mail address may hold them.

use std::fmt;
use std::str::FromStr;

/// The longest DNS name as text, in bytes (RFC 1035 section 2.3.4, less the length octet and the root's).
const NAME_BYTES_MAX: usize = 253;

/// The longest label of a DNS name, in bytes (RFC 1035 section 2.3.4).
const LABEL_BYTES_MAX: usize = 63;

/// A DNS name in lower case, which no reader takes for an address. `xn--` labels stand as they are: nothing is decoded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DnsName(String);

/// Why a text is no DNS name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DnsNameRefused {
    /// Something other than letters, digits, `-` and `_`.
    #[error("a label of a DNS name must consist of `a-z 0-9 - _`")]
    Character,
    /// No text, a dot at an end, or two dots together.
    #[error("a label of a DNS name must not be empty")]
    EmptyLabel,
    /// A hyphen at the end or the start of a label.
    #[error("a label of a DNS name must not start or end with `-`")]
    Hyphen,
    /// A last label that is a number: `127.1`, `0x7f.1`, `2130706433` are addresses to some readers.
    #[error("the last label of a DNS name must not be a number")]
    Number,
    /// More than 253 bytes, or a label of more than 63.
    #[error(
        "a DNS name must be at most {NAME_BYTES_MAX} bytes, and each label at most {LABEL_BYTES_MAX}"
    )]
    TooLong,
}

impl DnsName {
    /// [`as_str`](Self::as_str), taken out.
    pub fn into_string(self) -> String {
        self.0
    }

    /// The name in lower case, without a dot at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Checks a DNS name and appends it in lower case.
pub(crate) fn append_name(text: &str, to: &mut String) -> Result<(), DnsNameRefused> {
    if text.len() > NAME_BYTES_MAX {
        return Err(DnsNameRefused::TooLong);
    }
    let mut last_is_number = false;
    for label in text.split('.') {
        if label.is_empty() {
            return Err(DnsNameRefused::EmptyLabel);
        }
        if label.len() > LABEL_BYTES_MAX {
            return Err(DnsNameRefused::TooLong);
        }
        let known = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if !label.bytes().all(known) {
            return Err(DnsNameRefused::Character);
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err(DnsNameRefused::Hyphen);
        }
        last_is_number = is_number(label);
    }
    if last_is_number {
        return Err(DnsNameRefused::Number);
    }
    let start = to.len();
    to.push_str(text);
    if let Some(name) = to.get_mut(start..) {
        name.make_ascii_lowercase();
    }
    Ok(())
}

/// What the URL standard of WHATWG calls a number at the end of a host: digits, or `0x` and hex digits, even none.
fn is_number(label: &str) -> bool {
    let hex = label
        .strip_prefix("0x")
        .or_else(|| label.strip_prefix("0X"));
    label.bytes().all(|b| b.is_ascii_digit())
        || hex.is_some_and(|h| h.bytes().all(|b| b.is_ascii_hexdigit()))
}

impl FromStr for DnsName {
    type Err = DnsNameRefused;

    fn from_str(text: &str) -> Result<Self, DnsNameRefused> {
        let mut name = String::new();
        append_name(text, &mut name)?;
        Ok(Self(name))
    }
}

impl fmt::Display for DnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_taken_and_written_in_lower_case() {
        let longest = format!("{0}.{0}.{0}.{1}", "a".repeat(63), "b".repeat(61));
        assert_eq!(longest.len(), NAME_BYTES_MAX);
        for (text, expected) in [
            ("Example.COM", "example.com"),
            ("localhost", "localhost"),
            ("a", "a"),
            ("_dmarc.example.com", "_dmarc.example.com"),
            ("XN--bcher-kva.example", "xn--bcher-kva.example"),
            ("1.example", "1.example"),
            ("0x7f.example", "0x7f.example"),
            ("127.0.0.1.example", "127.0.0.1.example"),
            ("example.1a", "example.1a"),
            ("example.0xg", "example.0xg"),
            ("a--b.c", "a--b.c"),
            (&longest, &longest),
        ] {
            let name = text.parse::<DnsName>().unwrap();
            assert_eq!(name.as_str(), expected);
            assert_eq!(name.to_string(), expected);
        }
    }

    #[test]
    fn what_is_no_name_to_every_reader_is_refused() {
        use DnsNameRefused::*;
        let long = format!("{0}.{0}.{0}.{1}", "a".repeat(63), "b".repeat(62));
        let long_label = format!("{}.example", "a".repeat(64));
        for (text, reason) in [
            ("", EmptyLabel),
            (".", EmptyLabel),
            ("example.com.", EmptyLabel),
            (".example.com", EmptyLabel),
            ("example..com", EmptyLabel),
            ("127.1", Number),
            ("127.0.0.1", Number),
            ("0177.0.0.1", Number),
            ("2130706433", Number),
            ("0x7f000001", Number),
            ("0X7F.1", Number),
            ("0x7f.0x1", Number),
            ("example.0x", Number),
            ("example.08", Number),
            ("-a.example", Hyphen),
            ("a-.example", Hyphen),
            ("a.-", Hyphen),
            ("a b", Character),
            ("a%2eb", Character),
            ("a/b", Character),
            ("a:1", Character),
            ("*.example.com", Character),
            ("a\0.example", Character),
            ("b\u{fc}cher.example", Character),
            ("example\u{3002}com", Character),
            ("example\u{ff0e}com", Character),
            ("\u{212a}.example", Character),
            (&long, TooLong),
            (&long_label, TooLong),
        ] {
            assert_eq!(text.parse::<DnsName>(), Err(reason), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_name_is_its_own_name(text in "[a-cA-C0-2x._-]{1,12}") {
            if let Ok(name) = text.parse::<DnsName>() {
                prop_assert_eq!(name.as_str(), text.to_ascii_lowercase());
                prop_assert_eq!(name.as_str().parse::<DnsName>(), Ok(name.clone()));
                prop_assert!(name.as_str().parse::<std::net::IpAddr>().is_err());
            }
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = text.parse::<DnsName>();
        }
    }
}
