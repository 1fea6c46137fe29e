//! The records of one journal, one after another.

mod call;

use std::time::Duration;

use hallpass_journal::read::Record;
use hallpass_journal::{Event, KeyMoved, KeyStanding, Minted, Opened};
use hallpass_vocabulary::Timestamp;

use super::calls::{Open, OpenCalls};
use super::copies::Place;
use super::witness::Held;
use super::{Full, IN_FLIGHT_MAX, Reconciliation, SKEW_MAX};
use crate::finding::{Finding, FindingKind};

/// The longest life of a token (docs/token-format.md).
const TOKEN_LIFE_MAX: Duration = Duration::from_secs(15 * 60);

/// What is known of the journal that is being read.
pub(super) struct Reader<'r> {
    all: &'r mut Reconciliation,
    origin: &'r str,
    number: u32,
    /// Whether it may say what was minted. A service that says so is not believed.
    mints: bool,
    first: Option<(u64, Timestamp)>,
    pruned_below: Option<u64>,
    latest: Timestamp,
    open: OpenCalls,
    forked: bool,
    held: Held,
}

impl<'r> Reader<'r> {
    pub(super) fn new(
        all: &'r mut Reconciliation,
        origin: &'r str,
        number: u32,
        mints: bool,
    ) -> Self {
        Self {
            held: all.witnessed.of(origin),
            all,
            origin,
            number,
            mints,
            first: None,
            pruned_below: None,
            latest: Timestamp::from_unix_ms(i64::MIN),
            open: OpenCalls::default(),
            forked: false,
        }
    }

    pub(super) fn take(&mut self, place: &Place) -> Result<(), Full> {
        let Some(head) = place.records.first() else {
            return Ok(());
        };
        if self.first.is_none() {
            self.first = Some((head.index(), head.time()));
        }
        if place.missing > 0 {
            let words = format!("{} records before this one", place.missing);
            self.found(FindingKind::Hole, head, words);
        }
        if place.records.len() > 1 && !self.forked {
            // From here on every record differs: it is said once.
            self.forked = true;
            let words = "two records stand at this index, and the copies go on apart";
            self.found(FindingKind::Forked, head, words.to_owned());
        }
        if let Some(size) = self.held.take(head) {
            let words = format!("the first {size} records are not those that were witnessed");
            self.found(FindingKind::DiffersFromWitness, head, words);
        }
        for record in &place.records {
            self.record(record)?;
        }
        Ok(())
    }

    fn record(&mut self, record: &Record) -> Result<(), Full> {
        self.all.counts.records = self.all.counts.records.saturating_add(1);
        self.latest = self.latest.max(record.time());
        let Ok(event) = record.event() else {
            let words = format!("a record of kind `{}`", record.kind());
            self.found(FindingKind::NotUnderstood, record, words);
            return Ok(());
        };
        match event {
            Event::Abandoned(abandoned) => {
                self.open.end(abandoned.decision);
                self.all.findings.add(Finding {
                    decision: Some(abandoned.decision),
                    ..self.finding(FindingKind::Abandoned, record, "without an outcome")
                });
            }
            Event::Decided(decided) => self.decided(record, &decided),
            Event::CheckpointRefused(refused) if self.mints => {
                let words = format!(
                    "`{}` of `{}`, at {} records: {}",
                    refused.origin.as_str(),
                    refused.audience,
                    refused.size,
                    refused.fault.as_str()
                );
                self.found(FindingKind::WitnessRefused, record, words);
            }
            Event::CheckpointWitnessed(witnessed) if self.mints => {
                self.all.witnessed.take(&witnessed);
            }
            Event::CutOff(cut) if self.mints => self.all.stops.cut_off(record.time(), &cut)?,
            Event::Finished(finished) => {
                let begun = self.open.end(finished.decision);
                let run = begun.and_then(|open| open.run);
                self.all.runs.finished(self.number, run, &finished);
            }
            Event::KeyChanged(changed) if self.mints => {
                let tainted = |key: &&KeyMoved| key.standing == KeyStanding::Tainted;
                for key in changed.keys.iter().filter(tainted) {
                    self.all.stops.tainted(record.time(), &key.key)?;
                }
            }
            Event::Minted(minted) if self.mints => self.minted(record, &minted)?,
            Event::Opened(opened) => self.opened(record, &opened),
            Event::PossibleLoss(loss) => {
                let words = format!("at most {} ms of records", loss.at_most_ms);
                self.found(FindingKind::PossibleLoss, record, words);
            }
            Event::Pruned(pruned) => {
                self.pruned_below = self.pruned_below.max(Some(pruned.below));
            }
            Event::Recovered(recovery) => {
                let words = format!("{} bytes were cut off", recovery.bytes);
                self.found(FindingKind::Recovered, record, words);
            }
            Event::Refused(refused) => {
                if let Some(token) = refused.token {
                    let words = format!("denied, `{}`", refused.code.as_str());
                    let here = self.unknown_here(record, None, words);
                    self.unknown(token, refused.count, false, here);
                }
            }
            Event::RunEnded(ended) if self.mints => {
                self.all.runs.ended(ended.run, record.time())?
            }
            Event::StopLifted(lifted) if self.mints => {
                self.all.stops.lifted(record.time(), &lifted)?;
            }
            Event::StopPlaced(placed) if self.mints => {
                self.all.stops.placed(record.time(), &placed)?;
            }
            Event::TokenRevoked(revoked) if self.mints => {
                self.all.stops.revoked(record.time(), &revoked)?;
            }
            Event::Unrecorded(unrecorded) => {
                let told = unrecorded.count.saturating_sub(unrecorded.allowed);
                for (kind, count) in [
                    (FindingKind::NotRecorded, told),
                    (FindingKind::RanUnrecorded, unrecorded.allowed),
                ] {
                    if count > 0 {
                        let words = format!("{count} from {} on", unrecorded.first);
                        let finding = self.finding(kind, record, words);
                        self.all.findings.add_many(finding, count);
                    }
                }
            }
            Event::VerifierEnrolled(enrolled) if self.mints => self.all.fleet.enrolled(&enrolled),
            Event::VerifierRetired(retired) if self.mints => self.all.fleet.retired(&retired),
            _ => {}
        }
        Ok(())
    }

