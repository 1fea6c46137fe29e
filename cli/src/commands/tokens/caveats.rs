//! Caveats on the command line: as flags, in words, and from a file.

use std::fs::File;
use std::io::Read as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail, ensure};
use hallpass_token::{BlockCount, Caveat, NameSet};
use hallpass_vocabulary::{Audience, Timestamp, ToolName};
use serde::Deserialize;
use toml::Spanned;

use crate::duration::Span;
use crate::hint::HintExt as _;
use crate::words::{escaped, shortened};

/// Bytes of a file with caveats. What a token of 8 KiB can hold comes to at most 100 KiB of words, every character
/// escaped twice.
const CAVEATS_FILE_BYTES_MAX: u64 = 256 * 1024;

/// Characters of somebody's words that an error repeats.
const WORDS_CHARS_MAX: usize = 80;

const FILE_HINT: &str = "the file holds `caveats = [\"/limit<=100\", \"only tools kb.search\"]` and nothing else; \
                         docs/caveats.md has the words of all caveats";

const WORDS_HINT: &str = "write a caveat in single quotes, such as '/limit<=100', '/path under /workspace' or \
                          'each /to email domain example.com'; docs/caveats.md has the words of all of them";

/// What to give up.
#[derive(Debug, clap::Args)]
pub(crate) struct CaveatArgs {
    /// Keep only this tool; may be given more than once
    #[arg(long, value_name = "TOOL")]
    pub(crate) only_tool: Vec<ToolName>,
    /// Keep only this service; may be given more than once
    #[arg(long, value_name = "AUDIENCE")]
    only_audience: Vec<Audience>,
    /// End after this long, such as `60s`
    #[arg(long, value_name = "DURATION")]
    expires_in: Option<Span>,
    /// Restrict an argument, such as '/limit<=100' or '/path under /workspace'; may be given more than once. A call
    /// without the argument is refused
    #[arg(long, value_name = "CAVEAT")]
    arg: Vec<String>,
    /// Allow no other arguments than those named so; may be given more than once
    #[arg(long, value_name = "NAME")]
    pub(crate) only_arg: Vec<String>,
    /// Allow no arguments at all
    #[arg(long, conflicts_with = "only_arg")]
    no_args: bool,
    /// Allow the token at most so many blocks: how often it can still be narrowed
    #[arg(long, value_name = "N", value_parser = blocks)]
    max_blocks: Option<BlockCount>,
    /// Any caveat in words, such as 'for kb.search: /limit<=10'; may be given more than once
    #[arg(long, value_name = "WORDS")]
    caveat: Vec<String>,
    /// A TOML file with the line `caveats = ["…", "…"]`
    #[arg(long, value_name = "FILE")]
    caveats: Option<PathBuf>,
}

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    caveats: Vec<Spanned<String>>,
}

