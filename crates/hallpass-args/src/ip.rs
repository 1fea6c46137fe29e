//! Addresses and ranges of them, as texts of bits: an address is in a range when its bits start with the range's.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// An address as text: `4:` and 32 bits, or `6:` and 128, each `0` or `1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IpBits(String);

/// Why a text is no address that every reader understands alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IpRefused {
    /// Not four decimal numbers without leading zeros, nor RFC 4291 text without a zone.
    #[error("an address must be IPv4 in four decimal numbers, or IPv6 without a zone")]
    Form,
    /// An IPv4 address dressed as IPv6, which is outside every IPv4 range to some readers and inside to others.
    #[error("an IPv6 address must not be IPv4-mapped")]
    Mapped,
}

/// A range of addresses (RFC 4632 and RFC 4291 section 2.3): `10.0.0.0/8`, `2001:db8::/32`.
///
/// ```
/// use hallpass_args::Cidr;
///
/// let range: Cidr = "10.0.0.0/8".parse()?;
/// assert_eq!(range.as_prefix(), "4:00001010");
/// assert!(range.contains(&"10.1.2.3".parse()?));
/// assert!("10.0.0.1/8".parse::<Cidr>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    address: IpAddr,
    length: u8,
    prefix: String,
}

/// Why a text is no range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CidrRefused {
    /// The part before the `/`.
    #[error(transparent)]
    Address(#[from] IpRefused),
    /// `10.0.0.1/8`: two ways to write one range.
    #[error("an address range must have no bit set behind its length")]
    HostBits,
    /// No `/`, or after it no number of bits.
    #[error(
        "an address range must end in `/` and a number of bits, at most 32 for IPv4 and 128 for IPv6"
    )]
    Length,
}

impl IpBits {
    /// The bits after `4:` or `6:`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn bits(address: IpAddr) -> String {
    match address {
        IpAddr::V4(four) => format!("4:{:032b}", four.to_bits()),
        IpAddr::V6(six) => format!("6:{:0128b}", six.to_bits()),
    }
}

/// Reads an address. The standard library takes neither leading zeros nor zones.
pub(crate) fn address(text: &str) -> Result<IpAddr, IpRefused> {
    match text.parse().map_err(|_| IpRefused::Form)? {
        IpAddr::V6(six) if six.to_ipv4_mapped().is_some() => Err(IpRefused::Mapped),
        address => Ok(address),
    }
}

impl FromStr for IpBits {
    type Err = IpRefused;

    fn from_str(text: &str) -> Result<Self, IpRefused> {
        address(text).map(bits).map(Self)
    }
}

impl fmt::Display for IpBits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Cidr {
    /// The bits that every address of the range starts with, after `4:` or `6:`.
    pub fn as_prefix(&self) -> &str {
        &self.prefix
    }

    /// The range whose addresses start with these bits, after `4:` or `6:`: the reverse of
    /// [`as_prefix`](Self::as_prefix). `None` for any other text.
    pub fn from_prefix(prefix: &str) -> Option<Self> {
        let (bits, width) = match prefix.split_at_checked("4:".len())? {
            ("4:", bits) => (bits, 32),
            ("6:", bits) => (bits, 128),
            _ => return None,
        };
        let plain = bits.bytes().all(|bit| matches!(bit, b'0' | b'1'));
        if !plain || bits.len() > width {
            return None;
        }
        let padded = bits.bytes().chain(std::iter::repeat(b'0')).take(width);
        let number = padded.fold(0_u128, |number, bit| {
            (number << 1) | u128::from(bit == b'1')
        });
        let address = match u32::try_from(number) {
            Ok(four) if width == 32 => IpAddr::V4(Ipv4Addr::from_bits(four)),
            _ => IpAddr::V6(Ipv6Addr::from_bits(number)),
        };
        // As a text it is checked like any other: an IPv4-mapped range is none.
        format!("{address}/{}", bits.len()).parse().ok()
    }

    /// Whether the address is in the range. No IPv6 address is in an IPv4 range, and the reverse.
    pub fn contains(&self, address: &IpBits) -> bool {
        address.0.starts_with(&self.prefix)
    }
}

impl FromStr for Cidr {
    type Err = CidrRefused;

    fn from_str(text: &str) -> Result<Self, CidrRefused> {
        let (before, after) = text.split_once('/').ok_or(CidrRefused::Length)?;
        let address = address(before)?;
        let length: u8 = after.parse().map_err(|_| CidrRefused::Length)?;
        let one_spelling = after == "0" || !after.starts_with(['0', '+']);
        let mut prefix = bits(address);
        let kept = "4:".len() + usize::from(length);
        let behind = prefix.get(kept..).ok_or(CidrRefused::Length)?;
        if !one_spelling {
            return Err(CidrRefused::Length);
        }
        if behind.contains('1') {
            return Err(CidrRefused::HostBits);
        }
        prefix.truncate(kept);
        Ok(Self {
            address,
            length,
            prefix,
        })
    }
}

/// With the address in its usual form (RFC 5952 for IPv6).
impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}
