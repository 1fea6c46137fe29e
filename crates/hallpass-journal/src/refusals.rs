//! How many refusals are recorded singly, and what becomes of the rest: counted per code and second.
//!
//! Bounded in memory (a few thousand entries) and on disk (a share of the budget), so that no flood fills either.

use std::collections::{BTreeMap, HashMap};

use hallpass_vocabulary::{DenialCode, Timestamp, TokenId};

use crate::Refused;

/// Refusals before a valid signature recorded singly in one second.
pub const UNSIGNED_SINGLES_PER_SECOND: u32 = 50;
/// Denials of one token recorded singly in one second.
pub const TOKEN_SINGLES_PER_SECOND: u32 = 20;
/// Tokens told apart in one second; denials of further ones are counted together.
pub const TOKENS_COUNTED_MAX: usize = 1024;
/// The part of the disk budget that all refusals together may use: one in this many bytes.
pub const REFUSAL_SHARE: u64 = 10;

/// What becomes of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalRecord {
    /// Counted in a `refused` record; there will be none with its decision id.
    Counted,
    /// Recorded with its decision id.
    Single,
}

/// The current second, and what was counted and not yet written.
#[derive(Debug)]
pub(crate) struct Refusals {
    /// What all refusals together may use.
    share: u64,
    bytes_left: u64,
    second: i64,
    unsigned_singles: u32,
    token_singles: HashMap<TokenId, u32>,
    counted: BTreeMap<(DenialCode, Option<TokenId>), Count>,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    count: u64,
    first: Timestamp,
    last: Timestamp,
}

impl Refusals {
    /// `bytes_used` is what earlier refusals have already taken of the share.
    pub(crate) fn new(disk_budget_bytes: u64, bytes_used: u64) -> Self {
        let share = disk_budget_bytes / REFUSAL_SHARE;
        Self {
            share,
            bytes_left: share.saturating_sub(bytes_used),
            second: i64::MIN,
            unsigned_singles: 0,
            token_singles: HashMap::new(),
            counted: BTreeMap::new(),
        }
    }

    /// Whether this refusal is recorded singly; otherwise it has been counted.
    pub(crate) fn admit(
        &mut self,
        code: DenialCode,
        token: Option<TokenId>,
        now: Timestamp,
        bytes: u64,
    ) -> RefusalRecord {
        if now.unix_seconds() != self.second {
            self.second = now.unix_seconds();
            self.unsigned_singles = 0;
            self.token_singles.clear();
        }
        if bytes <= self.bytes_left && self.within_quota(token) {
            self.bytes_left -= bytes;
            return RefusalRecord::Single;
        }
        self.count(code, token, now);
        RefusalRecord::Counted
    }

    fn within_quota(&mut self, token: Option<TokenId>) -> bool {
        let (used, quota) = match token {
            None => (&mut self.unsigned_singles, UNSIGNED_SINGLES_PER_SECOND),
            Some(token) => {
                let full = self.token_singles.len() >= TOKENS_COUNTED_MAX;
                if full && !self.token_singles.contains_key(&token) {
                    return false;
                }
                (
                    self.token_singles.entry(token).or_default(),
                    TOKEN_SINGLES_PER_SECOND,
                )
            }
        };
        if *used >= quota {
            return false;
        }
        *used += 1;
        true
    }

    /// Counts one refusal that is not recorded singly.
    pub(crate) fn count(&mut self, code: DenialCode, token: Option<TokenId>, now: Timestamp) {
        let full = self.counted.len() >= TOKENS_COUNTED_MAX;
        let token = token.filter(|token| !full || self.counted.contains_key(&(code, Some(*token))));
        self.merge(
            (code, token),
            Count {
                count: 1,
                first: now,
                last: now,
            },
        );
    }

    fn merge(&mut self, key: (DenialCode, Option<TokenId>), more: Count) {
        self.counted
            .entry(key)
            .and_modify(|count| {
                count.count = count.count.saturating_add(more.count);
                count.first = count.first.min(more.first);
                count.last = count.last.max(more.last);
            })
            .or_insert(more);
    }

    /// What was counted in seconds before `now`, as far as the share reaches; at the end (`everything`), all of it by
    /// code alone, which is few records whatever happened.
    pub(crate) fn take(&mut self, now: Timestamp, everything: bool) -> Vec<Refused> {
        let mut taken = Vec::new();
        if everything {
            self.forget_tokens();
        }
        let this_second = now.unix_seconds();
        self.counted.retain(|(code, token), count| {
            let past = count.first.unix_seconds() != this_second;
            let fits = self.bytes_left >= REFUSED_BYTES_MAX;
            let due = everything || (past && fits);
            if !due {
                return true;
            }
            self.bytes_left = self.bytes_left.saturating_sub(REFUSED_BYTES_MAX);
            taken.push(Refused {
                code: *code,
                token: *token,
                count: count.count,
                first: count.first,
                last: count.last,
            });
            false
        });
        if self.bytes_left < REFUSED_BYTES_MAX {
            self.forget_tokens();
        }
        taken
    }

