//! A piece of somebody else's text, safe to show: bounded and escaped.

use std::fmt;
use std::fmt::Write as _;

/// Characters of foreign text an error repeats at most.
const EXCERPT_CHARS_MAX: usize = 48;

/// A piece of a token's text, shortened and escaped, so that an error cannot carry control characters or a novel.
#[derive(Clone, PartialEq, Eq)]
pub struct Excerpt(Box<str>);

impl Excerpt {
    pub(crate) fn of(text: &str) -> Self {
        let mut shown = String::new();
        for c in text.chars().take(EXCERPT_CHARS_MAX) {
            // Writing to a string cannot fail.
            let _ = if c.is_ascii_graphic() {
                write!(shown, "{}", c.escape_debug())
            } else {
                write!(shown, "{}", c.escape_unicode())
            };
        }
        if text.chars().nth(EXCERPT_CHARS_MAX).is_some() {
            shown.push('…');
        }
        Self(shown.into())
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_length_do_not_pass() {
        assert_eq!(
            Excerpt::of("a\n\u{1b}[2J\"").to_string(),
            "a\\u{a}\\u{1b}[2J\\\""
        );
        let long = Excerpt::of(&"é".repeat(10_000)).to_string();
        assert!(long.len() < 1_000 && long.ends_with('…'));
    }
}
