//! What is believed about keys: a bundle from a file or an authority, under a pinned trust root.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use clap::Args;
use hallpass_bundle::{PUBLISHED_BYTES_MAX, Snapshot, TrustRoot, accept};
use hallpass_client::{BundleSource, BundleSourceConfig};
use hallpass_vocabulary::{SystemClock, Timestamp};

use crate::hint::HintExt as _;
use crate::secret_input::NetworkArgs;

/// The largest trust root file read, in bytes. One has about 200.
const TRUST_ROOT_BYTES_MAX: u64 = 4096;

/// Where keys come from.
#[derive(Debug, Args)]
pub(crate) struct TrustArgs {
    /// The pinned trust root, as `hallpass init` wrote it
    #[arg(long, value_name = "FILE", env = "HALLPASS_TRUST_ROOT")]
    trust_root: Option<PathBuf>,
    /// A bundle, as `GET /v1/bundle` of the authority answered it
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// The authority to fetch the bundle from
    #[arg(long, value_name = "URL", env = "HALLPASS_AUTHORITY")]
    authority: Option<String>,
    #[command(flatten)]
    network: NetworkArgs,
}

impl TrustArgs {
    /// Whether there is what verifying takes.
    pub(crate) fn is_given(&self) -> bool {
        self.trust_root.is_some() && (self.bundle.is_some() || self.authority.is_some())
    }

    /// The believed bundle. Blocks on the network where it comes from an authority.
    pub(crate) fn snapshot(&self, now: Timestamp) -> anyhow::Result<Arc<Snapshot>> {
        let trust_root = self
            .trust_root
            .as_deref()
            .ok_or_else(|| anyhow!("there is no trust root to verify under"))
            .hint(
                "give --trust-root FILE or set HALLPASS_TRUST_ROOT; `hallpass init` wrote the file",
            )?;
        let trust_root = read_trust_root(trust_root)?;
        match (&self.bundle, &self.authority) {
            (Some(path), _) => from_file(path, &trust_root, now).map(Arc::new),
            (None, Some(authority)) => fetched(BundleSourceConfig::new(
                self.network.base_url(authority)?,
                trust_root,
            )),
            (None, None) => Err(anyhow!("there is no bundle to take keys from"))
                .hint("give --bundle FILE, or --authority URL (HALLPASS_AUTHORITY)"),
        }
    }
}

/// Reads the file a service pins.
pub(crate) fn read_trust_root(path: &Path) -> anyhow::Result<TrustRoot> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(TRUST_ROOT_BYTES_MAX).read_to_string(&mut text))
        .with_context(|| format!("cannot read the trust root `{}`", path.display()))?;
    text.parse()
        .with_context(|| format!("`{}` is no trust root", path.display()))
}

fn from_file(path: &Path, trust_root: &TrustRoot, now: Timestamp) -> anyhow::Result<Snapshot> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| {
            file.take(PUBLISHED_BYTES_MAX as u64 + 1)
                .read_to_end(&mut bytes)
        })
        .with_context(|| format!("cannot read the bundle `{}`", path.display()))?;
    accept(&bytes, trust_root, None, now)
        .with_context(|| format!("the bundle `{}` is not believed", path.display()))
}

fn fetched(config: BundleSourceConfig) -> anyhow::Result<Arc<Snapshot>> {
    let authority = config.origin.clone();
    block_on(async {
        let source = BundleSource::start(config, SystemClock).await?;
        match (source.snapshots().load(), source.status().last_error) {
            (Some(snapshot), _) => Ok(snapshot),
            (None, Some((_, error))) => Err(anyhow::Error::new(error))
                .with_context(|| format!("no bundle from {authority}")),
            (None, None) => Err(anyhow!("no bundle from {authority}")),
        }
    })?
    .hint("check that the authority runs there and that the trust root is its own")
}

/// Runs something that waits for the network.
pub(crate) fn block_on<F: Future>(work: F) -> anyhow::Result<F::Output> {
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the network runtime")?
        .block_on(work))
}
