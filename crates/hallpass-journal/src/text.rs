//! Text from outside on its way into a record: bounded, and harmless on a terminal.

use std::fmt;

/// The longest text in a record, in bytes, after escaping. Leaves room for eight of them in [`RECORD_BYTES_MAX`].
///
/// [`RECORD_BYTES_MAX`]: crate::RECORD_BYTES_MAX
pub const TEXT_BYTES_MAX: usize = 1024;

/// Text from outside: control and direction characters are written as `\u{…}`, and what is longer than
/// [`TEXT_BYTES_MAX`] ends in `…`. Two texts that differ only in what was cut read the same.
///
/// ```
/// use hallpass_journal::Text;
/// assert_eq!(Text::new("rm\u{9b}2J").as_str(), r"rm\u{9b}2J");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, serde::Serialize)]
pub struct Text(String);

impl Text {
    /// Escapes and cuts.
    pub fn new(text: &str) -> Self {
        const ELLIPSIS: char = '…';
        let mut out = String::with_capacity(text.len().min(TEXT_BYTES_MAX));
        for c in text.chars() {
            let before = out.len();
            if acts_on_a_terminal(c) {
                out.extend(c.escape_unicode());
            } else {
                out.push(c);
            }
            if out.len() > TEXT_BYTES_MAX - ELLIPSIS.len_utf8() {
                out.truncate(before);
                out.push(ELLIPSIS);
                break;
            }
        }
        Self(out)
    }

    /// The text as it stands in the record.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Control characters, and the marks that change the direction of text (Unicode TR 36, "Trojan source").
pub(crate) fn acts_on_a_terminal(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}')
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl<'de> serde::Deserialize<'de> for Text {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Ok(Self::new(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_bounded_and_reading_it_back_changes_nothing() {
        let long = Text::new(&"\u{1b}é".repeat(TEXT_BYTES_MAX));
        assert!(long.as_str().len() <= TEXT_BYTES_MAX && long.as_str().ends_with('…'));
        assert!(!long.as_str().contains('\u{1b}'));
        assert_eq!(Text::new(long.as_str()), long);
        let exact = "a".repeat(TEXT_BYTES_MAX - 3);
        assert_eq!(Text::new(&exact).as_str(), exact);
    }

    #[test]
    fn what_a_terminal_would_act_on_is_escaped() {
        assert_eq!(
            Text::new("a\n\u{202e}b\u{7f}").as_str(),
            "a\\u{a}\\u{202e}b\\u{7f}"
        );
        assert_eq!(Text::new("ä ✓ 例").as_str(), "ä ✓ 例");
    }
}
