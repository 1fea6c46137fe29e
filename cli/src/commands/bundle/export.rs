//! `hallpass bundle export`: the publication as a file.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use hallpass_authority::{ExportError, OpenError, export_bundle};
use hallpass_bundle::accept;
use hallpass_client::fetch_publication;
use hallpass_vocabulary::{Clock as _, SystemClock};

use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::output::Output;
use crate::secret_input::NetworkArgs;
use crate::trust::{block_on, read_trust_root};

const EXAMPLES: &str = "\
Examples:
  hallpass bundle export --dir /srv/hallpass --out /media/drop/bundle.json
  hallpass bundle export --authority https://hallpass.example:7420 \\
      --trust-root trust-root.txt --out bundle.json

From the directory of an authority a heartbeat is signed with its key, whether it runs or not: with
the authority down this is how services learn that what they have is still in force. From an
authority that runs its own is taken, and believed only under the trust root.
The file takes the place of an older one as a whole, so a service may watch it. A service counts the
bundle's age from the heartbeat: docs/operations.md says how long it goes on with it.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The authority's directory
    #[arg(long, value_name = "DIR", conflicts_with = "authority")]
    dir: Option<PathBuf>,
    /// The authority to fetch the bundle from
    #[arg(long, value_name = "URL")]
    authority: Option<String>,
    /// The pinned trust root, as `hallpass init` wrote it
    #[arg(long, value_name = "FILE", env = "HALLPASS_TRUST_ROOT")]
    trust_root: Option<PathBuf>,
    #[command(flatten)]
    network: NetworkArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    let now = SystemClock.now();
    let (json, trust_root) = match (&args.dir, &args.authority) {
        (Some(dir), _) => (from_directory(dir)?, dir.join("trust-root.txt")),
        (None, Some(authority)) => {
            let trust_root = args
                .trust_root
                .clone()
                .ok_or_else(|| anyhow!("there is no trust root to believe the bundle under"))
                .hint("give --trust-root FILE or set HALLPASS_TRUST_ROOT; `hallpass init` wrote the file")?;
            (fetched(args, authority)?, trust_root)
        }
        (None, None) => {
            return Err(anyhow!("there is no bundle to export"))
                .hint("give --dir DIR, the authority's directory, or --authority URL");
        }
    };
    let trust_root = read_trust_root(&trust_root)?;
    let snapshot =
        accept(&json, &trust_root, None, now).context("no service would believe the bundle")?;
    write_whole(&args.out, &json)
        .with_context(|| format!("cannot write `{}`", args.out.display()))?;
    if args.json {
        let said = serde_json::json!({
            "file": args.out,
            "bytes": json.len(),
            "environment": snapshot.environment(),
            "bundle_version": snapshot.version(),
            "heartbeat": snapshot.heartbeat(),
            "expires": snapshot.expires(),
            "stops": snapshot.stops().len(),
        });
        output.line(&said.to_string())?;
        return Ok(Exit::Ok);
    }
    output.line(&format!(
        "bundle {} of {}, current at {}, believed until {}, is in {}",
        snapshot.version(),
        snapshot.environment(),
        snapshot.heartbeat(),
        snapshot.expires(),
        args.out.display()
    ))?;
    Ok(Exit::Ok)
}

fn from_directory(directory: &Path) -> anyhow::Result<Vec<u8>> {
    let exported = export_bundle(directory, &SystemClock);
    let hint = match &exported {
        Err(ExportError::Expired { .. } | ExportError::None) => {
            "`hallpass serve` makes a bundle when it starts"
        }
        Err(ExportError::Open(OpenError::Missing { .. })) => {
            "give the directory that `hallpass serve --dir` runs"
        }
        Err(ExportError::Shared) => {
            "replicas have one bundle together: fetch it from one that runs, with --authority URL"
        }
        _ => "nothing was written",
    };
    let exported = exported
        .with_context(|| format!("no bundle from `{}`", directory.display()))
        .hint(hint)?;
    Ok(exported.json)
}

fn fetched(args: &Args, authority: &str) -> anyhow::Result<Vec<u8>> {
    let base = args.network.base_url(authority)?;
    block_on(fetch_publication(&base))?
        .with_context(|| format!("no bundle from {authority}"))
        .hint("with the authority down, --dir DIR signs with the keys in its directory")
}

/// A reader of the file sees the old one or the new one, also after a crash.
fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    File::open(directory)?.sync_all()
}
