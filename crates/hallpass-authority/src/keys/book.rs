//! Where every key stands: what the records say, in whichever order they are read.

use std::collections::BTreeMap;

use hallpass_bundle::KeyState;
use hallpass_journal::{KeyChanged, KeyStanding};
use hallpass_keys::{KeyId, Purpose, VerifyingKey};
use hallpass_vocabulary::Timestamp;

use crate::store::KeyRow;

/// A key, and since when it had each standing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyLife {
    pub(crate) public_key: VerifyingKey,
    pub(crate) purpose: Purpose,
    since: BTreeMap<KeyStanding, Timestamp>,
}

/// Every key there ever was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KeyBook(BTreeMap<KeyId, KeyLife>);

impl KeyLife {
    /// Where it stands: the last standing in the order of its life.
    pub(crate) fn standing(&self) -> KeyStanding {
        let last = self.since.keys().next_back();
        last.copied().unwrap_or(KeyStanding::Prepared)
    }

    /// Since when it had a standing, if it ever did.
    pub(crate) fn since(&self, standing: KeyStanding) -> Option<Timestamp> {
        self.since.get(&standing).copied()
    }

    /// Since when it stands where it stands.
    pub(crate) fn stands_since(&self) -> Timestamp {
        let last = self.since.values().next_back();
        last.copied().unwrap_or(Timestamp::from_unix_ms(0))
    }

    /// What bundles say of it; nothing once it is retired.
    pub(crate) fn state(&self) -> Option<KeyState> {
        match self.standing() {
            KeyStanding::Active => Some(KeyState::Active),
            KeyStanding::Prepared => Some(KeyState::Prepared),
            KeyStanding::Retired => None,
            KeyStanding::Retiring => Some(KeyState::Retiring),
            KeyStanding::Tainted => Some(KeyState::Tainted),
        }
    }

    /// Whether what it signed was believed at a time.
    fn was_believed(&self, at: Timestamp) -> bool {
        let gone = [KeyStanding::Tainted, KeyStanding::Retired]
            .iter()
            .filter_map(|it| self.since(*it));
        let began = self.since.values().min();
        began.is_some_and(|began| *began <= at) && gone.min().is_none_or(|gone| at < gone)
    }

    fn moved(&mut self, standing: KeyStanding, at: Timestamp) {
        let since = self.since.entry(standing).or_insert(at);
        *since = at.min(*since);
    }
}

impl KeyBook {
    /// What rows come to.
    pub(crate) fn of<'r>(rows: impl IntoIterator<Item = &'r KeyRow>) -> Self {
        let mut book = Self::default();
        book.add(rows);
        book
    }

    /// Takes over what other rows say.
    pub(crate) fn add<'r>(&mut self, rows: impl IntoIterator<Item = &'r KeyRow>) {
        for row in rows {
            self.life(row.public_key, row.purpose)
                .moved(row.standing, row.at);
        }
    }

    /// The book after a change.
    pub(crate) fn after(&self, changed: &KeyChanged, at: Timestamp) -> Self {
        let mut book = self.clone();
        for moved in &changed.keys {
            book.life(moved.public_key, moved.purpose)
                .moved(moved.standing, at);
        }
        book
    }

    /// Puts in a key of which there is no record, because it was there from the start.
    pub(crate) fn begin_with(&mut self, public_key: VerifyingKey, purpose: Purpose) {
        self.life(public_key, purpose)
            .moved(KeyStanding::Active, Timestamp::from_unix_ms(0));
    }

    fn life(&mut self, public_key: VerifyingKey, purpose: Purpose) -> &mut KeyLife {
        self.0.entry(public_key.id()).or_insert_with(|| KeyLife {
            public_key,
            purpose,
            since: BTreeMap::new(),
        })
    }

    /// Every row it is made of.
    pub(crate) fn rows(&self) -> Vec<KeyRow> {
        let lives = self.0.values();
        lives
            .flat_map(|life| {
                life.since.iter().map(|(standing, at)| KeyRow {
                    public_key: life.public_key,
                    purpose: life.purpose,
                    standing: *standing,
                    at: *at,
                })
            })
            .collect()
    }

    /// The keys of a purpose.
    pub(crate) fn of_purpose(&self, purpose: Purpose) -> impl Iterator<Item = &KeyLife> {
        self.0.values().filter(move |life| life.purpose == purpose)
    }

    /// The keys of a purpose that stand there, the longest first.
    pub(crate) fn standing(&self, purpose: Purpose, standing: KeyStanding) -> Vec<&KeyLife> {
        let of_purpose = self.of_purpose(purpose);
        let mut lives: Vec<&KeyLife> = of_purpose
            .filter(|life| life.standing() == standing)
            .collect();
        lives.sort_by_key(|life| (life.stands_since(), life.public_key.id()));
        lives
    }

    /// The key that signs. Where two replicas made one active at the same time, it is the later one's.
    pub(crate) fn active(&self, purpose: Purpose) -> Option<&KeyLife> {
        self.standing(purpose, KeyStanding::Active).pop()
    }

    /// Whether a key of this purpose ever signed, as far as there are records.
    pub(crate) fn ever_signed(&self, purpose: Purpose) -> bool {
        self.of_purpose(purpose)
            .any(|life| life.standing() > KeyStanding::Prepared)
    }

    /// A key by its name.
    pub(crate) fn key(&self, id: &KeyId) -> Option<&KeyLife> {
        self.0.get(id)
    }

    /// Every key.
    pub(crate) fn all(&self) -> impl Iterator<Item = &KeyLife> {
        self.0.values()
    }

    /// The keys of approvals that were believed at a time, in the order of their bytes.
    pub(crate) fn approvals_at(&self, at: Timestamp) -> Vec<VerifyingKey> {
        let believed = self
            .of_purpose(Purpose::Approval)
            .filter(|life| life.was_believed(at));
        let mut keys: Vec<VerifyingKey> = believed.map(|life| life.public_key).collect();
        keys.sort_unstable();
        keys
    }

    /// When the keys of approvals changed, in this span of time.
    pub(crate) fn approval_changes(&self, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
        let lives = self.of_purpose(Purpose::Approval);
        let mut times: Vec<Timestamp> = lives
            .flat_map(|life| life.since.values().copied())
            .filter(|at| (from..=to).contains(at))
            .collect();
        times.sort_unstable();
        times.dedup();
        times
    }
}

