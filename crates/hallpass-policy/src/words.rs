//! How much of a record the caveats of a token take.

use hallpass_token::Caveat;

/// The bytes of the words of caveats as they stand in a record: JSON texts, with what is escaped and what is between them.
pub fn caveat_words_bytes(caveats: &[Caveat]) -> usize {
    let bytes = |caveat: &Caveat| -> usize {
        // Two quotation marks and a comma.
        let escaped = |c: char| match c {
            '"' | '\\' | '\u{8}' | '\t' | '\n' | '\u{c}' | '\r' => 2,
            '\0'..='\u{1f}' => 6,
            other => other.len_utf8(),
        };
        3 + caveat.to_string().chars().map(escaped).sum::<usize>()
    };
    caveats.iter().map(bytes).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_as_many_as_json_has() {
        for words in [
            vec![],
            vec!["/a==1"],
            vec![
                r#"/note starts with "a \"b\" \\ é""#,
                "for t.a, t.b: /b one of x, y",
            ],
        ] {
            let caveats: Vec<Caveat> = words.iter().map(|it| it.parse().unwrap()).collect();
            let texts: Vec<String> = caveats.iter().map(ToString::to_string).collect();
            let json = serde_json::to_string(&texts).unwrap();
            // The brackets are one more than the commas lack.
            let surplus = if words.is_empty() { 2 } else { 1 };
            assert_eq!(json.len(), caveat_words_bytes(&caveats) + surplus, "{json}");
        }
    }
}