impl CaveatArgs {
    /// The caveats in the order of the flags in the help, each once.
    pub(crate) fn given(&self, now: Timestamp) -> anyhow::Result<Vec<Caveat>> {
        let mut caveats = Vec::new();
        if !self.only_tool.is_empty() {
            let tools = NameSet::new(self.only_tool.iter().cloned()).context("--only-tool")?;
            caveats.push(Caveat::OnlyTools(tools));
        }
        if !self.only_audience.is_empty() {
            let audiences =
                NameSet::new(self.only_audience.iter().cloned()).context("--only-audience")?;
            caveats.push(Caveat::OnlyAudiences(audiences));
        }
        if let Some(span) = self.expires_in {
            // Tokens keep whole seconds; rounding down is the narrower way.
            let end = now.after(span.get()).unix_seconds();
            caveats.push(Caveat::ExpiresBefore(Timestamp::from_unix_seconds(end)));
        }
        for words in &self.arg {
            caveats.push(on_arguments(words)?);
        }
        if !self.only_arg.is_empty() {
            if self.only_arg.iter().any(String::is_empty) {
                // Most likely a variable that was not set. In words it can be said: 'only arguments ""'.
                return Err(anyhow!("--only-arg has an empty name"))
                    .hint("give the name of an argument, or --no-args to allow none");
            }
            let names = self.only_arg.iter().map(String::as_str);
            caveats.push(Caveat::only_arguments(names).context("--only-arg")?);
        }
        if self.no_args {
            caveats.push(Caveat::only_arguments([])?);
        }
        if let Some(count) = self.max_blocks {
            caveats.push(Caveat::AtMostBlocks(count));
        }
        for words in &self.caveat {
            caveats.push(parsed("--caveat", words)?);
        }
        if let Some(path) = &self.caveats {
            caveats.extend(from_file(path)?);
        }
        if caveats.is_empty() {
            return Err(anyhow!("nothing was said that the token should give up"))
                .hint("give --only-tool, --arg, --expires-in or another of what `hallpass tokens attenuate --help` lists");
        }
        let mut once: Vec<Caveat> = Vec::new();
        for caveat in caveats {
            if !once.contains(&caveat) {
                once.push(caveat);
            }
        }
        Ok(once)
    }
}

fn blocks(text: &str) -> Result<BlockCount, String> {
    let count = text.parse().ok().and_then(BlockCount::new);
    count.ok_or_else(|| {
        format!(
            "expected a number from 1 to {}, the blocks a token may have, its first included",
            hallpass_token::limits::BLOCKS_MAX
        )
    })
}

fn on_arguments(words: &str) -> anyhow::Result<Caveat> {
    let caveat = parsed("--arg", words)?;
    if !matches!(caveat, Caveat::Argument(_)) {
        return Err(anyhow!(
            "--arg `{}` is no caveat on arguments",
            shown(words)
        ))
        .hint("give it with --caveat");
    }
    Ok(caveat)
}

fn parsed(flag: &str, words: &str) -> anyhow::Result<Caveat> {
    words
        .parse()
        .with_context(|| format!("{flag} `{}` is no caveat", shown(words)))
        .hint(WORDS_HINT)
}

/// Words as an error repeats them: on one line, and not all of them.
fn shown(words: &str) -> String {
    escaped(&shortened(words, WORDS_CHARS_MAX))
}

fn from_file(path: &Path) -> anyhow::Result<Vec<Caveat>> {
    let name = escaped(&path.display().to_string());
    let text = read(path).with_context(|| format!("cannot read the caveats from `{name}`"))?;
    from_toml(&name, &text).hint(FILE_HINT)
}

fn read(path: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(CAVEATS_FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)?;
    ensure!(
        bytes.len() as u64 <= CAVEATS_FILE_BYTES_MAX,
        "it has more than {CAVEATS_FILE_BYTES_MAX} bytes"
    );
    String::from_utf8(bytes).map_err(|_| anyhow!("it is not UTF-8"))
}

/// The caveats of a file, or every fault of it on a line of its own.
fn from_toml(name: &str, text: &str) -> anyhow::Result<Vec<Caveat>> {
    let place = |at: Range<usize>| {
        let before = text.as_bytes().get(..at.start).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        format!("{name}:{line}")
    };
    let document: Document = toml::from_str(text).map_err(|error| {
        let place = place(error.span().unwrap_or(0..0));
        anyhow!("{place}: {}", error.message().trim_end())
    })?;
    let (mut caveats, mut faults) = (Vec::new(), Vec::new());
    for words in document.caveats {
        match words.get_ref().parse() {
            Ok(caveat) => caveats.push(caveat),
            Err(error) => {
                let (place, shown) = (place(words.span()), shown(words.get_ref()));
                faults.push(format!("{place}: `{shown}` is no caveat: {error}"));
            }
        }
    }
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    ensure!(!caveats.is_empty(), "{name}:1: there are no caveats");
    Ok(caveats)
}
