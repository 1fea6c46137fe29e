//! A short list of arguments of one tool.

use crate::Pointer;

/// The most pointers in one list. Tools have a handful of arguments worth keeping; each is looked up on every call.
pub const POINTERS_PER_LIST_MAX: usize = 16;

/// The most bytes of all pointers of one list together, as a record may have to write them: a character that is not
/// printable ASCII counts as six. Four lists and what they point at fit a record.
pub const POINTERS_BYTES_MAX: usize = 512;

/// A list of arguments, each once: those that records show, or those that are sensitive. Bounded by
/// [`POINTERS_PER_LIST_MAX`] and [`POINTERS_BYTES_MAX`].
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Vec<Pointer>")]
pub struct Pointers(Vec<Pointer>);

/// Pointers that are no list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPointers {
    /// More than [`POINTERS_BYTES_MAX`] bytes.
    #[error("the pointers of a list are together at most {POINTERS_BYTES_MAX} bytes")]
    TooLong,
    /// More than [`POINTERS_PER_LIST_MAX`].
    #[error("more than {POINTERS_PER_LIST_MAX} pointers in one list")]
    TooMany,
    /// One pointer twice.
    #[error("`{0}` is listed twice")]
    Twice(Pointer),
}

impl Pointers {
    /// A list of these pointers.
    ///
    /// # Errors
    /// [`InvalidPointers`].
    pub fn new(pointers: impl IntoIterator<Item = Pointer>) -> Result<Self, InvalidPointers> {
        let mut list: Vec<Pointer> = Vec::new();
        let mut bytes = 0;
        for pointer in pointers {
            if list.contains(&pointer) {
                return Err(InvalidPointers::Twice(pointer));
            }
            if list.len() == POINTERS_PER_LIST_MAX {
                return Err(InvalidPointers::TooMany);
            }
            bytes += recorded_bytes_max(&pointer);
            if bytes > POINTERS_BYTES_MAX {
                return Err(InvalidPointers::TooLong);
            }
            list.push(pointer);
        }
        Ok(Self(list))
    }

    /// The pointers, as they were listed.
    pub fn iter(&self) -> impl Iterator<Item = &Pointer> {
        self.0.iter()
    }

    /// Whether this very pointer is listed.
    pub fn contains(&self, pointer: &Pointer) -> bool {
        self.0.contains(pointer)
    }

    /// The first pointer of the list that may lead to, into or around the same value as this one.
    pub fn overlapping(&self, pointer: &Pointer) -> Option<&Pointer> {
        self.0.iter().find(|listed| listed.overlaps(pointer))
    }

    /// The most bytes all of them together have in a record, as [`POINTERS_BYTES_MAX`] counts them.
    pub fn recorded_bytes_max(&self) -> usize {
        self.0.iter().map(recorded_bytes_max).sum()
    }

    /// Whether nothing is listed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The most bytes a pointer has as a string of JSON in a record, without its quotes.
fn recorded_bytes_max(pointer: &Pointer) -> usize {
    let bytes = |c: char| match c {
        '"' | '\\' => 2,
        ' '..='~' => 1,
        _ => 6,
    };
    pointer.as_str().chars().map(bytes).sum()
}

impl TryFrom<Vec<Pointer>> for Pointers {
    type Error = InvalidPointers;

    fn try_from(pointers: Vec<Pointer>) -> Result<Self, InvalidPointers> {
        Self::new(pointers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(texts: &[&str]) -> Result<Pointers, InvalidPointers> {
        Pointers::new(texts.iter().map(|text| text.parse().unwrap()))
    }

    #[test]
    fn is_bounded_and_has_nothing_twice() {
        assert_eq!(
            list(&["/a", "/b", "/a"]),
            Err(InvalidPointers::Twice("/a".parse().unwrap()))
        );
        let names: Vec<String> = (0..=POINTERS_PER_LIST_MAX)
            .map(|n| format!("/{n}"))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(list(&names), Err(InvalidPointers::TooMany));
        assert!(list(names.get(1..).unwrap()).is_ok());
        let long = |c: char, count| format!("/{}", c.to_string().repeat(count));
        let two = |c, count| list(&[&long(c, count), &format!("{}2", long(c, count - 1))]);
        assert!(two('a', 255).is_ok());
        assert_eq!(two('"', 255), Err(InvalidPointers::TooLong));
        assert!(two('\u{1b}', 42).is_ok());
        assert_eq!(two('\u{1b}', 43), Err(InvalidPointers::TooLong));
    }

    #[test]
    fn an_overlap_is_found_in_any_case_above_and_below_and_at_any_index() {
        let listed = list(&["/Customer/iban", "/items/0/pin", "/a~1b", "/m~0n"]).unwrap();
        for overlapping in [
            "/customer",
            "/customer/IBAN",
            "/customer/iban/country",
            "/items",
            "/items/3",
            "/items/17/pin",
            "/ITEMS/1/PIN/0",
            "/a~1B",
            "/M~0n/x",
        ] {
            assert!(
                listed.overlapping(&overlapping.parse().unwrap()).is_some(),
                "{overlapping}"
            );
        }
        for apart in [
            "/customer/name",
            "/customers",
            "/items/0/pi",
            "/items/x/pin",
            "/a",
            "/a/b",
            "/a~0b",
            "/m",
        ] {
            assert_eq!(listed.overlapping(&apart.parse().unwrap()), None, "{apart}");
        }
    }
}
