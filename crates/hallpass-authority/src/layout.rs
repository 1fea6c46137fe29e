//! What is where in an authority's directory.

use std::path::{Path, PathBuf};

use hallpass_keys::Purpose;

/// The configuration, in the directory itself.
pub(crate) const CONFIG_FILE: &str = "authority.toml";

/// What services pin, in the directory itself.
pub(crate) const TRUST_ROOT_FILE: &str = "trust-root.txt";

/// The policy a new authority starts with, in the policy directory.
pub(crate) const STARTER_POLICY_FILE: &str = "starter.toml";

/// The policy file with the first operator, in the policy directory.
pub(crate) const OPERATORS_POLICY_FILE: &str = "operators.toml";

/// The last bundle's number and digest, in the bundle directory.
pub(crate) const BUNDLE_STATE_FILE: &str = "last.json";

/// How far the journal was, in the bundle directory.
pub(crate) const JOURNAL_MARK_FILE: &str = "journal.json";

/// Where the keys stand, in the bundle directory.
pub(crate) const KEPT_KEYS_FILE: &str = "keys.json";

/// Copies of the policies in force, in the bundle directory.
pub(crate) const KEPT_POLICIES: &str = "policies";

/// The journals of verifiers, each in a directory of its own.
pub(crate) const VERIFIERS: &str = "verifiers";

/// The file of a key, in the key directory.
pub(crate) fn key_file(keys: &Path, purpose: Purpose) -> PathBuf {
    keys.join(format!("{purpose}.key"))
}

/// The file of a root document, in the roots directory.
pub(crate) fn root_file(roots: &Path, version: u64) -> PathBuf {
    roots.join(format!("{version}.json"))
}
