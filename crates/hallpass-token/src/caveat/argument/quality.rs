//! What a caveat looks at in an argument: the value itself, or what the host derives from it.
//!
//! Each quality is one fact of the call, of one type, so that no comparison ever meets a type it was not written for.

use std::borrow::Cow;

use hallpass_args::{
    Ambiguous, Cidr, Decimal, DnsName, EmailAddress, EmailRefused, IpBits, IpRefused, NormalPath,
    PathRefused, UrlParts, UrlRefused,
};
use serde_json::Value;

use super::condition::{Condition, Constant, Values};
use crate::limits::{ARGUMENT_TEXT_BYTES_MAX, ITEMS_MAX, SYMBOL_BYTES_MAX};

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Quality {
    Bool,
    Count,
    Decimal,
    EmailDomain,
    Integer,
    Ip,
    Length,
    Null,
    Path,
    Text,
    UrlDomain,
    UrlHost,
    UrlPort,
    UrlScheme,
}

/// The value of a quality, as the second term of its fact has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen<'v> {
    Bool(bool),
    Integer(i64),
    Null,
    Text(Cow<'v, str>),
}

/// Why an argument lacks a quality. Says nothing of its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Lacking {
    #[error("is ambiguous: {0}")]
    Ambiguous(#[from] Ambiguous),
    #[error("is not an array of 1 to {ITEMS_MAX} elements")]
    Array,
    #[error("is no decimal of at most six places within ±9223372036854")]
    Decimal,
    #[error("is a URL whose host is not a domain name")]
    Domain,
    #[error("has an element that {0}")]
    Element(Box<Lacking>),
    #[error("is no e-mail address: {0}")]
    Email(#[from] EmailRefused),
    #[error("is no IP address: {0}")]
    Ip(#[from] IpRefused),
    #[error("is {actual}, not {expected}")]
    Kind {
        actual: &'static str,
        expected: &'static str,
    },
    #[error("is missing")]
    Missing,
    #[error("is no plain path: {0}")]
    Path(#[from] PathRefused),
    #[error("is a URL without a port whose scheme has none of its own")]
    Port,
    #[error("is longer than {ARGUMENT_TEXT_BYTES_MAX} bytes")]
    TooLong,
    #[error("is no plain URL: {0}")]
    Url(#[from] UrlRefused),
}

impl Quality {
    pub(crate) const ALL: [Self; 14] = [
        Self::Bool,
        Self::Count,
        Self::Decimal,
        Self::EmailDomain,
        Self::Integer,
        Self::Ip,
        Self::Length,
        Self::Null,
        Self::Path,
        Self::Text,
        Self::UrlDomain,
        Self::UrlHost,
        Self::UrlPort,
        Self::UrlScheme,
    ];

    /// The fact of a whole argument that has it. [`Quality::Null`] is a kind and has no fact of its own.
    pub(crate) fn fact(self) -> &'static str {
        match self {
            Self::Bool => "call:arg_bool",
            Self::Count => "call:arg_count",
            Self::Decimal => "call:arg_decimal",
            Self::EmailDomain => "call:arg_email_domain",
            Self::Integer => "call:arg_int",
            Self::Ip => "call:arg_ip",
            Self::Length => "call:arg_length",
            Self::Null => "call:kind",
            Self::Path => "call:arg_path",
            Self::Text => "call:arg_str",
            Self::UrlDomain => "call:arg_url_domain",
            Self::UrlHost => "call:arg_url_host",
            Self::UrlPort => "call:arg_url_port",
            Self::UrlScheme => "call:arg_url_scheme",
        }
    }

    /// The fact of the elements of an array all of which have it, and the kind of such an array.
    pub(crate) fn items(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Bool | Self::Count | Self::Null => None,
            Self::Decimal => Some(("call:item_decimal", "array<decimal>")),
            Self::EmailDomain => Some(("call:item_email_domain", "array<email>")),
            Self::Integer => Some(("call:item_int", "array<int>")),
            Self::Ip => Some(("call:item_ip", "array<ip>")),
            Self::Length => Some(("call:item_length", "array<str>")),
            Self::Path => Some(("call:item_path", "array<path>")),
            Self::Text => Some(("call:item_str", "array<str>")),
            Self::UrlDomain => Some(("call:item_url_domain", "array<url>")),
            Self::UrlHost => Some(("call:item_url_host", "array<url>")),
            Self::UrlPort => Some(("call:item_url_port", "array<url>")),
            Self::UrlScheme => Some(("call:item_url_scheme", "array<url>")),
        }
    }

    /// Whether a condition is one that this quality is tested with, and its texts are written in the one way they can be.
    pub(crate) fn has(self, condition: &Condition) -> bool {
        use Condition as C;
        match (self, condition) {
            (Self::Bool, C::Is(Constant::Bool(_)))
            | (Self::Null, C::Is(Constant::Null))
            | (Self::Integer | Self::Decimal, C::Is(Constant::Integer(_)))
            | (Self::Integer | Self::Decimal, C::Within(_))
            | (Self::Integer, C::OneOf(Values::Integers(_)) | C::NoneOf(Values::Integers(_))) => {
                true
            }
            (Self::Length | Self::Count, C::Within(bounds)) => {
                bounds.low.is_none_or(|low| low >= 0) && bounds.high.is_none_or(|high| high >= 0)
            }
            (Self::Text, C::Is(Constant::Text(text))) => text.len() <= SYMBOL_BYTES_MAX,
            (Self::Text, C::OneOf(Values::Texts(texts)) | C::NoneOf(Values::Texts(texts))) => {
                texts.iter().all(|text| text.len() <= SYMBOL_BYTES_MAX)
            }
            (Self::Text, C::Contains(text) | C::EndsWith(text) | C::StartsWith(text)) => {
                (1..=SYMBOL_BYTES_MAX).contains(&text.len())
            }
            (Self::Path, C::StartsWith(root)) => {
                root.len() <= SYMBOL_BYTES_MAX
                    && NormalPath::normalise(root).is_ok_and(|path| path.as_str() == root.as_ref())
            }
            (Self::Ip, C::StartsWith(bits)) => Cidr::from_prefix(bits).is_some(),
            (Self::UrlDomain, C::EndsWith(domain)) => {
                domain.strip_prefix('.').is_some_and(is_domain)
            }
            (Self::EmailDomain, C::OneOf(Values::Texts(domains))) => domains
                .iter()
                .all(|domain| domain.contains('.') && is_domain(domain)),
            (Self::UrlHost, C::OneOf(Values::Texts(hosts))) => {
                hosts.iter().all(|host| is_host(host))
            }
            (Self::UrlScheme, C::OneOf(Values::Texts(schemes))) => {
                schemes.iter().all(|scheme| is_scheme(scheme))
            }
            (Self::UrlPort, C::OneOf(Values::Integers(ports))) => {
                ports.iter().all(|port| (1..=65_535).contains(port))
            }
            _ => false,
        }
    }

    /// This quality of a value.
    pub(crate) fn of(self, value: &Value) -> Result<Seen<'_>, Lacking> {
        let expected = |expected| Lacking::Kind {
            actual: kind(value),
            expected,
        };
        match self {
            Self::Bool => match value {
                Value::Bool(value) => Ok(Seen::Bool(*value)),
                _ => Err(expected("true or false")),
            },
            Self::Count => match value {
                Value::Array(elements) => Ok(Seen::Integer(count(elements.len()))),
                _ => Err(expected("an array")),
            },
            Self::Decimal => match value {
                Value::Number(number) => Decimal::from_number(number)
                    .map(|decimal| Seen::Integer(decimal.millionths()))
                    .ok_or(Lacking::Decimal),
                _ => Err(expected("a number")),
            },
            Self::Integer => value
                .as_i64()
                .map(Seen::Integer)
                .ok_or_else(|| expected("an integer")),
            Self::Null => match value {
                Value::Null => Ok(Seen::Null),
                _ => Err(expected("null")),
            },
            _ => match value {
                Value::String(text) if text.len() > ARGUMENT_TEXT_BYTES_MAX => {
                    Err(Lacking::TooLong)
                }
                Value::String(text) => self.of_text(text),
                _ => Err(expected("a string")),
            },
        }
    }

    fn of_text(self, text: &str) -> Result<Seen<'_>, Lacking> {
        let seen = |text: String| Seen::Text(Cow::Owned(text));
        match self {
            Self::EmailDomain => Ok(seen(EmailAddress::parse(text)?.into_domain())),
            Self::Ip => Ok(seen(text.parse::<IpBits>()?.into_string())),
            Self::Length => Ok(Seen::Integer(count(text.chars().count()))),
            Self::Path => Ok(seen(NormalPath::normalise(text)?.into_string())),
            Self::UrlDomain => match UrlParts::parse(text)?.domain() {
                Some(domain) => Ok(seen(domain.to_owned())),
                None => Err(Lacking::Domain),
            },
            Self::UrlHost => Ok(seen(UrlParts::parse(text)?.host().to_owned())),
            Self::UrlPort => match UrlParts::parse(text)?.port() {
                Some(port) => Ok(Seen::Integer(i64::from(port))),
                None => Err(Lacking::Port),
            },
            Self::UrlScheme => Ok(seen(UrlParts::parse(text)?.into_scheme())),
            Self::Text | Self::Bool | Self::Count | Self::Decimal | Self::Integer | Self::Null => {
                Ok(Seen::Text(Cow::Borrowed(text)))
            }
        }
    }
}

fn is_domain(text: &str) -> bool {
    text.parse::<DnsName>()
        .is_ok_and(|name| name.as_str() == text)
}

fn is_host(text: &str) -> bool {
    UrlParts::parse(&format!("http://{text}/")).is_ok_and(|url| url.host() == text)
}

fn is_scheme(text: &str) -> bool {
    UrlParts::parse(&format!("{text}://host/")).is_ok_and(|url| url.scheme() == text)
}

/// The kind of a value on its own: what `call:kind` says of it.
pub(crate) fn kind_name(value: &Value) -> &'static str {
    match value {
        Value::Array(_) => "array",
        Value::Bool(_) => "bool",
        Value::Null => "null",
        Value::Number(number) if number.is_i64() => "int",
        Value::Number(_) => "decimal",
        Value::Object(_) => "object",
        Value::String(_) => "str",
    }
}

/// The kind of a value, for people.
fn kind(value: &Value) -> &'static str {
    match kind_name(value) {
        "array" => "an array",
        "bool" => "true or false",
        "decimal" => "a number with a fraction",
        "int" => "an integer",
        "null" => "null",
        "object" => "an object",
        _ => "a string",
    }
}

/// Everything counted here is bounded by the size of the arguments.
fn count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
