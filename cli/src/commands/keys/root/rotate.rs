//! `hallpass keys root rotate`: the root after one.

use std::path::PathBuf;

use anyhow::anyhow;
use hallpass_bundle::{Role, RootDraft};
use hallpass_keys::VerifyingKey;
use hallpass_vocabulary::{Clock as _, Environment, SystemClock};

use super::document::{self, Document};
use crate::duration::Span;
use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  hallpass keys root rotate --from roots/1.json --out root-2.json --key root.key --bundle HEX
  hallpass keys root rotate --from roots/1.json --out root-2.json --key root.key \\
      --root HEX --root HEX --root HEX --root-threshold 2

Offline, where a root key is. What is not given stays as it is in the root before. A key is given by its public half: \
`hallpass keys rotate bundle` prints that of the authority's next one, `hallpass keys new root` that of a root key. All keys \
of a role are named. The document must then be signed by as many keys of the root before as that asks for, and of its own: \
`hallpass keys root sign`. A passphrase comes from HALLPASS_PASSPHRASE or is asked for, once for each key.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The root before
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// The document to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// A root key file to sign with; may be given more than once
    #[arg(long, value_name = "FILE", required = true)]
    key: Vec<PathBuf>,
    /// A root key from now on; may be given more than once
    #[arg(long, value_name = "HEX")]
    root: Vec<VerifyingKey>,
    /// How many root keys must sign the root after this one
    #[arg(long, value_name = "N")]
    root_threshold: Option<usize>,
    /// A bundle key from now on; may be given more than once
    #[arg(long, value_name = "HEX")]
    bundle: Vec<VerifyingKey>,
    /// How many bundle keys must sign a bundle
    #[arg(long, value_name = "N")]
    bundle_threshold: Option<usize>,
    /// A heartbeat key from now on; may be given more than once
    #[arg(long, value_name = "HEX")]
    heartbeat: Vec<VerifyingKey>,
    /// How many heartbeat keys must sign a heartbeat
    #[arg(long, value_name = "N")]
    heartbeat_threshold: Option<usize>,
    /// For how long it is believed
    #[arg(long, value_name = "SPAN", default_value = "365d")]
    valid: Span,
    /// The environment that is meant; the root before belongs to one
    #[arg(long, env = "HALLPASS_ENV")]
    env: Option<Environment>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let before = Document::read(&args.from)?.root;
    let environment = before.environment().clone();
    output.note(&format!("environment {environment}"));
    if let Some(meant) = &args.env
        && *meant != environment
    {
        return Err(anyhow!(
            "the root before is of environment `{environment}`, not `{meant}`"
        ))
        .hint("give the root of the environment that is meant");
    }
    if args.out.exists() {
        return Err(anyhow!("`{}` exists", args.out.display()))
            .hint("sign it with `hallpass keys root sign`, or give another file");
    }
    let now = SystemClock.now();
    let draft = RootDraft {
        authority: before.authority().clone(),
        environment: environment.clone(),
        root: role(before.root(), &args.root, args.root_threshold),
        bundle: role(before.bundle(), &args.bundle, args.bundle_threshold),
        heartbeat: role(
            before.heartbeat(),
            &args.heartbeat,
            args.heartbeat_threshold,
        ),
        expires: now.after(args.valid.get()),
    };
    let root = before.next(draft, now)?;
    let keys = document::keys(&args.key, &environment)?;
    let envelope = Document::signed(None, root.to_payload(), &keys)?;
    document::write(&args.out, &envelope)?;
    output.note(&format!("wrote {}", args.out.display()));
    let made = Document { envelope, root };
    if args.json {
        output.json(&made.described(Some(&before)))?;
    } else {
        made.say(Some(&before), output)?;
    }
    Ok(Exit::Ok)
}

/// A role with these keys, if any are given, and this threshold.
fn role(before: &Role, keys: &[VerifyingKey], threshold: Option<usize>) -> Role {
    let keys = match keys {
        [] => before.keys().to_vec(),
        keys => keys.to_vec(),
    };
    Role::new(keys, threshold.unwrap_or(before.threshold()))
}
