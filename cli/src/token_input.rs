//! A token on the command line: the text itself, `-` for standard input, `@FILE` for a file.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read};
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Context as _;
use hallpass_token::limits::TOKEN_TEXT_BYTES_MAX;
use hallpass_token::{PREFIX, ParseError, UnverifiedToken};
use zeroize::Zeroizing;

use crate::hint::HintExt as _;
use crate::output::Output;

/// Bytes read from a file or standard input: a token and some white space around it. More is no token.
const INPUT_BYTES_MAX: usize = TOKEN_TEXT_BYTES_MAX + 64;

/// Where a token comes from. `Debug` hides the token.
#[derive(Clone)]
pub(crate) enum TokenInput {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
    /// The argument itself.
    Text(Zeroizing<String>),
}

/// Where a token comes from that other users of the machine must not see in the list of processes.
#[derive(Debug, Clone)]
pub(crate) enum HiddenTokenInput {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
    /// Something that is neither. It is not kept: the parser of the command line would show it in its error.
    Argument,
}

/// A token was given as an argument where it must not be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected `-` or `@FILE`: a token on the command line can be seen by every user of the machine"
)]
pub(crate) struct TokenInArguments;

impl TokenInput {
    /// The text of the token.
    pub(crate) fn read(&self, output: &mut Output) -> anyhow::Result<Zeroizing<String>> {
        match self {
            Self::File(path) => read_file(path),
            Self::Stdin => read_stdin(output),
            Self::Text(text) => Ok(text.clone()),
        }
    }

    /// The token, its form checked and nothing else.
    pub(crate) fn parse(&self, output: &mut Output) -> anyhow::Result<UnverifiedToken> {
        parse(&self.read(output)?)
    }
}

impl HiddenTokenInput {
    /// The text of the token.
    pub(crate) fn read(&self, output: &mut Output) -> anyhow::Result<Zeroizing<String>> {
        match self {
            Self::File(path) => read_file(path),
            Self::Stdin => read_stdin(output),
            Self::Argument => Err(TokenInArguments).hint(
                "write it to a file and give --token @FILE, give --token -, or set HALLPASS_TOKEN",
            ),
        }
    }
}

/// Text with every token in it cut to its prefix: for what repeats a command line, on which one may stand anywhere.
pub(crate) fn without_tokens(text: &str) -> String {
    let mut parts = text.split(PREFIX);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "_-".contains(c));
        out.push_str(PREFIX);
        if rest.len() < part.len() {
            out.push('…');
        }
        out.push_str(rest);
    }
    out
}

/// The token, its form checked and nothing else.
pub(crate) fn parse(text: &str) -> anyhow::Result<UnverifiedToken> {
    let parsed = UnverifiedToken::parse(text);
    let hint = match parsed {
        Err(ParseError::Malformed(_)) if !text.starts_with(PREFIX) => {
            "a token starts with `hp1.`; `@FILE` reads one from a file, `-` from standard input"
        }
        Err(ParseError::Malformed(_)) => "give the token exactly as it was received, on one line",
        _ => "ask the authority for a fresh token",
    };
    parsed.context("this is no token").hint(hint)
}

impl FromStr for TokenInput {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.strip_prefix('@') {
            Some(path) => Self::File(path.into()),
            None if text == "-" => Self::Stdin,
            None => Self::Text(Zeroizing::new(text.trim().to_owned())),
        })
    }
}

impl FromStr for HiddenTokenInput {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.strip_prefix('@') {
            Some(path) => Self::File(path.into()),
            None if text == "-" => Self::Stdin,
            None => Self::Argument,
        })
    }
}

impl std::fmt::Debug for TokenInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Stdin => f.write_str("Stdin"),
            Self::Text(_) => f.write_str("Text(redacted)"),
        }
    }
}

fn read_file(path: &PathBuf) -> anyhow::Result<Zeroizing<String>> {
    File::open(path)
        .map_err(anyhow::Error::from)
        .and_then(read_text)
        .with_context(|| format!("cannot read the token from `{}`", path.display()))
}

fn read_stdin(output: &mut Output) -> anyhow::Result<Zeroizing<String>> {
    if io::stdin().is_terminal() {
        output.note("reading a token from standard input; end with Ctrl-D");
    }
    read_text(io::stdin()).context("cannot read the token from standard input")
}

fn read_text(source: impl Read) -> anyhow::Result<Zeroizing<String>> {
    // Full capacity from the start: growing would leave copies of the token behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(INPUT_BYTES_MAX + 1));
    source
        .take(INPUT_BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)?;
    anyhow::ensure!(
        bytes.len() <= INPUT_BYTES_MAX,
        "it is larger than any token"
    );
    let text = std::str::from_utf8(&bytes)
        .context("it is not text")?
        .trim();
    anyhow::ensure!(!text.is_empty(), "it is empty");
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_token() {
        let input: TokenInput = "hp1.secret".parse().unwrap();
        assert_eq!(format!("{input:?}"), "Text(redacted)");
    }

    #[test]
    fn only_the_prefix_of_a_token_is_repeated() {
        for (text, shown) in [
            ("unexpected 'hp1.aB_-9' found", "unexpected 'hp1.…' found"),
            ("hp1.a hp1.b", "hp1.… hp1.…"),
            ("starts with `hp1.`", "starts with `hp1.`"),
            ("none", "none"),
        ] {
            assert_eq!(without_tokens(text), shown);
        }
    }

    #[test]
    fn white_space_around_a_token_is_not_part_of_it() {
        assert_eq!(*read_text(&b" hp1.abc\n"[..]).unwrap(), "hp1.abc");
        for bad in [&b" \n"[..], b"\xff", &[b'a'; INPUT_BYTES_MAX + 1]] {
            assert!(read_text(bad).is_err());
        }
    }

    #[test]
    fn a_hidden_token_is_never_an_argument() {
        let input = |text: &str| text.parse::<HiddenTokenInput>().unwrap();
        let (mut output, _) = Output::to_memory();
        let refused = input("hp1.abc").read(&mut output).unwrap_err();
        assert_eq!(refused.to_string(), TokenInArguments.to_string());
        assert!(matches!(input("@file"), HiddenTokenInput::File(_)));
        assert!(matches!(input("-"), HiddenTokenInput::Stdin));
    }
}
