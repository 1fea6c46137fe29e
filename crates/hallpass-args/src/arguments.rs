//! The arguments of a call: what was decided on, digested, and handed to the handler.

use std::fmt;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::strict::{self, StrictError};

/// Why a body is not the arguments of a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArgumentsError {
    /// Not strict JSON.
    #[error(transparent)]
    Strict(#[from] StrictError),
    /// Strict JSON, but not an object.
    #[error("the arguments must be a JSON object")]
    NotAnObject,
    /// One name in two places (body, path, query).
    #[error("an argument is given in two places")]
    GivenTwice,
}

impl ArgumentsError {
    /// Whether the arguments were refused for their size or depth rather than their form.
    pub fn is_too_large(&self) -> bool {
        matches!(
            self,
            Self::Strict(StrictError::TooLarge | StrictError::TooDeep)
        )
    }
}

/// The SHA-256 of the canonical arguments. Text form: `sha256:` and 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ArgumentsDigest([u8; 32]);

impl ArgumentsDigest {
    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ArgumentsDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", hex::encode(self.0))
    }
}

impl fmt::Debug for ArgumentsDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The arguments of a call: a JSON object, read strictly, with its RFC 8785 form and the digest of that.
///
/// `Debug` prints nothing of them: arguments may be sensitive, and the digest of small ones can be guessed.
#[derive(Clone, PartialEq)]
pub struct Arguments {
    members: Map<String, Value>,
    canonical: Vec<u8>,
    digest: ArgumentsDigest,
}

impl Arguments {
    /// The empty object: a call without arguments.
    pub fn none() -> Self {
        let canonical = b"{}".to_vec();
        Self {
            members: Map::new(),
            digest: ArgumentsDigest(Sha256::digest(&canonical).into()),
            canonical,
        }
    }

    /// Reads arguments from a JSON body.
    ///
    /// # Errors
    /// [`ArgumentsError`]: not JSON, not an object, a doubled name, a number beyond ±(2^53-1), too large or too deep.
    pub fn parse(body: &[u8]) -> Result<Self, ArgumentsError> {
        match strict::read(body)? {
            Value::Object(members) => Self::digested(members),
            _ => Err(ArgumentsError::NotAnObject),
        }
    }

    /// These arguments together with others that came in the path and the query, as strings.
    ///
    /// # Errors
    /// [`ArgumentsError::GivenTwice`] when a name is already taken: two places for one name is how a check and a
    /// handler come to read different values.
    pub fn with_strings<'a>(
        self,
        others: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, ArgumentsError> {
        let mut members = self.members;
        for (name, value) in others {
            if members
                .insert(name.to_owned(), Value::String(value.to_owned()))
                .is_some()
            {
                return Err(ArgumentsError::GivenTwice);
            }
        }
        Self::digested(members)
    }

    fn digested(members: Map<String, Value>) -> Result<Self, ArgumentsError> {
        // The canonicaliser fails only on numbers that are not finite, which the strict reader has refused.
        let canonical =
            serde_json_canonicalizer::to_vec(&members).map_err(|_| ArgumentsError::NotAnObject)?;
        if canonical.len() > strict::ARGUMENTS_BYTES_MAX {
            return Err(StrictError::TooLarge.into());
        }
        let digest = ArgumentsDigest(Sha256::digest(&canonical).into());
        Ok(Self {
            members,
            canonical,
            digest,
        })
    }

    /// The members, as parsed.
    pub fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// The member of this name.
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// The RFC 8785 form.
    pub fn canonical(&self) -> &[u8] {
        &self.canonical
    }

    /// The RFC 8785 form of one value of them, such as a [`Resolve`](crate::Resolve)d pointer finds.
    pub fn canonical_value(value: &Value) -> Vec<u8> {
        // Fails only on numbers that are not finite, which no `Value` holds.
        serde_json_canonicalizer::to_vec(value).unwrap_or_default()
    }

    /// The SHA-256 of the RFC 8785 form.
    pub fn digest(&self) -> &ArgumentsDigest {
        &self.digest
    }
}

impl fmt::Debug for Arguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arguments").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn order_and_spelling_do_not_change_the_digest() {
        let one = Arguments::parse(br#"{"a":1.0,"b":"\u00e9"}"#).unwrap();
        let two = Arguments::parse("{ \"b\" : \"\u{e9}\", \"a\" : 1 }".as_bytes()).unwrap();
        assert_eq!(one.digest(), two.digest());
        assert_eq!(one.canonical(), "{\"a\":1,\"b\":\"\u{e9}\"}".as_bytes());
    }

    #[test]
    fn the_digest_is_sha_256_of_the_canonical_form() {
        // sha256("{}"), by sha256sum.
        assert_eq!(
            Arguments::parse(b"{}").unwrap().digest().to_string(),
            "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
    }

    #[test]
    fn members_sort_by_utf_16_code_units() {
        // U+FB33 sorts after U+1F600 in UTF-16 (RFC 8785 section 3.2.3), before it in UTF-8.
        let arguments = Arguments::parse("{\"\u{fb33}\":1,\"\u{1f600}\":2}".as_bytes()).unwrap();
        assert_eq!(
            arguments.canonical(),
            "{\"\u{1f600}\":2,\"\u{fb33}\":1}".as_bytes()
        );
    }

    #[test]
    fn what_is_small_as_sent_may_be_too_large_in_canonical_form() {
        // Four characters become sixteen digits.
        let numbers = |count: usize| {
            let body = format!("{{\"n\":[{}]}}", vec!["1e15"; count].join(","));
            assert!(body.len() <= strict::ARGUMENTS_BYTES_MAX);
            Arguments::parse(body.as_bytes())
        };
        assert!(numbers(10_000).is_ok());
        assert_eq!(
            numbers(40_000),
            Err(ArgumentsError::Strict(StrictError::TooLarge))
        );
    }

    #[test]
    fn only_an_object_is_arguments() {
        for body in ["[]", "1", "null", "\"x\"", "true"] {
            assert_eq!(
                Arguments::parse(body.as_bytes()),
                Err(ArgumentsError::NotAnObject)
            );
        }
    }

    #[test]
    fn a_name_in_two_places_is_refused() {
        let body = Arguments::parse(br#"{"id":1}"#).unwrap();
        assert_eq!(
            body.clone().with_strings([("id", "2")]),
            Err(ArgumentsError::GivenTwice)
        );
        let merged = body.with_strings([("q", "2")]).unwrap();
        assert_eq!(merged.canonical(), br#"{"id":1,"q":"2"}"#);
        assert_eq!(
            Arguments::parse(b"{}")
                .unwrap()
                .with_strings([("q", "1"), ("q", "2")]),
            Err(ArgumentsError::GivenTwice)
        );
    }

    #[test]
    fn debug_does_not_print_arguments() {
        let arguments = Arguments::parse(br#"{"password":"hunter2"}"#).unwrap();
        assert_eq!(format!("{arguments:?}"), "Arguments { .. }");
    }

    proptest! {
        #[test]
        fn canonical_form_is_a_fixed_point(text in "[a-z\\\\\"\u{0}-\u{20}\u{e9}\u{1f600}]{0,12}", number in -9e15f64..9e15) {
            let body = serde_json::json!({ &text: number, "s": text, "n": [null, true, {"x": number}] });
            let first = Arguments::parse(body.to_string().as_bytes());
            // `text` may be `s` or `n`: the macro then keeps one of the two, so there is nothing doubled to refuse.
            let first = first.unwrap();
            let second = Arguments::parse(first.canonical()).unwrap();
            prop_assert_eq!(first, second);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Arguments::parse(&bytes);
        }
    }
}
