//! A copy of an authority's directory, made while it runs.
//!
//! The order makes the copy consistent: the store first, then the journal, which then has every record the store knows;
//! in the journal what is signed and remembered first, then the records, of which there are then at least as many.

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::config::Paths;
use crate::file::{self, FileError, failed};
use crate::init::{InitError, Workshop};
use crate::layout;
use crate::open::OpenError;
use crate::settings::{Overrides, Settings};
use crate::stops::Mark;
use crate::store::{StoreError, copy_store};

/// Files of a journal that the copy has no use for: every start makes them anew.
const NOT_COPIED: [&str; 2] = ["lock", "reserve"];

/// What ends the name of a file with key material, in a journal as among the keys.
const KEY_SUFFIX: &str = ".key";

/// What ends the name of a file of records.
const RECORDS_SUFFIX: &str = ".jsonl";

/// What a copy is to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackupKeys {
    /// Everything: whoever has it can mint.
    Included,
    /// No key. A copy without them starts once they are put back from where they are kept.
    LeftOut,
}

/// What was copied.
#[derive(Debug)]
pub struct BackupReport {
    /// Where it is.
    pub directory: PathBuf,
    /// Whether the rows are in it: PostgreSQL has backups of its own.
    pub store: bool,
    /// Bytes of records.
    pub journal_bytes: u64,
}

/// A copy that was not made. Nothing is left of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// A file cannot be copied.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is no directory of an authority.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Its place is taken or cannot be made.
    #[error(transparent)]
    Place(#[from] InitError),
    /// The store cannot be copied.
    #[error("cannot copy the store")]
    Store(#[from] StoreError),
}

/// Copies the directory of an authority, which may be running. Blocks on the disk.
///
/// # Errors
/// [`BackupError`]; then nothing is left at `out`.
pub fn backup(directory: &Path, out: &Path, keys: BackupKeys) -> Result<BackupReport, BackupError> {
    let settings = Settings::read(directory, Overrides::default())?;
    let from = settings.config.paths.under(directory);
    let workshop = Workshop::beside(out)?;
    let to = Paths::standard().under(workshop.path());
    let embedded = settings.config.store.postgres.is_none();
    if embedded {
        copy_store(&from.store, &to.store)?;
    }
    let journal_bytes = copy_journal(&from.journal, &to.journal, keys)?;
    copy_verifiers(
        &directory.join(layout::VERIFIERS),
        &workshop.path().join(layout::VERIFIERS),
    )?;
    copy_directory(&from.bundle, &to.bundle)?;
    Mark::of_copy().write(&to.bundle)?;
    copy_directory(&from.roots, &to.roots)?;
    copy_directory(&from.policy, &to.policy)?;
    if keys == BackupKeys::Included {
        copy_directory(&from.keys, &to.keys)?;
    } else {
        file::create_directory(&to.keys)?;
    }
    for name in [layout::CONFIG_FILE, layout::TRUST_ROOT_FILE] {
        copy_file(&directory.join(name), &workshop.path().join(name))?;
    }
    workshop.move_to(out)?;
    Ok(BackupReport {
        directory: out.to_owned(),
        store: embedded,
        journal_bytes,
    })
}

/// Copies a journal; gives the bytes of its records.
fn copy_journal(from: &Path, to: &Path, keys: BackupKeys) -> Result<u64, FileError> {
    file::create_directory(to)?;
    let mut names = names(from)?;
    // What is signed and remembered before the records it is about, and those from the oldest on.
    names.sort_by_key(|name| (name.ends_with(RECORDS_SUFFIX), name.clone()));
    let mut bytes = 0;
    for name in names {
        let is_key = name.ends_with(KEY_SUFFIX);
        if NOT_COPIED.contains(&name.as_str()) || (is_key && keys == BackupKeys::LeftOut) {
            continue;
        }
        match copy_file(&from.join(&name), &to.join(&name)) {
            Ok(copied) if name.ends_with(RECORDS_SUFFIX) => bytes += copied,
            Ok(_) => {}
            // Old records are pruned while others are copied, and small files are written beside their place.
            Err(error) if error.source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    file::sync_directory(to)?;
    Ok(bytes)
}

/// Copies the journals of verifiers, where there are any; what says how far each is kept goes before its records.
fn copy_verifiers(from: &Path, to: &Path) -> Result<(), FileError> {
    if !from.is_dir() {
        return Ok(());
    }
    file::create_directory(to)?;
    for name in names(from)? {
        copy_journal(&from.join(&name), &to.join(&name), BackupKeys::LeftOut)?;
    }
    file::sync_directory(to)
}

/// Copies a directory and those below it.
fn copy_directory(from: &Path, to: &Path) -> Result<(), FileError> {
    file::create_directory(to)?;
    for name in names(from)? {
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() {
            copy_directory(&from, &to)?;
        } else {
            copy_file(&from, &to)?;
        }
    }
    file::sync_directory(to)
}

fn names(directory: &Path) -> Result<Vec<String>, FileError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed("read", directory))? {
        let entry = entry.map_err(failed("read", directory))?;
        // Every name of ours is text; what else lies there is not ours.
        names.extend(entry.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

/// Copies a file for its owner alone, and waits until it is on disk. A file that grows is copied as it was at some time.
fn copy_file(from: &Path, to: &Path) -> Result<u64, FileError> {
    let mut source = fs::File::open(from).map_err(failed("read", from))?;
    let mut copy = || {
        let mut target = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(to)?;
        let bytes = io::copy(&mut source, &mut target)?;
        target.sync_all()?;
        Ok(bytes)
    };
    copy().map_err(failed("copy to", to))
}