    fn minted(&mut self, record: &Record, minted: &Minted) -> Result<(), Full> {
        let finding = |reader: &Self, kind, words: String| Finding {
            token: Some(minted.token),
            run: Some(minted.run),
            ..reader.finding(kind, record, words)
        };
        self.all.runs.minted(minted)?;
        if let Some(ended) = self.all.runs.end_of(minted.run)
            && minted.issued > ended.after(SKEW_MAX)
        {
            let words = format!("issued {}, and the run was ended {ended}", minted.issued);
            let finding = finding(self, FindingKind::MintedAfterRunEnd, words);
            self.all.findings.add(finding);
        }
        if self.all.mints.take(minted)? {
            let words = "another token has this id".to_owned();
            let finding = finding(self, FindingKind::MintedTwice, words);
            self.all.findings.add(finding);
        }
        Ok(())
    }

    fn opened(&mut self, record: &Record, opened: &Opened) {
        let known = self.all.keys.entry(opened.public_key);
        let owner = known.or_insert_with(|| opened.origin.clone()).clone();
        if owner != opened.origin {
            let words = format!("its key signs `{owner}` too");
            self.found(FindingKind::KeyShared, record, words);
        }
        let known = self.all.origins.entry(opened.origin.clone());
        let key = *known.or_insert(opened.public_key);
        if key != opened.public_key {
            let words = format!("`{}` was opened with another key", opened.origin);
            self.found(FindingKind::KeyShared, record, words);
        }
    }

    /// The journal ends here.
    pub(super) fn end(mut self) {
        if let Some(size) = self.held.missing() {
            let words = format!("{} records of {size} that were witnessed", self.held.size());
            let finding = Finding::of(FindingKind::ShorterThanWitnessed, self.origin, words);
            self.all.findings.add(finding);
        }
        let open = std::mem::take(&mut self.open);
        for open in open.into_rest() {
            // The newest may still be under way.
            if self.latest > open.time.after(IN_FLIGHT_MAX) {
                self.never_finished(open);
            }
        }
        let Some((index, time)) = self.first.filter(|(index, _)| *index > 0) else {
            return;
        };
        let why = match self.pruned_below {
            Some(below) if below >= index => "older ones were pruned",
            _ => "no record here says that older ones were pruned",
        };
        let words = format!("the first record is {index}: {why}");
        self.all.findings.add(Finding {
            index: Some(index),
            time: Some(time),
            ..Finding::of(FindingKind::BeginsLate, self.origin, words)
        });
        if self.mints {
            let until = time.after(TOKEN_LIFE_MAX).after(SKEW_MAX);
            self.all.before_until = self.all.before_until.max(Some(until));
        }
    }

    fn never_finished(&mut self, open: Open) {
        self.all.findings.add(Finding {
            index: Some(open.index),
            time: Some(open.time),
            decision: Some(open.decision),
            run: open.run,
            ..Finding::of(
                FindingKind::NeverFinished,
                self.origin,
                "no outcome on record",
            )
        });
    }

    fn found(&mut self, kind: FindingKind, record: &Record, words: String) {
        let finding = self.finding(kind, record, words);
        self.all.findings.add(finding);
    }

    fn finding(&self, kind: FindingKind, record: &Record, words: impl Into<String>) -> Finding {
        Finding {
            index: Some(record.index()),
            time: Some(record.time()),
            ..Finding::of(kind, self.origin, words)
        }
    }
}
