//! Opening a journal to change it, as what its own files say it is.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use hallpass_journal::{Journal, JournalName, OpenError, Settings};
use hallpass_keys::note::NoteVerifier;
use hallpass_vocabulary::{Environment, SystemClock};

use super::read_at_most;
use crate::hint::HintExt as _;
use crate::words::shell_quoted;

/// Far above any verifier key, in bytes.
const VERIFIER_KEY_BYTES_MAX: u64 = 64 * 1024;

/// Opens the journal of a directory; `when_locked` says what to do when its service runs.
pub(super) fn open(dir: &Path, when_locked: &'static str) -> anyhow::Result<Journal> {
    let (environment, name) = identity(dir)?;
    let settings = Settings::new(environment, name, Arc::new(SystemClock));
    match Journal::open(dir, settings) {
        Err(error @ OpenError::Locked { .. }) => Err(error).hint(when_locked),
        Err(error @ OpenError::Damaged(_)) => Err(error).hint(format!(
            "hallpass journal verify {}",
            shell_quoted(&dir.display().to_string())
        )),
        opened => opened.context("cannot open the journal"),
    }
}

/// Whose journal it is: its origin is `hallpass/<environment>/<name>/…`.
pub(super) fn identity(dir: &Path) -> anyhow::Result<(Environment, JournalName)> {
    let path = dir.join("journal.vkey");
    let bytes = read_at_most(&path, VERIFIER_KEY_BYTES_MAX)
        .with_context(|| format!("cannot read `{}`", path.display()))
        .hint("give the directory of a journal")?;
    let verifier: NoteVerifier = String::from_utf8_lossy(&bytes)
        .trim_end()
        .parse()
        .with_context(|| format!("cannot read `{}`", path.display()))?;
    let mut parts = verifier.name().as_str().split('/');
    let (Some("hallpass"), Some(environment), Some(name)) =
        (parts.next(), parts.next(), parts.next())
    else {
        return Err(anyhow!("`{}` names no journal of Hallpass", path.display()));
    };
    Ok((Environment::new(environment)?, JournalName::new(name)?))
}
