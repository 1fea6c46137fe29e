//! Values as people read them.

use std::time::Duration;

use hallpass_vocabulary::Timestamp;

/// Text from elsewhere, harmless on a terminal: control characters, and the marks that change the direction of text
/// (Unicode TR 36), are written as `\u{…}`.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if acts_on_a_terminal(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// The text of a JSON value on one line and harmless on a terminal, still the same value: what is escaped can stand only
/// inside its strings, and its line ends only between its tokens (RFC 8259 section 7).
pub(crate) fn harmless_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.trim().chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            // All of them are in the basic plane, so four digits do.
            _ if acts_on_a_terminal(c) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => out.push(c),
        }
    }
    out
}

/// At most so many characters of a text, and `…` where there are more.
pub(crate) fn shortened(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn acts_on_a_terminal(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}')
}

/// A word as a POSIX shell reads it back.
pub(crate) fn shell_quoted(text: &str) -> String {
    let plain = !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"/._-:@%+=,".contains(&b));
    if plain {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Names in a row: `a, b`; `none` when there are none.
pub(crate) fn listed<T: ToString>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

/// A time without its milliseconds when they are zero, as in tokens.
pub(crate) fn time(time: Timestamp) -> String {
    let text = time.to_string();
    match text.strip_suffix(".000Z") {
        Some(seconds) => format!("{seconds}Z"),
        None => text,
    }
}

/// A span of time in its two largest units, rounded down: `9 m 58 s`.
pub(crate) fn span(duration: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let mut left = duration.as_secs();
    let mut parts = Vec::new();
    for (seconds, unit) in UNITS {
        let count = left / seconds;
        left %= seconds;
        if count > 0 {
            parts.push(format!("{count} {unit}"));
        }
    }
    parts.truncate(2);
    if parts.is_empty() {
        "0 s".to_owned()
    } else {
        parts.join(" ")
    }
}

/// How a time lies to now: `in 9 m 58 s`, `3 s ago`.
pub(crate) fn relative(time: Timestamp, now: Timestamp) -> String {
    if time >= now {
        format!("in {}", span(time.since(now)))
    } else {
        format!("{} ago", span(now.since(time)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units_at_most() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 m"),
            (598, "9 m 58 s"),
            (90_061, "1 d 1 h"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn a_shell_reads_one_word() {
        assert_eq!(
            shell_quoted("http://127.0.0.1:7420"),
            "http://127.0.0.1:7420"
        );
        assert_eq!(shell_quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(shell_quoted(""), "''");
    }

    #[test]
    fn nothing_reaches_a_terminal_that_it_would_act_on() {
        assert_eq!(
            escaped("a\u{1b}[2J\u{202e}b\n"),
            "a\\u{1b}[2J\\u{202e}b\\u{a}"
        );
        assert_eq!(escaped("ä ✓ 例"), "ä ✓ 例");
    }

    #[test]
    fn json_stays_the_value_it_was() {
        let text = "{\n\t\"a\": \"\u{9b}2J\u{202e}\u{7f}\",\r\n \"n\": 12345678901234567890123}";
        let shown = harmless_json(text);
        assert_eq!(
            shown,
            r#"{  "a": "\u009b2J\u202e\u007f",   "n": 12345678901234567890123}"#
        );
        let value = |text| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&shown), value(text));
    }

    #[test]
    fn times_lie_before_or_after() {
        let at = Timestamp::from_unix_seconds;
        assert_eq!(relative(at(160), at(100)), "in 1 m");
        assert_eq!(relative(at(97), at(100)), "3 s ago");
        assert_eq!(time(at(0)), "1970-01-01T00:00:00Z");
    }
}
