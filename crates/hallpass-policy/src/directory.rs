//! A policy on disk: every `*.toml` and `*.json` of one directory.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::files::PolicyFiles;
use crate::{POLICY_FILE_BYTES_MAX, POLICY_FILES_MAX};

/// A directory that holds no policy we could read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// No policy file, more than [`POLICY_FILES_MAX`], or a name that is not text.
    #[error(
        "`{}` must hold 1 to {POLICY_FILES_MAX} files `*.toml`, schemas `*.json` counted, with plain names",
        path.display()
    )]
    Files {
        /// The directory.
        path: PathBuf,
    },
    /// The operating system would not let us read it.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// What was to be read.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl PolicyFiles {
    /// Reads every `*.toml` and `*.json` of a directory, and nothing below it. Of each, one byte more than a policy file may
    /// have at most: [`Policy::parse`](crate::Policy::parse) refuses it then, by its name.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub fn read(directory: &Path) -> Result<Self, DirectoryError> {
        let refused = || DirectoryError::Files {
            path: directory.to_owned(),
        };
        let mut files = Vec::new();
        let mut schemas = 0;
        for entry in std::fs::read_dir(directory).map_err(unreadable(directory))? {
            let path = entry.map_err(unreadable(directory))?.path();
            let is_schema = match path.extension().and_then(|extension| extension.to_str()) {
                Some("json") => true,
                Some("toml") => false,
                _ => continue,
            };
            if files.len() == POLICY_FILES_MAX {
                return Err(refused());
            }
            let name = path.file_name().and_then(|name| name.to_str());
            let name = name.ok_or_else(refused)?.to_owned();
            schemas += usize::from(is_schema);
            files.push((name, read_bounded(&path).map_err(unreadable(&path))?));
        }
        if files.len() == schemas {
            return Err(refused());
        }
        Ok(Self::new(files))
    }
}

fn unreadable<'a>(path: &'a Path) -> impl FnOnce(io::Error) -> DirectoryError + 'a {
    move |source| DirectoryError::Unreadable {
        path: path.to_owned(),
        source,
    }
}

fn read_bounded(path: &Path) -> io::Result<String> {
    let bytes_max = u64::try_from(POLICY_FILE_BYTES_MAX).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    File::open(path)?
        .take(bytes_max.saturating_add(1))
        .read_to_end(&mut bytes)?;
    // A file that is cut inside a character is too large; that it is, is what its reader hears.
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) if error.as_bytes().len() > POLICY_FILE_BYTES_MAX => {
            Ok(String::from_utf8_lossy(error.as_bytes()).into_owned())
        }
        Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
    }
}
