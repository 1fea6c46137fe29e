//! `hallpass reconcile`: what the journals of authorities and services say when they are laid beside each other.

mod answer;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use hallpass_evidence::{Finding, FindingKind, Full, Reconciled, Reconciliation, Severity};

use super::journal::JournalKey;
use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::journals_input::{Given, Reading, State, by_origin, look};
use crate::output::Output;
use crate::words::escaped;

const EXAMPLES: &str = "\
Examples:
  hallpass reconcile --authority authority/journal --verifier journal
  hallpass reconcile --authority authority/journal --verifier tickets/journal mail.jsonl
  hallpass reconcile --authority authority/journal --verifier authority/verifiers/*       what verifiers shipped
  hallpass reconcile --authority authority/journal --verifier journal --key \"$(cat kept-elsewhere.vkey)\"
  hallpass reconcile --authority authority/journal --verifier journal --json | jq .findings

A journal is a directory, which is verified first, or a file that `hallpass journal export --format jsonl` wrote without filters, \
which has no signature. Give every replica of the authority, and every service that you have: a token that is used and was \
never minted is found in the journals that are here, and in no others. Two copies of one journal may be given, and are compared.

docs/reconcile.md says what each finding means and what to do. An alarm is about a stolen key or a rewritten journal, a fault about a \
promise that was not kept; a notice is to be known.

Exit status: 0 nothing worse than a notice, 1 an alarm or a fault, 2 usage or failure.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The journals of an authority, one for each replica
    #[arg(long, required = true, num_args = 1.., value_name = "DIR|EXPORT")]
    authority: Vec<PathBuf>,
    /// The journals of services, as many as there are
    #[arg(long, required = true, num_args = 1.., value_name = "DIR|EXPORT")]
    verifier: Vec<PathBuf>,
    /// The key a journal must be signed by, kept elsewhere: the text of its `journal.vkey`; may be given more than once
    #[arg(long, value_name = "VKEY")]
    key: Vec<JournalKey>,
    /// Show up to 100 of each finding; 10 in a table when left out
    #[arg(long)]
    all: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What was given, looked at.
struct Journals {
    authorities: Vec<Given>,
    services: Vec<Given>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let reading = Reading::new();
    let look_at = |paths: &[PathBuf]| -> anyhow::Result<Vec<Given>> {
        paths.iter().map(|path| look(path, &reading)).collect()
    };
    let journals = Journals {
        authorities: look_at(&args.authority)?,
        services: look_at(&args.verifier)?,
    };
    journals.are_apart()?;
    let found = reconciled(args, &journals, &reading)?;
    drop(reading);
    answer::show(args, &journals, &found, output)?;
    Ok(match found.worst() {
        Some(Severity::Alarm | Severity::Fault) => Exit::Denied,
        Some(Severity::Notice) | None => Exit::Ok,
    })
}

fn reconciled(args: &Args, journals: &Journals, reading: &Reading) -> anyhow::Result<Reconciled> {
    let mut reconciliation = Reconciliation::new();
    for journal in journals.all() {
        if let Some(reason) = not_as_signed(journal, &args.key) {
            reconciliation.found(Finding::of(
                FindingKind::NotAsSigned,
                &journal.origin,
                reason,
            ));
        }
    }
    for (origin, copies) in by_origin(&journals.authorities) {
        let copies = copies.iter().map(|copy| copy.read(reading));
        let copies = copies.collect::<anyhow::Result<Vec<_>>>()?;
        full(reconciliation.authority(origin, copies))?;
    }
    for (origin, copies) in by_origin(&journals.services) {
        let copies = copies.iter().map(|copy| copy.read(reading));
        let copies = copies.collect::<anyhow::Result<Vec<_>>>()?;
        full(reconciliation.service(origin, copies))?;
    }
    // A token that was used while services were read was minted before.
    for authority in &journals.authorities {
        let since = authority.read_on().with_context(|| {
            format!(
                "cannot read on in the journal `{}`",
                authority.path.display()
            )
        })?;
        full(reconciliation.written_since(since))?;
    }
    Ok(reconciliation.conclude())
}

/// What to do where there is more than is remembered.
fn full(read: anyhow::Result<()>) -> anyhow::Result<()> {
    match read {
        Err(error) if error.is::<Full>() => Err(error).hint(
            "give an export of a shorter time of each: `hallpass journal export DIR --format jsonl --since 30d`",
        ),
        read => read,
    }
}

impl Journals {
    fn all(&self) -> impl Iterator<Item = &Given> {
        self.authorities.iter().chain(&self.services)
    }

    /// Nobody's journal is an authority's and a service's.
    fn are_apart(&self) -> anyhow::Result<()> {
        let services = by_origin(&self.services);
        let both = self
            .authorities
            .iter()
            .find(|it| services.contains_key(&*it.origin));
        match both {
            None => Ok(()),
            Some(both) => Err(anyhow!(
                "`{}` is given as the journal of an authority and of a service",
                escaped(&both.origin)
            ))
            .hint("an authority's journal has records of kind `minted`; a service's never counts as one that mints"),
        }
    }
}

/// Why a journal is not what was signed, if it is not.
fn not_as_signed(journal: &Given, keys: &[JournalKey]) -> Option<String> {
    if let State::NotAsSigned(reason) = &journal.state {
        return Some(reason.clone());
    }
    let mut wanted = keys
        .iter()
        .filter(|key| key.is_for(&journal.origin))
        .peekable();
    wanted.peek()?;
    let found = journal.key.as_deref().unwrap_or("none");
    let given = wanted.any(|key| key.key().id().to_string() == found);
    (!given).then(|| format!("it is signed by key `{found}`, not by the one that was given for it"))
}

/// A path as it was given.
fn path_of(path: &Path) -> String {
    path.display().to_string()
}
