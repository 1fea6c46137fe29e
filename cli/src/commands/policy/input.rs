//! Where a policy is read from: its directory, or one file.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use hallpass_policy::{POLICY_FILE_BYTES_MAX, Policy, PolicyFiles};

use crate::hint::HintExt as _;
use crate::words::shell_quoted;

/// Where a policy is when nothing else is said.
pub(crate) const POLICY_DEFAULT: &str = "policy";

/// Reads the files of a policy.
pub(crate) fn files(path: &Path) -> anyhow::Result<PolicyFiles> {
    let read = if path.is_dir() {
        PolicyFiles::read(path).map_err(anyhow::Error::from)
    } else {
        one(path)
    };
    read.hint("give the directory of a policy, `AUTHORITY/policy`, or one of its files")
}

fn one(path: &Path) -> anyhow::Result<PolicyFiles> {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| anyhow!("`{}` is no policy", path.display()))?;
    let text = text(path)?;
    Ok(PolicyFiles::new([(name, text)]))
}

/// Reads a text of one byte more than a policy file may have, at most: what reads it says that it is too large.
pub(crate) fn text(path: &Path) -> anyhow::Result<String> {
    use std::io::Read as _;
    let read = || {
        let mut text = String::new();
        let limit = u64::try_from(POLICY_FILE_BYTES_MAX).unwrap_or(u64::MAX);
        let file = std::fs::File::open(path)?;
        file.take(limit.saturating_add(1))
            .read_to_string(&mut text)?;
        Ok::<_, std::io::Error>(text)
    };
    read().with_context(|| format!("cannot read `{}`", path.display()))
}

/// Reads a policy that has to hold together.
pub(crate) fn policy(path: &Path) -> anyhow::Result<Policy> {
    parsed(&files(path)?, path)
}

/// The policy these files make.
pub(crate) fn parsed(files: &PolicyFiles, path: &Path) -> anyhow::Result<Policy> {
    let path = path.display().to_string();
    Policy::parse(files)
        .map_err(|errors| anyhow!("the policy in `{path}` is refused:\n{errors}"))
        .hint(format!("hallpass policy check {}", shell_quoted(&path)))
}
