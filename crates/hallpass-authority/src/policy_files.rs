//! The files of a policy, as they lie in its directory.

use std::path::{Path, PathBuf};

use hallpass_policy::{POLICY_FILE_BYTES_MAX, Policy, PolicyErrors};

use crate::file::{self, FileError, failed};

/// The most policy files. More routes than a policy may have fit into one.
pub const POLICY_FILES_MAX: usize = 256;

/// The texts of a policy, each with the name of its file, in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFiles(Vec<(String, String)>);

/// A policy directory that cannot be read as one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyFilesError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// No policy file, more than the limit, or a name that is not text.
    #[error("`{}` must hold 1 to {POLICY_FILES_MAX} files `*.toml` with plain names", path.display())]
    Names {
        /// The policy directory.
        path: PathBuf,
    },
}

impl PolicyFiles {
    /// These texts, each with the name of its file.
    pub fn new(mut files: Vec<(String, String)>) -> Self {
        files.sort();
        Self(files)
    }

    /// Every `*.toml` of a directory. Directories in it are not looked at. Blocks on the disk.
    ///
    /// # Errors
    /// [`PolicyFilesError`].
    pub fn read(directory: &Path) -> Result<Self, PolicyFilesError> {
        let refused = || PolicyFilesError::Names {
            path: directory.to_owned(),
        };
        let mut files: Vec<(String, String)> = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(failed("read", directory))? {
            let path = entry.map_err(failed("read", directory))?.path();
            if path.extension().is_none_or(|extension| extension != "toml") {
                continue;
            }
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .ok_or_else(refused)?;
            // One byte more than a policy file may have: the policy says so itself, with the file's name.
            let text = file::read(&path, POLICY_FILE_BYTES_MAX + 1)?.ok_or_else(refused)?;
            files.push((name.to_owned(), text));
            if files.len() > POLICY_FILES_MAX {
                return Err(refused());
            }
        }
        if files.is_empty() {
            return Err(refused());
        }
        Ok(Self::new(files))
    }

    /// The policy they make.
    ///
    /// # Errors
    /// Everything that is wrong with it, with file and line.
    pub fn parse(&self) -> Result<Policy, PolicyErrors> {
        let borrowed: Vec<(&str, &str)> = self.iter().collect();
        Policy::parse(&borrowed)
    }

    /// `sha256:<hex>` over the files, as [`Policy::digest`] says it, whether they make a policy or not.
    pub fn digest(&self) -> String {
        let borrowed: Vec<(&str, &str)> = self.iter().collect();
        hallpass_policy::digest(&borrowed)
    }

    /// Each name and text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
    }
}
