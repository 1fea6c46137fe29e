//! The passphrase of a key: from the environment or a terminal, never from an argument, which everybody can see.

use std::env;
use std::io::{self, IsTerminal as _};

use anyhow::{Context as _, anyhow, bail};
use hallpass_keys::key_file::PASSPHRASE_CHARS_MIN;
use zeroize::Zeroizing;

use crate::hint::HintExt as _;
use crate::output::{Output, Style};

/// The variable with the passphrase. Not a flag on purpose.
pub(crate) const PASSPHRASE_VARIABLE: &str = "HALLPASS_PASSPHRASE";

/// Whether a new key is kept under a passphrase.
#[derive(Debug, clap::Args)]
pub(crate) struct NewPassphraseArgs {
    /// Keep the key in plain: whoever reads the file is the operator
    #[arg(long)]
    no_passphrase: bool,
}

impl NewPassphraseArgs {
    /// The passphrase for a new key of an operator; `None` for none, which is said loudly.
    pub(crate) fn choose(&self, output: &mut Output) -> anyhow::Result<Option<Zeroizing<String>>> {
        self.choose_for("the operator's key", "acts as the operator", output)
    }

    /// The same, for another key: whoever reads its file can do that much.
    pub(crate) fn choose_for(
        &self,
        whose: &str,
        can: &str,
        output: &mut Output,
    ) -> anyhow::Result<Option<Zeroizing<String>>> {
        if self.no_passphrase {
            let warning = output.err_style(Style::Caution, "warning:");
            output.note(&format!(
                "{warning} {whose} is NOT encrypted: whoever reads its file {can}"
            ));
            return Ok(None);
        }
        if let Some(passphrase) = from_environment() {
            return checked(passphrase).map(Some);
        }
        if !io::stdin().is_terminal() {
            return Err(anyhow!("there is no passphrase for {whose}, and no terminal to ask at")).hint(
                format!("set {PASSPHRASE_VARIABLE}, or give --no-passphrase for an authority that is thrown away"),
            );
        }
        let first = ask(&format!("Passphrase for {whose}: "))?;
        let first = checked(first)?;
        if ask("Once more: ")? != first {
            bail!("the two passphrases differ");
        }
        Ok(Some(first))
    }
}

/// The passphrase of a key that is there.
pub(crate) fn of_key(path: &std::path::Path) -> anyhow::Result<Zeroizing<String>> {
    if let Some(passphrase) = from_environment() {
        return Ok(passphrase);
    }
    if !io::stdin().is_terminal() {
        return Err(anyhow!(
            "the key `{}` is encrypted, and there is no terminal to ask at",
            path.display()
        ))
        .hint(format!("set {PASSPHRASE_VARIABLE}"));
    }
    ask(&format!("Passphrase for `{}`: ", path.display()))
}

fn from_environment() -> Option<Zeroizing<String>> {
    env::var(PASSPHRASE_VARIABLE).ok().map(Zeroizing::new)
}

fn ask(prompt: &str) -> anyhow::Result<Zeroizing<String>> {
    rpassword::prompt_password(prompt)
        .map(Zeroizing::new)
        .context("cannot read a passphrase from the terminal")
}

fn checked(passphrase: Zeroizing<String>) -> anyhow::Result<Zeroizing<String>> {
    if passphrase.chars().count() < PASSPHRASE_CHARS_MIN {
        return Err(anyhow!("the passphrase is too short")).hint(format!(
            "a passphrase has at least {PASSPHRASE_CHARS_MIN} characters; a few words do"
        ));
    }
    Ok(passphrase)
}
