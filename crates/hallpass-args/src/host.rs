//! The host of a URL: a DNS name or an address, written in one way.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use crate::dns::{DnsNameRefused, append_name};
use crate::ip::{IpRefused, address};

/// A host as it stands in a URL: a DNS name in lower case, an IPv4 address, or an IPv6 address in brackets and in the
/// form of RFC 5952.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host {
    /// The host; a DNS name, and nothing else, has a dot before it, so that its domain is at hand.
    dotted: String,
}

/// Why a text is no host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostRefused {
    /// In brackets stands an IPv6 address.
    #[error("a host in brackets must be an IPv6 address")]
    Brackets,
    /// Not a DNS name.
    #[error(transparent)]
    DnsName(#[from] DnsNameRefused),
    /// Not an address.
    #[error(transparent)]
    Ip(#[from] IpRefused),
}

impl Host {
    /// The host as text, an IPv6 address in brackets.
    pub fn as_str(&self) -> &str {
        self.dotted.strip_prefix('.').unwrap_or(&self.dotted)
    }

    /// A dot and the host, if it is a DNS name: what ends in `.example.com` is `example.com` or below it.
    pub fn domain(&self) -> Option<&str> {
        self.dotted.starts_with('.').then_some(&*self.dotted)
    }
}

impl FromStr for Host {
    type Err = HostRefused;

    fn from_str(text: &str) -> Result<Self, HostRefused> {
        if let Some(after) = text.strip_prefix('[') {
            let inside = after.strip_suffix(']').ok_or(HostRefused::Brackets)?;
            let IpAddr::V6(address) = address(inside)? else {
                return Err(HostRefused::Brackets);
            };
            // The standard library writes an address that is not IPv4-mapped as RFC 5952 asks.
            return Ok(Self {
                dotted: format!("[{address}]"),
            });
        }
        if text.parse::<Ipv4Addr>().is_ok() {
            return Ok(Self {
                dotted: text.to_owned(),
            });
        }
        let mut dotted = String::with_capacity(".".len() + text.len());
        dotted.push('.');
        append_name(text, &mut dotted)?;
        Ok(Self { dotted })
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_written_in_one_way() {
        for (text, host, domain) in [
            ("Example.com", "example.com", Some(".example.com")),
            ("localhost", "localhost", Some(".localhost")),
            ("192.0.2.1", "192.0.2.1", None),
            ("[2001:DB8:0:0:0:0:0:1]", "[2001:db8::1]", None),
            ("[::]", "[::]", None),
            ("[2001:db8:0:1:1:1:1:1]", "[2001:db8:0:1:1:1:1:1]", None),
            ("[2001:0:0:1:0:0:0:1]", "[2001:0:0:1::1]", None),
            ("[64:ff9b::192.0.2.33]", "[64:ff9b::c000:221]", None),
        ] {
            let found: Host = text.parse().unwrap();
            assert_eq!((found.as_str(), found.domain()), (host, domain));
            assert_eq!(found.to_string(), host);
            assert_eq!(host.parse::<Host>(), Ok(found));
        }
    }

    #[test]
    fn other_ways_to_write_an_address_are_refused() {
        use DnsNameRefused::{Character, EmptyLabel, Number};
        for (text, reason) in [
            ("", EmptyLabel.into()),
            (".example.com", EmptyLabel.into()),
            ("192.0.2.01", Number.into()),
            ("192.0.2.256", Number.into()),
            ("127.1", Number.into()),
            ("2130706433", Number.into()),
            ("::1", Character.into()),
            ("[", HostRefused::Brackets),
            ("[::1", HostRefused::Brackets),
            ("[::1]x", HostRefused::Brackets),
            ("[192.0.2.1]", HostRefused::Brackets),
            ("[]", IpRefused::Form.into()),
            ("[[::1]]", IpRefused::Form.into()),
            ("[example.com]", IpRefused::Form.into()),
            ("[fe80::1%25eth0]", IpRefused::Form.into()),
            ("[fe80::1%eth0]", IpRefused::Form.into()),
            ("[v1.a]", IpRefused::Form.into()),
            ("[::ffff:1.2.3.4]", IpRefused::Mapped.into()),
            ("[::ffff:102:304]", IpRefused::Mapped.into()),
        ] {
            assert_eq!(text.parse::<Host>(), Err(reason), "{text}");
        }
    }
}
