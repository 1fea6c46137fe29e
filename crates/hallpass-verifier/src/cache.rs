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

/// The most entries of one generation.
const ENTRIES_PER_GENERATION_MAX: usize = 1024;

/// The most bytes of one generation, by [`bytes_held`]; with the generation before it, a full cache stays under 32 MiB.
/// Ordinary tokens (about 5 KB held each) meet the other limit first.
const BYTES_PER_GENERATION_MAX: usize = 16 * 1024 * 1024;

/// Bytes a decoded token holds beside its names: its struct, its dates, its numbers.
const TOKEN_BYTES: usize = 1024;

/// Bytes of a decoded name, at most: a counted string of up to 64 bytes, and its place in a half-empty tree node. In a
/// caveat a name takes five bytes of token, so a holder can make 8 KiB of token decode to twenty times as much.
const NAME_BYTES: usize = 160;

/// A bounded cache in two generations: when the young one is full it becomes the old one, and what the old one still
/// held is forgotten unless it was asked for meanwhile. Averaged over insertions eviction is O(1), whatever is thrown at
/// it.
#[derive(Default)]
pub(crate) struct TokenCache(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: ByText,
    young_bytes: usize,
    old: ByText,
}

/// Tokens by their whole text. The hash is seeded anew in every process and only finds the place: the text is compared.
/// Who wants two texts in one place has to find them without seeing a hash. A holder can sign any number of children of
/// an open token, so it is not signing that keeps this small but the two limits above.
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
        let bytes = bytes_held(&text, &known.token);
        let full = self.young.len() >= ENTRIES_PER_GENERATION_MAX
            || self.young_bytes.saturating_add(bytes) > BYTES_PER_GENERATION_MAX;
        if full {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        if self.young.insert(text, known).is_none() {
            self.young_bytes = self.young_bytes.saturating_add(bytes);
        }
    }
}

/// What an entry takes, at most: the text, and the token as it was decoded.
fn bytes_held(text: &str, token: &AdmittedToken) -> usize {
    let grant = token.grant();
    let granted = grant
        .tools
        .len()
        .saturating_add(grant.needs_approval.len())
        .saturating_add(grant.audiences.len())
        .saturating_add(grant.roles.len());
    granted
        .saturating_mul(NAME_BYTES)
        .saturating_add(token.check_bytes_held())
        .saturating_add(TOKEN_BYTES)
        .saturating_add(text.len())
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::time::Duration;

    use hallpass_keys::{Digest, Purpose, SigningKey};
    use hallpass_token::limits::TOKEN_TEXT_BYTES_MAX;
    use hallpass_token::{
        Caveat, Grant, GrantSpec, NameSet, NextSecret, TokenText, UnverifiedToken, mint,
    };
    use hallpass_vocabulary::{ProofRule, RunId, SubjectAssurance, Timestamp, TokenId, ToolName};

    use super::*;

    pub(crate) const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_000_000);

    pub(crate) fn key() -> SigningKey {
        SigningKey::from_seed(Purpose::Run, "dev".parse().unwrap(), [1; 32])
    }

    fn tools() -> BTreeSet<ToolName> {
        (0..64)
            .map(|n| format!("a.b{n}").parse().unwrap())
            .collect()
    }

    pub(crate) fn grant_spec() -> GrantSpec {
        GrantSpec {
            token: TokenId::new(NOW, [1; 10]),
            run: RunId::new(NOW, [2; 10]),
            tenant: "acme".parse().unwrap(),
            environment: "dev".parse().unwrap(),
            subject: "user:alice".parse().unwrap(),
            assurance: SubjectAssurance::Asserted,
            actor: "agent:bot".parse().unwrap(),
            client: "helpdesk".parse().unwrap(),
            route: "/support".parse().unwrap(),
            roles: BTreeSet::new(),
            audiences: BTreeSet::from(["tickets".parse().unwrap()]),
            tools: tools(),
            needs_approval: BTreeSet::new(),
            budgets: BTreeMap::new(),
            holder: None,
            proof: ProofRule::Waived,
            policy: Digest::of(b"policy"),
            issued: NOW,
            expires: NOW.after(Duration::from_secs(900)),
            break_glass: None,
        }
    }

    pub(crate) fn minted() -> TokenText {
        mint(
            &Grant::new(grant_spec()).unwrap(),
            &[],
            &key(),
            &[],
            NextSecret::from_random([2; 32]),
        )
        .unwrap()
    }

    fn child(parent: &str, caveats: &[Caveat], secret: u32) -> TokenText {
        let mut next = [3; 32];
        next[..4].copy_from_slice(&secret.to_le_bytes());
        UnverifiedToken::parse(parent)
            .unwrap()
            .attenuate(caveats, NextSecret::from_random(next))
            .unwrap()
    }

    pub(crate) fn known(text: &str) -> Known {
        let key = key().verifying_key();
        let token = UnverifiedToken::parse(text).unwrap();
        Known {
            hint: token.key_hint(),
            key,
            token: Arc::new(token.verify(&key).unwrap().admit().unwrap()),
        }
    }

    /// Sixty-four names each, as often as they fit: five bytes of token for every name decoded.
    fn dense() -> TokenText {
        let all = Caveat::OnlyTools(NameSet::new(tools()).unwrap());
        child(minted().expose(), &vec![all; 11], 0)
    }

    #[test]
    fn tokens_that_decode_to_much_are_held_by_their_bytes() {
        let text = dense();
        let known = known(text.expose());
        let bytes = bytes_held(text.expose(), &known.token);
        assert!(bytes > 8 * TOKEN_TEXT_BYTES_MAX, "{bytes} bytes");

        let mut generations = Generations::default();
        for n in 0..ENTRIES_PER_GENERATION_MAX * 2 {
            // The text is what an entry is found by; what it decodes to is the same.
            generations.insert(format!("{}{n}", text.expose()).into(), known.clone());
            assert!(generations.young_bytes <= BYTES_PER_GENERATION_MAX);
        }
        let held = generations.young.len() + generations.old.len();
        assert!(held * bytes <= 2 * BYTES_PER_GENERATION_MAX, "{held} held");
        assert!(generations.young.contains_key(
            format!("{}{}", text.expose(), ENTRIES_PER_GENERATION_MAX * 2 - 1).as_str()
        ));
    }

    #[test]
    fn ordinary_tokens_are_held_by_their_number() {
        let text = minted();
        let known = known(text.expose());
        let mut generations = Generations::default();
        for n in 0..ENTRIES_PER_GENERATION_MAX {
            generations.insert(n.to_string().into(), known.clone());
        }
        assert_eq!(generations.young.len(), ENTRIES_PER_GENERATION_MAX);
        generations.insert("one more".into(), known);
        assert_eq!(
            (generations.young.len(), generations.old.len()),
            (1, ENTRIES_PER_GENERATION_MAX)
        );
    }

    #[test]
    fn the_same_text_again_counts_once() {
        let text = minted();
        let known = known(text.expose());
        let mut generations = Generations::default();
        generations.insert(text.expose().into(), known.clone());
        let once = generations.young_bytes;
        generations.insert(text.expose().into(), known);
        assert_eq!(generations.young_bytes, once);
    }
}
