//! From one policy to the next: everything that is allowed more, or less.
//!
//! What is compared is what requests get, not how it is written: a grant that moved to another place with the same effect is
//! no change. Where it cannot be told whether something is allowed that was not, it counts as a widening.

mod clients;
mod effect;
mod issuers;
mod operators;
mod roles;
mod routes;
mod scenario;
mod tools;

use std::collections::BTreeSet;
use std::fmt::Display;

use crate::change::{Change, ChangeKind, Direction, Entry};
use crate::policy::Policy;

impl Policy {
    /// Every difference of `next` to this policy: widenings first, then narrowings, then what only reads otherwise.
    pub fn changes_to(&self, next: &Self) -> Vec<Change> {
        let mut changes = Changes::default();
        clients::compare(self, next, &mut changes);
        issuers::compare(self, next, &mut changes);
        operators::compare(self, next, &mut changes);
        roles::compare(self, next, &mut changes);
        tools::compare(self, next, &mut changes);
        routes::compare(self, next, &mut changes);
        let mut found = changes.found;
        let rank = |change: &Change| match change.direction() {
            Direction::Widening => 0,
            Direction::Narrowing => 1,
            Direction::Neutral => 2,
        };
        found.sort_by(|a, b| (rank(a), a).cmp(&(rank(b), b)));
        found
    }
}

/// What was found so far.
#[derive(Default)]
struct Changes {
    found: Vec<Change>,
}

/// Changes of one entry.
struct At<'a> {
    changes: &'a mut Changes,
    entry: Entry,
}

impl Changes {
    fn at(&mut self, entry: Entry) -> At<'_> {
        At {
            changes: self,
            entry,
        }
    }
}

impl At<'_> {
    fn narrower(&mut self, kind: ChangeKind, words: impl Into<String>) {
        self.say(Direction::Narrowing, kind, words);
    }

    fn neutral(&mut self, kind: ChangeKind, words: impl Into<String>) {
        self.say(Direction::Neutral, kind, words);
    }

    fn wider(&mut self, kind: ChangeKind, words: impl Into<String>) {
        self.say(Direction::Widening, kind, words);
    }

    fn say(&mut self, direction: Direction, kind: ChangeKind, words: impl Into<String>) {
        let change = Change::new(direction, kind, self.entry.clone(), words);
        self.changes.found.push(change);
    }

    /// A number that allows more the larger it is; `what` reads on with one of them.
    fn bound<T: PartialOrd>(
        &mut self,
        kind: ChangeKind,
        what: &str,
        (old, new): (T, T),
        said: impl Fn(&T) -> String,
    ) {
        let words = format!("{what} {}, no longer {}", said(&new), said(&old));
        if new > old {
            self.wider(kind, words);
        } else if new < old {
            self.narrower(kind, words);
        }
    }

    /// A set that allows more the more is in it. Both ways to say it read on with names.
    fn set<T: Ord + Display>(
        &mut self,
        kind: ChangeKind,
        (old, new): (&BTreeSet<T>, &BTreeSet<T>),
        more: &str,
        less: &str,
    ) {
        if new.difference(old).next().is_some() {
            self.wider(kind, format!("{more} {}", listed(new.difference(old))));
        }
        if old.difference(new).next().is_some() {
            self.narrower(kind, format!("{less} {}", listed(old.difference(new))));
        }
    }

    fn wording(&mut self, what: &str, old: Option<&str>, new: Option<&str>) {
        if old != new && old.is_some() && new.is_some() {
            self.neutral(ChangeKind::Wording, format!("{what} reads otherwise"));
        }
    }
}

/// Names in a row, as sentences have them.
fn listed<T: Display>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}