#[cfg(test)]
mod tests {
    use hallpass_keys::SigningKey;

    use super::*;

    fn key(seed: u8) -> VerifyingKey {
        SigningKey::from_seed(Purpose::Run, "dev".parse().unwrap(), [seed; 32]).verifying_key()
    }

    fn row(seed: u8, standing: KeyStanding, at: i64) -> KeyRow {
        KeyRow {
            public_key: key(seed),
            purpose: Purpose::Run,
            standing,
            at: Timestamp::from_unix_seconds(at),
        }
    }

    #[test]
    fn a_key_never_goes_back_and_the_order_of_rows_does_not_matter() {
        let mut rows = vec![
            row(1, KeyStanding::Active, 10),
            row(1, KeyStanding::Retiring, 30),
            row(2, KeyStanding::Prepared, 20),
            row(2, KeyStanding::Active, 30),
            row(3, KeyStanding::Tainted, 40),
            row(3, KeyStanding::Retiring, 50),
        ];
        let book = KeyBook::of(&rows);
        rows.reverse();
        assert_eq!(KeyBook::of(&rows), book);
        assert_eq!(KeyBook::of(&book.rows()), book);
        let standing = |seed| book.key(&key(seed).id()).unwrap().standing();
        assert_eq!(standing(1), KeyStanding::Retiring);
        assert_eq!(standing(2), KeyStanding::Active);
        assert_eq!(
            standing(3),
            KeyStanding::Tainted,
            "a tainted key stays tainted"
        );
        let active = book.active(Purpose::Run).unwrap();
        assert_eq!(active.public_key, key(2));
        assert!(book.active(Purpose::Approval).is_none());
    }

    #[test]
    fn of_two_active_keys_the_later_one_signs() {
        let rows = [
            row(1, KeyStanding::Active, 10),
            row(2, KeyStanding::Active, 11),
        ];
        let book = KeyBook::of(&rows);
        assert_eq!(book.active(Purpose::Run).unwrap().public_key, key(2));
    }

    #[test]
    fn a_key_from_the_start_gives_way_to_what_the_records_say_of_it() {
        let mut book = KeyBook::of(&[]);
        assert!(!book.ever_signed(Purpose::Run));
        book.begin_with(key(1), Purpose::Run);
        assert_eq!(book.active(Purpose::Run).unwrap().public_key, key(1));
        book.add(&[
            row(1, KeyStanding::Retiring, 9),
            row(2, KeyStanding::Active, 9),
        ]);
        assert_eq!(book.active(Purpose::Run).unwrap().public_key, key(2));
    }
}
