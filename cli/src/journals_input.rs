//! Journals that are laid beside each other: directories, verified first, and exports, whose lines and indexes are looked at.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context as _, anyhow};
use hallpass_journal::read::{self, Lines, Record};
use hallpass_journal::verify::{Progress, Verification, VerifyError};
use hallpass_journal::{Damage, Event};

use crate::hint::HintExt as _;
use crate::progress::ProgressLine;
use crate::words::{escaped, shell_quoted};

/// How far all reading has come, on one line.
#[derive(Clone)]
pub(crate) struct Reading(Rc<RefCell<(ProgressLine, Progress)>>);

impl Reading {
    pub(crate) fn new() -> Self {
        Self(Rc::new(RefCell::new((
            ProgressLine::new(),
            Progress::default(),
        ))))
    }

    fn add(&self, record: &Record) {
        let (line, progress) = &mut *self.0.borrow_mut();
        progress.add(record.line().as_bytes());
        line.show(progress.records, progress.bytes);
    }

    fn verified(&self, so_far: Progress) {
        let (line, _) = &mut *self.0.borrow_mut();
        line.show(so_far.records, so_far.bytes);
    }
}

/// One journal that was given, looked at once from end to end.
pub(crate) struct Given {
    pub(crate) path: PathBuf,
    /// Its unique name; of an export without one, what was given.
    pub(crate) origin: String,
    pub(crate) state: State,
    /// Whole records.
    pub(crate) records: u64,
    /// The id of the key it is signed by.
    pub(crate) key: Option<String>,
    /// The index after the last record that was read.
    next: Rc<Cell<u64>>,
}

/// Whether what stands in it is what was signed.
pub(crate) enum State {
    /// Lines without a signature.
    Export,
    /// It is not: why.
    NotAsSigned(String),
    /// It is, as far as this many records.
    Verified(u64),
}

impl State {
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Export => "export",
            Self::NotAsSigned(_) => "not_as_signed",
            Self::Verified(_) => "verified",
        }
    }
}

/// Looks at a journal: verifies a directory, and reads the lines of an export.
pub(crate) fn look(path: &Path, reading: &Reading) -> anyhow::Result<Given> {
    let inner = path.join("journal");
    let path = match path.is_dir() && !path.join("journal.vkey").exists() && inner.is_dir() {
        true => inner.as_path(),
        false => path,
    };
    let given = match path.is_dir() {
        true => directory(path, reading),
        false => export(path, reading),
    };
    given.with_context(|| format!("cannot read the journal `{}`", path.display()))
}

fn directory(path: &Path, reading: &Reading) -> anyhow::Result<Given> {
    // A directory that is no journal is a mistake, one without its checkpoint is not.
    let mut records = read::records(path)
        .hint("give a directory with the journal's `*.jsonl` files, or a file that `hallpass journal export --format jsonl` wrote")?;
    let mut show = |so_far| reading.verified(so_far);
    let verified = Verification::new().progress(&mut show).run(path);
    let next = Rc::new(Cell::new(0));
    let path = path.to_owned();
    match verified {
        Ok(verified) => {
            let report = verified.report;
            Ok(Given {
                path,
                origin: report.origin,
                state: State::Verified(report.signed),
                records: report.records,
                key: Some(report.key.to_string()),
                next,
            })
        }
        Err(error @ (VerifyError::Io { .. } | VerifyError::Damaged(Damage::Io { .. }))) => {
            Err(error.into())
        }
        Err(error @ VerifyError::PrunedMeanwhile) => Err(error).hint("run this again"),
        Err(error) => {
            let first = records.next().and_then(Result::ok);
            let (origin, _) = first
                .as_ref()
                .and_then(opens)
                .unwrap_or_else(|| named(&path));
            let error = anyhow::Error::new(error);
            let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
            Ok(Given {
                origin,
                state: State::NotAsSigned(causes.join(": ")),
                records: 0,
                key: None,
                next,
                path,
            })
        }
    }
}

fn export(path: &Path, reading: &Reading) -> anyhow::Result<Given> {
    let mut known = None;
    let mut last: Option<u64> = None;
    let mut count = 0_u64;
    for record in lines(path)? {
        let record = record?;
        reading.add(&record);
        if last.is_some_and(|last| record.index() <= last) {
            return Err(anyhow!(
                "record {} stands after one of a higher or the same index",
                record.index()
            ))
            .hint("give each journal's export as a file of its own, in the order in which it was written");
        }
        last = Some(record.index());
        count = count.saturating_add(1);
        if known.is_none() {
            known = opens(&record);
        }
    }
    if last.is_none() {
        return Err(anyhow!("it has no record"));
    }
    let (origin, key) = known.unwrap_or_else(|| named(path));
    Ok(Given {
        path: path.to_owned(),
        origin,
        state: State::Export,
        records: count,
        key,
        next: Rc::new(Cell::new(0)),
    })
}