    /// Puts back what could not be written.
    pub(crate) fn put_back(&mut self, refused: &Refused) {
        self.bytes_left = self.bytes_left.saturating_add(REFUSED_BYTES_MAX);
        self.merge(
            (refused.code, refused.token),
            Count {
                count: refused.count,
                first: refused.first,
                last: refused.last,
            },
        );
    }

    /// Gives back what refusals used that are no longer there.
    pub(crate) fn are_gone(&mut self, bytes: u64) {
        self.bytes_left = self.bytes_left.saturating_add(bytes).min(self.share);
    }

    /// Gives back what an admitted refusal did not use of its bytes.
    pub(crate) fn give_back(&mut self, bytes: u64) {
        self.bytes_left = self.bytes_left.saturating_add(bytes);
    }

    fn forget_tokens(&mut self) {
        for ((code, _), count) in std::mem::take(&mut self.counted) {
            self.merge((code, None), count);
        }
    }
}

/// The longest `refused` record, in bytes: every member at its longest (a test holds it).
pub(crate) const REFUSED_BYTES_MAX: u64 = 300;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Event;
    use crate::line::Body;

    const CODE: DenialCode = DenialCode::SignatureInvalid;
    const SECOND_MS: i64 = 1_000;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(1_700_000_000_000 + ms)
    }

    fn token(n: u8) -> TokenId {
        TokenId::new(at(0), [n; 10])
    }

    #[test]
    fn fifty_a_second_singly_and_the_rest_as_one_number() {
        let mut refusals = Refusals::new(u64::MAX, 0);
        let singles = (0..1_000)
            .filter(|_| refusals.admit(CODE, None, at(5), 100) == RefusalRecord::Single)
            .count();
        assert_eq!(singles, 50);
        assert!(refusals.take(at(999), false).is_empty());
        let taken = refusals.take(at(SECOND_MS), false);
        assert_eq!(taken.len(), 1);
        assert_eq!((taken[0].count, taken[0].first), (950, at(5)));
        assert_eq!(
            refusals.admit(CODE, None, at(SECOND_MS), 100),
            RefusalRecord::Single
        );
    }

    #[test]
    fn one_token_cannot_use_anothers_quota_nor_the_unsigned_one() {
        let mut refusals = Refusals::new(u64::MAX, 0);
        for _ in 0..100 {
            refusals.admit(CODE, Some(token(1)), at(0), 100);
        }
        for other in [Some(token(2)), None] {
            assert_eq!(
                refusals.admit(CODE, other, at(0), 100),
                RefusalRecord::Single
            );
        }
        let taken = refusals.take(at(SECOND_MS), false);
        assert_eq!((taken[0].token, taken[0].count), (Some(token(1)), 80));
    }

    #[test]
    fn memory_is_bounded_however_many_tokens_there_are() {
        let mut refusals = Refusals::new(u64::MAX, 0);
        for n in 0..10_000_u32 {
            let mut random = [0; 10];
            random[..4].copy_from_slice(&n.to_be_bytes());
            let token = TokenId::new(at(0), random);
            for _ in 0..=TOKEN_SINGLES_PER_SECOND {
                refusals.admit(CODE, Some(token), at(0), 1);
            }
        }
        assert!(refusals.token_singles.len() <= TOKENS_COUNTED_MAX);
        assert!(refusals.counted.len() <= TOKENS_COUNTED_MAX + DenialCode::ALL.len());
    }

    #[test]
    fn past_the_share_nothing_is_written_until_the_end_and_nothing_is_forgotten() {
        let mut refusals = Refusals::new(10_000, 0);
        for ms in 0..100_000 {
            refusals.admit(CODE, None, at(ms), 100);
        }
        assert!(refusals.bytes_left < REFUSED_BYTES_MAX || refusals.counted.len() == 1);
        let taken = refusals.take(at(200_000), true);
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].count, 100_000 - 10);
    }

    #[test]
    fn what_could_not_be_written_is_counted_again() {
        let mut refusals = Refusals::new(u64::MAX, 0);
        refusals.count(CODE, None, at(0));
        let taken = refusals.take(at(SECOND_MS), false);
        refusals.put_back(&taken[0]);
        refusals.count(CODE, None, at(SECOND_MS));
        assert_eq!(refusals.take(at(5 * SECOND_MS), false)[0].count, 2);
    }

    #[test]
    fn no_refused_record_is_longer_than_said() {
        for code in DenialCode::ALL {
            let body = Body::of(&Event::Refused(Refused {
                code: *code,
                token: Some(token(0xff)),
                count: u64::MAX,
                first: at(0),
                last: at(0),
            }))
            .unwrap();
            assert!(body.line_bytes_max() as u64 <= REFUSED_BYTES_MAX, "{code}");
        }
    }
}
