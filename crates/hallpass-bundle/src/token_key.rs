//! Keys a bundle lists.

use std::fmt;

use hallpass_keys::{KeyId, Purpose, VerifyingKey};
use hallpass_vocabulary::Environment;

/// Where a key stands between its first publication and its last. Ordered along that life.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Published before it signs. Believed: the bundle that says `active` may be on its way.
    Prepared,
    /// Signs.
    Active,
    /// Signs no more; believed until everything it signed has expired.
    Retiring,
    /// Not to be believed: someone else may have it. Listed so that it is refused by name.
    Tainted,
}

impl KeyState {
    /// Whether signatures of such a key are believed: all but a tainted one's.
    pub fn is_believed(self) -> bool {
        self != Self::Tainted
    }

    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prepared => "prepared",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Tainted => "tainted",
        }
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a token key signs.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum TokenPurpose {
    /// Tokens of people in an emergency.
    BreakGlass,
    /// Tokens of agent runs.
    Run,
}

impl From<TokenPurpose> for Purpose {
    fn from(purpose: TokenPurpose) -> Self {
        match purpose {
            TokenPurpose::BreakGlass => Self::BreakGlass,
            TokenPurpose::Run => Self::Run,
        }
    }
}

impl fmt::Display for TokenPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Purpose::from(*self).as_str())
    }
}

/// A key that signs tokens. It may belong to another environment: then its tokens are refused as such, rather than as
/// unknown.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenKey {
    /// The public key.
    pub key: VerifyingKey,
    /// Where its tokens are valid.
    pub environment: Environment,
    /// What it signs.
    pub purpose: TokenPurpose,
    /// Where it stands.
    pub state: KeyState,
}

impl TokenKey {
    /// The name of the key.
    pub fn id(&self) -> KeyId {
        self.key.id()
    }
}

/// A key that signs approval blocks.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalKey {
    /// The public key.
    pub key: VerifyingKey,
    /// Where it stands.
    pub state: KeyState,
}
