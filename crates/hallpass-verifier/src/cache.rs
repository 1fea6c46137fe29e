//! Tokens already verified and admitted, by their whole text.
//!
//! What is cached is the token as data: that its signatures verify under one key, and what it says. Never a decision:
//! key state, environment, expiry, tenant, audience, tool, caveats and the bundle's age are looked at on every call.
//! The key that verified is part of the entry, because the key id in a token is unsigned.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::quality::RandomState;
use hallpass_keys::VerifyingKey;
use hallpass_token::AdmittedToken;

/// The most entries of one generation. With the largest token (about 11 KB of text) a full cache stays under 32 MB.
const ENTRIES_PER_GENERATION_MAX: usize = 1024;

/// A bounded cache in two generations: when the young one is full it becomes the old one, and what the old one still
/// held is forgotten unless it was asked for meanwhile. Insertion and eviction are O(1), whatever is thrown at it.
#[derive(Default)]
pub(crate) struct TokenCache(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: ByText,
    old: ByText,
}

/// Tokens by their whole text. The hash is seeded anew in every process and only finds the place: the text is compared.
/// Who wants two texts in one place has to find them without seeing a hash, and to have each of them signed.
type ByText = HashMap<Box<str>, Known, RandomState>;

/// A token that verified and was admitted.
#[derive(Clone)]
pub(crate) struct Known {
    /// The key id the token names, under which its key is looked up anew on every call.
    pub(crate) hint: u32,
    /// The key it verified under.
    pub(crate) key: VerifyingKey,
    pub(crate) token: Arc<AdmittedToken>,
}

impl TokenCache {
    /// The token of exactly this text. The caller checks that its key is still believed.
    pub(crate) fn find(&self, text: &str) -> Option<Known> {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = generations.young.get(text) {
            return Some(known.clone());
        }
        let (text, known) = generations.old.remove_entry(text)?;
        generations.insert(text, known.clone());
        Some(known)
    }

    /// Remembers a token.
    pub(crate) fn insert(&self, text: &str, known: Known) {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        generations.insert(text.into(), known);
    }
}

impl Generations {
    fn insert(&mut self, text: Box<str>, known: Known) {
        if self.young.len() >= ENTRIES_PER_GENERATION_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(text, known);
    }
}
