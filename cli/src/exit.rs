//! How the process ends.

use std::process::ExitCode;

/// The answer a script reads from the exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Yes, or done: 0.
    Ok = 0,
    /// No: a denial, or a journal that does not verify: 1.
    Denied = 1,
    /// The question could not be answered: 2, as for a mistake in the command line.
    Failure = 2,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
