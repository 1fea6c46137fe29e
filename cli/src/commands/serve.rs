//! `hallpass serve`: runs an authority until it is told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use hallpass_authority::{
    Authority, ConfigError, LogFormat, OpenError, Overrides, Reloader, Settings, Source,
};
use hallpass_vocabulary::SystemClock;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::logging;
use crate::output::Output;
use crate::sources::Sources;

const EXAMPLES: &str = "\
Examples:
  hallpass serve --dir authority
  hallpass serve --dir authority --listen 127.0.0.1:0     on a port the system chooses
  hallpass serve --dir authority --print-config           what is in force, and who says so

Runs until SIGINT or SIGTERM, then finishes what is under way: whatever was answered is on disk. SIGHUP reads the \
policy and the certificate again; what is refused of them changes nothing. What a flag says beats the environment, and that \
beats `authority.toml`. Where other machines reach it, it needs a certificate. HALLPASS_LOG=debug logs more, to standard \
error.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The authority's directory
    #[arg(long, value_name = "DIR", env = "HALLPASS_DIR")]
    dir: PathBuf,
    /// Listen here instead of where the configuration says
    #[arg(long, value_name = "ADDRESS", env = "HALLPASS_LISTEN")]
    listen: Option<SocketAddr>,
    /// The certificate to show, and those that lead to its root, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// The certificate's private key, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// Listen without a certificate where other machines reach it: tokens and secrets cross the network unencrypted
    #[arg(long)]
    danger_plain_http: bool,
    /// How long requests under way may take to end after SIGINT or SIGTERM; the rest is cut off
    #[arg(long, value_name = "SECONDS")]
    drain_seconds: Option<u32>,
    /// What is logged, such as `debug` or `info,hallpass_authority=debug`
    #[arg(long, value_name = "FILTER", env = "HALLPASS_LOG")]
    log: Option<String>,
    /// How it is logged
    #[arg(long, value_name = "FORMAT", env = "HALLPASS_LOG_FORMAT", value_parser = ["json", "text"])]
    log_format: Option<String>,
    /// Show the configuration in force as TOML, each value with where it comes from, and do nothing else
    #[arg(long)]
    print_config: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let opening = || format!("cannot open the authority in `{}`", args.dir.display());
    let settings = Settings::read(&args.dir, args.overrides()?);
    let settings = hinted(settings).with_context(opening)?;
    if args.print_config {
        output.write(&settings.shown())?;
        hinted(settings.check())?;
        return Ok(Exit::Ok);
    }
    let json = settings.log_format() == LogFormat::Json;
    logging::start(settings.log_filter(), json)?;
    let listen = settings.listen();
    let authority = open(settings).with_context(opening)?;
    if !json {
        // Else the log says it, in its own form.
        output.note(&format!("environment {}", authority.environment()));
    }
    let scheme = if authority.is_tls() { "https" } else { "http" };
    serve(authority, listen, on_hangup, |address| {
        Ok(output.line(&format!("listening on {scheme}://{address}"))?)
    })?;
    Ok(Exit::Ok)
}

impl Args {
    /// What flags and the environment say instead of the file.
    fn overrides(&self) -> anyhow::Result<Overrides> {
        let sources = Sources::of_process(&["serve"]);
        let mut overrides = Overrides::default();
        if let Some(listen) = self.listen {
            let source = sources.of("listen", "--listen", "HALLPASS_LISTEN");
            overrides = overrides.with("listen", listen.to_string(), source);
        }
        for (key, flag, path) in [
            (
                "tls.certificate",
                "--tls-certificate",
                &self.tls_certificate,
            ),
            ("tls.key", "--tls-key", &self.tls_key),
        ] {
            if let Some(path) = path {
                // Said here, so meant from here; the file's are meant from the authority's directory.
                let path = std::path::absolute(path)?.display().to_string();
                overrides = overrides.with(key, path, Source::Flag(flag));
            }
        }
        if self.danger_plain_http {
            let source = Source::Flag("--danger-plain-http");
            overrides = overrides.with("danger_plain_http", true, source);
        }
        if let Some(seconds) = self.drain_seconds {
            let source = Source::Flag("--drain-seconds");
            overrides = overrides.with("drain_seconds", seconds, source);
        }
        if let Some(filter) = &self.log {
            let source = sources.of("log", "--log", "HALLPASS_LOG");
            overrides = overrides.with("log.filter", filter.as_str(), source);
        }
        if let Some(format) = &self.log_format {
            let source = sources.of("log_format", "--log-format", "HALLPASS_LOG_FORMAT");
            overrides = overrides.with("log.format", format.as_str(), source);
        }
        Ok(overrides)
    }
}

/// Opens the authority of a directory.
pub(super) fn open(settings: Settings) -> anyhow::Result<Authority> {
    hinted(Authority::open_with(settings, Arc::new(SystemClock)))
}

/// A failure to open, with what to do about it.
pub(super) fn hinted<T>(opened: Result<T, OpenError>) -> anyhow::Result<T> {
    let hint = match &opened {
        Err(OpenError::Config {
            source: ConfigError::PlainHttp(_),
            ..
        }) => {
            "give it a certificate with [tls]; where something in front of it terminates TLS, say `danger_plain_http = true`"
        }
        Err(OpenError::Journal(hallpass_journal::OpenError::Locked { .. })) => {
            "the authority runs already: one directory is served by one process"
        }
        Err(OpenError::Journal(_)) => "`hallpass journal verify DIR` says what is wrong with it",
        Err(OpenError::Missing { .. }) => "`hallpass init DIR` creates an authority",
        Err(OpenError::Policy { .. } | OpenError::PolicyDirectory(_)) => {
            "docs/policy.md describes the policy's files"
        }
        Err(OpenError::Identity(_)) => "docs/clients-and-operators.md says what an issuer needs",
        _ => "nothing was changed; docs/authority.md describes the files of an authority",
    };
    opened.hint(hint)
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
        // A new certificate is taken on SIGHUP, which would otherwise end the process until the authority listens to it.
        let _heard = match authority.is_tls() {
            true => Some(signal(SignalKind::hangup())?),
            false => None,
        };
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
