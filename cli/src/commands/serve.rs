//! `hallpass serve`: runs an authority until it is told to stop.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use hallpass_authority::{Authority, DRAIN_SECONDS_DEFAULT, OpenError, Reloader};
use hallpass_vocabulary::SystemClock;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::output::Output;

/// The variable that says what is logged, in the form of `tracing_subscriber::EnvFilter`.
const LOG_VARIABLE: &str = "HALLPASS_LOG";

const EXAMPLES: &str = "\
Examples:
  hallpass serve --dir authority
  hallpass serve --dir authority --listen 127.0.0.1:0     on a port the system chooses

Runs until SIGINT or SIGTERM, then finishes what is under way: whatever was answered is on disk. SIGHUP reads the
policy again; one that is refused changes nothing. It speaks plain HTTP: keep it on loopback, or behind something that terminates TLS. HALLPASS_LOG=debug logs more, to standard error.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The authority's directory
    #[arg(long, value_name = "DIR", env = "HALLPASS_DIR")]
    dir: PathBuf,
    /// Listen here instead of where the configuration says
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// How long requests under way may take to end after SIGINT or SIGTERM; the rest is cut off
    #[arg(long, value_name = "SECONDS", default_value_t = DRAIN_SECONDS_DEFAULT)]
    drain_seconds: u64,
    /// Log as JSON
    #[arg(long)]
    log_json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    log("info", args.log_json);
    let authority = open(&args.dir)?.draining_within(Duration::from_secs(args.drain_seconds));
    if !args.log_json {
        // Else the log says it, in its own form.
        output.note(&format!("environment {}", authority.environment()));
    }
    let listen = args.listen.unwrap_or(authority.listen());
    serve(authority, listen, on_hangup, |address| {
        Ok(output.line(&format!("listening on http://{address}"))?)
    })?;
    Ok(Exit::Ok)
}

/// Opens the authority of a directory.
pub(super) fn open(dir: &Path) -> anyhow::Result<Authority> {
    let opened = Authority::open(dir, Arc::new(SystemClock));
    let hint = match &opened {
        Err(OpenError::Journal(hallpass_journal::OpenError::Locked { .. })) => {
            "the authority runs already: one directory is served by one process"
        }
        Err(OpenError::Journal(_)) => "`hallpass journal verify DIR` says what is wrong with it",
        Err(OpenError::Missing { .. }) => "`hallpass init DIR` creates an authority",
        Err(OpenError::Policy { .. } | OpenError::PolicyDirectory(_)) => {
            "docs/policy.md describes the policy's files"
        }
        _ => "nothing was changed; docs/authority.md describes the files of an authority",
    };
    opened
        .with_context(|| format!("cannot open the authority in `{}`", dir.display()))
        .hint(hint)
}

/// Serves until SIGINT or SIGTERM. `reloading` is given what reads the policy again; `ready` hears where it listens, once
/// connections are accepted.
pub(super) fn serve(
    authority: Authority,
    listen: SocketAddr,
    reloading: impl FnOnce(Reloader) -> std::io::Result<()>,
    ready: impl FnOnce(SocketAddr) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the network runtime")?;
    runtime.block_on(async {
        // Before anybody is told that it runs: whoever hears it may stop it at once.
        let (interrupted, terminated) = (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        );
        reloading(authority.reloader())?;
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("cannot listen on {listen}"))
            .hint("give another address: --listen 127.0.0.1:0 lets the system choose the port")?;
        ready(listener.local_addr()?)?;
        Ok(authority
            .serve(listener, first(interrupted, terminated))
            .await?)
    })
}

/// Reads the policy again at each SIGHUP. Must be called in a runtime.
fn on_hangup(reloader: Reloader) -> std::io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            // Logged and recorded by the authority, whatever becomes of it.
            let _ = reloader.reload(None).await;
        }
    });
    Ok(())
}

async fn first(mut interrupted: Signal, mut terminated: Signal) {
    tokio::select! {
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }
}

/// Logs to standard error, in colour on a terminal only.
pub(super) fn log(default: &str, json: bool) {
    use std::io::IsTerminal as _;
    let filter = EnvFilter::try_from_env(LOG_VARIABLE).unwrap_or_else(|_| EnvFilter::new(default));
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(!plain && std::io::stderr().is_terminal());
    // Fails only when something logs already, which then goes on.
    let _ = if json {
        builder.json().try_init()
    } else {
        builder.try_init()
    };
}
