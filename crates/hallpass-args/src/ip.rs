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

    /// [`as_str`](Self::as_str), taken out.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Bytes of the longest text of bits: `6:` and 128 of them.
const IPV6_BITS_BYTES: usize = 130;

fn bits(address: IpAddr) -> String {
    let (family, bits, width) = match address {
        IpAddr::V4(four) => ("4:", u128::from(four.to_bits()), u32::BITS),
        IpAddr::V6(six) => ("6:", six.to_bits(), u128::BITS),
    };
    let digits = (0..width)
        .rev()
        .map(|place| if (bits >> place) & 1 == 1 { '1' } else { '0' });
    let mut text = String::with_capacity(IPV6_BITS_BYTES);
    text.push_str(family);
    text.extend(digits);
    text
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

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_is_its_bits() {
        let one: IpBits = "10.0.0.1".parse().unwrap();
        assert_eq!(one.as_str(), "4:00001010000000000000000000000001");
        assert_eq!(one.to_string(), one.as_str());
        let six = |text: &str| text.parse::<IpBits>().unwrap();
        assert_eq!(six("::1").as_str(), format!("6:{:0>128}", 1));
        assert_eq!(six("2001:DB8::1"), six("2001:db8:0:0:0:0:0:1"));
        assert_eq!(six("::102:304"), six("::1.2.3.4"));
    }

    #[test]
    fn what_is_no_address_to_every_reader_is_refused() {
        use IpRefused::*;
        for (text, reason) in [
            ("", Form),
            ("127.1", Form),
            ("127.0.0.01", Form),
            ("0177.0.0.1", Form),
            ("0x7f000001", Form),
            ("0x7f.0.0.1", Form),
            ("2130706433", Form),
            ("127.0.0.256", Form),
            ("1.2.3.4.5", Form),
            ("1.2.3.", Form),
            (" 127.0.0.1", Form),
            ("127.0.0.1 ", Form),
            ("127.0.0.1:80", Form),
            ("+1.2.3.4", Form),
            ("\u{ff11}.2.3.4", Form),
            ("localhost", Form),
            ("[::1]", Form),
            ("fe80::1%eth0", Form),
            ("fe80::1%1", Form),
            ("fe80::1%25eth0", Form),
            ("1::2::3", Form),
            ("1:2:3:4:5:6:7", Form),
            ("1:2:3:4::5:6:7:8", Form),
            (":1::", Form),
            ("::12345", Form),
            ("::1.2.3", Form),
            ("::1.2.3.04", Form),
            ("::ffff:1.2.3.4", Mapped),
            ("::ffff:102:304", Mapped),
            ("0:0:0:0:0:FFFF:0102:0304", Mapped),
        ] {
            assert_eq!(text.parse::<IpBits>(), Err(reason), "{text}");
        }
    }

    #[test]
    fn a_range_has_one_spelling() {
        for (text, shown, bits) in [
            ("10.0.0.0/8", "10.0.0.0/8", "4:00001010"),
            ("0.0.0.0/0", "0.0.0.0/0", "4:"),
            (
                "192.0.2.1/32",
                "192.0.2.1/32",
                "4:11000000000000000000001000000001",
            ),
            (
                "2001:DB8:0::/32",
                "2001:db8::/32",
                "6:00100000000000010000110110111000",
            ),
            ("::/0", "::/0", "6:"),
        ] {
            let range: Cidr = text.parse().unwrap();
            assert_eq!((&*range.to_string(), range.as_prefix()), (shown, bits));
        }
        use CidrRefused::*;
        for (text, reason) in [
            ("10.0.0.1", Length),
            ("10.0.0.0/", Length),
            ("10.0.0.0/33", Length),
            ("::/129", Length),
            ("::/256", Length),
            ("10.0.0.0/08", Length),
            ("10.0.0.0/+8", Length),
            ("10.0.0.0/-1", Length),
            ("0.0.0.0/00", Length),
            ("10.0.0.0/8/8", Length),
            ("10.0.0.0/255.0.0.0", Length),
            ("10.0.0.0/ 8", Length),
            ("10.0.0.1/8", HostBits),
            ("10.0.0.0/6", HostBits),
            ("2001:db8::1/64", HostBits),
            ("10/8", Address(IpRefused::Form)),
            ("/8", Address(IpRefused::Form)),
            ("::ffff:10.0.0.0/104", Address(IpRefused::Mapped)),
        ] {
            assert_eq!(text.parse::<Cidr>(), Err(reason), "{text}");
        }
    }

    #[test]
    fn no_address_of_one_family_is_in_a_range_of_the_other() {
        let within = |range: &str, address: &str| {
            let range: Cidr = range.parse().unwrap();
            range.contains(&address.parse().unwrap())
        };
        assert!(within("0.0.0.0/0", "192.0.2.1") && within("::/0", "2001:db8::1"));
        assert!(!within("::/0", "192.0.2.1") && !within("0.0.0.0/0", "::1"));
    }

    proptest! {
        #[test]
        fn four_agrees_with_arithmetic(base: u32, other: u32, shared in 0..=32u32, length in 0..=32u32) {
            let mask = |length: u32| u32::MAX.checked_shl(32 - length).unwrap_or(0);
            let base = base & mask(length);
            // Shares its first bits with the range, so that both answers come up.
            let address = (base & mask(shared)) | (other & !mask(shared));
            let range: Cidr = format!("{}/{length}", Ipv4Addr::from(base)).parse().unwrap();
            let bits: IpBits = Ipv4Addr::from(address).to_string().parse().unwrap();
            prop_assert_eq!(range.contains(&bits), address & mask(length) == base);
            prop_assert_eq!(range.to_string().parse(), Ok(range));
        }

        #[test]
        fn six_agrees_with_arithmetic(base: u128, other: u128, shared in 0..=128u32, length in 0..=128u32) {
            let mask = |length: u32| u128::MAX.checked_shl(128 - length).unwrap_or(0);
            let base = base & mask(length);
            let address = (base & mask(shared)) | (other & !mask(shared));
            let range = format!("{}/{length}", Ipv6Addr::from(base)).parse::<Cidr>();
            let bits = Ipv6Addr::from(address).to_string().parse::<IpBits>();
            if let (Ok(range), Ok(bits)) = (range, bits) {
                prop_assert_eq!(range.contains(&bits), address & mask(length) == base);
                prop_assert_eq!(range.to_string().parse(), Ok(range));
            } else {
                let mapped = |bits| Ipv6Addr::from(bits).to_ipv4_mapped().is_some();
                prop_assert!(mapped(base) || mapped(address));
            }
        }

        #[test]
        fn a_host_bit_anywhere_is_refused(base: u32, length in 0..32u32, bit in 0..32u32) {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            let address = (base & mask) | (1 << (bit % (32 - length)));
            let range = format!("{}/{length}", Ipv4Addr::from(address)).parse::<Cidr>();
            prop_assert_eq!(range, Err(CidrRefused::HostBits));
        }

        #[test]
        fn no_text_panics(text in "[0-9a-f:./%]{0,20}|\\PC*") {
            let _ = (text.parse::<IpBits>(), text.parse::<Cidr>());
        }
    }
}
