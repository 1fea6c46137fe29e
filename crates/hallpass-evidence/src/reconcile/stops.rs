//! What authorities stopped, revoked and cut off, and when.

use std::collections::HashMap;

use hallpass_journal::{CutOff, Decided, StopLifted, StopPlaced, TokenRevoked};
use hallpass_keys::KeyId;
use hallpass_vocabulary::{StopId, Timestamp};

use super::mints::{Mint, Mints};
use super::runs::Runs;
use super::{Full, STOPS_MAX};

/// One stop, revocation or cut-off.
#[derive(Debug, Clone)]
struct Stop {
    /// What it is called in words.
    words: String,
    from: Timestamp,
    /// When it ended by itself or was lifted.
    until: Option<Timestamp>,
    /// Only tokens that were issued before.
    issued_before: Option<Timestamp>,
}

/// A stop that was in force when a call was allowed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct InForce<'s> {
    pub(super) words: &'s str,
    pub(super) from: Timestamp,
}

/// All of them, by what they are about.
#[derive(Debug, Default)]
pub(super) struct Stops {
    by_selector: HashMap<String, Vec<Stop>>,
    selectors: HashMap<StopId, String>,
    count: usize,
}

impl Stops {
    fn add(&mut self, selector: String, stop: Stop) -> Result<(), Full> {
        if self.count >= STOPS_MAX {
            return Err(Full::Stops);
        }
        self.count = self.count.saturating_add(1);
        self.by_selector.entry(selector).or_default().push(stop);
        Ok(())
    }

    pub(super) fn placed(&mut self, at: Timestamp, placed: &StopPlaced) -> Result<(), Full> {
        let selector = placed.selector.as_str().to_owned();
        let words = format!("{} of `{selector}`", placed.stop);
        self.selectors.insert(placed.stop, selector.clone());
        if let Some(before) = placed.cut_off {
            self.cut(at, &selector, before)?;
        }
        let stop = Stop {
            words,
            from: at,
            until: placed.until,
            issued_before: None,
        };
        self.add(selector, stop)
    }

    pub(super) fn lifted(&mut self, at: Timestamp, lifted: &StopLifted) -> Result<(), Full> {
        let Some(selector) = self.selectors.get(&lifted.stop).cloned() else {
            return Ok(());
        };
        let name = lifted.stop.to_string();
        let stops = self.by_selector.get_mut(&selector);
        for stop in stops.into_iter().flatten() {
            if stop.words.starts_with(&name) {
                stop.until = Some(stop.until.map_or(at, |until| until.min(at)));
            }
        }
        match lifted.cut_off {
            Some(before) => self.cut(at, &selector, before),
            None => Ok(()),
        }
    }

    pub(super) fn cut_off(&mut self, at: Timestamp, cut: &CutOff) -> Result<(), Full> {
        self.cut(at, cut.selector.as_str(), cut.before)
    }

    fn cut(&mut self, at: Timestamp, selector: &str, before: Timestamp) -> Result<(), Full> {
        let stop = Stop {
            words: format!("the cut-off of `{selector}`"),
            from: at,
            until: None,
            issued_before: Some(before),
        };
        self.add(selector.to_owned(), stop)
    }

    pub(super) fn revoked(&mut self, at: Timestamp, revoked: &TokenRevoked) -> Result<(), Full> {
        let stop = Stop {
            words: "its revocation".to_owned(),
            from: at,
            until: None,
            issued_before: None,
        };
        self.add(format!("token:{}", revoked.token), stop)
    }

    /// A key is not to be believed any more.
    pub(super) fn tainted(&mut self, at: Timestamp, key: &KeyId) -> Result<(), Full> {
        let stop = Stop {
            words: format!("the taint of key {key}"),
            from: at,
            until: None,
            issued_before: None,
        };
        self.add(of_key(key), stop)
    }

    /// The first that covers an allowed call and was in force when it was recorded.
    pub(super) fn in_force(
        &self,
        at: Timestamp,
        decided: &Decided,
        mint: &Mint,
        mints: &Mints,
        runs: &Runs,
    ) -> Option<InForce<'_>> {
        if self.count == 0 {
            return None;
        }
        let mut names = names(decided, mint, mints.client(mint), runs);
        names.extend(mints.key(mint).map(of_key));
        let stops = names.iter().filter_map(|name| self.by_selector.get(name));
        let covering = stops.flatten().filter(|stop| {
            let in_time = at > stop.from && stop.until.is_none_or(|until| at < until);
            in_time && stop.issued_before.is_none_or(|before| mint.issued < before)
        });
        let first = covering.min_by_key(|stop| stop.from)?;
        Some(InForce {
            words: &first.words,
            from: first.from,
        })
    }
}

/// No selector of a stop has this form.
fn of_key(key: &KeyId) -> String {
    format!("key:{key}")
}

/// Everything that a stop of this call may be about, as records name it.
fn names(decided: &Decided, mint: &Mint, client: &str, runs: &Runs) -> Vec<String> {
    fn named(kind: &str, value: Option<&impl ToString>) -> Option<String> {
        value.map(|value| format!("{kind}:{}", value.to_string()))
    }
    let mut names = vec![
        "everything".to_owned(),
        format!("audience:{}", decided.audience),
        format!("client:{client}"),
        format!("environment:{}", decided.env),
    ];
    names.extend(decided.actors.iter().map(|actor| format!("actor:{actor}")));
    names.extend(named("route", decided.route.as_ref()));
    names.extend(named("subject", decided.subject.as_ref()));
    names.extend(named("tenant", decided.tenant.as_ref()));
    names.extend(named("token", decided.token.as_ref()));
    names.extend(named("tool", decided.tool.as_ref()));
    names.extend(runs.line_of(mint.run).map(|run| format!("run:{run}")));
    names
}