fn lines(path: &Path) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Record>> + use<>> {
    let file = File::open(path).hint(
        "give a journal's directory, or a file that `hallpass journal export --format jsonl` wrote",
    )?;
    let name = path.display().to_string();
    let lines = Lines::new(BufReader::new(file));
    Ok(lines.map(move |record| record.with_context(|| format!("`{name}`"))))
}

/// The origin and key of the journal that a record opens.
fn opens(record: &Record) -> Option<(String, Option<String>)> {
    match record.event() {
        Ok(Event::Opened(opened)) => {
            Some((opened.origin, Some(opened.public_key.id().to_string())))
        }
        _ => None,
    }
}

/// What to call a journal that does not say its name.
fn named(path: &Path) -> (String, Option<String>) {
    (path.display().to_string(), None)
}

impl Given {
    /// Its records from the first to the last. Of a journal that is not as signed, as many as can be read.
    pub(crate) fn read(
        &self,
        reading: &Reading,
    ) -> anyhow::Result<Box<dyn Iterator<Item = anyhow::Result<Record>>>> {
        let records: Box<dyn Iterator<Item = anyhow::Result<Record>>> = match &self.state {
            State::Export => Box::new(lines(&self.path)?),
            State::NotAsSigned(_) => {
                let records = read::records(&self.path)?;
                Box::new(records.map_while(|record| record.ok().map(Ok)))
            }
            State::Verified(_) => {
                let path = shell_quoted(&self.path.display().to_string());
                let records = read::records(&self.path)?;
                Box::new(
                    records
                        .map(move |record| record.hint(format!("hallpass journal verify {path}"))),
                )
            }
        };
        let (reading, next) = (reading.clone(), Rc::clone(&self.next));
        Ok(Box::new(records.inspect(move |record| {
            if let Ok(record) = record {
                reading.add(record);
                next.set(record.index().saturating_add(1));
            }
        })))
    }

    /// What was written to it since it was read; nothing of an export.
    pub(crate) fn read_on(
        &self,
    ) -> anyhow::Result<Box<dyn Iterator<Item = anyhow::Result<Record>>>> {
        Ok(match &self.state {
            State::Verified(_) => {
                let records = read::records_from(&self.path, self.next.get())?;
                Box::new(records.map(|record| Ok(record?)))
            }
            State::Export | State::NotAsSigned(_) => Box::new(std::iter::empty()),
        })
    }
}

/// Journals by origin: copies of one stand together.
pub(crate) fn by_origin(given: &[Given]) -> BTreeMap<&str, Vec<&Given>> {
    let mut origins: BTreeMap<&str, Vec<&Given>> = BTreeMap::new();
    for journal in given {
        origins.entry(&journal.origin).or_default().push(journal);
    }
    origins
}

/// Journals that nothing is wrong with, each once: what a policy is to rest on.
pub(crate) struct Sound(Vec<Given>);

impl Sound {
    /// Looks at them all; none may be altered, and none be there twice.
    pub(crate) fn look(paths: &[PathBuf], reading: &Reading) -> anyhow::Result<Self> {
        let journals = paths.iter().map(|path| look(path, reading));
        let journals = journals.collect::<anyhow::Result<Vec<Given>>>()?;
        for journal in &journals {
            if let State::NotAsSigned(reason) = &journal.state {
                let path = journal.path.display().to_string();
                return Err(anyhow!("the journal `{path}` is not as signed: {reason}"))
                    .hint(format!("hallpass journal verify {}", shell_quoted(&path)));
            }
        }
        if let Some((origin, _)) = by_origin(&journals)
            .into_iter()
            .find(|(_, it)| it.len() > 1)
        {
            return Err(anyhow!("the journal `{}` is given twice", escaped(origin)))
                .hint("give each journal once: what is in it would count twice");
        }
        Ok(Self(journals))
    }

    /// Every record of these kinds, journal after journal.
    pub(crate) fn each(
        &self,
        kinds: &[&str],
        reading: &Reading,
        take: &mut dyn FnMut(&Record) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        for journal in &self.0 {
            for record in journal.read(reading)? {
                let record = record?;
                if kinds.contains(&record.kind()) {
                    take(&record)?;
                }
            }
        }
        Ok(())
    }
}
