//! The nearest known name, for "did you mean".

/// The most edits between what was written and what is suggested; more and the suggestion is a guess.
const EDITS_MAX: usize = 2;

/// The candidate nearest to `written`, when it is near enough to be a likely typing mistake.
pub fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    candidates
        .into_iter()
        .map(|candidate| (edits(written, candidate), candidate))
        .filter(|(edits, _)| (1..=EDITS_MAX).contains(edits))
        .min()
        .map(|(_, candidate)| candidate.to_owned())
}

/// The nearest of the words a reader expected, by what it says: "unknown field `prooff`, expected one of `proof`, …".
pub(crate) fn nearest_expected(message: &str) -> Option<String> {
    message.strip_prefix("unknown ")?;
    let mut quoted = message.split('`').skip(1).step_by(2);
    let written = quoted.next()?;
    nearest(written, quoted)
}

/// Levenshtein distance in bytes; names are ASCII.
fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, byte_a) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, byte_b) in row.iter_mut().skip(1).zip(b.bytes()) {
            let above = *cell;
            let cost = usize::from(byte_a != byte_b);
            left = (diagonal + cost).min(above + 1).min(left + 1);
            diagonal = above;
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_insertions_deletions_and_replacements() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("kb.search", "kb.serach", 2),
            ("ticket.get", "tickets.get", 1),
        ] {
            assert_eq!(edits(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn the_words_a_reader_expected_are_candidates() {
        let said = "unknown field `prooff`, expected one of `summary`, `proof`";
        assert_eq!(nearest_expected(said).as_deref(), Some("proof"));
        assert_eq!(nearest_expected("invalid type `proof` `prooff`"), None);
        assert_eq!(nearest_expected("unknown field"), None);
    }

    #[test]
    fn suggests_only_what_is_near() {
        let known = ["kb.search", "tickets.get", "ticket.close"];
        assert_eq!(nearest("ticket.get", known).as_deref(), Some("tickets.get"));
        assert_eq!(nearest("shell.run", known), None);
    }
}
