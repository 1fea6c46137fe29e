//! `hallpass dev`: an authority to try things with.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use hallpass_authority::{
    DRAIN_SECONDS_DEFAULT, FirstOperator, InitOptions, Overrides, Settings, init,
};
use hallpass_vocabulary::{AuthorityId, ClientId, Environment, OperatorId, PersonId, SystemClock};
use zeroize::Zeroizing;

use super::init::{CLIENT_DEFAULT, LISTEN_DEFAULT};
use super::serve;
use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::logging;
use crate::output::Output;
use crate::temporary::Temporary;
use crate::words::shell_quoted;

/// Where the client's secret is kept in a directory that is used again. An authority keeps only its hash.
const SECRET_FILE: &str = "dev-client-secret";

const ENVIRONMENT: &str = "dev";
const NAME: &str = "dev.hallpass";
const OPERATOR: &str = "op:dev";
const PERSON: &str = "dev";

/// The operator's key in the directory.
const OPERATOR_KEY_FILE: &str = "keys/operator.key";

const EXAMPLES: &str = "\
Examples:
  hallpass dev                          copy the export lines into another terminal
  hallpass dev > dev.env &              and in any terminal then: . ./dev.env

Runs on this machine only, with the starter policy, until SIGINT or SIGTERM. Standard output has the export lines and \
nothing else, so that a shell can read them. Without --dir everything is in a temporary directory that goes when it ends.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Keep the authority in this directory, and use it again; it also keeps the client's secret, readable by you only
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Listen here; must be a loopback address
    #[arg(long, value_name = "ADDRESS", default_value_t = LISTEN_DEFAULT)]
    listen: SocketAddr,
    /// How long requests under way may take to end after SIGINT or SIGTERM; the rest is cut off
    #[arg(long, value_name = "SECONDS", default_value_t = DRAIN_SECONDS_DEFAULT)]
    drain_seconds: u64,
    /// What is logged, such as `debug`
    #[arg(
        long,
        value_name = "FILTER",
        env = "HALLPASS_LOG",
        default_value = "warn"
    )]
    log: String,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    if !args.listen.ip().is_loopback() {
        return Err(anyhow!("`{}` is not a loopback address", args.listen))
            .hint("`hallpass dev` is for this machine; `hallpass init` and `hallpass serve` are for others");
    }
    logging::start(&args.log, false)?;
    // Held until the end: it removes the directory when it goes.
    let (dir, _temporary) = match &args.dir {
        Some(dir) => (dir.clone(), None),
        None => {
            let temporary = Temporary::create("hallpass-dev")?;
            (temporary.path().join("authority"), Some(temporary))
        }
    };
    let secret = secret_of(&dir, args.listen)?;
    let settings = serve::hinted(Settings::read(&dir, Overrides::default()))?;
    let authority = serve::open(settings)
        .with_context(|| format!("cannot open the authority in `{}`", dir.display()))?
        .draining_within(Duration::from_secs(args.drain_seconds));
    output.note(&format!(
        "environment {}, directory {}",
        authority.environment(),
        dir.display()
    ));
    let environment = authority.environment().clone();
    let operator_key = std::path::absolute(dir.join(OPERATOR_KEY_FILE))?;
    let trust_root = std::path::absolute(dir.join("trust-root.txt"))?;
    // SIGHUP ends it, as when its terminal is closed.
    let reloading = |_| Ok(());
    serve::serve(authority, args.listen, reloading, |address| {
        for (name, value) in [
            ("HALLPASS_AUTHORITY", format!("http://{address}")),
            ("HALLPASS_CLIENT_ID", CLIENT_DEFAULT.to_owned()),
            ("HALLPASS_CLIENT_SECRET", secret.to_string()),
            ("HALLPASS_OPERATOR_KEY", operator_key.display().to_string()),
            ("HALLPASS_TRUST_ROOT", trust_root.display().to_string()),
            ("HALLPASS_ENV", environment.to_string()),
        ] {
            output.line(&format!("export {name}={}", shell_quoted(&value)))?;
        }
        output.note("ready: paste the lines above into another terminal; Ctrl-C ends this");
        Ok(())
    })?;
    Ok(Exit::Ok)
}

/// The client's secret of the authority there, which is created if it is not.
fn secret_of(dir: &Path, listen: SocketAddr) -> anyhow::Result<Zeroizing<String>> {
    let file = dir.join(SECRET_FILE);
    if dir.join("authority.toml").exists() {
        return fs::read_to_string(&file)
            .map(|secret| Zeroizing::new(secret.trim().to_owned()))
            .with_context(|| format!("cannot read `{}`", file.display()))
            .hint("this authority was not made by `hallpass dev`; run it with `hallpass serve --dir DIR`");
    }
    let made = init(
        dir,
        &InitOptions {
            environment: Environment::new(ENVIRONMENT)?,
            authority: AuthorityId::new(NAME)?,
            listen,
            client: ClientId::new(CLIENT_DEFAULT)?,
            // An authority of one machine: a passphrase would only be in the way.
            operator: FirstOperator {
                operator: OperatorId::new(OPERATOR)?,
                person: PersonId::new(PERSON)?,
                passphrase: None,
            },
            foreign_keys: Vec::new(),
            clock: Arc::new(SystemClock),
        },
    )?;
    let secret = Zeroizing::new(made.client_secret.expose().to_owned());
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&file)
        .and_then(|mut file| writeln!(file, "{}", *secret))
        .with_context(|| format!("cannot write `{}`", file.display()))?;
    Ok(secret)
}
