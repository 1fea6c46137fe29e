//! Where a directory is built before it is moved to its place.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::InitError;
use crate::file::{self, failed};

/// A directory beside the place it is for. Removed when dropped before it was moved.
pub(crate) struct Workshop {
    path: PathBuf,
    moved: bool,
}

impl Workshop {
    /// Makes the directory, after making sure that its place is free.
    pub(crate) fn beside(place: &Path) -> Result<Self, InitError> {
        refuse_occupied(place)?;
        let no_name = || InitError::NoName {
            path: place.to_owned(),
        };
        let name = place.file_name().ok_or_else(no_name)?.to_string_lossy();
        let parent = match place.parent().ok_or_else(no_name)? {
            here if here == Path::new("") => Path::new("."),
            parent => parent,
        };
        fs::create_dir_all(parent).map_err(failed("create", parent))?;
        let unique = u64::from_be_bytes(hallpass_keys::random_bytes()?);
        let path = parent.join(format!(".{name}.{unique:016x}"));
        file::create_directory(&path)?;
        Ok(Self { path, moved: false })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Moves the directory to its place in one step, if that is still free.
    pub(crate) fn move_to(mut self, place: &Path) -> Result<(), InitError> {
        file::sync_directory(&self.path)?;
        // Renaming onto an empty directory replaces it; onto any other it fails.
        match fs::rename(&self.path, place) {
            Ok(()) => self.moved = true,
            Err(error) => {
                refuse_occupied(place)?;
                return Err(failed("create", place)(error).into());
            }
        }
        file::sync_parent(place)?;
        Ok(())
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        if !self.moved
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "a half-made directory could not be removed");
        }
    }
}

fn refuse_occupied(place: &Path) -> Result<(), InitError> {
    let occupied = || InitError::NotEmpty {
        path: place.to_owned(),
    };
    match fs::symlink_metadata(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed("inspect", place)(error).into()),
        Ok(metadata) if !metadata.is_dir() => return Err(occupied()),
        Ok(_) => {}
    }
    let mut entries = fs::read_dir(place).map_err(failed("read", place))?;
    if entries.next().is_some() {
        return Err(occupied());
    }
    Ok(())
}
