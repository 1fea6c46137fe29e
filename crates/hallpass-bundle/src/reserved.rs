//! Lists that a later format fills.

/// A list that is empty in this format version.
///
/// A verifier that met an entry it does not understand (a stop, a revocation) and went on would allow what it was told
/// to deny. So an entry makes the document unreadable, and the bundle before it goes stale: unknown means deny.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reserved;

impl serde::Serialize for Reserved {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(std::iter::empty::<()>())
    }
}

impl<'de> serde::Deserialize<'de> for Reserved {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // An array of length zero, and nothing else.
        <[(); 0]>::deserialize(deserializer).map(|[]| Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_empty_array_is_understood() {
        assert_eq!(serde_json::to_string(&Reserved).unwrap(), "[]");
        assert!(serde_json::from_str::<Reserved>("[]").is_ok());
        for bad in ["[1]", "[{}]", "[null]", "null", "{}", "\"\"", "0"] {
            assert!(serde_json::from_str::<Reserved>(bad).is_err(), "{bad}");
        }
    }
}
