//! Which argument a rule speaks of: an RFC 6901 pointer.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde_json::{Map, Value};

/// The longest pointer, in bytes: the limit of every text in a caveat.
pub const POINTER_BYTES_MAX: usize = 256;

/// A JSON pointer (RFC 6901) to one argument or into it: `/limit`, `/to/0`. Never the empty pointer, which is all
/// arguments at once.
///
/// ```
/// use hallpass_args::{Arguments, Pointer};
///
/// let arguments = Arguments::parse(br#"{ "to": ["a@example.com"], "a/b": 1 }"#)?;
/// let first: Pointer = "/to/0".parse()?;
/// assert_eq!(first.resolve(arguments.members()).unwrap(), "a@example.com");
/// let escaped: Pointer = "/a~1b".parse()?;
/// assert_eq!(escaped.resolve(arguments.members()).unwrap(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
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

/// Names of the objects a pointer leads through, all together, beyond which nothing is looked up: each is compared without
/// regard to case, by every caveat.
pub const POINTER_NAMES_MAX: usize = 1024;

/// Why readers might find different values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Ambiguous {
    /// Another name differs from the one asked for in case only.
    #[error("another name differs in case only")]
    Case,
    /// More than [`POINTER_NAMES_MAX`] names: not looked at.
    #[error("more than {POINTER_NAMES_MAX} names stand beside those on the way to it")]
    TooManyNames,
}

impl Pointer {
    /// The pointer as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value this points at, if every reader finds the same one.
    ///
    /// # Errors
    /// [`Ambiguous`] when another name on the way differs from the pointer's in case only (RFC 8259 section 8.3 compares
    /// code units, but readers that bind names to fields without regard to case are common), or when there are too many to
    /// tell.
    pub fn resolve_unambiguous<'v>(
        &self,
        arguments: &'v Map<String, Value>,
    ) -> Result<Option<&'v Value>, Ambiguous> {
        let mut segments = self.0.split('/').skip(1).map(unescaped);
        let Some(first) = segments.next() else {
            return Ok(None);
        };
        let mut names_left = POINTER_NAMES_MAX;
        let Some(mut value) = the_one(arguments, &first, &mut names_left)? else {
            return Ok(None);
        };
        for segment in segments {
            let next = match value {
                Value::Object(members) => the_one(members, &segment, &mut names_left)?,
                Value::Array(items) => index(&segment).and_then(|index| items.get(index)),
                _ => None,
            };
            let Some(next) = next else {
                return Ok(None);
            };
            value = next;
        }
        Ok(Some(value))
    }

    /// The value this points at, if there is one. An array index has no leading zeros, and `-`, the element after the
    /// last, is never there (RFC 6901 section 4).
    pub fn resolve<'v>(&self, arguments: &'v Map<String, Value>) -> Option<&'v Value> {
        let mut segments = self.0.split('/').skip(1).map(unescaped);
        let mut value = arguments.get(&*segments.next()?)?;
        for segment in segments {
            value = match value {
                Value::Object(members) => members.get(&*segment)?,
                Value::Array(items) => items.get(index(&segment)?)?,
                _ => return None,
            };
        }
        Some(value)
    }
}

/// The member of this name, if no other name is the same without regard to case.
fn the_one<'v>(
    members: &'v Map<String, Value>,
    name: &str,
    names_left: &mut usize,
) -> Result<Option<&'v Value>, Ambiguous> {
    *names_left = names_left
        .checked_sub(members.len())
        .ok_or(Ambiguous::TooManyNames)?;
    let is_ascii = name.is_ascii();
    let is_same = |other: &String| {
        other.eq_ignore_ascii_case(name)
            || (!(is_ascii && other.is_ascii()) && folded(other).eq(folded(name)))
    };
    if members.keys().any(|other| is_same(other) && other != name) {
        return Err(Ambiguous::Case);
    }
    Ok(members.get(name))
}

/// Without regard to case, character by character, since names that differ do so early. Both ways, for `ſ` and the Kelvin
/// sign are `s` and `k` to readers that fold; and lower-cased first as well, for `ẞ` has no upper case but `ß` has.
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

