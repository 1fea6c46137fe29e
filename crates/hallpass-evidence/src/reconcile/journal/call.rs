//! One call that a service decided: whose token it was, whether that was minted so, and whether it was still good.

use hallpass_bundle::Staleness;
use hallpass_journal::read::Record;
use hallpass_journal::{Decided, Verdict};
use hallpass_vocabulary::{Impact, TokenId};

use super::Reader;
use crate::finding::{Finding, FindingKind};
use crate::reconcile::SKEW_MAX;
use crate::reconcile::mints::Mint;

impl Reader<'_> {
    pub(super) fn decided(&mut self, record: &Record, decided: &Decided) {
        let allowed = decided.verdict == Verdict::Allow;
        let counts = &mut self.all.counts;
        counts.calls = counts.calls.saturating_add(1);
        counts.allowed = counts.allowed.saturating_add(u64::from(allowed));
        if allowed {
            self.all.runs.allowed(self.number, decided);
            let oldest = self.open.begin(record.index(), record.time(), decided);
            if let Some(oldest) = oldest {
                self.never_finished(oldest);
            }
        }
        let Some(token) = decided.token else {
            return;
        };
        self.all.counts.with_token = self.all.counts.with_token.saturating_add(1);
        let Some(mint) = self.all.mints.get(token).copied() else {
            let words = words_of(decided);
            let here = self.unknown_here(record, Some(decided), words);
            self.unknown(token, 1, allowed, here);
            return;
        };
        if let Some(difference) = self.all.mints.difference(&mint, decided) {
            let words = format!("{}: {difference}", words_of(decided));
            self.of_call(FindingKind::DiffersFromMint, record, decided, words);
        }
        if !allowed {
            return;
        }
        if record.time() > mint.expires.after(SKEW_MAX) {
            let late = record.time().since(mint.expires).as_secs();
            let words = format!("{} s after {}: {}", late, mint.expires, words_of(decided));
            self.of_call(FindingKind::UsedAfterExpiry, record, decided, words);
        }
        self.stopped(record, decided, &mint);
        if let Some(ended) = self.all.runs.end_of(mint.run)
            && record.time() > ended.after(SKEW_MAX)
        {
            let late = record.time().since(ended).as_secs();
            let words = format!("{late} s after {ended}: {}", words_of(decided));
            self.of_call(FindingKind::UsedAfterRunEnd, record, decided, words);
        }
    }

    /// A call that was allowed although something that covers it was stopped, revoked or cut off.
    fn stopped(&mut self, record: &Record, decided: &Decided, mint: &Mint) {
        let all = &self.all;
        let time = record.time();
        let Some(stop) = all
            .stops
            .in_force(time, decided, mint, &all.mints, &all.runs)
        else {
            return;
        };
        let late = time.since(stop.from);
        let impact = decided.impact.unwrap_or(Impact::Read);
        let bound = Staleness::STANDARD.bound(impact);
        let kind = match late {
            _ if late > bound.saturating_add(SKEW_MAX) => FindingKind::UsedAfterStop,
            _ if late > SKEW_MAX => FindingKind::UsedBeforeStopArrived,
            _ => return,
        };
        let words = format!(
            "{} s after {}: {}",
            late.as_secs(),
            stop.words,
            words_of(decided)
        );
        self.of_call(kind, record, decided, words);
    }

    /// A use of a token without a mint. Who forges one cannot choose when a service writes.
    pub(super) fn unknown_here(
        &self,
        record: &Record,
        decided: Option<&Decided>,
        words: String,
    ) -> Finding {
        let before = self
            .all
            .before_until
            .is_some_and(|until| record.time() <= until);
        let kind = match before {
            true => FindingKind::BeforeJournal,
            false => FindingKind::NeverMinted,
        };
        Finding {
            decision: decided.map(|it| it.decision),
            run: decided.and_then(|it| it.run),
            ..self.finding(kind, record, words)
        }
    }

    pub(super) fn unknown(&mut self, token: TokenId, calls: u64, allowed: bool, here: Finding) {
        if self.all.mints.get(token).is_some() {
            return;
        }
        let here = Finding {
            token: Some(token),
            ..here
        };
        self.all.unknown.used(token, calls, allowed, here);
    }

    fn of_call(&mut self, kind: FindingKind, record: &Record, decided: &Decided, words: String) {
        self.all.findings.add(Finding {
            decision: Some(decided.decision),
            token: decided.token,
            run: decided.run,
            ..self.finding(kind, record, words)
        });
    }
}

/// What a call was, in words.
fn words_of(decided: &Decided) -> String {
    let verdict = match decided.code {
        Some(code) => format!("denied, `{}`", code.as_str()),
        None => "allowed".to_owned(),
    };
    let tool = decided
        .tool
        .as_ref()
        .map_or("no tool", |tool| tool.as_str());
    let tenant = decided
        .tenant
        .as_ref()
        .map_or("no tenant", |it| it.as_str());
    let subject = decided.subject.as_ref().map_or("nobody", |it| it.as_str());
    format!("`{tool}` for {subject} of {tenant}, {verdict}")
}
