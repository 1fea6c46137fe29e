//! The arguments of a call on the command line: the JSON itself, `-` for standard input, `@FILE` for a file.

use std::convert::Infallible;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context as _, anyhow, ensure};
use hallpass_args::{ARGUMENTS_BYTES_MAX, Arguments};

use crate::hint::HintExt as _;

/// Where arguments come from. `Debug` hides them: they may be sensitive.
#[derive(Clone)]
pub(crate) enum ArgumentsInput {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
    /// The argument itself.
    Text(String),
}

impl FromStr for ArgumentsInput {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.strip_prefix('@') {
            Some(path) => Self::File(path.into()),
            None if text == "-" => Self::Stdin,
            None => Self::Text(text.to_owned()),
        })
    }
}

impl fmt::Debug for ArgumentsInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Stdin => f.write_str("Stdin"),
            Self::Text(_) => f.write_str("Text(redacted)"),
        }
    }
}

impl ArgumentsInput {
    /// The text as it was written, and what it says. What no service would take is refused here.
    pub(crate) fn read(&self, token_from_stdin: bool) -> anyhow::Result<(String, Arguments)> {
        let text = match self {
            Self::File(path) => File::open(path)
                .map_err(anyhow::Error::from)
                .and_then(read_text)
                .with_context(|| format!("cannot read the arguments from `{}`", path.display()))?,
            Self::Stdin if token_from_stdin => {
                return Err(anyhow!(
                    "the arguments and the token cannot both come from standard input"
                ))
                .hint("give the token as `@FILE`");
            }
            Self::Stdin => {
                read_text(io::stdin()).context("cannot read the arguments from standard input")?
            }
            Self::Text(text) => text.clone(),
        };
        let arguments = Arguments::parse(text.as_bytes())
            .context("these cannot be the arguments of a call")
            .hint("give one JSON object, in single quotes: '{\"query\":\"refund\"}'")?;
        Ok((text, arguments))
    }
}

fn read_text(source: impl Read) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    source
        .take(ARGUMENTS_BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)?;
    ensure!(
        bytes.len() <= ARGUMENTS_BYTES_MAX,
        "they have more than {ARGUMENTS_BYTES_MAX} bytes"
    );
    String::from_utf8(bytes).map_err(|_| anyhow!("they are not text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_arguments() {
        let input: ArgumentsInput = r#"{"password":"hunter2"}"#.parse().unwrap();
        assert_eq!(format!("{input:?}"), "Text(redacted)");
    }
}
