//! The tickets service as a program.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use hallpass_client::BaseUrl;
use hallpass_journal::KEEP_MIN;
use hallpass_verifier::{ServicePolicy, Tenancy};
use hallpass_vocabulary::{Audience, Tenant};
use tickets_service::{DRAIN_SECONDS_DEFAULT, Service, Settings, Store};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// A guarded tool service: tickets and articles of two tenants.
#[derive(Parser)]
struct Arguments {
    /// Where to listen; port 0 lets the system choose.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: String,
    /// The authority's URL.
    #[arg(long, env = "HALLPASS_AUTHORITY")]
    authority: String,
    /// The trust root file that `hallpass init` wrote.
    #[arg(long, env = "HALLPASS_TRUST_ROOT")]
    trust_root: PathBuf,
    /// Where the journal and the last good bundle are kept.
    #[arg(long)]
    state: PathBuf,
    /// The service's own database; in memory when absent.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Serve this tenant only.
    #[arg(long)]
    tenant: Option<Tenant>,
    /// Rules of the service's own, as TOML; none when absent.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The name of the service.
    #[arg(long, default_value = "tickets")]
    audience: Audience,
    /// How long calls under way may take to end after SIGTERM or SIGINT, in seconds; what has not ended is cut off.
    #[arg(long, value_name = "SECONDS", default_value_t = DRAIN_SECONDS_DEFAULT)]
    drain_seconds: u64,
    /// How long records of calls are kept, in days, such as `90d`; for ever when absent. No less than eight days.
    #[arg(long, value_name = "DURATION", value_parser = days)]
    keep: Option<Duration>,
    /// Become known to the authority with the code in this file (`hallpass verifiers enrol`). Needed once: after that the
    /// service reports and ships its journal without it.
    #[arg(long, value_name = "FILE")]
    enrol: Option<PathBuf>,
}

/// The code in a file; none where there is no file.
fn read_code(path: Option<&Path>) -> anyhow::Result<Option<String>> {
    let Some(path) = path else { return Ok(None) };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read `{}`", path.display()))?;
    Ok(Some(text.trim().to_owned()))
}

/// A whole number of days: no record is needed to the hour.
fn days(text: &str) -> Result<Duration, String> {
    let days: Option<u32> = text
        .strip_suffix('d')
        .filter(|days| days.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|days| days.parse().ok());
    let keep = days.map(|days| Duration::from_secs(u64::from(days) * 24 * 60 * 60));
    keep.filter(|keep| *keep >= KEEP_MIN)
        .ok_or_else(|| "expected eight days or more, such as `90d`".to_owned())
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let ended = runtime.block_on(run());
    // A handler that blocks its thread must not hold the process: the journal is closed, and nothing more can come of it.
    runtime.shutdown_background();
    ended
}

async fn run() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let arguments = Arguments::parse();
    let trust_root = std::fs::read_to_string(&arguments.trust_root)
        .with_context(|| format!("cannot read `{}`", arguments.trust_root.display()))?
        .parse()
        .with_context(|| format!("`{}` is no trust root", arguments.trust_root.display()))?;
    let policy = match &arguments.policy {
        Some(path) => read_policy(path)?,
        None => ServicePolicy::none(),
    };
    let store = match &arguments.data {
        Some(path) => Store::open(path).context("cannot open the database")?,
        None => Store::in_memory().context("cannot make a database")?,
    };
    let service = Service::start(Settings {
        audience: arguments.audience,
        tenancy: arguments.tenant.map_or(Tenancy::Many, Tenancy::Only),
        policy,
        authority: BaseUrl::new(&arguments.authority)?,
        trust_root,
        state: arguments.state,
        store,
        keep: arguments.keep,
        enrol: read_code(arguments.enrol.as_deref())?,
    })
    .await?;
    let listener = TcpListener::bind(&arguments.listen)
        .await
        .with_context(|| format!("cannot listen on `{}`", arguments.listen))?;
    // Heard from before anyone learns where it listens: a signal that comes at once is no sudden end.
    let mut terminate = signal(SignalKind::terminate())?;
    println!("listening on http://{}", listener.local_addr()?);
    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    let service = service.draining_within(Duration::from_secs(arguments.drain_seconds));
    service.serve(listener, shutdown).await?;
    Ok(())
}

/// A service whose rules cannot be read does not start: without them it would allow more than its owner meant.
fn read_policy(path: &Path) -> anyhow::Result<ServicePolicy> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read `{}`", path.display()))?;
    toml::from_str(&text).with_context(|| format!("`{}` is no service policy", path.display()))
}
