//! E-mail addresses, as far as a rule needs them: is it exactly one, and in which domain.

use crate::dns::{DnsName, DnsNameRefused};

/// The longest e-mail address, in bytes (RFC 5321 section 4.5.3.1.3 with its erratum 1690).
const EMAIL_BYTES_MAX: usize = 254;

/// The longest part before the `@`, in bytes (RFC 5321 section 4.5.3.1.1).
const LOCAL_BYTES_MAX: usize = 64;

/// One e-mail address in the plainest form of RFC 5322 (`dot-atom@domain`): no quotes, no comments, no display name, no
/// list, and none of the `%` and `!` that once routed mail elsewhere.
///
/// Only the domain is kept: what stands before the `@` means what its domain's mail server wants it to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailAddress {
    domain: DnsName,
}

/// Why a text is not one e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EmailRefused {
    /// None or more than one.
    #[error("an e-mail address must hold exactly one `@`")]
    At,
    /// No DNS name after the `@`.
    #[error(transparent)]
    Domain(#[from] DnsNameRefused),
    /// Nothing before the `@`, a dot at an end of it, two dots together, or another character.
    #[error(
        "before its `@` an e-mail address must hold words of plain characters with dots between"
    )]
    Local,
    /// A domain without a dot, which is a different machine in every network.
    #[error("the domain of an e-mail address must have at least two labels")]
    OneLabel,
    /// More than 254 bytes, or more than 64 before the `@`.
    #[error(
        "an e-mail address must be at most {EMAIL_BYTES_MAX} bytes, {LOCAL_BYTES_MAX} before its `@`"
    )]
    TooLong,
}

impl EmailAddress {
    /// Reads one address.
    ///
    /// # Errors
    /// [`EmailRefused`]: it is none, or a mail system could deliver it elsewhere.
    pub fn parse(text: &str) -> Result<Self, EmailRefused> {
        if text.len() > EMAIL_BYTES_MAX {
            return Err(EmailRefused::TooLong);
        }
        let (local, domain) = text.split_once('@').ok_or(EmailRefused::At)?;
        if domain.contains('@') {
            return Err(EmailRefused::At);
        }
        if local.len() > LOCAL_BYTES_MAX {
            return Err(EmailRefused::TooLong);
        }
        // `-oQ/tmp@…` is an option to programs that are handed addresses.
        if local.starts_with('-') {
            return Err(EmailRefused::Local);
        }
        // An encoded word (RFC 2047): some mailers decode it, and what comes out may hold an `@` of its own.
        if local.contains("=?") {
            return Err(EmailRefused::Local);
        }
        if !local
            .split('.')
            .all(|atom| !atom.is_empty() && atom.bytes().all(is_atom))
        {
            return Err(EmailRefused::Local);
        }
        let domain: DnsName = domain.parse()?;
        if !domain.as_str().contains('.') {
            return Err(EmailRefused::OneLabel);
        }
        Ok(Self { domain })
    }

    /// [`domain`](Self::domain), taken out.
    pub fn into_domain(self) -> String {
        self.domain.into_string()
    }

    /// What stands after the `@`, in lower case.
    pub fn domain(&self) -> &str {
        self.domain.as_str()
    }
}

/// `atext` of RFC 5322 section 3.2.3, without `%` and `!`.
fn is_atom(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"#$&'*+-/=?^_`{|}~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_addresses_have_a_domain() {
        for (text, domain) in [
            ("alice@example.com", "example.com"),
            ("Alice.B+tag@Mail.Example.COM", "mail.example.com"),
            ("#$&'*+-/?=^_`{|}~@example.com", "example.com"),
            ("a@xn--bcher-kva.example", "xn--bcher-kva.example"),
        ] {
            assert_eq!(EmailAddress::parse(text).unwrap().domain(), domain);
        }
    }

    #[test]
    fn what_is_not_one_plain_address_is_refused() {
        use DnsNameRefused as Name;
        use EmailRefused::*;
        let long_local = format!("{}@example.com", "a".repeat(65));
        let label = "a".repeat(63);
        let long = format!("aa@{label}.{label}.{label}.{}", "a".repeat(60));
        assert_eq!(long.len(), 255);
        for (text, reason) in [
            ("", At),
            ("example.com", At),
            ("a@b@example.com", At),
            ("a@evil.example,b@example.com", At),
            ("a@example.com, b@evil.example", At),
            ("\"a@b\"@example.com", At),
            ("@example.com", Local),
            (".a@example.com", Local),
            ("a.@example.com", Local),
            ("a..b@example.com", Local),
            ("a b@example.com", Local),
            (" a@example.com", Local),
            ("a%evil.example@example.com", Local),
            ("evil.example!a@example.com", Local),
            ("\"a\"@example.com", Local),
            ("a(b)@example.com", Local),
            ("Alice <a@example.com", Local),
            ("a,b@example.com", Local),
            ("a;b@example.com", Local),
            ("a:b@example.com", Local),
            ("a\\b@example.com", Local),
            ("a\0@example.com", Local),
            ("a\r\nBcc:b@example.com", Local),
            ("\u{e9}@example.com", Local),
            ("<a@example.com>", Local),
            ("=?utf-8?q?eve=40evil.example=3e=20?=@example.com", Local),
            ("a=?x@example.com", Local),
            ("a@example.com>", Domain(Name::Character)),
            ("a@example.com ", Domain(Name::Character)),
            ("a@example.com\n", Domain(Name::Character)),
            ("a@example.com(b)", Domain(Name::Character)),
            ("a@[192.0.2.1]", Domain(Name::Character)),
            ("a@b\u{fc}cher.example", Domain(Name::Character)),
            ("a@192.0.2.1", Domain(Name::Number)),
            ("a@example.com.", Domain(Name::EmptyLabel)),
            ("a@", Domain(Name::EmptyLabel)),
            ("a@-b.example", Domain(Name::Hyphen)),
            ("a@localhost", OneLabel),
            (&long_local, TooLong),
            (&long, TooLong),
        ] {
            assert_eq!(EmailAddress::parse(text), Err(reason), "{text:?}");
        }
        assert!(EmailAddress::parse(&long_local[1..]).is_ok());
        assert!(EmailAddress::parse(&long[1..]).is_ok());
    }

    proptest! {
        #[test]
        fn the_domain_is_what_follows_the_last_at(text in "[aB.@%!\" ,<>1-]{0,12}") {
            if let Ok(address) = EmailAddress::parse(&text) {
                let after = text.rsplit('@').next().unwrap();
                prop_assert_eq!(address.domain(), after.to_ascii_lowercase());
                let again = format!("x@{}", address.domain());
                prop_assert_eq!(EmailAddress::parse(&again), Ok(address));
            }
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = EmailAddress::parse(&text);
            let _ = EmailAddress::parse(&format!("a@{text}"));
        }
    }
}
