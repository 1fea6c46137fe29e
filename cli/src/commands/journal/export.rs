//! `hallpass journal export`: records for other programs.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use anyhow::anyhow;
use clap::ValueEnum;
use hallpass_journal::read::Record;
use hallpass_journal::verify::Progress;
use hallpass_vocabulary::{Clock as _, SystemClock};

use super::csv::{Decisions, header};
use super::records;
use super::wanted::Wanted;
use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::output::Output;
use crate::progress::ProgressLine;
use crate::words::harmless_json;

/// Bytes collected before they are written: a journal has millions of short lines.
const WRITE_BYTES: usize = 64 * 1024;

const EXAMPLES: &str = "\
Examples:
  hallpass journal export journal --format jsonl --since 24h > day.jsonl
  hallpass journal export journal --format csv --tenant acme > decisions.csv

jsonl has each record as it stands in the file, one a line. csv has a row for each decision, joined with its end, \
written when the end is read and otherwise last; the filters choose decisions. In csv a field that a spreadsheet would \
take for a formula starts with an apostrophe.

Shows what is written; `hallpass journal verify` says whether to believe it.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The journal's directory
    directory: PathBuf,
    /// In which form
    #[arg(long)]
    format: Format,
    #[command(flatten)]
    wanted: Wanted,
}

/// The forms there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Csv,
    Jsonl,
}

/// Where the text goes, a piece at a time.
struct Writer<'a> {
    output: &'a mut Output,
    buffer: String,
}

impl Writer<'_> {
    fn write(&mut self, text: &str) -> io::Result<()> {
        self.buffer.push_str(text);
        if self.buffer.len() >= WRITE_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.write(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    if args.format == Format::Csv && args.wanted.names_a_kind() {
        return Err(anyhow!(
            "a row of csv is a decision: there is no kind to choose"
        ))
        .hint("leave out --kind, or use --format jsonl");
    }
    let filter = args.wanted.filter(SystemClock.now());
    let mut arguments = args.wanted.arguments(&args.directory)?;
    let records = records(&args.directory)?;
    let mut writer = Writer {
        output,
        buffer: String::new(),
    };
    let unreadable = match args.format {
        Format::Csv => {
            writer.write(&header())?;
            let mut decisions =
                Decisions::of(|record| filter.matches(record) && arguments.matches(record));
            let unreadable = each(records, &mut writer, &mut |record| decisions.take(record))?;
            for row in decisions.without_end() {
                writer.write(&row)?;
            }
            unreadable
        }
        Format::Jsonl => {
            // A file has every byte as it was signed; a terminal must not act on any.
            let terminal = io::stdout().is_terminal();
            each(records, &mut writer, &mut |record| {
                let line =
                    (filter.matches(record) && arguments.matches(record)).then(|| record.line())?;
                Some(match terminal {
                    true => harmless_json(line) + "\n",
                    false => format!("{line}\n"),
                })
            })?
        }
    };
    writer.flush()?;
    arguments.report(output);
    unreadable.map_or(Ok(Exit::Ok), Err)
}

/// Writes what comes of each record; gives what ended the reading before the end. What was found before it is
/// written all the same: a crash may leave a last line that is none.
fn each(
    records: impl Iterator<Item = anyhow::Result<Record>>,
    writer: &mut Writer<'_>,
    text: &mut dyn FnMut(&Record) -> Option<String>,
) -> io::Result<Option<anyhow::Error>> {
    // Records that go to the terminal themselves show how far it has come.
    let shown = !io::stdout().is_terminal();
    let (mut line, mut progress) = (ProgressLine::new(), Progress::default());
    for record in records {
        match record {
            Ok(record) => {
                progress.add(record.line().as_bytes());
                if shown {
                    line.show(progress.records, progress.bytes);
                }
                if let Some(text) = text(&record) {
                    writer.write(&text)?;
                }
            }
            Err(error) => return Ok(Some(error)),
        }
        if writer.output.is_closed() {
            break;
        }
    }
    Ok(None)
}
