//! Whether a text is one JSON value with no name twice in an object.
//!
//! Two ways. [`is_plain`] knows the JSON that journals are made of and nothing else: no white space, no numbers but short
//! integers, no escapes in names. What it knows it checks some ten times as fast; what it does not know is left to
//! [`check`], which decides alone what is strict. A test holds that the one never takes what the other refuses.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// Objects and arrays within each other that the plain check follows. Records have three.
const PLAIN_DEPTH_MAX: u32 = 16;
/// Names in one object that the plain check compares. A `decided` record has under thirty.
const PLAIN_NAMES_MAX: usize = 48;
/// Digits of an integer that no reading can round.
const PLAIN_DIGITS_MAX: usize = 15;

/// Whether a text is strict JSON. `serde_json` bounds the depth at 128.
pub(super) fn is_strict(text: &str) -> bool {
    is_plain(text) || check(text).is_ok()
}

/// Whether a text is certainly strict JSON; when not, nothing is known.
pub(super) fn is_plain(text: &str) -> bool {
    value(text.as_bytes(), PLAIN_DEPTH_MAX).is_some_and(<[u8]>::is_empty)
}

/// What follows a value.
fn value(input: &[u8], depth: u32) -> Option<&[u8]> {
    let (first, rest) = input.split_first()?;
    match first {
        b'"' => string(rest),
        b'{' => object(rest, depth.checked_sub(1)?),
        b'[' => array(rest, depth.checked_sub(1)?),
        b't' => rest.strip_prefix(b"rue"),
        b'f' => rest.strip_prefix(b"alse"),
        b'n' => rest.strip_prefix(b"ull"),
        b'-' => integer(rest),
        b'0'..=b'9' => integer(input),
        _ => None,
    }
}

fn object(input: &[u8], depth: u32) -> Option<&[u8]> {
    if let Some(rest) = input.strip_prefix(b"}") {
        return Some(rest);
    }
    let mut names = Names::default();
    let mut rest = input;
    loop {
        let text = rest.strip_prefix(b"\"")?;
        let (name, after) = text.split_at_checked(special(text)?)?;
        if !names.add(name) {
            return None;
        }
        rest = value(after.strip_prefix(b"\":")?, depth)?;
        match rest.split_first()? {
            (b',', next) => rest = next,
            (b'}', next) => return Some(next),
            _ => return None,
        }
    }
}

fn array(input: &[u8], depth: u32) -> Option<&[u8]> {
    if let Some(rest) = input.strip_prefix(b"]") {
        return Some(rest);
    }
    let mut rest = input;
    loop {
        rest = value(rest, depth)?;
        match rest.split_first()? {
            (b',', next) => rest = next,
            (b']', next) => return Some(next),
            _ => return None,
        }
    }
}

fn string(mut input: &[u8]) -> Option<&[u8]> {
    loop {
        let rest = input.get(special(input)?..)?;
        match rest {
            [b'"', rest @ ..] => return Some(rest),
            [
                b'\\',
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't',
                rest @ ..,
            ] => input = rest,
            // A surrogate begins with d8 to df, and needs the other half: not plain.
            [b'\\', b'u', a, b, c, d, rest @ ..]
                if a.is_ascii_hexdigit()
                    && !matches!(a, b'd' | b'D')
                    && [b, c, d].into_iter().all(u8::is_ascii_hexdigit) =>
            {
                input = rest;
            }
            _ => return None,
        }
    }
}

/// Where the first byte is that does not stand for itself in a string.
fn special(input: &[u8]) -> Option<usize> {
    input
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))
}

fn integer(input: &[u8]) -> Option<&[u8]> {
    let digits = input
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let rest = input.get(digits..)?;
    let canonical = match digits {
        0 => false,
        1 => true,
        _ => digits <= PLAIN_DIGITS_MAX && !input.starts_with(b"0"),
    };
    let ends = !matches!(rest.first(), Some(b'.' | b'e' | b'E'));
    (canonical && ends).then_some(rest)
}

/// The names of one object so far.
struct Names<'a> {
    /// A bit for each small hash there is: most names are new by it alone.
    hashes: u64,
    list: [&'a [u8]; PLAIN_NAMES_MAX],
    count: usize,
}

impl Default for Names<'_> {
    fn default() -> Self {
        Self {
            hashes: 0,
            list: [&[]; PLAIN_NAMES_MAX],
            count: 0,
        }
    }
}

impl<'a> Names<'a> {
    /// Adds a name; false if it is there already, or there is no room.
    fn add(&mut self, name: &'a [u8]) -> bool {
        let (first, last) = (name.first().unwrap_or(&0), name.last().unwrap_or(&0));
        let hash = u32::from(*first)
            .wrapping_mul(7)
            .wrapping_add(u32::from(*last).wrapping_mul(31))
            .wrapping_add(u32::try_from(name.len()).unwrap_or(0));
        let bit = 1_u64 << (hash % u64::BITS);
        if self.hashes & bit != 0
            && self
                .list
                .iter()
                .take(self.count)
                .any(|known| *known == name)
        {
            return false;
        }
        self.hashes |= bit;
        let Some(place) = self.list.get_mut(self.count) else {
            return false;
        };
        *place = name;
        self.count += 1;
        true
    }
}

/// One JSON value, no name twice in an object at any depth.
pub(super) fn check(text: &str) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Strict.deserialize(&mut deserializer)?;
    deserializer.end()
}

struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value without doubled names")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Strict)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut names: Vec<Name<'de>> = Vec::new();
        while let Some(name) = map.next_key::<Name<'de>>()? {
            names.push(name);
            map.next_value_seed(Strict)?;
        }
        // Sorted, because a hostile line of 16 KiB can hold thousands of names.
        names.sort_unstable();
        if names.is_sorted_by(|a, b| a < b) {
            Ok(())
        } else {
            Err(A::Error::custom("a name occurs twice"))
        }
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] std::borrow::Cow<'a, str>);
