//! Where what is published is written down before anyone sees it: in a file, and where replicas share a store, there first.
//!
//! Replicas have one sequence of publications. Each is made of the one before it while nobody else makes one, so that no two
//! have one number and none undoes another. The file then is what a replica knows by itself: a store that was restored from
//! an older copy takes nothing back.

use hallpass_vocabulary::Timestamp;

use super::edition::Beat;
use super::kept::{Kept, KeptFile};
use super::number::{self, Used};
use super::press::Start;
use super::{Content, Edition, Press, PublishError};
use crate::store::Publications;

/// Where it is written.
pub(crate) struct Ledger {
    file: KeptFile,
    shared: Option<Publications>,
}

/// What came of publishing.
pub(super) struct Entry {
    pub(super) edition: Edition,
    pub(super) beat: Beat,
}

/// What is published, or nothing where what is in place stays.
type Made = Result<Option<Entry>, PublishError>;

impl Ledger {
    pub(super) fn new(file: KeptFile, shared: Option<Publications>) -> Self {
        Self { file, shared }
    }

    /// Whether others publish too.
    pub(super) fn shared(&self) -> Option<&Publications> {
        self.shared.as_ref()
    }

    /// What an authority begins with: a new edition. A replica begins with the one in place, where it would say the same.
    pub(super) fn begin(
        &self,
        press: &Press,
        content: impl FnOnce(Option<&Content>) -> Content + Send,
        clock: Timestamp,
    ) -> Result<Entry, PublishError> {
        let local = self.file.read()?;
        let mut begun = None;
        let begin = |row: Option<Kept>| -> Made {
            let in_place = row.as_ref().map(|row| row.serial);
            let last = newer(local, row);
            let edition = last.as_ref().map(|last| press.kept_edition(last));
            let before = edition.transpose()?.flatten();
            let now = number::moment(clock, last.as_ref().map(|last| last.issued));
            let content = content(before.as_ref().map(|before| &before.content));
            if let Some(edition) = before
                && in_place == Some(edition.serial)
                && edition.content == content
                && !edition.is_due(clock)
            {
                let beat = press.beat(&edition, now)?;
                begun = Some(Entry { edition, beat });
                return Ok(None);
            }
            let used = last.as_ref().map(Kept::used);
            let serial = last.map_or(0, |last| last.serial).saturating_add(1);
            entry(press, content, (serial, used.as_ref()), Start::Anew, now).map(Some)
        };
        let made = self.put(press, begin)?;
        match made.or(begun) {
            Some(entry) => Ok(entry),
            // Not reached: one of the two is there.
            None => Err(PublishError::Foreign {
                root: press.root().version(),
            }),
        }
    }

    /// Publishes what is made of the newest edition, which is `ours` unless a replica has a newer one; nothing where nothing is
    /// made of it. `presses` read what replicas have signed.
    pub(super) fn go_on(
        &self,
        press: &Press,
        before: &Press,
        ours: &Edition,
        make: impl FnOnce(&Edition) -> Result<Option<Content>, PublishError> + Send,
        now: Timestamp,
    ) -> Made {
        let mut adopted = None;
        let made = self.put(press, |row| {
            let serial = row.as_ref().map_or(0, |row| row.serial);
            let theirs = match &row {
                Some(row) if row.serial > ours.serial => Some(read(press, before, row)?),
                _ => None,
            };
            let newest = theirs.as_ref().unwrap_or(ours);
            let Some(content) = make(newest)? else {
                if let Some(edition) = theirs {
                    let beat = press.beat(&edition, now)?;
                    adopted = Some(Entry { edition, beat });
                }
                return Ok(None);
            };
            let used = newest.used.and(row.as_ref().map(Kept::used).as_ref());
            let used = used.and(Some(&ours.used));
            let serial = serial.max(ours.serial).saturating_add(1);
            entry(press, content, (serial, Some(&used)), Start::GoesOn, now).map(Some)
        })?;
        Ok(made.or(adopted))
    }

    /// What a replica has published, where it is newer than this serial number; it is kept here too.
    pub(super) fn adopt(
        &self,
        press: &Press,
        body: &str,
        than: u64,
    ) -> Result<Option<Edition>, PublishError> {
        let kept = Kept::from_body(body)?;
        if kept.serial <= than {
            return Ok(None);
        }
        let edition = read(press, press, &kept)?;
        self.keep(&edition);
        Ok(Some(edition))
    }

    /// Writes what is made down. `make` is given what is in the store that replicas share, if there is one.
    fn put(&self, press: &Press, make: impl FnOnce(Option<Kept>) -> Made + Send) -> Made {
        let Some(shared) = &self.shared else {
            let made = make(None)?;
            if let Some(entry) = &made {
                self.file.write(&entry.edition)?;
            }
            return Ok(made);
        };
        let mut made = None;
        shared.publish(|row| -> Result<_, PublishError> {
            let row = row.map(|(_, body)| Kept::from_body(body)).transpose()?;
            refuse_later_root(press, row.as_ref())?;
            made = make(row)?;
            Ok(made.as_ref().map(|entry| {
                let body = Kept::of(&entry.edition).to_body();
                (entry.edition.serial, body)
            }))
        })?;
        if let Some(entry) = &made {
            self.keep(&entry.edition);
        }
        Ok(made)
    }

    /// Keeps what the store has. The store is what counts: a disk that is full does not keep a stop from being known.
    fn keep(&self, edition: &Edition) {
        if let Err(error) = self.file.write(edition) {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "the bundle is in the store, and not kept here");
        }
    }
}

fn entry(
    press: &Press,
    content: Content,
    used: (u64, Option<&Used>),
    start: Start,
    now: Timestamp,
) -> Result<Entry, PublishError> {
    let edition = press.edition(content, used, start, now)?;
    let beat = press.beat(&edition, now)?;
    Ok(Entry { edition, beat })
}

/// An edition that a replica has signed, under this root or the one before it.
fn read(press: &Press, before: &Press, kept: &Kept) -> Result<Edition, PublishError> {
    let edition = match press.kept_edition(kept)? {
        Some(edition) => Some(edition),
        None => before.kept_edition(kept)?,
    };
    edition.ok_or(PublishError::Foreign {
        root: press.root().version(),
    })
}

/// A replica whose directory lacks the root in force must not publish under the one before it.
fn refuse_later_root(press: &Press, row: Option<&Kept>) -> Result<(), PublishError> {
    match row.and_then(|row| row.root) {
        Some(theirs) if theirs > press.root().version() => Err(PublishError::Foreign {
            root: press.root().version(),
        }),
        _ => Ok(()),
    }
}

/// The later of two publications, and the highest number of both.
fn newer(one: Option<Kept>, other: Option<Kept>) -> Option<Kept> {
    let (Some(one), Some(other)) = (one.clone(), other.clone()) else {
        return one.or(other);
    };
    let (mut later, earlier) = match one.serial > other.serial {
        true => (one, other),
        false => (other, one),
    };
    later.raise(earlier.used().highest);
    Some(later)
}
