//! The files of the policy in force, kept beside the bundle that names it: what the next one is compared with, also when
//! the policy directory was changed while the authority was down.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hallpass_keys::Digest;
use hallpass_policy::PolicyFiles;

use crate::file::{self, FileError, failed};

/// What ends the name of a copy that is still being written.
const UNFINISHED: &str = ".new";

/// Copies of policies, each in a directory named by its digest. The number of the last bundle says which one was in force,
/// so that no crash leaves two answers.
pub(crate) struct KeptPolicies {
    directory: PathBuf,
}

impl KeptPolicies {
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Keeps the files of a policy: whole or not at all.
    pub(crate) fn keep(&self, digest: Digest, files: &PolicyFiles) -> Result<(), FileError> {
        let path = self.path(digest);
        if path.is_dir() {
            return Ok(());
        }
        if !self.directory.is_dir() {
            file::create_directory(&self.directory)?;
            file::sync_parent(&self.directory)?;
        }
        let unfinished = self.directory.join(format!("{}{UNFINISHED}", name(digest)));
        remove(&unfinished)?;
        file::create_directory(&unfinished)?;
        for (name, text) in files.iter() {
            file::create(&unfinished.join(name), text.as_bytes())?;
        }
        file::sync_directory(&unfinished)?;
        fs::rename(&unfinished, &path).map_err(failed("create", &path))?;
        file::sync_parent(&path)
    }

    /// The files of a policy; nothing when they were not kept, or are not what they were.
    pub(crate) fn find(&self, digest: Digest) -> Option<PolicyFiles> {
        let files = PolicyFiles::read(&self.path(digest)).ok()?;
        (files.digest() == digest.to_string()).then_some(files)
    }

    /// Removes every copy but this one. What cannot be removed only takes up space.
    pub(crate) fn forget_others(&self, digest: Digest) {
        let kept = name(digest);
        let entries = fs::read_dir(&self.directory).into_iter().flatten();
        for entry in entries.flatten() {
            if entry.file_name().to_str() != Some(&kept)
                && let Err(error) = remove(&entry.path())
            {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "an old copy stays"
                );
            }
        }
    }

    fn path(&self, digest: Digest) -> PathBuf {
        self.directory.join(name(digest))
    }
}

/// A directory's name: the digest, without what some file systems do not take.
fn name(digest: Digest) -> String {
    digest.to_string().replace(':', "-")
}

fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done.map_err(failed("remove", path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(text: &str) -> PolicyFiles {
        PolicyFiles::from([("a.toml", text)])
    }

    #[test]
    fn what_is_kept_is_found_by_its_digest_and_only_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let kept = KeptPolicies::new(directory.path().join("policies"));
        let (one, two) = (files("one"), files("two"));
        let digest = |files: &PolicyFiles| files.digest().parse::<Digest>().unwrap();
        assert_eq!(kept.find(digest(&one)), None);
        kept.keep(digest(&one), &one).unwrap();
        kept.keep(digest(&one), &one).unwrap();
        kept.keep(digest(&two), &two).unwrap();
        assert_eq!(kept.find(digest(&one)).as_ref(), Some(&one));
        kept.forget_others(digest(&two));
        assert_eq!(kept.find(digest(&one)), None);
        fs::write(kept.path(digest(&two)).join("a.toml"), "altered").unwrap();
        assert_eq!(kept.find(digest(&two)), None);
    }

    #[test]
    fn a_copy_that_was_not_finished_is_no_copy() {
        let directory = tempfile::tempdir().unwrap();
        let kept = KeptPolicies::new(directory.path().join("policies"));
        let one = files("one");
        let digest: Digest = one.digest().parse().unwrap();
        let unfinished = kept.directory.join(format!("{}{UNFINISHED}", name(digest)));
        fs::create_dir_all(&unfinished).unwrap();
        fs::write(unfinished.join("half.toml"), "half").unwrap();
        kept.keep(digest, &one).unwrap();
        assert_eq!(kept.find(digest), Some(one));
        assert!(!unfinished.exists());
    }
}
