//! Which argument something speaks of: an RFC 6901 pointer.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The longest pointer, in bytes: the limit of every text in a caveat.
pub const POINTER_BYTES_MAX: usize = 256;

/// A JSON pointer (RFC 6901) to one argument or into it: `/limit`, `/to/0`. Never the empty pointer, which is all
/// arguments at once.
///
/// ```
/// use hallpass_vocabulary::Pointer;
///
/// let pointer: Pointer = "/to/a~1b".parse()?;
/// assert_eq!(pointer.names().collect::<Vec<_>>(), ["to", "a/b"]);
/// # Ok::<(), hallpass_vocabulary::InvalidPointer>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pointer(Arc<str>);

/// Why a text is no pointer to an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPointer {
    /// The pointer to all arguments.
    #[error("a pointer to an argument must not be empty")]
    Empty,
    /// `~` stands for itself only as `~0`.
    #[error("in a pointer `~` must be followed by 0 or 1")]
    Escape,
    /// RFC 6901 pointers start with `/`.
    #[error("a pointer must start with `/`")]
    NoSlash,
    /// More than [`POINTER_BYTES_MAX`] bytes.
    #[error("a pointer must be at most {POINTER_BYTES_MAX} bytes")]
    TooLong,
}

impl Pointer {
    /// The pointer as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names and array indices it leads through, without the escapes `~0` and `~1`. At least one.
    pub fn names(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.0.split('/').skip(1).map(unescaped)
    }

    /// Whether what the two point at may be one value, or one may be within the other. Cautious: names are compared without
    /// regard to case, and one array index stands for every other.
    ///
    /// ```
    /// # use hallpass_vocabulary::Pointer;
    /// let pointer = |text: &str| text.parse::<Pointer>();
    /// assert!(pointer("/customer")?.overlaps(&pointer("/Customer/iban")?));
    /// assert!(pointer("/to/1")?.overlaps(&pointer("/to/0/iban")?));
    /// assert!(!pointer("/customer/name")?.overlaps(&pointer("/customer/iban")?));
    /// # Ok::<(), hallpass_vocabulary::InvalidPointer>(())
    /// ```
    pub fn overlaps(&self, other: &Self) -> bool {
        self.names().zip(other.names()).all(|(one, other)| {
            is_same_name_in_any_case(&one, &other) || (is_index(&one) && is_index(&other))
        })
    }
}

fn is_index(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether two names are one to a reader that does not regard case. Both ways, for `ſ` and the Kelvin sign are `s` and `k`
/// to readers that fold; and lower-cased first as well, for `ẞ` has no upper case but `ß` has.
pub fn is_same_name_in_any_case(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
        || (!(one.is_ascii() && other.is_ascii()) && folded(one).eq(folded(other)))
}

/// A name as every name is that is the same without regard to case, in the sense of [`is_same_name_in_any_case`]: for
/// comparing one with many.
pub fn name_in_one_case(name: &str) -> String {
    if name.is_ascii() {
        name.to_ascii_lowercase()
    } else {
        folded(name).collect()
    }
}

/// Character by character, since names that differ do so early.
fn folded(text: &str) -> impl Iterator<Item = char> {
    let lower = text.chars().flat_map(char::to_lowercase);
    let upper = lower.flat_map(char::to_uppercase);
    upper.flat_map(char::to_lowercase)
}

fn unescaped(segment: &str) -> Cow<'_, str> {
    if segment.contains('~') {
        // In this order, so that `~01` is `~1` and not `/` (RFC 6901 section 4).
        Cow::Owned(segment.replace("~1", "/").replace("~0", "~"))
    } else {
        Cow::Borrowed(segment)
    }
}

impl FromStr for Pointer {
    type Err = InvalidPointer;

    fn from_str(text: &str) -> Result<Self, InvalidPointer> {
        if text.is_empty() {
            return Err(InvalidPointer::Empty);
        }
        if text.len() > POINTER_BYTES_MAX {
            return Err(InvalidPointer::TooLong);
        }
        if !text.starts_with('/') {
            return Err(InvalidPointer::NoSlash);
        }
        if text.split('~').skip(1).any(|t| !t.starts_with(['0', '1'])) {
            return Err(InvalidPointer::Escape);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Debug for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &self.0)
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for Pointer {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Pointer {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_pointer_is_refused() {
        let long = format!("/{}", "a".repeat(POINTER_BYTES_MAX));
        for (text, reason) in [
            ("", InvalidPointer::Empty),
            ("a", InvalidPointer::NoSlash),
            ("#/a", InvalidPointer::NoSlash),
            ("/~", InvalidPointer::Escape),
            ("/a~", InvalidPointer::Escape),
            ("/~2", InvalidPointer::Escape),
            ("/~~0", InvalidPointer::Escape),
            ("/a~/b", InvalidPointer::Escape),
            (&long, InvalidPointer::TooLong),
        ] {
            assert_eq!(text.parse::<Pointer>(), Err(reason), "{text}");
        }
        assert!(long[..POINTER_BYTES_MAX].parse::<Pointer>().is_ok());
    }

    #[test]
    fn names_are_the_same_in_any_case() {
        for (one, other, same) in [
            ("iban", "IBAN", true),
            ("k", "\u{212a}", true),
            ("stra\u{df}e", "STRA\u{1e9e}E", true),
            ("iban", "ibans", false),
            ("\u{e9}", "e", false),
        ] {
            assert_eq!(is_same_name_in_any_case(one, other), same, "{one} {other}");
            let in_one_case = name_in_one_case(one) == name_in_one_case(other);
            assert_eq!(in_one_case, same, "{one} {other}");
        }
    }
}
