//! Caveats that are valid and probably do not say what was meant.

use super::Caveat;
use super::argument::Rule;
use super::argument::condition::Condition;
use super::argument::quality::Quality;

/// A caveat that reads as if it knew paths or domains, and compares texts. Displays as advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Doubt {
    /// `ends with` and a domain.
    #[error("`ends with` knows no domains and compares texts: use `url domain` or `email domain`")]
    EndsWithDomain,
    /// `starts with` and a path or a URL.
    #[error(
        "`starts with` knows no paths and no URLs: what starts so can still lead elsewhere, as with `..`; use `under` for a \
         path, `url host` or `url domain` for a URL"
    )]
    StartsWithPath,
}

impl Caveat {
    /// What is doubtful about it, if anything.
    pub fn doubt(&self) -> Option<Doubt> {
        match self {
            Self::Argument(argument) => argument.rule.doubt(),
            _ => None,
        }
    }
}

impl Rule {
    /// Of alternatives, what is doubtful about the first that is.
    fn doubt(&self) -> Option<Doubt> {
        match self {
            Self::Either(alternatives) => alternatives.iter().flatten().find_map(Self::doubt),
            Self::Test(test) if test.quality == Quality::Text => match &test.condition {
                Condition::StartsWith(text) if text.contains('/') => Some(Doubt::StartsWithPath),
                Condition::EndsWith(text) if text.starts_with(['.', '@']) => {
                    Some(Doubt::EndsWithDomain)
                }
                _ => None,
            },
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_texts_that_look_like_paths_and_domains_are_doubtful() {
        for (words, doubt) in [
            ("/path starts with /workspace", Some(Doubt::StartsWithPath)),
            (
                "each /urls starts with https://a.example",
                Some(Doubt::StartsWithPath),
            ),
            (
                "for fs.read: /to ends with @example.com",
                Some(Doubt::EndsWithDomain),
            ),
            ("/host ends with .example.com", Some(Doubt::EndsWithDomain)),
            ("/id starts with T-", None),
            ("/file ends with txt", None),
            ("/path under /workspace", None),
            ("/url url domain example.com", None),
            (
                "either /n<=1 or /n<=9 and /path starts with a/b",
                Some(Doubt::StartsWithPath),
            ),
            ("either /n<=1 or /path under /a", None),
            ("no arguments", None),
            ("only tools kb.search", None),
        ] {
            assert_eq!(words.parse::<Caveat>().unwrap().doubt(), doubt, "{words}");
        }
    }
}
