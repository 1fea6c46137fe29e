//! A directory that goes when its value does.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use hallpass_keys::random_bytes;

/// A new directory that only its owner can enter, removed at the end.
pub(crate) struct Temporary(PathBuf);

impl Temporary {
    /// In the system's place for such, with a name that starts with `prefix`.
    pub(crate) fn create(prefix: &str) -> anyhow::Result<Self> {
        let name = u128::from_be_bytes(random_bytes()?);
        let path = std::env::temp_dir().join(format!("{prefix}-{name:032x}"));
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("cannot create `{}`", path.display()))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // A directory of throw-away keys that stays is untidy and no more.
        let _ = fs::remove_dir_all(&self.0);
    }
}
