//! JSON that acts on no terminal: characters that would are escapes, which parsers undo.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter};

use crate::text::acts_on_a_terminal;

/// Writes a value. As `serde_json` does, except that control and direction-changing characters are `\u` escapes wherever
/// they stand.
///
/// # Errors
/// As the writer, and when the value cannot be JSON.
pub(crate) fn write(out: impl Write, value: &impl Serialize) -> serde_json::Result<()> {
    value.serialize(&mut serde_json::Serializer::with_formatter(out, Plain))
}

/// How many bytes a value has so, if no more than a limit.
pub(crate) fn bytes(value: &Value, limit: usize) -> Option<usize> {
    let mut counted = Counted { left: limit };
    write(&mut counted, value).ok()?;
    limit.checked_sub(counted.left)
}

struct Plain;

impl Formatter for Plain {
    /// What `serde_json` has found no need to escape: it looks at quotes, backslashes and the first 32 characters.
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(acts_on_a_terminal) {
            let (before, from) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            let mut characters = from.chars();
            if let Some(acting) = characters.next() {
                let mut units = [0; 2];
                for unit in acting.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
            rest = characters.as_str();
        }
        CompactFormatter.write_string_fragment(writer, rest)
    }
}

/// Counts, and takes no more than there is left.
struct Counted {
    left: usize,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self
            .left
            .checked_sub(bytes.len())
            .ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn written(value: &Value) -> String {
        let mut out = Vec::new();
        write(&mut out, value).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_a_terminal_acts_on_is_an_escape_in_names_and_texts() {
        let value = json!({"a\u{9b}b": "\u{1b}[2J\u{7f}é\u{202e}\"\\\u{2066}x\u{1f600}"});
        assert_eq!(
            written(&value),
            r#"{"a\u009bb":"\u001b[2J\u007fé\u202e\"\\\u2066x😀"}"#
        );
    }

    proptest! {
        #[test]
        fn is_the_same_value_and_has_the_length_it_is_said_to_have(text in any::<String>(), number in any::<f64>()) {
            let value = json!({&text: [text, number, null, true]});
            let json = written(&value);
            prop_assert!(!json.contains(acts_on_a_terminal));
            prop_assert_eq!(&serde_json::from_str::<Value>(&json).unwrap()[&text][0], &json!(text));
            prop_assert_eq!(bytes(&value, json.len()), Some(json.len()));
            prop_assert_eq!(bytes(&value, json.len() - 1), None);
        }
    }
}
