//! The file that says how far a journal was verified.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use hallpass_journal::verify::Reached;

use super::read_at_most;
use crate::hint::HintExt as _;

/// Far above what is written, in bytes: a frontier has at most 64 hashes.
const BYTES_MAX: u64 = 64 * 1024;

/// What it says; none when there is no such file yet.
pub(super) fn read(path: &Path) -> anyhow::Result<Option<Reached>> {
    let cannot = || format!("cannot read `{}`", path.display());
    let bytes = match read_at_most(path, BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(cannot),
    };
    Reached::parse(&bytes)
        .map(Some)
        .with_context(cannot)
        .hint("name a file that --resume has written, or one that is not there yet")
}

/// Writes it anew: at any moment the old or the new one is there.
pub(super) fn write(path: &Path, reached: &Reached) -> anyhow::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    let temporary = PathBuf::from(name);
    let written = || -> io::Result<()> {
        let mut file = fs::File::create(&temporary)?;
        file.write_all(&reached.to_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    written().with_context(|| format!("cannot write `{}`", path.display()))
}
