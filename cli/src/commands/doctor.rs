//! `hallpass doctor`: what is wrong with an authority, or soon will be.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;
use comfy_table::Table;
use hallpass_authority::{
    Finding, Overrides, Settings, Verdict, examine, unreadable, written_places,
};
use hallpass_client::{BaseUrl, BundleSource, BundleSourceConfig, Probe, probe};
use hallpass_policy::nearest;
use hallpass_vocabulary::{Clock as _, SystemClock, Timestamp};

use crate::exit::Exit;
use crate::hint::HintExt as _;
use crate::output::{Output, Style};
use crate::secret_input::NetworkArgs;
use crate::trust::{block_on, read_trust_root};
use crate::variables::{PREFIX, VARIABLES, is_known};
use crate::words::escaped;

/// Clocks may differ by this much and nobody notices: calls are refused from 30 seconds on, in proofs of possession.
const CLOCK_GOOD: Duration = Duration::from_secs(5);

/// From here on proofs of possession are refused.
const CLOCK_BAD: Duration = Duration::from_secs(30);

/// Less room than this for records is a matter of hours under load.
const ROOM_CAUTION_BYTES: u64 = 1024 * 1024 * 1024;

/// Less than this, and the journal's own reserve is next.
const ROOM_BAD_BYTES: u64 = 64 * 1024 * 1024;

const EXAMPLES: &str = "\
Examples:
  hallpass doctor --dir authority                                its files
  hallpass doctor --authority https://hallpass.example:7420      one that runs, from outside
  hallpass doctor --dir authority --json | jq '.[] | select(.verdict != \"good\")'

Looks and never changes anything, also while the authority runs.

Exit status: 0 nothing is bad, 1 something is, 2 usage or failure.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The authority's directory
    #[arg(long, value_name = "DIR", env = "HALLPASS_DIR")]
    dir: Option<PathBuf>,
    /// An authority that runs
    #[arg(long, value_name = "URL", env = "HALLPASS_AUTHORITY")]
    authority: Option<String>,
    /// Its trust root, to check the bundle it publishes; else the one in the directory
    #[arg(long, value_name = "FILE", env = "HALLPASS_TRUST_ROOT")]
    trust_root: Option<PathBuf>,
    #[command(flatten)]
    network: NetworkArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> anyhow::Result<Exit> {
    if args.dir.is_none() && args.authority.is_none() {
        return Err(anyhow!("there is nothing to look at"))
            .hint("give --dir DIR, --authority URL or both");
    }
    let mut findings =
        variables(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()));
    if let Some(dir) = &args.dir {
        findings.extend(directory(dir));
    }
    if let Some(authority) = &args.authority {
        let base = args.network.base_url(authority)?;
        findings.extend(running(args, base)?);
    }
    if args.json {
        output.json(&findings)?;
    } else {
        table(&findings, output)?;
    }
    Ok(match findings.iter().map(|finding| finding.verdict).max() {
        Some(Verdict::Bad) => Exit::Denied,
        _ => Exit::Ok,
    })
}

/// Variables that look like ours and that nobody reads.
fn variables(names: impl Iterator<Item = String>) -> Vec<Finding> {
    let subject = "variables";
    let mut unknown: Vec<String> = names
        .filter(|name| name.starts_with(PREFIX) && !is_known(name))
        .collect();
    unknown.sort();
    if unknown.is_empty() {
        let detail = format!("none that starts with {PREFIX} is unknown");
        return vec![Finding::new(subject, Verdict::Good, detail)];
    }
    let finding = |name: String| {
        let known = VARIABLES.iter().map(|variable| variable.name);
        let finding = Finding::new(subject, Verdict::Caution, format!("nobody reads `{name}`"));
        match nearest(&name, known) {
            Some(meant) => finding.hint(format!("did you mean `{meant}`?")),
            None => finding,
        }
    };
    unknown.into_iter().map(finding).collect()
}

fn directory(dir: &Path) -> Vec<Finding> {
    match Settings::read(dir, Overrides::default()) {
        Ok(settings) => {
            let mut findings = examine(&settings, SystemClock.now());
            findings.extend(written_places(&settings).iter().map(|place| room(place)));
            findings
        }
        Err(error) => vec![unreadable(&error).hint("`hallpass init DIR` creates an authority")],
    }
}

/// Whether a disk has room.
fn room(place: &Path) -> Finding {
    let subject = "disk";
    let place_name = place.display();
    let free = match rustix::fs::statvfs(place) {
        Ok(device) => device.f_bavail.saturating_mul(device.f_frsize),
        Err(error) => {
            let detail = format!("`{place_name}`: {error}");
            return Finding::new(subject, Verdict::Unknown, detail);
        }
    };
    let detail = format!("{} MB free at `{place_name}`", free / 1_000_000);
    if free < ROOM_BAD_BYTES {
        Finding::new(subject, Verdict::Bad, detail)
            .hint("without room nothing is recorded, and without a record nothing is minted")
    } else if free < ROOM_CAUTION_BYTES {
        Finding::new(subject, Verdict::Caution, detail)
            .hint("make room, or keep records for less time")
    } else {
        Finding::new(subject, Verdict::Good, detail)
    }
}

