//! A subject's own token, on its way to whoever checks it.

use std::fmt;

use hallpass_keys::Digest;
use zeroize::Zeroizing;

/// The longest subject token, in bytes. Those of the large providers have one to four kilobytes.
pub(crate) const SUBJECT_TOKEN_BYTES_MAX: usize = 8 * 1024;

/// A JSON Web Token that says on whose behalf. Whoever has it can present it elsewhere too, so `Debug` hides it and it is
/// wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SubjectToken(Zeroizing<String>);

/// A text that cannot be a JSON Web Token in its compact form (RFC 7519).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a JSON Web Token in its compact form, of at most {SUBJECT_TOKEN_BYTES_MAX} bytes"
)]
pub(crate) struct InvalidSubjectToken;

impl SubjectToken {
    pub(crate) fn new(text: &str) -> Result<Self, InvalidSubjectToken> {
        let is_part = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        let compact = text.len() <= SUBJECT_TOKEN_BYTES_MAX
            && text.split('.').count() == 3
            && text.split('.').all(is_part);
        compact
            .then(|| Self(Zeroizing::new(text.to_owned())))
            .ok_or(InvalidSubjectToken)
    }

    /// The token, for checking it and for nothing else.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// What may be kept of it: its signature makes it a text that nobody can guess.
    pub(super) fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }
}

impl fmt::Debug for SubjectToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubjectToken(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_parts_of_base64url() {
        let token = SubjectToken::new("eyJ.e-_0.c2ln").unwrap();
        assert_eq!(token.expose(), "eyJ.e-_0.c2ln");
        assert_eq!(format!("{token:?}"), "SubjectToken(..)");
        let long = format!("a.b.{}", "c".repeat(SUBJECT_TOKEN_BYTES_MAX));
        for bad in ["", "a.b", "a.b.", "a.b.c.d", "a b.c.d", "a=.b.c", &long] {
            assert_eq!(SubjectToken::new(bad), Err(InvalidSubjectToken), "{bad}");
        }
    }
}
