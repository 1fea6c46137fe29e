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
