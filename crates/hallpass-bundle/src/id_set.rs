//! Many ids in little room.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The bytes of one id.
const ID_BYTES: usize = 16;

/// A set of runs or tokens by their 128 bits: 16 bytes each in memory, base64url of those bytes in ascending order in a
/// document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdSet(Box<[u128]>);

impl IdSet {
    /// Whether it has this one. As many steps as its length has bits.
    pub fn contains(&self, id: u128) -> bool {
        self.0.binary_search(&id).is_ok()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u128> {
        self.0.iter().copied()
    }
}

impl FromIterator<u128> for IdSet {
    fn from_iter<I: IntoIterator<Item = u128>>(ids: I) -> Self {
        let mut ids: Vec<u128> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        Self(ids.into())
    }
}

impl serde::Serialize for IdSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.0.iter().flat_map(|id| id.to_be_bytes()).collect();
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl<'de> serde::Deserialize<'de> for IdSet {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let bytes = URL_SAFE_NO_PAD.decode(text.as_bytes());
        let ids = bytes.ok().and_then(|bytes| read(&bytes));
        ids.map(Self)
            .ok_or_else(|| serde::de::Error::custom("expected base64url of ascending 16-byte ids"))
    }
}

/// The ids, where there are whole ones in ascending order, each once.
fn read(bytes: &[u8]) -> Option<Box<[u128]>> {
    let (ids, rest) = bytes.as_chunks::<ID_BYTES>();
    let ids: Box<[u128]> = ids.iter().map(|id| u128::from_be_bytes(*id)).collect();
    (rest.is_empty() && ids.is_sorted_by(|a, b| a < b)).then_some(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_and_no_other() {
        let set: IdSet = [7, 3, 7, u128::MAX].into_iter().collect();
        assert_eq!(set.len(), 3);
        assert!(set.contains(3) && set.contains(u128::MAX) && !set.contains(4));
        let json = serde_json::to_string(&set).unwrap();
        assert_eq!(serde_json::from_str::<IdSet>(&json).unwrap(), set);
        assert_eq!(serde_json::to_string(&IdSet::default()).unwrap(), "\"\"");
        let encoded = |ids: &[u128]| {
            let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_be_bytes()).collect();
            format!("\"{}\"", URL_SAFE_NO_PAD.encode(bytes))
        };
        for bad in [
            encoded(&[3, 3]),
            encoded(&[7, 3]),
            "\"AAAA\"".to_owned(),
            "\"!\"".to_owned(),
            "[]".to_owned(),
        ] {
            assert!(serde_json::from_str::<IdSet>(&bad).is_err(), "{bad}");
        }
    }
}
