//! Characters that are not what they seem to be, in a path.

/// Whether a reader could turn this into one of `. / \ % ~ :` (or a text with one of them): by compatibility mapping
/// (every such character of Unicode 14), or because it looks like one and "best fit" conversions make it one.
pub(crate) fn is_look_alike(c: char) -> bool {
    matches!(
        c,
        // `.`, `..`, `...`, `1.` to `20.`, `0.`, and the short forms that hold dots.
        '\u{2024}'..='\u{2026}' | '\u{2488}'..='\u{249b}' | '\u{33c2}' | '\u{33c7}' | '\u{33d8}' | '\u{fe19}'
            | '\u{fe30}' | '\u{fe52}' | '\u{ff0e}' | '\u{1f100}'
        // `/`, and `a/c`, `a/s`, `c/o`, `c/u`.
            | '\u{2044}' | '\u{2215}' | '\u{29f8}' | '\u{ff0f}' | '\u{2100}' | '\u{2101}' | '\u{2105}' | '\u{2106}'
        // `\`; the yen and the won sign share its place in the Japanese and the Korean code page.
            | '\u{2216}' | '\u{29f5}' | '\u{fe68}' | '\u{ff3c}' | '\u{a5}' | '\u{20a9}'
        // `%`
            | '\u{66a}' | '\u{fe6a}' | '\u{ff05}'
        // `~`
            | '\u{223c}' | '\u{ff5e}'
        // `:`
            | '\u{589}' | '\u{2236}' | '\u{2a74}' | '\u{fe13}' | '\u{fe55}' | '\u{ff1a}'
    )
}

/// Characters without a look (Unicode's `Default_Ignorable_Code_Point`); HFS+ compares names without some of them, and
/// U+FEFF at the start of a text is often taken for a byte order mark.
pub(crate) fn is_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_path_is_written_with_is_itself() {
        for c in
            (' '..='~').chain("\u{e9}\u{df}\u{3042}\u{4e2d}\u{1f600}\u{bd}\u{301}\u{b7}".chars())
        {
            assert!(!is_look_alike(c) && !is_ignorable(c), "{c:?}");
        }
    }

    #[test]
    fn no_character_is_both_seen_and_unseen() {
        let both = ('\0'..=char::MAX).find(|c| is_look_alike(*c) && is_ignorable(*c));
        assert_eq!(both, None);
    }
}
