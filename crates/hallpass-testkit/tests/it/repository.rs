//! The checkout these tests look at.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("this crate lies two folders below the root")
        .to_owned()
}

/// Paths of all files git keeps, relative to the root.
pub fn tracked_files() -> Vec<String> {
    let output = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root())
        .output()
        .expect("git lists the files of the checkout");
    assert!(
        output.status.success(),
        "git ls-files: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let files: Vec<String> = String::from_utf8(output.stdout)
        .expect("file names are UTF-8")
        .split_terminator('\0')
        .map(str::to_owned)
        .collect();
    assert!(files.len() > 100, "only {} files are tracked", files.len());
    files
}

/// The text of a file; `None` for one that is not text.
pub fn text(path: &str) -> Option<String> {
    let bytes =
        std::fs::read(root().join(path)).unwrap_or_else(|error| panic!("`{path}`: {error}"));
    String::from_utf8(bytes).ok()
}

/// The text of a file that must be there.
pub fn required_text(path: &str) -> String {
    text(path).unwrap_or_else(|| panic!("`{path}` is not text"))
}
