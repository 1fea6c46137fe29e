//! The quick checks against the ones they stand for.

use hallpass_vocabulary::Timestamp;
use proptest::prelude::*;

use super::strict::{check, is_plain, is_strict};
use super::time::{ordinary, parse, parse_any};
use super::{BEFORE_INDEX, BEFORE_KIND, BEFORE_TIME, Head, LineDefect};
use crate::RECORD_BYTES_MAX;

/// How a line's head was read before it was read quickly.
fn head_as_before(text: &str) -> Option<Head<'_>> {
    let rest = text.strip_prefix(BEFORE_INDEX)?;
    let (digits, rest) = rest.split_once(BEFORE_TIME)?;
    let canonical =
        digits.bytes().all(|b| b.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    let index = digits.parse().ok().filter(|_| canonical)?;
    let (time, rest) = rest.split_once(BEFORE_KIND)?;
    let (kind, rest) = rest.split_once('"')?;
    let named = !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let tight = rest.starts_with([',', '}']) && rest.ends_with('}');
    (parse_any(time).is_some() && named && tight).then_some(Head { index, time, kind })
}

fn as_before(line: &[u8]) -> Result<Head<'_>, LineDefect> {
    if line.len() > RECORD_BYTES_MAX {
        return Err(LineDefect::TooLong);
    }
    let text = std::str::from_utf8(line).map_err(|_| LineDefect::Json)?;
    let head = head_as_before(text).ok_or(LineDefect::Head)?;
    check(text).map_err(|_| LineDefect::Json)?;
    Ok(head)
}

const DECIDED: &str = r#"{"v":1,"index":7,"time":"2026-11-21T09:30:00.007Z","kind":"decided","decision":"dec_019a","verdict":"allow","actors":["agent:a","agent:b"],"args":{"/t":"\"x\\\n\u001b é","/n":-12,"/o":{"a":[1,true,null,{}],"b":[]}},"latency_us":18}"#;

/// What a line is made of, and what it must not be made of.
const PIECES: [&str; 52] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    " ",
    "\t",
    "\n",
    "\r",
    "0",
    "1",
    "9",
    "-",
    "+",
    ".",
    "e",
    "E",
    "1e5",
    "1e400",
    "-1e400",
    "1.5",
    "00",
    "-0",
    "-",
    "18446744073709551616",
    "9007199254740993",
    "true",
    "false",
    "null",
    "nul",
    "\\u0041",
    "\\ud800",
    "\\ud83d\\ude00",
    "\\uD83D",
    "\\u00e9",
    "\\x",
    "\\\"",
    "\"a\"",
    "\"a\":1",
    ",\"a\":1",
    ",\"\\u0061\":2",
    "\"v\":1",
    "{}",
    "[]",
    "[[]]",
    "é",
    "\u{7f}",
    "\u{0}",
    "\u{1f}",
];

fn edited(line: &str, edits: &[(usize, usize, usize)]) -> Vec<u8> {
    let mut bytes = line.as_bytes().to_vec();
    for (at, remove, piece) in edits {
        let at = at % (bytes.len() + 1);
        let end = (at + remove).min(bytes.len());
        bytes.splice(at..end, PIECES[piece % PIECES.len()].bytes());
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn an_edited_line_is_judged_as_before(
        edits in prop::collection::vec((0..500_usize, 0..4_usize, 0..PIECES.len()), 1..5),
    ) {
        let line = edited(DECIDED, &edits);
        prop_assert_eq!(Head::parse(&line), as_before(&line));
    }

    #[test]
    fn any_pieces_are_judged_as_before(pieces in prop::collection::vec(0..PIECES.len(), 0..12)) {
        let text: String = pieces.iter().map(|piece| PIECES[*piece]).collect();
        for text in [text.clone(), format!("{{\"a\":{text}}}"), format!("[{text}]"), format!("{{{text}}}")] {
            prop_assert_eq!(is_strict(&text), check(&text).is_ok(), "{}", text);
        }
    }

    #[test]
    fn any_text_in_a_string_or_a_name_is_judged_as_before(text in "\\PC{0,20}|[\\x00-\\x7f]{0,20}") {
        for text in [format!("{{\"{text}\":1,\"a\":\"{text}\"}}"), format!("[\"{text}\"]")] {
            prop_assert_eq!(is_strict(&text), check(&text).is_ok(), "{}", text);
        }
    }

    #[test]
    fn any_time_is_read_as_before(ms in -62_200_000_000_000_i64..253_500_000_000_000) {
        let text = Timestamp::from_unix_ms(ms).to_string();
        prop_assert_eq!(parse(&text), parse_any(&text));
    }

    #[test]
    fn any_digits_in_the_form_of_a_time_are_read_as_before(
        (y, o, d) in (0..10_000, 0..14, 0..33),
        (h, i, s, m) in (0..26, 0..62, 0..62, 0..1_000),
    ) {
        let text = format!("{y:04}-{o:02}-{d:02}T{h:02}:{i:02}:{s:02}.{m:03}Z");
        prop_assert_eq!(parse(&text), parse_any(&text));
    }
}

#[test]
fn every_day_of_eight_centuries_is_the_same_day() {
    for day in -148_000..150_000_i64 {
        let time = Timestamp::from_unix_ms(day * 86_400_000 + 86_399_999);
        assert_eq!(ordinary(&time.to_string()), Some(time));
    }
}

#[test]
fn every_flipped_bit_of_a_line_is_judged_as_before() {
    let good = DECIDED.as_bytes();
    assert!(is_plain(DECIDED));
    for position in 0..good.len() {
        for bit in 0..8 {
            let mut line = good.to_vec();
            line[position] ^= 1 << bit;
            assert_eq!(Head::parse(&line), as_before(&line));
        }
    }
    for length in 0..good.len() {
        assert_eq!(Head::parse(&good[..length]), as_before(&good[..length]));
    }
}

#[test]
fn many_names_and_great_depths_are_judged_as_before() {
    for count in [40, 47, 48, 49, 100, 1_000] {
        let names: Vec<_> = (0..count).map(|n| format!("\"n{n}\":{n}")).collect();
        let good = format!("{{{}}}", names.join(","));
        assert!(is_strict(&good), "{count}");
        for again in [0, count / 2, count - 1] {
            let bad = format!("{{{},\"n{again}\":0}}", names.join(","));
            assert!(!is_strict(&bad), "{count}");
        }
    }
    for depth in [15, 16, 17, 126, 127, 128, 129] {
        let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(is_strict(&text), check(&text).is_ok(), "{depth}");
        assert_eq!(is_strict(&text), depth <= 127, "{depth}");
    }
}
