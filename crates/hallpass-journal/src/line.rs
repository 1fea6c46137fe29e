//! One line of a segment: written from an index, a time and an event; read back strictly.

#[cfg(test)]
mod differential;
mod strict;
mod time;

use hallpass_vocabulary::Timestamp;

use time::TIME_CHARS;
pub(crate) use time::TimeText;

use crate::{Event, plain_json};

/// The longest record, in bytes without its line end. A full `minted` record of 64 tools with the longest names has
/// about 10 KiB; bounds what one line can make a reader hold.
pub const RECORD_BYTES_MAX: usize = 16 * 1024;

/// Room made for an event before it is written as JSON: a decision of a token with names of ordinary length has about 800
/// bytes, and growing to that from nothing copies it four times.
const EVENT_BYTES_TYPICAL: usize = 1024;

/// The longest text before the member `kind`: every fixed byte, a 20-digit index, a 24-character time.
const HEAD_BYTES_MAX: usize = 72;

const BEFORE_INDEX: &str = r#"{"v":1,"index":"#;
const BEFORE_TIME: &str = r#","time":""#;
const BEFORE_KIND: &str = r#"","kind":""#;

/// An event that does not fit a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge {
    /// How large the record would be, in bytes.
    pub(crate) bytes: usize,
}

/// An event as JSON, to be completed with index and time when it is written.
#[derive(Debug)]
pub(crate) struct Body(Vec<u8>);

impl Body {
    pub(crate) fn of(event: &Event) -> Result<Self, TooLarge> {
        let mut json = Vec::with_capacity(EVENT_BYTES_TYPICAL);
        let written = if event.has_arguments() {
            plain_json::write(&mut json, event)
        } else {
            serde_json::to_writer(&mut json, event)
        };
        written.map_err(|_| TooLarge { bytes: usize::MAX })?;
        let bytes = json.len().saturating_add(HEAD_BYTES_MAX);
        if bytes > RECORD_BYTES_MAX {
            return Err(TooLarge { bytes });
        }
        Ok(Self(json))
    }

    /// An upper bound of the line's length, in bytes.
    pub(crate) fn line_bytes_max(&self) -> usize {
        self.0.len() + HEAD_BYTES_MAX
    }

    /// Appends the whole line, line end included.
    pub(crate) fn write_line(&self, index: u64, time: &TimeText, out: &mut Vec<u8>) {
        out.extend_from_slice(BEFORE_INDEX.as_bytes());
        push_decimal(index, out);
        out.extend_from_slice(BEFORE_TIME.as_bytes());
        out.extend_from_slice(time.0.as_bytes());
        out.extend_from_slice(b"\",");
        // The event begins with its brace, which already stands at the start of the line.
        out.extend_from_slice(self.0.get(1..).unwrap_or_default());
        out.push(b'\n');
    }
}

fn push_decimal(mut number: u64, out: &mut Vec<u8>) {
    let start = out.len();
    loop {
        out.push(b'0' + u8::try_from(number % 10).unwrap_or(0));
        number /= 10;
        if number == 0 {
            break;
        }
    }
    if let Some(digits) = out.get_mut(start..) {
        digits.reverse();
    }
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineDefect {
    /// It does not start with `v`, `index`, `time` and `kind` in this order and form.
    #[error("it does not start with `v` 1, `index`, `time` and `kind`")]
    Head,
    /// Its index is not the one expected at its place.
    #[error("it has index {found}")]
    Index {
        /// The index it has.
        found: u64,
    },
    /// It is not one JSON object, or a name occurs twice in an object.
    #[error("it is not strict JSON")]
    Json,
    /// It has no line end.
    #[error("it has no line end")]
    NoLineEnd,
    /// It is longer than [`RECORD_BYTES_MAX`].
    #[error("it is longer than {RECORD_BYTES_MAX} bytes")]
    TooLong,
}

/// The members every record has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head<'a> {
    pub(crate) index: u64,
    pub(crate) time: &'a str,
    pub(crate) kind: &'a str,
}

impl<'a> Head<'a> {
    /// Reads a line without its line end, strictly.
    pub(crate) fn parse(line: &'a [u8]) -> Result<Self, LineDefect> {
        if line.len() > RECORD_BYTES_MAX {
            return Err(LineDefect::TooLong);
        }
        let text = std::str::from_utf8(line).map_err(|_| LineDefect::Json)?;
        let head = Self::of(text).ok_or(LineDefect::Head)?;
        if strict::is_strict(text) {
            Ok(head)
        } else {
            Err(LineDefect::Json)
        }
    }

