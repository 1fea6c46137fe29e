//! `hallpass operators new`: a key, and the lines that enrol it.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use hallpass_keys::key_file::{write_encrypted_key_file, write_key_file};
use hallpass_keys::{KeyId, Purpose, SigningKey, VerifyingKey, random_bytes};
use hallpass_vocabulary::{Environment, OperatorId, OperatorRole, PersonId};

use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::output::Output;
use crate::passphrase::NewPassphraseArgs;

const EXAMPLES: &str = "\
Examples:
  hallpass operators new op:dana --env prod --key dana.key --role auditor
  hallpass operators new op:li --env prod --key li.key --role admin --role approver > li.toml

Everybody makes their own key, on their own machine; only the lines on standard output leave it. They go into the \
authority's policy, so that enrolling somebody is a change that is reviewed. The passphrase comes from HALLPASS_PASSPHRASE \
or is asked for.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The operator, such as `op:dana`
    operator: OperatorId,
    /// The environment; the key is bound to it for good
    #[arg(long, env = "HALLPASS_ENV")]
    env: Environment,
    /// The key file to write
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The human being; the name after `op:` when left out
    #[arg(long)]
    person: Option<PersonId>,
    /// What the operator may do; may be given more than once
    #[arg(long, value_name = "ROLE", required = true, value_parser = role)]
    role: Vec<OperatorRole>,
    #[command(flatten)]
    passphrase: NewPassphraseArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Made<'a> {
    operator: &'a OperatorId,
    person: &'a PersonId,
    roles: &'a [OperatorRole],
    key: VerifyingKey,
    key_id: KeyId,
    file: &'a std::path::Path,
    encrypted: bool,
}

fn role(text: &str) -> Result<OperatorRole, String> {
    OperatorRole::ALL
        .into_iter()
        .find(|role| role.as_str() == text)
        .ok_or_else(|| "expected `admin`, `approver`, `auditor` or `operator`".to_owned())
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    output.note(&format!("environment {}", args.env));
    let person = match &args.person {
        Some(person) => person.clone(),
        None => PersonId::new(args.operator.as_str().trim_start_matches("op:"))
            .context("the operator's name is no person's")
            .hint("say who it is: --person NAME")?,
    };
    let mut roles = args.role.clone();
    roles.sort_unstable();
    roles.dedup();
    if args.key.exists() {
        return Err(anyhow!(
            "`{}` exists and is never overwritten",
            args.key.display()
        ))
        .hint("give another file; a key that is no longer wanted is taken out of the policy");
    }
    let passphrase = args.passphrase.choose(output)?;
    let key = SigningKey::from_seed(Purpose::Operator, args.env.clone(), random_bytes()?);
    match &passphrase {
        Some(passphrase) => write_encrypted_key_file(&args.key, &key, passphrase)?,
        None => write_key_file(&args.key, &key)?,
    }
    output.note(&format!(
        "wrote {}, key id {}; keep the file to yourself",
        args.key.display(),
        key.id()
    ));
    if args.json {
        output.json(&Made {
            operator: &args.operator,
            person: &person,
            roles: &roles,
            key: key.verifying_key(),
            key_id: key.id(),
            file: &args.key,
            encrypted: passphrase.is_some(),
        })?;
        return Ok(Exit::Ok);
    }
    output.note("put these lines into the authority's policy, and load it:");
    let words: Vec<String> = roles.iter().map(|role| format!("\"{role}\"")).collect();
    for line in [
        format!("[operators.\"{}\"]", args.operator),
        format!("person = \"{person}\""),
        format!("keys = [\"{}\"]", key.verifying_key()),
        format!("roles = [{}]", words.join(", ")),
    ] {
        output.line(&line)?;
    }
    Ok(Exit::Ok)
}
