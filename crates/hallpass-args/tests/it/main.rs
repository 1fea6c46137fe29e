//! Reading and canonicalising, as other projects' vectors have it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking"
)]

mod fuzz;
mod json_parsing;
mod rfc_8785;

use std::path::PathBuf;

use hallpass_args::{Arguments, ArgumentsError};

/// A folder or file of outside vectors.
fn vectors(name: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("HALLPASS_VECTORS") else {
        println!("outside vectors not run: HALLPASS_VECTORS is unset ({name})");
        return None;
    };
    Some(PathBuf::from(folder).join(name))
}

/// Reads any JSON value, which arguments are not, as their only member.
fn wrapped(json: &[u8]) -> Result<Arguments, ArgumentsError> {
    Arguments::parse(&[br#"{"x":"#, json, b"}"].concat())
}
