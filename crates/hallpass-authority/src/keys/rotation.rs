//! One key takes the place of another: prepared, active, and the one before it retiring until all that it signed is over.
//!
//! What a rotation is at can be seen from where the keys stand, so it goes on wherever it was interrupted: each step is
//! one change, and asking again does the next one when its time has come.

use std::time::Duration;

use hallpass_bundle::CLOCK_SKEW_MAX;
use hallpass_journal::KeyStanding;
use hallpass_keys::{KeyId, Purpose};
use hallpass_vocabulary::{OperatorId, Timestamp};

use super::book::{KeyBook, KeyLife};
use super::change::{Act, Unturned, moved};
use super::{BY_ROOT, PUBLISHED_BEFORE, RETIRING, ROTATED_LATELY};
use crate::service::Service;
use crate::store::{PAGE_ROWS_MAX, TokenQuery};

/// How many pages of live tokens are counted before it is only said that there are more.
const LIVE_PAGES_MAX: usize = 200;

/// What is asked of a rotation.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wish {
    /// How long the new key is to be published before it signs, where it is to be another time than the usual.
    pub(crate) wait: Option<Duration>,
    /// Less than the usual is meant, and so is another rotation soon after the last.
    pub(crate) force: bool,
    /// The other replicas have the file of the new key.
    pub(crate) distributed: bool,
    /// Only go on with what is under way.
    pub(crate) resume: bool,
}

/// What a rotation is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// The new key signs alone.
    Done,
    /// The new key is published, and signs once everybody can have it.
    Prepared,
    /// The new key signs; the one before it is believed until all that it signed is over.
    Retiring,
    /// The new key is made, and signs once a root names it.
    Root,
}

