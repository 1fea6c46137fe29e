//! Caveats in words.

use std::fmt;
use std::fmt::Write as _;

use hallpass_args::{Cidr, Decimal, NormalPath};
use hallpass_vocabulary::Pointer;

use super::{
    AND, AT_MOST, BLOCKS, EACH, EITHER, EXPIRES_BEFORE, FOR, NO_ARGUMENTS, ONLY_ARGUMENTS,
    ONLY_SERVICES, ONLY_TOOLS, OR, is_bare_in_pointer, is_written_bare,
};
use crate::caveat::Caveat;
use crate::caveat::argument::condition::{Bounds, Condition, Constant, Values};
use crate::caveat::argument::quality::Quality;
use crate::caveat::argument::{ArgumentCaveat, Rule, Test};
use crate::date;

pub(super) fn caveat(caveat: &Caveat, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match caveat {
        Caveat::Argument(argument) => on_arguments(argument, f),
        Caveat::AtMostBlocks(count) => write!(f, "{AT_MOST}{}{BLOCKS}", count.get()),
        Caveat::ExpiresBefore(end) => write!(f, "{EXPIRES_BEFORE}{}", date::words(*end)),
        Caveat::OnlyAudiences(audiences) => list(f, ONLY_SERVICES, audiences.iter()),
        Caveat::OnlyTools(tools) => list(f, ONLY_TOOLS, tools.iter()),
    }
}

fn on_arguments(caveat: &ArgumentCaveat, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if let Some(tools) = &caveat.tools {
        list(f, FOR, tools.iter())?;
        f.write_str(": ")?;
    }
    rule(&caveat.rule, f)
}

pub(super) fn rule(printed: &Rule, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match printed {
        Rule::Either(alternatives) => {
            for (number, rules) in alternatives.iter().enumerate() {
                f.write_str(if number == 0 { EITHER } else { OR })?;
                for (number, one) in rules.iter().enumerate() {
                    f.write_str(if number == 0 { "" } else { AND })?;
                    rule(one, f)?;
                }
            }
            Ok(())
        }
        Rule::Only(names) if names.is_empty() => f.write_str(NO_ARGUMENTS),
        Rule::Only(names) => list(f, ONLY_ARGUMENTS, names.iter().map(|name| Text(name))),
        Rule::Test(test) => test_words(test, f),
    }
}

fn test_words(test: &Test, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if test.each {
        f.write_str(EACH)?;
    }
    pointer(&test.pointer, f)?;
    match (test.quality, &test.condition) {
        (quality, Condition::Is(constant)) => {
            f.write_str("==")?;
            match constant {
                Constant::Bool(value) => write!(f, "{value}"),
                Constant::Integer(value) => number(quality, *value, f),
                Constant::Null => f.write_str("null"),
                Constant::Text(text) => write!(f, "{}", Text(text)),
            }
        }
        (quality, Condition::Within(bounds)) => {
            f.write_str(match quality {
                Quality::Count => " count",
                Quality::Length => " length",
                _ => "",
            })?;
            within(quality, *bounds, f)
        }
        (Quality::Path, Condition::StartsWith(root)) => {
            // The root was normal when it was read; printed, it has no slash at its end.
            let root = NormalPath::normalise(root).map(|root| root.to_string());
            write!(f, " under {}", Text(&root.unwrap_or_default()))
        }
        (Quality::Ip, Condition::StartsWith(bits)) => {
            let network = Cidr::from_prefix(bits).map(|network| network.to_string());
            write!(f, " within {}", network.unwrap_or_default())
        }
        (Quality::UrlDomain, Condition::EndsWith(domain)) => {
            write!(f, " url domain {}", domain.trim_start_matches('.'))
        }
        (quality, Condition::OneOf(values)) => {
            let words = match quality {
                Quality::EmailDomain => " email domain ",
                Quality::UrlHost => " url host ",
                Quality::UrlPort => " url port ",
                Quality::UrlScheme => " url scheme ",
                _ => " one of ",
            };
            match values {
                // Hosts, domains and schemes are of plain characters.
                Values::Texts(values) if quality != Quality::Text => list(f, words, values.iter()),
                values => list_of(f, words, values),
            }
        }
        (_, Condition::NoneOf(values)) => list_of(f, " not one of ", values),
        (_, Condition::StartsWith(text)) => write!(f, " starts with {}", Text(text)),
        (_, Condition::EndsWith(text)) => write!(f, " ends with {}", Text(text)),
        (_, Condition::Contains(text)) => write!(f, " contains {}", Text(text)),
    }
}

fn pointer(pointer: &Pointer, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let text = pointer.as_str();
    if text.chars().all(is_bare_in_pointer) {
        f.write_str(text)
    } else {
        quoted(text, f)
    }
}

fn within(quality: Quality, bounds: Bounds, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match (bounds.low, bounds.high) {
        (Some(low), Some(high)) => {
            f.write_str(" in ")?;
            number(quality, low, f)?;
            f.write_str("..")?;
            number(quality, high, f)
        }
        (Some(low), None) => {
            f.write_str(">=")?;
            number(quality, low, f)
        }
        (None, Some(high)) => {
            f.write_str("<=")?;
            number(quality, high, f)
        }
        // Bounds have one at least.
        (None, None) => Ok(()),
    }
}

fn number(quality: Quality, value: i64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match quality {
        Quality::Decimal => write!(f, "{}", Decimal::from_millionths(value)),
        _ => write!(f, "{value}"),
    }
}

fn list_of(f: &mut fmt::Formatter<'_>, lead: &str, values: &Values) -> fmt::Result {
    match values {
        Values::Integers(values) => list(f, lead, values.iter()),
        Values::Texts(values) => list(f, lead, values.iter().map(|text| Text(text))),
    }
}

fn list<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    lead: &str,
    items: impl Iterator<Item = T>,
) -> fmt::Result {
    f.write_str(lead)?;
    for (position, item) in items.enumerate() {
        if position > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}

/// A text, a name of an argument or a path.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_written_bare(self.0) {
            f.write_str(self.0)
        } else {
            quoted(self.0, f)
        }
    }
}

/// A JSON string in which whatever a terminal might act on, or an eye not see, is escaped: it is a holder's text.
fn quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            ' '..='~' => f.write_char(c)?,
            // The fillers of Hangul are letters that nobody sees.
            c if c.is_alphanumeric() && !"\u{115f}\u{1160}\u{3164}\u{ffa0}".contains(c) => {
                f.write_char(c)?;
            }
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(f, "\\u{unit:04x}")?;
                }
            }
        }
    }
    f.write_char('"')
}
