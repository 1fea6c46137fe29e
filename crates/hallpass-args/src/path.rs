//! File paths: one form for each, and none for what two readers could take for different files.

use std::fmt;

/// The longest path, in bytes: `PATH_MAX` of Linux.
pub const PATH_BYTES_MAX: usize = 4096;

/// A path in its one form: `/a/b/` or `./a/b/`, without empty, `.` or `..` components and with exactly one `/` at its
/// end, so that "below" is "starts with".
///
/// It is text: nothing is looked up, and a symbolic link is not followed.
///
/// ```
/// use hallpass_args::NormalPath;
///
/// let root = NormalPath::normalise("/workspace")?;
/// assert!(NormalPath::normalise("/workspace//a/./b")?.is_under(&root));
/// assert!(!NormalPath::normalise("/workspace-2/a")?.is_under(&root));
/// assert!(NormalPath::normalise("/workspace/..%2fetc").is_err());
/// # Ok::<(), hallpass_args::PathRefused>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NormalPath(String);

/// Why a text is no path that every reader understands alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathRefused {
    /// A separator to some readers, a character to others.
    #[error("a path must not hold a backslash")]
    Backslash,
    /// A drive (`C:`) or a URL scheme (`file:`) to some readers.
    #[error("a relative path must not hold a colon in its first component")]
    Colon,
    /// NUL and the other control characters.
    #[error("a path must not hold a control character")]
    Control,
    /// `//host` is another machine to some readers (POSIX leaves it open; Windows and URLs do not).
    #[error("a path must not start with two slashes")]
    DoubleSlash,
    /// No text at all.
    #[error("a path must not be empty")]
    Empty,
    /// Dots, spaces and invisible characters at an end, which some readers drop.
    #[error("a component of a path must not end in a dot or a space")]
    End,
    /// The home directory, to a shell.
    #[error("a path must not start with `~`")]
    Home,
    /// A character that some readers turn into one of `. / \ % ~ :`.
    #[error(
        "a path must not hold a character that resembles a dot, slash, percent sign, tilde or colon"
    )]
    LookAlike,
    /// `..`.
    #[error("a path must not hold `..`")]
    Parent,
    /// Something to decode, once or twice.
    #[error("a path must not be percent-encoded")]
    PercentEncoded,
    /// A space or an invisible character, which some readers drop.
    #[error("a path must not start with a space")]
    Start,
    /// More than [`PATH_BYTES_MAX`] bytes.
    #[error("a path must be at most {PATH_BYTES_MAX} bytes")]
    TooLong,
}

impl NormalPath {
    /// The one form of a path.
    ///
    /// # Errors
    /// [`PathRefused`]: there is no one form.
    pub fn normalise(text: &str) -> Result<Self, PathRefused> {
        if text.is_empty() {
            return Err(PathRefused::Empty);
        }
        if text.len() > PATH_BYTES_MAX {
            return Err(PathRefused::TooLong);
        }
        check_characters(text)?;
        if text.starts_with("//") {
            return Err(PathRefused::DoubleSlash);
        }
        if text.starts_with(is_dropped) {
            return Err(PathRefused::Start);
        }
        let absolute = text.starts_with('/');
        let mut normal = String::with_capacity(text.len() + "./".len() + "/".len());
        normal.push_str(if absolute { "/" } else { "./" });
        let components = text.split('/').filter(|c| !matches!(*c, "" | "."));
        for (place, component) in components.enumerate() {
            if component == ".." {
                return Err(PathRefused::Parent);
            }
            let seen = component.trim_end_matches(is_ignorable);
            if seen.is_empty() || seen.ends_with(|c: char| c == '.' || c.is_whitespace()) {
                return Err(PathRefused::End);
            }
            if place == 0 && component.starts_with('~') {
                return Err(PathRefused::Home);
            }
            // RFC 3986 section 4.2 has the same rule for relative references.
            if place == 0 && !absolute && component.contains(':') {
                return Err(PathRefused::Colon);
            }
            normal.push_str(component);
            normal.push('/');
        }
        // What is printed must normalise to itself, and `./` has made it longer.
        if normal.len() > PATH_BYTES_MAX + "/".len() {
            return Err(PathRefused::TooLong);
        }
        Ok(Self(normal))
    }

    /// The form with exactly one `/` at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the root itself or lies below it. A relative path is under no absolute one, and the reverse.
    pub fn is_under(&self, root: &Self) -> bool {
        self.0.starts_with(&root.0)
    }
}

/// Without the `/` at the end, except that the root of all is `/`.
impl fmt::Display for NormalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.strip_suffix('/') {
            Some("") | None => f.write_str(&self.0),
            Some(shown) => f.write_str(shown),
        }
    }
}

fn check_characters(text: &str) -> Result<(), PathRefused> {
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => return Err(PathRefused::Backslash),
            '%' if is_encoded(rest.as_str()) => return Err(PathRefused::PercentEncoded),
            c if c.is_control() => return Err(PathRefused::Control),
            c if !c.is_ascii() && is_look_alike(c) => return Err(PathRefused::LookAlike),
            _ => {}
        }
    }
    Ok(())
}

/// Whether what follows a `%` makes it an encoded character: two hex digits (of any script: `%\u{ff12}e` is `%2e` after
/// compatibility mapping), or `u` and four, as JavaScript's `unescape` reads it.
fn is_encoded(after: &str) -> bool {
    let digit = |c: &char| c.is_ascii_hexdigit() || !c.is_ascii();
    let digits = |text: &str, count| text.chars().take(count).filter(digit).count() == count;
    digits(after, 2) || after.strip_prefix(['u', 'U']).is_some_and(|t| digits(t, 4))
}

/// Whether a reader could turn this into one of `. / \ % ~ :` (or a text with one of them): by compatibility mapping
/// (every such character of Unicode 14), or because it looks like one and "best fit" conversions make it one.
fn is_look_alike(c: char) -> bool {
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

/// What readers drop from the ends of a text.
fn is_dropped(c: char) -> bool {
    c.is_whitespace() || is_ignorable(c)
}

/// Characters without a look (Unicode's `Default_Ignorable_Code_Point`); HFS+ compares names without some of them, and
/// U+FEFF at the start of a text is often taken for a byte order mark.
fn is_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}
