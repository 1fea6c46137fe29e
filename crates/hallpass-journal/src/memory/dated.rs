//! A map whose entries have an end, and are found by it.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use hallpass_vocabulary::Timestamp;

/// Entries by their key, each with the time after which it may be forgotten.
#[derive(Debug)]
pub(super) struct Dated<K, V> {
    entries: HashMap<K, (Timestamp, V)>,
    ends: BTreeSet<(Timestamp, K)>,
}

impl<K, V> Default for Dated<K, V> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            ends: BTreeSet::new(),
        }
    }
}

impl<K: Clone + Eq + Hash + Ord, V> Dated<K, V> {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.entries.contains_key(key)
    }

    /// The value and its end.
    pub(super) fn get(&self, key: &K) -> Option<(&V, Timestamp)> {
        let (until, value) = self.entries.get(key)?;
        Some((value, *until))
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.entries.get_mut(key).map(|(_, value)| value)
    }

    /// Replaces what is there, its end too.
    pub(super) fn insert(&mut self, key: K, value: V, until: Timestamp) {
        if let Some((before, _)) = self.entries.insert(key.clone(), (until, value)) {
            self.ends.remove(&(before, key.clone()));
        }
        self.ends.insert((until, key));
    }

    /// Moves an end into the future, never back.
    pub(super) fn extend(&mut self, key: &K, until: Timestamp) {
        if let Some((before, _)) = self.entries.get_mut(key)
            && *before < until
        {
            self.ends.remove(&(*before, key.clone()));
            *before = until;
            self.ends.insert((until, key.clone()));
        }
    }

    /// The value, made when there is none; its end is at least `until`.
    pub(super) fn entry(&mut self, key: K, until: Timestamp) -> &mut V
    where
        V: Default,
    {
        self.extend(&key, until);
        let (_, value) = self.entries.entry(key.clone()).or_insert_with(|| {
            self.ends.insert((until, key));
            (until, V::default())
        });
        value
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let (until, value) = self.entries.remove(key)?;
        self.ends.remove(&(until, key.clone()));
        Some(value)
    }

    /// Removes the entry that ends first, if it has ended at `now`.
    pub(super) fn pop_ended(&mut self, now: Timestamp) -> Option<(K, V)> {
        let (until, _) = self.ends.first()?;
        if *until > now {
            return None;
        }
        let (_, key) = self.ends.pop_first()?;
        let (_, value) = self.entries.remove(&key)?;
        Some((key, value))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V, Timestamp)> {
        self.entries
            .iter()
            .map(|(key, (until, value))| (key, value, *until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(ms)
    }

    #[test]
    fn an_entry_ends_when_its_last_end_has_come_and_not_before() {
        let mut dated = Dated::default();
        dated.insert("a", 1, at(10));
        dated.insert("a", 2, at(5));
        dated.extend(&"a", at(20));
        dated.extend(&"a", at(15));
        dated.insert("b", 3, at(30));
        assert_eq!(dated.pop_ended(at(19)), None);
        assert_eq!(dated.pop_ended(at(20)), Some(("a", 2)));
        assert_eq!(dated.pop_ended(at(29)), None);
        assert_eq!(dated.remove(&"b"), Some(3));
        assert_eq!((dated.len(), dated.ends.len()), (0, 0));
    }
}
