//! The code a verifier enrols with: 256 random bits, shown once, kept as a hash.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_keys::{Digest, RandomnessError, random_bytes};
use zeroize::Zeroizing;

/// What every code starts with, so that secret scanners see it.
const PREFIX: &str = "hpe_";

/// Random bytes in a code: beyond guessing, so a plain hash keeps it.
const RANDOM_BYTES: usize = 32;

/// The longest text that is looked at as a code.
const CHARS_MAX: usize = 64;

/// A code. `Debug` hides it.
pub(crate) struct EnrolmentCode(Zeroizing<String>);

impl EnrolmentCode {
    pub(super) fn generate() -> Result<Self, RandomnessError> {
        let random = Zeroizing::new(random_bytes::<RANDOM_BYTES>()?);
        let encoded = Zeroizing::new(URL_SAFE_NO_PAD.encode(random.as_slice()));
        Ok(Self(Zeroizing::new(format!("{PREFIX}{}", *encoded))))
    }

    /// The code as text: for showing it once.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    pub(super) fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }
}

/// The digest of what was presented as a code, if it has the form of one.
pub(super) fn presented(text: &str) -> Option<Digest> {
    let is_one = text.starts_with(PREFIX) && text.len() <= CHARS_MAX;
    is_one.then(|| Digest::of(text.as_bytes()))
}

impl fmt::Debug for EnrolmentCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnrolmentCode(..)")
    }
}
