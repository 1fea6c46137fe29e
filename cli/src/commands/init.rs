//! `hallpass init`: a new authority.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use comfy_table::Table;
use hallpass_authority::{FirstOperator, InitError, InitOptions, InitReport};
use hallpass_vocabulary::{AuthorityId, ClientId, Environment, OperatorId, PersonId, SystemClock};

use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::output::{Output, Style};
use crate::passphrase::NewPassphraseArgs;
use crate::words::shell_quoted;

/// The port when none is given: unassigned by IANA, and easy to remember.
pub(crate) const LISTEN_DEFAULT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 7420);

/// The client the starter policy names.
pub(crate) const CLIENT_DEFAULT: &str = "demo-orchestrator";

/// The journal in an authority's directory, as a new `authority.toml` names it.
pub(crate) const JOURNAL_DIRECTORY: &str = "journal";

const EXAMPLES: &str = "\
Examples:
  hallpass init authority
  hallpass init /srv/hallpass --env prod --name hallpass.example \\
      --client orchestrator --operator op:dana

Writes nothing unless the directory is new or empty. The client's secret is shown once: only its hash is kept. The first \
operator's key is kept under a passphrase, from HALLPASS_PASSPHRASE or asked for.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The directory to create
    directory: PathBuf,
    /// The environment it mints for; its keys are bound to it for good
    #[arg(long, default_value = "dev")]
    env: Environment,
    /// Its name, in its trust root and its bundles; `ENV.hallpass` when left out
    #[arg(long)]
    name: Option<AuthorityId>,
    /// Where it will listen
    #[arg(long, value_name = "ADDRESS", default_value_t = LISTEN_DEFAULT)]
    listen: SocketAddr,
    /// Its first client; the starter policy names `demo-orchestrator`
    #[arg(long, default_value = CLIENT_DEFAULT)]
    client: ClientId,
    /// Its first operator, who may do everything but approve
    #[arg(long, value_name = "OPERATOR", default_value = "op:first")]
    operator: OperatorId,
    /// The human being behind the first operator; the name after `op:` when left out
    #[arg(long, value_name = "NAME")]
    person: Option<PersonId>,
    #[command(flatten)]
    passphrase: NewPassphraseArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Created<'a> {
    authority: &'a str,
    environment: &'a str,
    directory: &'a std::path::Path,
    configuration: &'a std::path::Path,
    policy: &'a std::path::Path,
    listen: SocketAddr,
    trust_root: &'a std::path::Path,
    fingerprint: String,
    root_key: &'a std::path::Path,
    operator: &'a str,
    operator_key: &'a std::path::Path,
    operators: &'a std::path::Path,
    run_public_key: String,
    client_id: &'a str,
    client_secret: &'a str,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    output.note(&format!("environment {}", args.env));
    let name = match &args.name {
        Some(name) => name.clone(),
        None => AuthorityId::new(&format!("{}.hallpass", args.env))?,
    };
    let person = match &args.person {
        Some(person) => person.clone(),
        None => PersonId::new(args.operator.as_str().trim_start_matches("op:"))
            .context("the operator's name is no person's")
            .hint("say who it is: --person NAME")?,
    };
    let options = InitOptions {
        environment: args.env.clone(),
        authority: name.clone(),
        listen: args.listen,
        client: args.client.clone(),
        operator: FirstOperator {
            operator: args.operator.clone(),
            person,
            passphrase: args.passphrase.choose(output)?,
        },
        foreign_keys: Vec::new(),
        clock: Arc::new(SystemClock),
    };
    let made = hallpass_authority::init(&args.directory, &options);
    let hint = match made {
        Err(InitError::NotEmpty { .. }) => {
            "give a new directory; `hallpass serve --dir DIR` runs an authority that exists"
        }
        _ => "check that the parent directory exists and can be written",
    };
    let made = made.context("no authority was created").hint(hint)?;
    if args.json {
        json(&name, &made, output)?;
    } else {
        say(&name, &made, output)?;
    }
    Ok(Exit::Ok)
}

fn json(name: &AuthorityId, made: &InitReport, output: &mut Output) -> anyhow::Result<()> {
    output.json(&Created {
        authority: name.as_str(),
        environment: made.environment.as_str(),
        directory: &made.directory,
        configuration: &made.config_path,
        policy: &made.policy_path,
        listen: made.listen,
        trust_root: &made.trust_root_path,
        fingerprint: made.trust_root.digest.fingerprint(),
        root_key: &made.root_key_path,
        operator: made.operator.as_str(),
        operator_key: &made.operator_key_path,
        operators: &made.operators_path,
        run_public_key: made.run_key.to_string(),
        client_id: made.client.as_str(),
        client_secret: made.client_secret.expose(),
    })
}

fn say(name: &AuthorityId, made: &InitReport, output: &mut Output) -> anyhow::Result<()> {
    let path = |path: &std::path::Path| path.display().to_string();
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    for (what, value, note) in [
        (
            "configuration",
            path(&made.config_path),
            "where it listens, where its parts are",
        ),
        (
            "policy",
            path(&made.policy_path),
            "edit this: tools and routes",
        ),
        (
            "journal",
            path(&made.directory.join(JOURNAL_DIRECTORY)),
            "every token it mints is recorded here",
        ),
        (
            "trust root",
            path(&made.trust_root_path),
            "hand this to every service, which pins it",
        ),
        (
            "fingerprint",
            made.trust_root.digest.fingerprint(),
            "compare it over another channel",
        ),
        ("root key", path(&made.root_key_path), "move this offline"),
        (
            "operator key",
            path(&made.operator_key_path),
            "move this to the first operator",
        ),
    ] {
        table.add_row([what, &value, note]);
    }
    let mut lines = vec![
        format!(
            "created authority {name} for environment {}",
            made.environment
        ),
        String::new(),
    ];
    lines.extend(table.lines().map(|line| line.trim_end().to_owned()));
    lines.extend([
        String::new(),
        format!("client id      {}", made.client),
        format!("client secret  {}", made.client_secret.expose()),
        output.style(Style::Caution, "The secret is shown this once; only its hash is kept."),
        String::new(),
        "Next:".to_owned(),
        format!("  hallpass serve --dir {}", shell_quoted(&path(&made.directory))),
        format!("  export HALLPASS_AUTHORITY=http://{} HALLPASS_CLIENT_ID={}", made.listen, made.client),
        "  export HALLPASS_CLIENT_SECRET=…   # the secret above".to_owned(),
        "  hallpass tokens mint --route /support/draft --tenant acme --subject user:alice --actor agent:support-bot"
            .to_owned(),
    ]);
    for line in lines {
        output.line(&line)?;
    }
    Ok(())
}
