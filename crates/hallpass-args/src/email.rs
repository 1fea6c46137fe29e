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

    /// What stands after the `@`, in lower case.
    pub fn domain(&self) -> &str {
        self.domain.as_str()
    }
}

/// `atext` of RFC 5322 section 3.2.3, without `%` and `!`.
fn is_atom(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"#$&'*+-/=?^_`{|}~".contains(&byte)
}
