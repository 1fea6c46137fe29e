//! Caveats as people write and read them.

use std::fmt;
use std::str::FromStr;

use super::Caveat;
use crate::date;
use crate::names::NameSet;

const EXPIRES_BEFORE: &str = "expires before ";
const ONLY_SERVICES: &str = "only services ";
const ONLY_TOOLS: &str = "only tools ";

/// Words that are no caveat.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `expires before TIME`, `only services NAME, …` or `only tools NAME, …`")]
pub struct InvalidCaveat;

impl fmt::Display for Caveat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ExpiresBefore(end) => write!(f, "{EXPIRES_BEFORE}{}", date::words(*end)),
            Self::OnlyAudiences(audiences) => list(f, ONLY_SERVICES, audiences),
            Self::OnlyTools(tools) => list(f, ONLY_TOOLS, tools),
        }
    }
}

impl FromStr for Caveat {
    type Err = InvalidCaveat;

    fn from_str(words: &str) -> Result<Self, InvalidCaveat> {
        if let Some(end) = words.strip_prefix(EXPIRES_BEFORE) {
            end.parse()
                .ok()
                .filter(|end| date::is_whole(*end))
                .map(Self::ExpiresBefore)
        } else if let Some(names) = words.strip_prefix(ONLY_SERVICES) {
            names_of(names).map(Self::OnlyAudiences)
        } else if let Some(names) = words.strip_prefix(ONLY_TOOLS) {
            names_of(names).map(Self::OnlyTools)
        } else {
            None
        }
        .ok_or(InvalidCaveat)
    }
}

fn list<T: fmt::Display + Ord>(
    f: &mut fmt::Formatter<'_>,
    lead: &str,
    names: &NameSet<T>,
) -> fmt::Result {
    f.write_str(lead)?;
    for (position, name) in names.iter().enumerate() {
        if position > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{name}")?;
    }
    Ok(())
}

fn names_of<T: FromStr + Ord>(text: &str) -> Option<NameSet<T>> {
    let names = text
        .split(',')
        .map(|name| name.trim().parse().ok())
        .collect::<Option<Vec<T>>>()?;
    NameSet::new(names).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip() {
        for words in [
            "expires before 2026-11-21T09:31:00Z",
            "only services kb, tickets",
            "only tools kb.search, tickets.get",
        ] {
            assert_eq!(words.parse::<Caveat>().unwrap().to_string(), words);
        }
    }

    #[test]
    fn other_words_are_refused() {
        for bad in [
            "",
            "only tools",
            "only tools ",
            "only tools kb.search,",
            "only tools *",
            "Only tools kb.search",
            "only services Kb",
            "expires before tomorrow",
            "expires before 1969-12-31T23:59:59Z",
            "expires before 2026-11-21T09:31:00.5Z",
        ] {
            assert_eq!(bad.parse::<Caveat>(), Err(InvalidCaveat), "{bad}");
        }
    }
}
