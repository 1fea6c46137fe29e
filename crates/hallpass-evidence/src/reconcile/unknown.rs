//! Tokens with a genuine signature that no mint was found for, until everything has been read.

use std::collections::HashMap;

use hallpass_vocabulary::TokenId;

use super::UNKNOWN_TOKENS_MAX;
use super::mints::Mints;
use crate::finding::{Finding, FindingKind, Findings};

/// How one was used.
#[derive(Debug)]
struct Used {
    /// Its place among all.
    order: usize,
    calls: u64,
    allowed: u64,
    /// Where it was seen first.
    first: Finding,
}

/// All of them, at most [`UNKNOWN_TOKENS_MAX`].
#[derive(Debug, Default)]
pub(super) struct UnknownTokens {
    tokens: HashMap<TokenId, Used>,
    /// Calls of those past the most, and where the first was.
    further: Option<(u64, Finding)>,
}

impl UnknownTokens {
    /// So many calls more of a token, one of them here.
    pub(super) fn used(&mut self, token: TokenId, calls: u64, allowed: bool, here: Finding) {
        let order = self.tokens.len();
        if order >= UNKNOWN_TOKENS_MAX && !self.tokens.contains_key(&token) {
            let (count, _) = self.further.get_or_insert((0, here));
            *count = count.saturating_add(calls);
            return;
        }
        let used = self.tokens.entry(token).or_insert(Used {
            order,
            calls: 0,
            allowed: 0,
            first: here,
        });
        used.calls = used.calls.saturating_add(calls);
        used.allowed = used.allowed.saturating_add(u64::from(allowed));
    }

    /// One finding for each that is still unknown.
    pub(super) fn conclude(self, mints: &Mints, findings: &mut Findings) {
        let left = self.tokens.into_iter();
        let mut left: Vec<Used> = left
            .filter(|(token, _)| mints.get(*token).is_none())
            .map(|(_, used)| used)
            .collect();
        left.sort_by_key(|used| used.order);
        for used in left {
            let Used {
                calls,
                allowed,
                first,
                ..
            } = used;
            let calls = match calls {
                1 => "1 call".to_owned(),
                calls => format!("{calls} calls"),
            };
            let words = format!("{calls}, {allowed} allowed; first: {}", first.words);
            findings.add(Finding { words, ..first });
        }
        if let Some((calls, first)) = self.further {
            let words = format!("{calls} calls of further tokens");
            let kind = FindingKind::NeverMinted;
            findings.add_many(
                Finding {
                    kind,
                    words,
                    ..first
                },
                calls,
            );
        }
    }
}
