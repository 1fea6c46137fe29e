//! A directory's own name: it is kept by the directory above, which has to be synced like any other.

use std::io;
use std::path::Path;

use crate::Storage;

/// Makes a directory, and those that may have been created with it, survive a power cut.
///
/// # Errors
/// As the operating system says. One further up that may not be opened, or cannot be synced at all, was not made by us.
pub(crate) fn sync(storage: &dyn Storage, dir: &Path) -> io::Result<()> {
    for (above, parent) in dir.ancestors().skip(1).enumerate() {
        let is_here = parent.as_os_str().is_empty();
        let parent = if is_here { Path::new(".") } else { parent };
        match storage.sync_dir(parent) {
            Err(error) if above == 0 || !is_foreign(&error) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn is_foreign(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, PermissionDenied, ReadOnlyFilesystem, Unsupported};
    matches!(
        error.kind(),
        InvalidInput | PermissionDenied | ReadOnlyFilesystem | Unsupported
    )
}
