//! Where something is written.

use std::fmt;

/// A file and a line of it. Displays as `file:line`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub(crate) file: String,
    pub(crate) line: usize,
}

impl Place {
    /// The name of the file, escaped.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line in it, from 1.
    pub fn line(&self) -> usize {
        self.line
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
