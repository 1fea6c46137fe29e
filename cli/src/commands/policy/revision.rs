//! A policy as it is in a revision of git.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, anyhow};
use hallpass_policy::{POLICY_FILES_MAX, PolicyFiles};

use crate::hint::HintExt as _;

/// The files of a policy directory in a revision; git is asked for its list and for each of them.
pub(crate) fn files(directory: &Path, revision: &str) -> anyhow::Result<PolicyFiles> {
    if revision.is_empty() || revision.starts_with('-') {
        return Err(anyhow!("`{revision}` is no revision"))
            .hint("give a branch, a tag or a commit");
    }
    let names = git(directory, &["ls-tree", "--name-only", "-z", revision, "./"])?;
    let names: Vec<&str> = names.split('\0').filter(|name| is_policy(name)).collect();
    if names.is_empty() || names.len() > POLICY_FILES_MAX {
        return Err(anyhow!(
            "`{}` holds {} policy files in revision `{revision}`",
            directory.display(),
            names.len()
        ))
        .hint("give a revision in which the policy is at the same place");
    }
    let mut files = Vec::new();
    for name in names {
        let text = git(directory, &["show", &format!("{revision}:./{name}")])?;
        files.push((name.to_owned(), text));
    }
    Ok(PolicyFiles::new(files))
}

fn is_policy(name: &str) -> bool {
    !name.contains('/') && (name.ends_with(".toml") || name.ends_with(".json"))
}

fn git(directory: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let done = Command::new("git")
        .arg("-C")
        .arg(directory)
        .args(arguments)
        .output()
        .context("cannot run git")
        .hint("give the old policy as a directory instead of a revision")?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        let said = said.lines().next().unwrap_or("it said nothing").to_owned();
        return Err(anyhow!("git cannot read the policy: {said}"))
            .hint("the directory must be in a repository, and the revision must exist there");
    }
    String::from_utf8(done.stdout).context("a policy file in git is not UTF-8")
}
