//! `hallpass keys new`: a key for people to keep.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use hallpass_keys::key_file::{write_encrypted_key_file, write_key_file};
use hallpass_keys::{KeyId, Purpose, SigningKey, VerifyingKey, random_bytes};
use hallpass_vocabulary::Environment;

use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::output::Output;
use crate::passphrase::NewPassphraseArgs;

const EXAMPLES: &str = "\
Examples:
  hallpass keys new root --env prod --out root-ann.key
  hallpass keys new run --env prod --out authority/keys/run-next.key --no-passphrase

A root key is made by each of the people who keep one, on a machine of their own; only the public key on standard output \
leaves it. A key of another purpose is made like this where the directory of an authority cannot be written: keys that a \
service signs with are in plain, and `hallpass keys rotate` takes one that lies there. The passphrase comes from \
HALLPASS_PASSPHRASE or is asked for.";

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum NewPurpose {
    Approval,
    Bundle,
    Heartbeat,
    Root,
    Run,
}

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// What the key is for
    purpose: NewPurpose,
    /// The environment; the key is bound to it for good
    #[arg(long, env = "HALLPASS_ENV")]
    env: Environment,
    /// The key file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    passphrase: NewPassphraseArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Made<'a> {
    purpose: Purpose,
    environment: &'a Environment,
    key: KeyId,
    public_key: VerifyingKey,
    file: &'a Path,
    encrypted: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    output.note(&format!("environment {}", args.env));
    let purpose = match args.purpose {
        NewPurpose::Approval => Purpose::Approval,
        NewPurpose::Bundle => Purpose::Bundle,
        NewPurpose::Heartbeat => Purpose::Heartbeat,
        NewPurpose::Root => Purpose::Root,
        NewPurpose::Run => Purpose::Run,
    };
    if args.out.exists() {
        return Err(anyhow!(
            "`{}` exists and is never overwritten",
            args.out.display()
        ))
        .hint("give another file");
    }
    let passphrase = args
        .passphrase
        .choose_for("the key", "can sign as it does", output)?;
    let key = SigningKey::from_seed(purpose, args.env.clone(), random_bytes()?);
    match &passphrase {
        Some(passphrase) => write_encrypted_key_file(&args.out, &key, passphrase)?,
        None => write_key_file(&args.out, &key)?,
    }
    output.note(&format!(
        "wrote {}, key id {}; its public key:",
        args.out.display(),
        key.id()
    ));
    if args.json {
        output.json(&Made {
            purpose,
            environment: &args.env,
            key: key.id(),
            public_key: key.verifying_key(),
            file: &args.out,
            encrypted: passphrase.is_some(),
        })?;
    } else {
        output.line(&key.verifying_key().to_string())?;
    }
    Ok(Exit::Ok)
}