fn index(segment: &str) -> Option<usize> {
    let plain = segment == "0" || !segment.starts_with(['0', '+']);
    if plain { segment.parse().ok() } else { None }
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
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn pointer(text: &str) -> Pointer {
        text.parse().unwrap()
    }

    #[test]
    fn a_name_in_another_case_makes_a_pointer_ambiguous() {
        let Value::Object(arguments) = json!({
            "path": 1, "PATH": 2, "deep": {"a": {"Key": 3, "key": 4}, "b": [5]}, "k": 6, "\u{212a}": 7, "DEEP2": 8,
        }) else {
            panic!("an object");
        };
        let resolve = |pointer: &str| {
            let pointer: Pointer = pointer.parse().unwrap();
            pointer
                .resolve_unambiguous(&arguments)
                .map(|value| value.cloned())
        };
        for ambiguous in [
            "/path",
            "/PATH",
            "/Path",
            "/deep/a/key",
            "/deep/a/KEY",
            "/k",
        ] {
            assert_eq!(resolve(ambiguous), Err(Ambiguous::Case), "{ambiguous}");
        }
        assert_eq!(resolve("/deep/b/0"), Ok(Some(json!(5))));
        assert_eq!(resolve("/deep/b/1"), Ok(None));
        assert_eq!(resolve("/absent"), Ok(None));
        // A name that is there in another case only is missing, or it would be ambiguous whether it is.
        assert_eq!(resolve("/deep2"), Err(Ambiguous::Case));
    }

    #[test]
    fn names_are_looked_at_up_to_a_number() {
        let object = |count: usize, inner: Value| {
            let names = (1..count).map(|n| (format!("n{n}"), json!(n)));
            let names = names.chain([("x".to_owned(), inner)]);
            Value::Object(names.collect())
        };
        let resolve = |text: &str, arguments: &Value| {
            pointer(text)
                .resolve_unambiguous(arguments.as_object().unwrap())
                .map(|found| found.cloned())
        };
        let most = object(POINTER_NAMES_MAX, json!(1));
        assert_eq!(resolve("/x", &most), Ok(Some(json!(1))));
        let more = object(POINTER_NAMES_MAX + 1, json!(1));
        assert_eq!(resolve("/x", &more), Err(Ambiguous::TooManyNames));
        // All objects on the way together, and the arguments of others do not count.
        let deep = object(POINTER_NAMES_MAX - 2, object(2, json!(1)));
        assert_eq!(resolve("/x/x", &deep), Ok(Some(json!(1))));
        let deep = object(POINTER_NAMES_MAX - 2, object(3, json!(1)));
        assert_eq!(resolve("/x/x", &deep), Err(Ambiguous::TooManyNames));
        assert_eq!(resolve("/n1", &deep), Ok(Some(json!(1))));
    }

    #[test]
    fn resolves_the_examples_of_rfc_6901_section_5() {
        let document = json!({
            "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6, " ": 7, "m~n": 8
        });
        let members = document.as_object().unwrap();
        for (text, expected) in [
            ("/foo", json!(["bar", "baz"])),
            ("/foo/0", json!("bar")),
            ("/", json!(0)),
            ("/a~1b", json!(1)),
            ("/c%d", json!(2)),
            ("/e^f", json!(3)),
            ("/g|h", json!(4)),
            ("/i\\j", json!(5)),
            ("/k\"l", json!(6)),
            ("/ ", json!(7)),
            ("/m~0n", json!(8)),
        ] {
            assert_eq!(pointer(text).resolve(members), Some(&expected), "{text}");
        }
    }

    #[test]
    fn an_index_has_one_spelling() {
        let document = json!({"a": [0, 1, 2], "o": {"01": "member"}, "s": "text"});
        let members = document.as_object().unwrap();
        assert_eq!(pointer("/a/1").resolve(members), Some(&json!(1)));
        assert_eq!(pointer("/o/01").resolve(members), Some(&json!("member")));
        for text in [
            "/a/01",
            "/a/00",
            "/a/+1",
            "/a/-1",
            "/a/-",
            "/a/3",
            "/a/",
            "/a/1e0",
            "/a/ 1",
            "/a/99999999999999999999999",
            "/a/\u{ff11}",
            "/s/0",
            "/a/1/0",
            "/b",
        ] {
            assert_eq!(pointer(text).resolve(members), None, "{text}");
        }
    }

    #[test]
    fn an_escape_is_undone_once() {
        let document = json!({"~1": 1, "/": 2});
        let members = document.as_object().unwrap();
        assert_eq!(pointer("/~01").resolve(members), Some(&json!(1)));
        assert_eq!(pointer("/~1").resolve(members), Some(&json!(2)));
    }

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
    fn reads_and_writes_itself_as_a_string() {
        let one = pointer("/a~1b/0");
        let text = serde_json::to_string(&one).unwrap();
        assert_eq!(text, r#""/a~1b/0""#);
        assert_eq!(serde_json::from_str::<Pointer>(&text).unwrap(), one);
        assert!(serde_json::from_str::<Pointer>(r#""a""#).is_err());
    }

    /// Few names, so that pointers hit.
    fn name() -> impl Strategy<Value = String> {
        prop::sample::select(vec!["", "a", "0", "1", "01", "-", "~", "/", "~1", "a/b"])
            .prop_map(str::to_owned)
    }

    fn document() -> impl Strategy<Value = Value> {
        any::<u8>()
            .prop_map(Value::from)
            .prop_recursive(4, 48, 4, |inner| {
                prop_oneof![
                    prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                    prop::collection::hash_map(name(), inner, 0..4)
                        .prop_map(|members| Value::Object(members.into_iter().collect())),
                ]
            })
    }

    proptest! {
        #[test]
        fn resolves_as_serde_json_does(
            members in prop::collection::hash_map(name(), document(), 0..6),
            segments in prop::collection::vec(name(), 1..5),
        ) {
            let document = Value::Object(members.into_iter().collect());
            let mut text = String::new();
            for segment in segments {
                text.push('/');
                text.push_str(&segment.replace('~', "~0").replace('/', "~1"));
            }
            prop_assert_eq!(pointer(&text).resolve(document.as_object().unwrap()), document.pointer(&text));
        }

        #[test]
        fn any_pointer_resolves_as_serde_json_does(text in "[/~01a+-]{0,8}", inner in document()) {
            let document = json!({"": inner, "a": inner, "0": [inner]});
            if let Ok(pointer) = text.parse::<Pointer>() {
                prop_assert_eq!(pointer.resolve(document.as_object().unwrap()), document.pointer(&text));
            }
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = text.parse::<Pointer>().map(|pointer| pointer.resolve(&Map::new()).is_none());
        }
    }
}
