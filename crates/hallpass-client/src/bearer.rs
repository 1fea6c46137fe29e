//! Secrets that travel in a header.

use std::fmt;

use reqwest::header::HeaderValue;
use zeroize::Zeroizing;

/// The longest token or secret sent, in bytes. Above the 11 KiB of the largest token, so that a service, not we, says
/// that one is too large; below what servers take for headers.
pub const BEARER_BYTES_MAX: usize = 16 * 1024;

/// A text that cannot be sent in a header as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a secret is 1 to {BEARER_BYTES_MAX} printable ASCII characters without spaces")]
pub struct InvalidSecret;

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(Zeroizing<String>);

        impl $name {
            /// Takes the text as it is; whoever receives it judges it.
            ///
            /// # Errors
            /// When it cannot stand in a header.
            pub fn new(text: &str) -> Result<Self, InvalidSecret> {
                let sendable = (1..=BEARER_BYTES_MAX).contains(&text.len())
                    && text.bytes().all(|b| b.is_ascii_graphic());
                sendable
                    .then(|| Self(Zeroizing::new(text.to_owned())))
                    .ok_or(InvalidSecret)
            }

            /// The secret as text: for sending it and for nothing else.
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

secret!(
    /// A token as it is presented. `Debug` hides it.
    BearerToken
);
secret!(
    /// What a client proves itself with to the authority. `Debug` hides it.
    ClientSecret
);

secret!(
    /// A subject's own token, with which the authority verifies on whose behalf a run is. `Debug` hides it.
    SubjectToken
);

// In the body of a request for a token, and nowhere else.
impl serde::Serialize for SubjectToken {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl BearerToken {
    /// The value of an `Authorization` header; HTTP libraries are told to keep it out of logs.
    pub(crate) fn header(&self) -> Result<HeaderValue, InvalidSecret> {
        let text = Zeroizing::new(format!("Bearer {}", self.expose()));
        let mut value = HeaderValue::from_str(&text).map_err(|_| InvalidSecret)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        let token = BearerToken::new("hp1.secret").unwrap();
        assert_eq!(format!("{token:?}"), "BearerToken(..)");
        assert!(!format!("{:?}", token.header().unwrap()).contains("secret"));
        assert_eq!(
            format!("{:?}", ClientSecret::new("hps_x").unwrap()),
            "ClientSecret(..)"
        );
    }

    #[test]
    fn takes_only_what_fits_a_header() {
        for bad in [
            "",
            "a b",
            "a\r\nX: y",
            "a\u{e9}",
            "\u{7f}",
            &"a".repeat(BEARER_BYTES_MAX + 1),
        ] {
            assert_eq!(BearerToken::new(bad), Err(InvalidSecret));
        }
        assert!(BearerToken::new(&"a".repeat(BEARER_BYTES_MAX)).is_ok());
    }
}