fn running(args: &Args, base: BaseUrl) -> anyhow::Result<Vec<Finding>> {
    let subject = "authority";
    let before = SystemClock.now();
    let probed = match block_on(probe(&base))? {
        Ok(probed) => probed,
        Err(error) => {
            let error = anyhow::Error::new(error);
            let finding = Finding::new(subject, Verdict::Bad, format!("{base}: {error:#}"));
            return Ok(vec![finding.hint("is it running there?")]);
        }
    };
    let mut findings = vec![
        readiness(&base, &probed),
        clock(before, SystemClock.now(), &probed),
    ];
    let in_directory = args.dir.as_ref().map(|dir| dir.join("trust-root.txt"));
    match args.trust_root.clone().or(in_directory) {
        Some(path) => findings.push(published(base, &path)?),
        None => findings.push(
            Finding::new(
                "published bundle",
                Verdict::Unknown,
                "not checked: no trust root is given",
            )
            .hint("give --trust-root FILE"),
        ),
    }
    Ok(findings)
}

fn readiness(base: &BaseUrl, probed: &Probe) -> Finding {
    let subject = "authority";
    let Some(identity) = &probed.identity else {
        let detail = format!("{base} does not say who it is");
        return Finding::new(subject, Verdict::Bad, detail).hint("is it an authority?");
    };
    let who = format!(
        "{} of environment {}, {}",
        identity.authority, identity.environment, identity.software
    );
    if probed.unready.is_empty() {
        Finding::new(subject, Verdict::Good, format!("{who}, is ready"))
    } else {
        let why = probed.unready.join(", ");
        Finding::new(subject, Verdict::Bad, format!("{who}, is not ready: {why}"))
            .hint("its log says more; docs/operations.md has a part on each")
    }
}

/// Whether the clocks agree. The authority's was read between two looks at this one, and has whole seconds.
fn clock(before: Timestamp, after: Timestamp, probed: &Probe) -> Finding {
    let subject = "clock";
    let Some(date) = probed.date else {
        return Finding::new(
            subject,
            Verdict::Unknown,
            "the authority does not say how late it is",
        );
    };
    let second = Duration::from_secs(1);
    // No more than is certain.
    let apart = before.since(date.after(second)).max(date.since(after));
    let detail = format!(
        "this machine and the authority are {} s apart",
        apart.as_secs()
    );
    if apart > CLOCK_BAD {
        Finding::new(subject, Verdict::Bad, detail)
            .hint("set both by NTP: proofs of possession are refused from 30 s on")
    } else if apart > CLOCK_GOOD {
        Finding::new(subject, Verdict::Caution, detail).hint("set both by NTP")
    } else {
        Finding::new(
            subject,
            Verdict::Good,
            "this machine and the authority agree",
        )
    }
}

/// Whether a service would believe what is published.
fn published(base: BaseUrl, trust_root: &Path) -> anyhow::Result<Finding> {
    let subject = "published bundle";
    let trust_root = match read_trust_root(trust_root) {
        Ok(trust_root) => trust_root,
        Err(error) => return Ok(Finding::new(subject, Verdict::Bad, format!("{error:#}"))),
    };
    block_on(async {
        let source =
            BundleSource::start(BundleSourceConfig::new(base, trust_root), SystemClock).await?;
        let snapshot = source.snapshots().load();
        Ok(match (snapshot, source.status().last_error) {
            (Some(snapshot), _) => Finding::new(
                subject,
                Verdict::Good,
                format!(
                    "version {}, believed until {}",
                    snapshot.version(),
                    snapshot.expires()
                ),
            ),
            (None, Some((_, error))) => {
                let error = anyhow::Error::new(error);
                Finding::new(subject, Verdict::Bad, format!("{error:#}"))
                    .hint("services that pin this trust root believe nothing it publishes")
            }
            (None, None) => Finding::new(subject, Verdict::Bad, "there is none"),
        })
    })?
}

fn table(findings: &[Finding], output: &mut Output) -> anyhow::Result<()> {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    for finding in findings {
        let (style, word) = match finding.verdict {
            Verdict::Bad => (Style::Bad, "BAD"),
            Verdict::Caution => (Style::Caution, "look"),
            Verdict::Good => (Style::Good, "good"),
            Verdict::Unknown => (Style::Faint, "?"),
        };
        let mut detail = escaped(&finding.detail);
        if let Some(hint) = &finding.hint {
            detail.push_str(&format!("\nhint: {}", escaped(hint)));
        }
        table.add_row([
            output.style(style, word),
            finding.subject.to_owned(),
            detail,
        ]);
    }
    for line in table.to_string().lines() {
        output.line(line.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
