//! Who may sign a document.

use hallpass_keys::{Purpose, VerifyingKey};

use crate::InvalidDocument;

/// The most keys in one role. Twice what an organisation with many root holders has.
pub const KEYS_PER_ROLE_MAX: usize = 16;

/// The keys that may sign one kind of document, and how many of them must.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    keys: Vec<VerifyingKey>,
    threshold: usize,
}

impl Role {
    /// These keys, of which `threshold` must sign. Checked when the root that holds it is made.
    pub fn new(keys: Vec<VerifyingKey>, threshold: usize) -> Self {
        Self { keys, threshold }
    }

    /// One key, which must sign.
    pub fn single(key: VerifyingKey) -> Self {
        Self::new(vec![key], 1)
    }

    /// The keys.
    pub fn keys(&self) -> &[VerifyingKey] {
        &self.keys
    }

    /// How many distinct keys must sign.
    pub fn threshold(&self) -> usize {
        self.threshold
    }

    pub(crate) fn check(&self, role: Purpose) -> Result<(), InvalidDocument> {
        let (keys, threshold) = (self.keys.len(), self.threshold);
        if (1..=KEYS_PER_ROLE_MAX).contains(&keys) && (1..=keys).contains(&threshold) {
            Ok(())
        } else {
            Err(InvalidDocument::Role {
                role,
                keys,
                threshold,
            })
        }
    }
}