    /// Its time.
    pub(crate) fn timestamp(&self) -> Option<Timestamp> {
        time::parse(self.time)
    }

    /// Reads the members of a line that is a record already: written by this process, or read strictly before.
    pub(crate) fn of_record(line: &'a [u8]) -> Option<Self> {
        Self::of(std::str::from_utf8(line).ok()?)
    }

    fn of(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix(BEFORE_INDEX)?;
        let (digits, rest) = rest.split_at_checked(rest.bytes().position(|b| b == b',')?)?;
        let canonical = digits.bytes().all(|b| b.is_ascii_digit())
            && (digits == "0" || !digits.starts_with('0'));
        let index = digits.parse().ok().filter(|_| canonical)?;
        let (time, rest) = rest
            .strip_prefix(BEFORE_TIME)?
            .split_at_checked(TIME_CHARS)?;
        let rest = rest.strip_prefix(BEFORE_KIND)?;
        let (kind, rest) = rest.split_at_checked(rest.bytes().position(|b| b == b'"')?)?;
        let rest = rest.strip_prefix('"')?;
        let named = !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        // The JSON parser would take white space here, which the format does not: two readers must not differ on
        // where a torn tail begins.
        let tight = rest.starts_with([',', '}']) && rest.ends_with('}');
        (time::parse(time).is_some() && named && tight).then_some(Self { index, time, kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(index: u64, ms: i64) -> Vec<u8> {
        let mut out = Vec::new();
        Body::of(&Event::Closed {}).unwrap().write_line(
            index,
            &TimeText::of(Timestamp::from_unix_ms(ms)),
            &mut out,
        );
        out
    }

    #[test]
    fn a_line_is_these_bytes() {
        assert_eq!(
            String::from_utf8(line(7, 1_763_724_600_007)).unwrap(),
            "{\"v\":1,\"index\":7,\"time\":\"2025-11-21T11:30:00.007Z\",\"kind\":\"closed\"}\n"
        );
    }

    #[test]
    fn the_longest_head_is_as_long_as_said_and_no_clock_breaks_it() {
        for ms in [0, i64::MIN, i64::MAX, 253_402_300_799_999] {
            let written = line(u64::MAX, ms);
            let body = r#"{"kind":"closed"}"#.len();
            assert!(written.len() <= body + HEAD_BYTES_MAX, "{}", written.len());
            let head = Head::parse(written.strip_suffix(b"\n").unwrap()).unwrap();
            assert_eq!((head.index, head.kind), (u64::MAX, "closed"));
        }
    }

    #[test]
    fn what_is_not_exactly_a_line_is_refused() {
        let good =
            r#"{"v":1,"index":7,"time":"2025-11-21T11:30:00.007Z","kind":"x","a":[{"b":1}]}"#;
        assert!(Head::parse(good.as_bytes()).is_ok());
        for (from, to, defect) in [
            ("\"v\":1", "\"v\":2", LineDefect::Head),
            ("{\"v\"", "{ \"v\"", LineDefect::Head),
            (":7,", ":07,", LineDefect::Head),
            (":7,", ":+7,", LineDefect::Head),
            (":7,", ":99999999999999999999,", LineDefect::Head),
            ("007Z", "007+", LineDefect::Head),
            ("11-21", "11-31", LineDefect::Head),
            ("11-21T11:30:00", "12-31T23:59:60", LineDefect::Head),
            ("\"x\"", "\"x\" ", LineDefect::Head),
            ("}]}", "}]} ", LineDefect::Head),
            ("}]}", "}]}\r", LineDefect::Head),
            ("\"x\"", "\"X\"", LineDefect::Head),
            ("\"a\":", "\"kind\":", LineDefect::Json),
            ("\"b\":1", "\"b\":1,\"\\u0062\":2", LineDefect::Json),
            ("}]}", "}]}{}", LineDefect::Json),
            ("}]}", "}}", LineDefect::Json),
            ("}]}", "}]", LineDefect::Head),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good);
            assert_eq!(Head::parse(bad.as_bytes()), Err(defect), "{bad}");
        }
        let mut invalid = good.as_bytes().to_vec();
        invalid.insert(good.len() - 3, 0xff);
        assert_eq!(Head::parse(&invalid), Err(LineDefect::Json));
        let long = good.replace("\"x\"", &format!("\"{}\"", "x".repeat(RECORD_BYTES_MAX)));
        assert_eq!(Head::parse(long.as_bytes()), Err(LineDefect::TooLong));
    }
}