/// A rotation, as it is told.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Progress {
    pub(crate) purpose: Purpose,
    pub(crate) phase: Phase,
    /// The new key.
    pub(crate) key: KeyId,
    /// Its public half.
    pub(crate) public_key: hallpass_keys::VerifyingKey,
    /// The key it replaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) replaces: Option<KeyId>,
    /// When the next phase may begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<Timestamp>,
    /// Enrolled verifiers that have not got the new key and have not stopped by themselves: their origins.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) waits_for: Vec<String>,
    /// The authority's time, so that whoever waits need not trust the clock at hand.
    pub(crate) now: Timestamp,
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
enum Step<'b> {
    Activate(&'b KeyLife),
    Begin,
    Done,
    Drop(&'b KeyLife),
    Wait(Phase, &'b KeyLife, Timestamp),
}

/// The next step of a rotation, from where the keys stand.
fn next(
    book: &KeyBook,
    purpose: Purpose,
    wait: Duration,
    resume: bool,
    now: Timestamp,
) -> Step<'_> {
    if let Some(prepared) = book.standing(purpose, KeyStanding::Prepared).first() {
        let until = prepared.stands_since().after(wait);
        return if now < until {
            Step::Wait(Phase::Prepared, prepared, until)
        } else {
            Step::Activate(prepared)
        };
    }
    if let Some(retiring) = book.standing(purpose, KeyStanding::Retiring).first() {
        let until = retiring.stands_since().after(RETIRING);
        return if now < until {
            Step::Wait(Phase::Retiring, retiring, until)
        } else {
            Step::Drop(retiring)
        };
    }
    if resume { Step::Done } else { Step::Begin }
}

impl Service {
    /// Does the next step of a rotation, or begins one; says what it is at.
    pub(crate) async fn rotate(
        &self,
        purpose: Purpose,
        wish: Wish,
        by: &OperatorId,
    ) -> Result<Progress, Unturned> {
        if let Some(wait) = wish.wait
            && wait < PUBLISHED_BEFORE
            && !wish.force
        {
            return Err(Unturned::WaitTooShort {
                least: PUBLISHED_BEFORE.as_secs(),
            });
        }
        let _turn = self.keys.turn.lock().await;
        self.look_at_replicas().await?;
        if BY_ROOT.contains(&purpose) {
            return self.prepare_for_root(purpose, by).await;
        }
        let wait = wish.wait.unwrap_or(PUBLISHED_BEFORE);
        let now = self.clock.now();
        let ring = self.keys.now();
        let act = |keys| Act {
            keys,
            reason: None,
            by: Some(by),
        };
        match next(&ring.book, purpose, wait, wish.resume, now) {
            Step::Wait(..) | Step::Done => {}
            Step::Begin => {
                let active = ring.book.active(purpose).ok_or(Unturned::NotHere)?;
                let since = active.stands_since();
                if now.since(since) < ROTATED_LATELY && !wish.force {
                    return Err(Unturned::RotatedLately { since });
                }
                let key = self.unrecorded_or_new(purpose).await?;
                let prepared = moved(key, purpose, KeyStanding::Prepared);
                self.change_keys(act(vec![prepared])).await?;
                self.keys.first_in(&key.id(), self.publisher.version());
            }
            Step::Activate(prepared) => {
                if !self
                    .read_keys()
                    .await?
                    .contains_key(&prepared.public_key.id())
                {
                    return Err(Unturned::NotHere);
                }
                if self.keys.now().known_at.is_some() && !wish.distributed {
                    return Err(Unturned::Distribution);
                }
                let (waits_for, until) = self.behind(prepared).await?;
                if !waits_for.is_empty() && !wish.force {
                    let mut progress = self.progress(purpose, wait)?;
                    progress.until = progress.until.max(until);
                    progress.waits_for = waits_for;
                    return Ok(progress);
                }
                let mut keys = vec![moved(prepared.public_key, purpose, KeyStanding::Active)];
                for before in ring.book.standing(purpose, KeyStanding::Active) {
                    keys.push(moved(before.public_key, purpose, KeyStanding::Retiring));
                }
                self.change_keys(act(keys)).await?;
            }
            Step::Drop(retiring) => {
                let retired = moved(retiring.public_key, purpose, KeyStanding::Retired);
                self.change_keys(act(vec![retired])).await?;
            }
        }
        self.progress(purpose, wait)
    }

    /// The enrolled verifiers that do not know a key and have not stopped by themselves, and when the last of them does. One
    /// that said nothing since this authority started is as others are that are not enrolled.
    async fn behind(&self, key: &KeyLife) -> Result<(Vec<String>, Option<Timestamp>), Unturned> {
        let now = self.clock.now();
        let version = self
            .keys
            .first_in(&key.public_key.id(), self.publisher.version());
        let reached = self.reached(version).await?;
        let mut behind = Vec::new();
        let mut last = None;
        for verifier in reached.not_reached {
            // By a clock of its own, which may be behind.
            let stops = verifier.stops_at.map(|at| at.read.after(CLOCK_SKEW_MAX));
            if let Some(stops) = stops.filter(|stops| now < *stops) {
                behind.push(verifier.origin);
                last = last.max(Some(stops));
            }
        }
        Ok((behind, last))
    }

    /// What a rotation is at.
    fn progress(&self, purpose: Purpose, wait: Duration) -> Result<Progress, Unturned> {
        let (ring, now) = (self.keys.now(), self.clock.now());
        let active = ring.book.active(purpose).ok_or(Unturned::NotHere)?;
        let (phase, key, replaces, until) = match next(&ring.book, purpose, wait, true, now) {
            Step::Wait(Phase::Prepared, key, until) => {
                (Phase::Prepared, key, Some(active), Some(until))
            }
            Step::Activate(key) => (Phase::Prepared, key, Some(active), Some(now)),
            Step::Wait(phase, before, until) => (phase, active, Some(before), Some(until)),
            Step::Drop(before) => (Phase::Retiring, active, Some(before), Some(now)),
            Step::Begin | Step::Done => (Phase::Done, active, None, None),
        };
        Ok(Progress {
            purpose,
            phase,
            key: key.public_key.id(),
            public_key: key.public_key,
            replaces: replaces.map(|life| life.public_key.id()),
            until,
            waits_for: Vec::new(),
            now,
        })
    }

    /// A key whose file is here and of which there is no record: put there by somebody, or left by a rotation that was
    /// killed. Where there is none, a new one.
    pub(super) async fn unrecorded_or_new(
        &self,
        purpose: Purpose,
    ) -> Result<hallpass_keys::VerifyingKey, Unturned> {
        let ring = self.keys.now();
        let root = self.publisher.root();
        let here = self.read_keys().await?;
        let found = here.values().find(|key| {
            let public = key.verifying_key();
            key.purpose() == purpose
                && ring.book.key(&key.id()).is_none()
                && !root.bundle().keys().contains(&public)
                && !root.heartbeat().keys().contains(&public)
        });
        match found {
            Some(key) => Ok(key.verifying_key()),
            None => Ok(self.make_key(purpose).await?.verifying_key()),
        }
    }

    /// Refuses a key from now on, and signs with another one if it was the one that signs.
    pub(crate) async fn taint_key(
        &self,
        id: &KeyId,
        reason: &str,
        by: &OperatorId,
    ) -> Result<(), Unturned> {
        let _turn = self.keys.turn.lock().await;
        self.look_at_replicas().await?;
        let ring = self.keys.now();
        let life = self.lives_by_journal(&ring.book, id)?;
        let purpose = life.purpose;
        let mut keys = vec![moved(life.public_key, purpose, KeyStanding::Tainted)];
        match life.standing() {
            KeyStanding::Tainted => return Ok(()),
            KeyStanding::Retired => return Err(Unturned::Unknown),
            KeyStanding::Prepared | KeyStanding::Retiring => {}
            KeyStanding::Active => {
                let others = ring.book.standing(purpose, KeyStanding::Active);
                if others.len() == 1 {
                    keys.push(self.successor(&ring.book, purpose).await?);
                }
            }
        }
        let reason = Some(reason);
        let by = Some(by);
        self.change_keys(Act { keys, reason, by }).await
    }

    /// The key that is prepared and here, or a new one, made active.
    async fn successor(
        &self,
        book: &KeyBook,
        purpose: Purpose,
    ) -> Result<hallpass_journal::KeyMoved, Unturned> {
        let here = self.read_keys().await?;
        let prepared = book.standing(purpose, KeyStanding::Prepared);
        let prepared = prepared
            .iter()
            .find(|life| here.contains_key(&life.public_key.id()));
        let key = match prepared {
            Some(life) => life.public_key,
            None => self.unrecorded_or_new(purpose).await?,
        };
        Ok(moved(key, purpose, KeyStanding::Active))
    }

    /// Ends a key before its time: one that retires, one that is prepared, or one that is tainted and need not be refused by
    /// name any longer. Says how many live tokens end with it, and asks first where there are any.
    pub(crate) async fn retire_key(
        &self,
        id: &KeyId,
        confirmed: bool,
        by: &OperatorId,
    ) -> Result<(usize, bool), Unturned> {
        let _turn = self.keys.turn.lock().await;
        self.look_at_replicas().await?;
        let ring = self.keys.now();
        let life = self.lives_by_journal(&ring.book, id)?;
        let (tokens, more) = match life.standing() {
            KeyStanding::Active => return Err(Unturned::InUse),
            KeyStanding::Retired => return Ok((0, false)),
            KeyStanding::Prepared | KeyStanding::Tainted => (0, false),
            KeyStanding::Retiring => self.live_tokens(id).await?,
        };
        if (tokens > 0 || more) && !confirmed {
            return Err(Unturned::LiveTokens { tokens, more });
        }
        let retired = moved(life.public_key, life.purpose, KeyStanding::Retired);
        let keys = vec![retired];
        let by = Some(by);
        let reason = None;
        self.change_keys(Act { keys, reason, by }).await?;
        Ok((tokens, more))
    }

    fn lives_by_journal<'b>(&self, book: &'b KeyBook, id: &KeyId) -> Result<&'b KeyLife, Unturned> {
        let root = self.publisher.root();
        let by_root = |keys: &[hallpass_keys::VerifyingKey]| keys.iter().any(|key| key.id() == *id);
        for (purpose, role) in [
            (Purpose::Bundle, root.bundle()),
            (Purpose::Heartbeat, root.heartbeat()),
        ] {
            if by_root(role.keys()) {
                return Err(Unturned::ByRoot { purpose });
            }
        }
        book.key(id).ok_or(Unturned::Unknown)
    }

    /// How many tokens that a key signed are not expired, and whether there may be more.
    async fn live_tokens(&self, id: &KeyId) -> Result<(usize, bool), Unturned> {
        let mut query = TokenQuery {
            active: Some(self.clock.now()),
            limit: PAGE_ROWS_MAX,
            ..TokenQuery::default()
        };
        let mut tokens = 0;
        for _ in 0..LIVE_PAGES_MAX {
            let page = self.store().tokens(&query).await?;
            tokens += page.rows.iter().filter(|row| row.minted.key == *id).count();
            query.after = page.rows.last().map(|row| row.minted.token);
            if !page.more {
                return Ok((tokens, false));
            }
        }
        Ok((tokens, true))
    }

    /// Makes ready what a new root is to name.
    async fn prepare_for_root(
        &self,
        purpose: Purpose,
        by: &OperatorId,
    ) -> Result<Progress, Unturned> {
        let root = self.publisher.root();
        let role = match purpose {
            Purpose::Heartbeat => root.heartbeat(),
            _ => root.bundle(),
        };
        let waiting = |book: &KeyBook| {
            let prepared = book.standing(purpose, KeyStanding::Prepared);
            let prepared: Vec<_> = prepared.iter().map(|life| life.public_key).collect();
            prepared.into_iter().find(|key| !role.keys().contains(key))
        };
        let key = match waiting(&self.keys.now().book) {
            Some(key) => key,
            None => {
                let key = self.unrecorded_or_new(purpose).await?;
                self.change_keys(Act {
                    keys: vec![moved(key, purpose, KeyStanding::Prepared)],
                    reason: None,
                    by: Some(by),
                })
                .await?;
                key
            }
        };
        Ok(Progress {
            purpose,
            phase: Phase::Root,
            key: key.id(),
            public_key: key,
            replaces: role.keys().first().map(hallpass_keys::VerifyingKey::id),
            until: None,
            waits_for: Vec::new(),
            now: self.clock.now(),
        })
    }
}
