//! File paths: one form for each, and none for what two readers could take for different files.

use std::fmt;

use crate::deceptive::{is_ignorable, is_look_alike};

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
/// assert!(NormalPath::normalise("/workspace/a/./b")?.is_under(&root));
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
    #[error("a path must not hold a drive, and a relative path no colon in its first component")]
    Colon,
    /// NUL and the other control characters.
    #[error("a path must not hold a control character")]
    Control,
    /// `//host` is another machine to some readers (POSIX leaves it open; Windows and URLs do not), and behind a root that
    /// a reader cuts off, `/workspace//etc` is `/etc`.
    #[error("a path must not hold two slashes in a row")]
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
    /// An option (`-rf`) or standard input (`-`) to programs that are handed paths.
    #[error("a relative path must not start with `-`; `./-` does not")]
    Hyphen,
    /// A character that some readers turn into one of `. / \ % ~ :`.
    #[error(
        "a path must not hold a character that resembles a dot, slash, percent sign, tilde or colon"
    )]
    LookAlike,
    /// `..`, or what a reader makes of it: `..;x`, `..?` and `..#` where a path becomes part of a URL, `..é` in ASCII.
    #[error("a path must not hold `..`")]
    Parent,
    /// Something to decode, once or twice.
    #[error("a path must not be percent-encoded")]
    PercentEncoded,
    /// A space or an invisible character, which some readers drop.
    #[error("the first component of a path must not start with a space")]
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
        if text.contains("//") {
            return Err(PathRefused::DoubleSlash);
        }
        // Whoever is handed `./-` sees the dot.
        if text.starts_with('-') {
            return Err(PathRefused::Hyphen);
        }
        let absolute = text.starts_with('/');
        let mut normal = String::with_capacity(text.len() + "./".len() + "/".len());
        normal.push_str(if absolute { "/" } else { "./" });
        let mut first = true;
        for component in text.split('/').skip(usize::from(absolute)) {
            // Empty is only what stands behind a slash at the end.
            if component.is_empty() || component == "." {
                continue;
            }
            check_component(component)?;
            if first {
                check_first(component, absolute)?;
            }
            first = false;
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

    /// [`as_str`](Self::as_str), taken out.
    pub fn into_string(self) -> String {
        self.0
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

fn check_component(component: &str) -> Result<(), PathRefused> {
    if is_parent(component) {
        return Err(PathRefused::Parent);
    }
    // Joined to a root, a drive replaces it, wherever the path was cut before.
    if matches!(component.as_bytes(), [drive, b':', ..] if drive.is_ascii_alphabetic()) {
        return Err(PathRefused::Colon);
    }
    let seen = component.trim_end_matches(is_ignorable);
    if seen.is_empty() || seen.ends_with(|c: char| c == '.' || c.is_whitespace()) {
        return Err(PathRefused::End);
    }
    Ok(())
}

/// Whether a reader is left with `..`: one that drops what is not ASCII, and one that reads a URL, for which a component
/// ends at `;` (Java's servlets) and the path at `?` or `#`.
fn is_parent(component: &str) -> bool {
    let name = component.split([';', '?', '#']).next();
    name.unwrap_or_default()
        .chars()
        .filter(char::is_ascii)
        .eq("..".chars())
}

/// What the first named component must not be: something that makes the path start elsewhere.
fn check_first(component: &str, absolute: bool) -> Result<(), PathRefused> {
    // The small and the combining tilde are `~` in some code pages; within a name they are left alone.
    if component.starts_with(['~', '\u{2dc}', '\u{303}']) {
        return Err(PathRefused::Home);
    }
    if component.starts_with(|c: char| c.is_whitespace() || is_ignorable(c)) {
        return Err(PathRefused::Start);
    }
    // RFC 3986 section 4.2 has the same rule for relative references.
    if !absolute && component.contains(':') {
        return Err(PathRefused::Colon);
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use proptest::prelude::*;

    use super::*;

    fn normal(text: &str) -> NormalPath {
        NormalPath::normalise(text).unwrap()
    }

    #[test]
    fn one_form_for_each_path() {
        for (text, form, shown) in [
            ("/", "/", "/"),
            (".", "./", "."),
            ("./", "./", "."),
            ("/.", "/", "/"),
            ("/a/b", "/a/b/", "/a/b"),
            ("/workspace/", "/workspace/", "/workspace"),
            ("/a/b/./c/", "/a/b/c/", "/a/b/c"),
            ("/./a", "/a/", "/a"),
            ("a/b", "./a/b/", "./a/b"),
            ("./a/.", "./a/", "./a"),
            ("/a..b/.hidden", "/a..b/.hidden/", "/a..b/.hidden"),
            ("/a/~b/cc:d/1:2", "/a/~b/cc:d/1:2/", "/a/~b/cc:d/1:2"),
            ("./-rf/-", "./-rf/-/", "./-rf/-"),
            ("/-/..a;?#", "/-/..a;?#/", "/-/..a;?#"),
            ("/a/.\u{e9}/.;x", "/a/.\u{e9}/.;x/", "/a/.\u{e9}/.;x"),
            ("/100%", "/100%/", "/100%"),
            ("/%2/%g0", "/%2/%g0/", "/%2/%g0"),
            ("/a b/ c", "/a b/ c/", "/a b/ c"),
            (
                "/caf\u{e9}/\u{2764}\u{fe0f}",
                "/caf\u{e9}/\u{2764}\u{fe0f}/",
                "/caf\u{e9}/\u{2764}\u{fe0f}",
            ),
        ] {
            let path = normal(text);
            assert_eq!((path.as_str(), &*path.to_string()), (form, shown), "{text}");
        }
    }

    #[test]
    fn what_has_no_one_form_is_refused() {
        use PathRefused::*;
        for (text, reason) in [
            ("", Empty),
            ("..", Parent),
            ("/..", Parent),
            ("/workspace/../etc", Parent),
            ("a/..", Parent),
            ("/workspace/..;/etc", Parent),
            ("/workspace/..;a=b/etc", Parent),
            ("/workspace/..?a", Parent),
            ("/workspace/..#", Parent),
            ("/workspace/..\u{e9}/etc", Parent),
            ("/workspace/\u{e9}.\u{e9}./etc", Parent),
            ("-", Hyphen),
            ("-rf", Hyphen),
            ("--output=/etc/passwd", Hyphen),
            ("-T/etc/passwd", Hyphen),
            ("/C:/x", Colon),
            ("/workspace/C:/x", Colon),
            ("a/b/c:x", Colon),
            ("/workspace/%2e%2e/etc", PercentEncoded),
            ("/workspace/..%2fetc", PercentEncoded),
            ("/workspace/%252e%252e/etc", PercentEncoded),
            ("/workspace/%2E.", PercentEncoded),
            ("/workspace/%c0%ae", PercentEncoded),
            ("/workspace/%\u{ff12}e", PercentEncoded),
            ("/workspace/%u002e", PercentEncoded),
            ("/workspace\\..\\etc", Backslash),
            ("/workspace/a\0", Control),
            ("/workspace/a\n", Control),
            ("/workspace/\u{7f}", Control),
            ("/workspace/\u{85}", Control),
            ("~", Home),
            ("~/x", Home),
            ("~root/x", Home),
            ("/~root", Home),
            ("./~", Home),
            ("\u{2dc}/x", Home),
            ("\u{303}root/x", Home),
            ("C:/x", Colon),
            ("c:x", Colon),
            ("./C:/x", Colon),
            ("file:/etc/passwd", Colon),
            ("file:///etc/passwd", DoubleSlash),
            ("/workspace//etc/passwd", DoubleSlash),
            ("/a//", DoubleSlash),
            ("//host/share", DoubleSlash),
            ("///etc", DoubleSlash),
            ("//", DoubleSlash),
            ("/.//host", DoubleSlash),
            (".//etc/passwd", DoubleSlash),
            ("/a/b.", End),
            ("/a/...", End),
            ("/a/b ", End),
            ("/a./b", End),
            ("/a /b", End),
            ("/a\u{a0}/b", End),
            ("/a/..\u{200b}", Parent),
            ("/a/.\u{200c}.", Parent),
            ("/a/\u{200b}/b", End),
            ("/a/.. ", End),
            (" /etc", End),
            ("\u{feff}/etc", End),
            (" etc", Start),
            ("\u{feff}etc", Start),
            ("./ etc", Start),
        ] {
            assert_eq!(NormalPath::normalise(text), Err(reason), "{text:?}");
        }
    }

    #[test]
    fn every_look_alike_is_refused_wherever_it_stands() {
        let listed = "\u{2024}\u{2025}\u{2026}\u{fe52}\u{ff0e}\u{2044}\u{2215}\u{29f8}\u{ff0f}\u{fe68}\u{ff3c}\u{2216}\
             \u{29f5}\u{fe6a}\u{ff05}\u{ff5e}\u{ff1a}\u{fe55}\u{2100}\u{2101}\u{2105}\u{2106}\u{2488}\u{249b}\u{2a74}\
             \u{33c2}\u{33c7}\u{33d8}\u{fe13}\u{fe19}\u{fe30}\u{1f100}\u{a5}\u{20a9}\u{66a}\u{223c}\u{589}\u{2236}";
        for c in listed.chars() {
            for text in [format!("/a/{c}"), format!("{c}a"), format!("/x{c}y/z")] {
                let found = NormalPath::normalise(&text);
                assert_eq!(found, Err(PathRefused::LookAlike), "{text:?}");
            }
        }
    }

    #[test]
    fn the_limit_holds_for_the_form_too() {
        let longest = "a".repeat(PATH_BYTES_MAX - 1);
        assert!(NormalPath::normalise(&format!("/{longest}")).is_ok());
        assert!(NormalPath::normalise(&longest[1..]).is_ok());
        for text in [format!("/{longest}a"), format!("/{longest}/"), longest] {
            assert_eq!(NormalPath::normalise(&text), Err(PathRefused::TooLong));
        }
    }

    #[test]
    fn below_is_by_component() {
        for (path, root, under) in [
            ("/workspace", "/workspace/", true),
            ("/workspace/a", "/workspace", true),
            ("/workspace-2", "/workspace", false),
            ("/work", "/workspace", false),
            ("/a", "/", true),
            ("a", "/", false),
            ("/a", ".", false),
            ("a", ".", true),
            ("a/b", "./a", true),
            ("/Workspace/a", "/workspace", false),
        ] {
            assert_eq!(normal(path).is_under(&normal(root)), under, "{path} {root}");
        }
    }

    /// Undoes percent-encoding wherever it can be undone.
    fn decoded(text: &str) -> String {
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let [byte, after @ ..] = rest {
            rest = after;
            bytes.push(*byte);
            if let (b'%', [high, low, after @ ..]) = (byte, after)
                && let (Some(high), Some(low)) = (digit(high), digit(low))
            {
                bytes.pop();
                bytes.push(u8::try_from(high * 16 + low).unwrap());
                rest = after;
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Components made of what paths are attacked with, between slashes.
    fn hostile() -> impl Strategy<Value = String> {
        let pieces = ". .. %2e %2e. %252e%252e %2f ..%2f ..\\ \\ %5c % 25 2e ~ : a a a \0 \u{200b} \u{ff0e} \u{ff12} u002e";
        let pieces: Vec<&str> = pieces.split(' ').chain(["", "", "", " "]).collect();
        let component =
            prop::collection::vec(prop::sample::select(pieces), 1..3).prop_map(|p| p.concat());
        prop::collection::vec(component, 1..5).prop_map(|components| components.join("/"))
    }

    /// Texts most of which are paths.
    fn plain() -> impl Strategy<Value = String> {
        "[/]?([ab]|\\.|a\\.b|)(/([ab]|\\.|a\\.b|)){0,4}"
    }

    proptest! {
        #[test]
        fn normalising_is_idempotent(text in prop_oneof![hostile(), plain()]) {
            if let Ok(path) = NormalPath::normalise(&text) {
                prop_assert_eq!(&normal(&path.to_string()), &path);
                prop_assert_eq!(&normal(path.as_str()), &path);
                prop_assert!(path.as_str().ends_with('/') && !path.as_str().contains("//"));
            }
        }

        #[test]
        fn nothing_accepted_climbs_however_often_it_is_decoded(text in hostile()) {
            if let Ok(path) = NormalPath::normalise(&text) {
                let once = decoded(path.as_str());
                for form in [path.as_str(), &once, &decoded(&once)] {
                    prop_assert!(form.split(['/', '\\']).all(|c| c != ".."), "{form}");
                    prop_assert_eq!(form.starts_with('/'), text.starts_with('/'));
                }
            }
        }

        #[test]
        fn the_form_holds_the_components_that_the_standard_library_sees(text in prop_oneof![hostile(), plain()]) {
            if let Ok(path) = NormalPath::normalise(&text) {
                let named = |c: &Component<'_>| matches!(c, Component::RootDir | Component::Normal(_));
                let seen: Vec<_> = Path::new(&text).components().filter(named).collect();
                let ours: Vec<_> = Path::new(path.as_str()).components().filter(named).collect();
                prop_assert_eq!(seen, ours);
            }
        }

        #[test]
        fn under_agrees_with_the_standard_library(path in plain(), root in plain()) {
            if let (Ok(path), Ok(root)) = (NormalPath::normalise(&path), NormalPath::normalise(&root)) {
                prop_assert_eq!(path.is_under(&root), Path::new(path.as_str()).starts_with(root.as_str()));
            }
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = NormalPath::normalise(&text);
        }
    }
}
