//! A name, or the start of a name followed by `*`.

use std::fmt;

/// Matches one exact name, or every name that starts with a prefix. Nothing else: no `*` in the middle, no `?`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pattern {
    /// Exactly this name.
    Exact(String),
    /// Every name that starts so.
    Prefix(String),
}

/// A text that is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a pattern is a name, or the start of one followed by a single `*` at the end")]
pub struct InvalidPattern;

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// When a `*` stands anywhere but at the end, or the text is empty.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let (start, is_prefix) = match text.strip_suffix('*') {
            Some(start) => (start, true),
            None => (text, false),
        };
        if text.is_empty() || start.contains('*') {
            Err(InvalidPattern)
        } else if is_prefix {
            Ok(Self::Prefix(start.to_owned()))
        } else {
            Ok(Self::Exact(start.to_owned()))
        }
    }

    /// Whether the name fits.
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => name == exact,
            Self::Prefix(prefix) => name.starts_with(prefix.as_str()),
        }
    }

    /// Whether every name that fits the other fits this one.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Exact(this), Self::Exact(other)) => this == other,
            // A prefix fits many names, an exact pattern one.
            (Self::Exact(_), Self::Prefix(_)) => false,
            (Self::Prefix(start), Self::Exact(name) | Self::Prefix(name)) => {
                name.starts_with(start.as_str())
            }
        }
    }

    /// The names that fit both; `None` when there are none.
    pub fn and(&self, other: &Self) -> Option<Self> {
        if self.covers(other) {
            Some(other.clone())
        } else {
            other.covers(self).then(|| self.clone())
        }
    }

    /// Whether some name fits both.
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Exact(name), pattern) | (pattern, Self::Exact(name)) => pattern.matches(name),
            (Self::Prefix(one), Self::Prefix(two)) => {
                one.starts_with(&**two) || two.starts_with(&**one)
            }
        }
    }

    /// Whether every name fits.
    pub fn matches_everything(&self) -> bool {
        matches!(self, Self::Prefix(prefix) if prefix.is_empty())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(exact) => f.write_str(exact),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_only_at_the_end() {
        for bad in ["", "a*b", "**", "*a", "a**"] {
            assert_eq!(Pattern::parse(bad), Err(InvalidPattern), "{bad}");
        }
        for good in ["a", "a*", "*", "agent:triage-*"] {
            assert_eq!(Pattern::parse(good).unwrap().to_string(), good);
        }
    }

    #[test]
    fn exact_is_exact_and_a_prefix_is_a_prefix() {
        let exact = Pattern::parse("agent:bot").unwrap();
        assert!(exact.matches("agent:bot"));
        assert!(!exact.matches("agent:bot2") && !exact.matches("agent:bo"));
        let prefix = Pattern::parse("agent:bot*").unwrap();
        assert!(prefix.matches("agent:bot") && prefix.matches("agent:bot2"));
        assert!(!prefix.matches("agent:bo"));
        assert!(!prefix.matches_everything());
        assert!(Pattern::parse("*").unwrap().matches_everything());
    }

    #[test]
    fn two_overlap_when_one_name_fits_both() {
        for (one, two, expected) in [
            ("agent:a", "agent:a", true),
            ("agent:a", "agent:b", false),
            ("agent:a*", "agent:ab", true),
            ("agent:ab*", "agent:a", false),
            ("agent:a*", "agent:ab*", true),
            ("agent:a*", "agent:b*", false),
            ("*", "agent:a", true),
        ] {
            let (one, two) = (Pattern::parse(one).unwrap(), Pattern::parse(two).unwrap());
            assert_eq!(
                (one.overlaps(&two), two.overlaps(&one)),
                (expected, expected)
            );
        }
    }
}
