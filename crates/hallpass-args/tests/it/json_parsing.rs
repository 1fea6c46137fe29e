//! JSONTestSuite: `y_` must be taken, `n_` must be refused, `i_` is the reader's choice. Ours is written down here.

use std::collections::BTreeMap;
use std::fs;

use crate::{vectors, wrapped};

/// Valid JSON that we refuse, with the start of our reason.
const REFUSED: &[(&str, &str)] = &[
    ("y_number", "number beyond"),
    ("y_number_real_capital_e", "number beyond"),
    ("y_number_real_exponent", "number beyond"),
    ("y_number_real_fraction_exponent", "number beyond"),
    ("y_object_duplicated_key", "doubled member name"),
    ("y_object_duplicated_key_and_value", "doubled member name"),
    ("y_object_extreme_numbers", "number beyond"),
];

/// Why none of the `i_` files below is taken, in our words.
const BEYOND: &str = "a number beyond ±(2^53-1)";
const DEEP: &str = "deeper than 32";
const NOT_UTF_8: &str = "not UTF-8";
const SURROGATE: &str = "half of a surrogate pair is no character";
const ORDER_MARK: &str = "a byte order mark is no JSON (RFC 8259 section 8.1)";

/// Where RFC 8259 leaves it open, what we refuse.
const CHOSEN_REFUSED: &[(&str, &str)] = &[
    ("i_number_huge_exp", BEYOND),
    ("i_number_neg_int_huge_exp", BEYOND),
    ("i_number_pos_double_huge_exp", BEYOND),
    ("i_number_real_neg_overflow", BEYOND),
    ("i_number_real_pos_overflow", BEYOND),
    ("i_number_too_big_neg_int", BEYOND),
    ("i_number_too_big_pos_int", BEYOND),
    ("i_number_very_big_negative_int", BEYOND),
    ("i_object_key_lone_2nd_surrogate", SURROGATE),
    ("i_string_1st_surrogate_but_2nd_missing", SURROGATE),
    ("i_string_1st_valid_surrogate_2nd_invalid", SURROGATE),
    ("i_string_UTF-16LE_with_BOM", NOT_UTF_8),
    ("i_string_UTF-8_invalid_sequence", NOT_UTF_8),
    ("i_string_UTF8_surrogate_U+D800", NOT_UTF_8),
    ("i_string_incomplete_surrogate_and_escape_valid", SURROGATE),
    ("i_string_incomplete_surrogate_pair", SURROGATE),
    ("i_string_incomplete_surrogates_escape_valid", SURROGATE),
    ("i_string_invalid_lonely_surrogate", SURROGATE),
    ("i_string_invalid_surrogate", SURROGATE),
    ("i_string_invalid_utf-8", NOT_UTF_8),
    ("i_string_inverted_surrogates_U+1D11E", SURROGATE),
    ("i_string_iso_latin_1", NOT_UTF_8),
    ("i_string_lone_second_surrogate", SURROGATE),
    ("i_string_lone_utf8_continuation_byte", NOT_UTF_8),
    ("i_string_not_in_unicode_range", NOT_UTF_8),
    ("i_string_overlong_sequence_2_bytes", NOT_UTF_8),
    ("i_string_overlong_sequence_6_bytes", NOT_UTF_8),
    ("i_string_overlong_sequence_6_bytes_null", NOT_UTF_8),
    ("i_string_truncated-utf-8", NOT_UTF_8),
    ("i_string_utf16BE_no_BOM", NOT_UTF_8),
    ("i_string_utf16LE_no_BOM", NOT_UTF_8),
    ("i_structure_500_nested_arrays", DEEP),
    ("i_structure_UTF-8_BOM_empty_object", ORDER_MARK),
];

/// Where RFC 8259 leaves it open, what we take: as the zero that it is to every reader of doubles. What is decided on
/// and what the handler gets is that zero.
const CHOSEN_TAKEN: &[(&str, &str)] = &[
    ("i_number_double_huge_neg_exp", r#"{"x":[0]}"#),
    ("i_number_real_underflow", r#"{"x":[0]}"#),
];

#[test]
fn the_suite_with_every_difference_named() {
    let Some(folder) = vectors("json-parsing") else {
        return;
    };
    let mut counts = BTreeMap::new();
    let mut listed = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let on = |list: &[(&str, &'static str)]| {
            let found = list.iter().find(|(file, _)| *file == name);
            found.map(|(_, said)| *said)
        };
        let outcome = wrapped(&fs::read(&path).unwrap());
        let wrong = match (name.split_once('_').unwrap().0, &outcome) {
            ("y", Ok(_)) => on(REFUSED).is_some(),
            ("y", Err(error)) => {
                !on(REFUSED).is_some_and(|reason| error.to_string().starts_with(reason))
            }
            ("n", outcome) => outcome.is_ok(),
            ("i", Ok(found)) => on(CHOSEN_TAKEN).map(str::as_bytes) != Some(found.canonical()),
            ("i", Err(_)) => on(CHOSEN_REFUSED).is_none(),
            _ => true,
        };
        assert!(!wrong, "{name}: {:?}", outcome.err());
        let lists = [REFUSED, CHOSEN_REFUSED, CHOSEN_TAKEN];
        listed += lists.into_iter().filter(|list| on(list).is_some()).count();
        *counts
            .entry((name[..1].to_owned(), outcome.is_ok()))
            .or_insert(0) += 1;
    }
    for ((kind, taken), count) in counts {
        println!(
            "{kind}_: {count} {}",
            if taken { "taken" } else { "refused" }
        );
    }
    let lines = REFUSED.len() + CHOSEN_REFUSED.len() + CHOSEN_TAKEN.len();
    assert_eq!(listed, lines, "a line names no file of the suite");
}
