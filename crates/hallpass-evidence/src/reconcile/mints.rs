//! What authorities minted: as little of each token as is needed to recognise it.

use std::collections::HashMap;

use hallpass_journal::{Decided, Minted};
use hallpass_keys::{Digest, KeyId};
use hallpass_vocabulary::{Audience, ClientId, RunId, Timestamp, TokenId, ToolName};

use super::{Full, TOKENS_MAX};

/// A token that was minted. Its names are kept as a digest, its tools once for all tokens with the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mint {
    pub(super) run: RunId,
    pub(super) issued: Timestamp,
    pub(super) expires: Timestamp,
    names: [u8; 16],
    grant: u32,
    client: u32,
    key: u32,
}

/// What a token lets its bearer call, and where.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Grant {
    audiences: Vec<Audience>,
    tools: Vec<ToolName>,
    needs_approval: Vec<ToolName>,
}

/// All that were minted.
#[derive(Debug, Default)]
pub(super) struct Mints {
    tokens: HashMap<TokenId, Mint>,
    grants: Vec<Grant>,
    known: HashMap<Grant, u32>,
    clients: Vec<ClientId>,
    clients_known: HashMap<ClientId, u32>,
    keys: Vec<KeyId>,
}

impl Mints {
    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }

    pub(super) fn get(&self, token: TokenId) -> Option<&Mint> {
        self.tokens.get(&token)
    }

    /// Takes one; says whether its id had been given to another.
    pub(super) fn take(&mut self, minted: &Minted) -> Result<bool, Full> {
        let grant = Grant {
            audiences: minted.audiences.clone(),
            tools: minted.tools.clone(),
            needs_approval: minted.needs_approval.clone(),
        };
        let mint = Mint {
            run: minted.run,
            issued: minted.issued,
            expires: minted.expires,
            names: names([
                minted.tenant.as_str(),
                minted.subject.as_str(),
                minted.actor.as_str(),
                minted.route.as_str(),
            ]),
            grant: self.number(grant),
            client: self.number_of_client(&minted.client),
            key: self.number_of_key(minted.key),
        };
        if self.tokens.len() >= TOKENS_MAX && !self.tokens.contains_key(&minted.token) {
            return Err(Full::Tokens);
        }
        let before = self.tokens.insert(minted.token, mint);
        Ok(before.is_some_and(|before| before != mint))
    }

    fn number_of_client(&mut self, client: &ClientId) -> u32 {
        if let Some(number) = self.clients_known.get(client) {
            return *number;
        }
        let number = u32::try_from(self.clients.len()).unwrap_or(u32::MAX);
        self.clients.push(client.clone());
        self.clients_known.insert(client.clone(), number);
        number
    }

    /// An authority has had a handful of keys.
    fn number_of_key(&mut self, key: KeyId) -> u32 {
        let known = self.keys.iter().position(|known| *known == key);
        let number = known.unwrap_or_else(|| {
            self.keys.push(key);
            self.keys.len().saturating_sub(1)
        });
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    /// The key that signed a token.
    pub(super) fn key(&self, mint: &Mint) -> Option<&KeyId> {
        self.keys.get(usize::try_from(mint.key).ok()?)
    }

    /// Who asked for a token.
    pub(super) fn client(&self, mint: &Mint) -> &str {
        let client = usize::try_from(mint.client).ok();
        let client = client.and_then(|at| self.clients.get(at));
        client.map_or("", ClientId::as_str)
    }

    fn number(&mut self, grant: Grant) -> u32 {
        if let Some(number) = self.known.get(&grant) {
            return *number;
        }
        // There are never more grants than tokens, which are far fewer.
        let number = u32::try_from(self.grants.len()).unwrap_or(u32::MAX);
        self.grants.push(grant.clone());
        self.known.insert(grant, number);
        number
    }

    /// In what the token of a call differs from the one that was minted, in words; `None` when in nothing.
    pub(super) fn difference(&self, mint: &Mint, decided: &Decided) -> Option<String> {
        if decided.run != Some(mint.run) {
            return Some(format!("it was minted for run {}", mint.run));
        }
        let said = names([
            decided.tenant.as_ref().map_or("", |it| it.as_str()),
            decided.subject.as_ref().map_or("", |it| it.as_str()),
            decided.actors.first().map_or("", |it| it.as_str()),
            decided.route.as_ref().map_or("", |it| it.as_str()),
        ]);
        if said != mint.names {
            return Some("it was minted for another tenant, subject, actor or route".to_owned());
        }
        // What a genuine token does not grant, a verifier does not allow.
        if decided.verdict != hallpass_journal::Verdict::Allow {
            return None;
        }
        let grant = self.grants.get(usize::try_from(mint.grant).ok()?)?;
        if !grant.audiences.contains(&decided.audience) {
            return Some(format!("it was not minted for `{}`", decided.audience));
        }
        let tool = decided.tool.as_ref()?;
        let granted = grant.tools.contains(tool) || grant.needs_approval.contains(tool);
        (!granted).then(|| format!("it was minted without `{tool}`"))
    }
}

/// Half a SHA-256 of the names, each ended by a zero byte, which no name has.
fn names(names: [&str; 4]) -> [u8; 16] {
    let mut text = String::new();
    for name in names {
        text.push_str(name);
        text.push('\0');
    }
    let digest = Digest::of(text.as_bytes());
    digest.as_bytes().first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page on reconciling says how much memory a token takes.
    #[test]
    fn a_token_is_as_small_as_is_said() {
        assert!(size_of::<(TokenId, Mint)>() <= 80);
    }
}
