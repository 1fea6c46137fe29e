//! Finding the argument a pointer points at.

use hallpass_vocabulary::Pointer;
use serde_json::{Map, Value};

use crate::lookup::Lookup;

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

/// A pointer that is looked up in the arguments of a call.
///
/// ```
/// use hallpass_args::{Arguments, Resolve as _};
/// use hallpass_vocabulary::Pointer;
///
/// let arguments = Arguments::parse(br#"{ "to": ["a@example.com"], "a/b": 1 }"#)?;
/// let first: Pointer = "/to/0".parse()?;
/// assert_eq!(first.resolve(arguments.members()).unwrap(), "a@example.com");
/// let escaped: Pointer = "/a~1b".parse()?;
/// assert_eq!(escaped.resolve(arguments.members()).unwrap(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Resolve {
    /// The value this points at, if every reader finds the same one.
    ///
    /// # Errors
    /// [`Ambiguous`] when another name on the way differs from the pointer's in case only (RFC 8259 section 8.3 compares
    /// code units, but readers that bind names to fields without regard to case are common), or when there are too many to
    /// tell.
    fn resolve_unambiguous<'v>(
        &self,
        arguments: &'v Map<String, Value>,
    ) -> Result<Option<&'v Value>, Ambiguous>;

    /// The value this points at, if there is one. An array index has no leading zeros, and `-`, the element after the
    /// last, is never there (RFC 6901 section 4).
    fn resolve<'v>(&self, arguments: &'v Map<String, Value>) -> Option<&'v Value>;
}

impl Resolve for Pointer {
    fn resolve_unambiguous<'v>(
        &self,
        arguments: &'v Map<String, Value>,
    ) -> Result<Option<&'v Value>, Ambiguous> {
        Lookup::in_members(arguments).find(self)
    }

    fn resolve<'v>(&self, arguments: &'v Map<String, Value>) -> Option<&'v Value> {
        let mut segments = self.names();
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

pub(crate) fn index(segment: &str) -> Option<usize> {
    let plain = segment == "0" || !segment.starts_with(['0', '+']);
    if plain { segment.parse().ok() } else { None }
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
