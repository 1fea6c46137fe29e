//! Keys of sensitive digests: one for each segment, so that what is old enough can be made unreadable without touching a
//! record.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use hallpass_vocabulary::{DecisionId, Pointer};

use crate::arguments::DigestKey;
use crate::directory::SensitiveKeyName;
use crate::identity::read_secret;
use crate::{ArgumentsDigest, IdentityError, OsStorage};

mod erase;
mod keys;

pub use erase::{EraseError, Erased};
pub(crate) use keys::SensitiveKeys;

/// A secret that sensitive arguments are digested under, until it is erased. Cheap to clone.
#[derive(Clone)]
pub struct SensitiveKey {
    number: u64,
    key: Arc<DigestKey>,
}

impl SensitiveKey {
    pub(crate) fn new(number: u64, key: DigestKey) -> Self {
        Self {
            number,
            key: Arc::new(key),
        }
    }

    /// The key of this number from a journal's directory; none if it was erased. No lock is taken.
    ///
    /// # Errors
    /// When the file is there and cannot be read, or is not a private file of 64 hex digits.
    pub fn read(dir: &Path, number: u64) -> Result<Option<Self>, IdentityError> {
        let path = SensitiveKeyName(number).path(dir);
        let Some(secret) = read_secret(&OsStorage, &path)? else {
            return Ok(None);
        };
        let key = DigestKey::new(&secret).ok_or(IdentityError::DigestKey { path })?;
        Ok(Some(Self::new(number, key)))
    }

    /// Its number: the index of the first record that may use it.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The digest of one argument of one decision. The decision is part of it, so that equal values have different digests:
    /// records without the key do not tell which calls were about the same account.
    ///
    /// `canonical` is the RFC 8785 form of the value.
    pub fn digest(
        &self,
        decision: DecisionId,
        pointer: &Pointer,
        canonical: &[u8],
    ) -> ArgumentsDigest {
        let decision = decision.to_string();
        let pointer = pointer.as_str().as_bytes();
        self.key
            .digest_parts(&[decision.as_bytes(), &[0], pointer, &[0], canonical])
    }

    /// The digest of all arguments of a call of which one may be sensitive, in RFC 8785 form: under the key that is never
    /// erased, it could be guessed for ever.
    pub fn digest_all(&self, canonical: &[u8]) -> ArgumentsDigest {
        self.key.digest(canonical)
    }
}

impl fmt::Debug for SensitiveKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SensitiveKey")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use hallpass_vocabulary::Timestamp;

    use super::*;

    #[test]
    fn a_digest_depends_on_the_decision_the_pointer_and_the_value_and_is_what_the_page_says() {
        let key = SensitiveKey::new(7, DigestKey::new(&[7; 32]).unwrap());
        let decision = |n| DecisionId::new(Timestamp::from_unix_ms(1_795_000_000_000), [n; 10]);
        let pointer = |text: &str| text.parse::<Pointer>().unwrap();
        let digest = key.digest(decision(1), &pointer("/iban"), br#""DE02""#);
        // Computed with Python's hmac; the page has it as its example.
        let example =
            "hmac-sha256:f07ab45dad465997197f35d475ab3b5a3165e8a2362f604eed49acfa0cd35231";
        assert_eq!(digest.to_string(), example);
        let page = include_str!("../../../docs/journal-format.md");
        assert!(page.contains(example) && page.contains(&decision(1).to_string()));
        for other in [
            key.digest(decision(2), &pointer("/iban"), br#""DE02""#),
            key.digest(decision(1), &pointer("/iban2"), br#""DE02""#),
            key.digest(decision(1), &pointer("/iban"), br#""DE03""#),
            key.digest_all(br#"{"iban":"DE02"}"#),
        ] {
            assert_ne!(other, digest);
        }
        assert_eq!(format!("{key:?}"), "SensitiveKey { number: 7, .. }");
    }
}
