//! What is wrong with an authority's directory, or soon will be. Looks and never changes, locks or migrates anything, so it
//! may be asked while the authority runs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hallpass_vocabulary::Timestamp;

use crate::config::{ConfigError, Paths};
use crate::roots::Roots;
use crate::settings::Settings;
use crate::{OpenError, layout, open, publisher};

mod certificate;
mod keys;
mod records;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// It could not be looked at, which says nothing either way.
    Unknown,
    /// It works, and somebody should look at it.
    Caution,
    /// It does not work, or must not be left so.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// What was looked at.
    pub subject: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// What was found, in a sentence without its full stop.
    pub detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Finding {
    /// Without advice.
    pub fn new(subject: &'static str, verdict: Verdict, detail: impl Into<String>) -> Self {
        Self {
            subject,
            verdict,
            detail: detail.into(),
            hint: None,
        }
    }

    /// With what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A certificate or a bundle with less life than this should be renewed by now.
const SHORT_LIFE: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// A trust root with less life than this should be replaced by now: services have to be told.
const SHORT_ROOT_LIFE: Duration = Duration::from_secs(180 * 24 * 60 * 60);

/// Looks at the configuration and at every part it names. Blocks on the disk.
pub fn examine(settings: &Settings, now: Timestamp) -> Vec<Finding> {
    let directory = settings.directory();
    let paths = settings.config.paths.under(directory);
    let mut findings = vec![configuration(settings), permissions(directory)];
    let root = Roots::read(directory, &paths.roots)
        .ok()
        .and_then(|roots| roots.in_force(now).ok());
    let kept = paths.bundle.join(layout::KEPT_KEYS_FILE);
    let environment = settings.environment();
    let found = keys::examine(&paths.keys, &kept, root.as_ref(), environment, now);
    findings.extend(found);
    findings.extend(policy(&paths.policy));
    findings.push(roots(directory, &paths, now));
    findings.push(bundle(&paths, now));
    let (journal, reached) = records::journal(&paths.journal);
    findings.extend(journal);
    findings.push(records::store(
        &settings.config.store.under(directory),
        &paths.store,
        reached.as_ref(),
    ));
    if let Some(tls) = &settings.config.tls {
        findings.push(certificate::examine(&directory.join(&tls.certificate), now));
    }
    findings
}

fn configuration(settings: &Settings) -> Finding {
    let subject = "configuration";
    match settings.config.check_exposure() {
        Ok(()) if settings.config.danger_plain_http && !settings.is_tls() => Finding::new(
            subject,
            Verdict::Caution,
            format!("{} is answered in plain HTTP", settings.listen()),
        )
        .hint("right only behind something that terminates TLS"),
        Ok(()) => Finding::new(
            subject,
            Verdict::Good,
            format!(
                "environment {}, {} {}",
                settings.environment(),
                if settings.is_tls() { "TLS on" } else { "plain HTTP on" },
                settings.listen()
            ),
        ),
        Err(error @ ConfigError::PlainHttp(_)) => Finding::new(subject, Verdict::Bad, error.to_string())
            .hint("give it a certificate with [tls], or say `danger_plain_http = true` where something in front terminates TLS"),
        Err(error) => Finding::new(subject, Verdict::Bad, error.to_string()),
    }
}

/// Whether others than its owner can enter the directory.
fn permissions(directory: &Path) -> Finding {
    let subject = "directory";
    match mode(directory) {
        Ok(mode) if mode & 0o077 == 0 => {
            Finding::new(subject, Verdict::Good, "only its owner can enter it")
        }
        Ok(mode) => Finding::new(
            subject,
            Verdict::Caution,
            format!("mode {mode:04o}: others than its owner can enter it"),
        )
        .hint(format!("chmod 700 {}", directory.display())),
        Err(error) => Finding::new(subject, Verdict::Unknown, error.to_string()),
    }
}

/// The permission bits of a path.
#[cfg(unix)]
fn mode(path: &Path) -> std::io::Result<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn mode(_: &Path) -> std::io::Result<u32> {
    Err(std::io::ErrorKind::Unsupported.into())
}

fn policy(directory: &Path) -> Vec<Finding> {
    let subject = "policy";
    let policy = match open::read_policy(directory) {
        Ok((_, policy)) => policy,
        Err(error) => {
            return vec![
                Finding::new(subject, Verdict::Bad, chain(&error))
                    .hint("docs/policy.md describes the policy's files"),
            ];
        }
    };
    let warnings = policy.policy.warnings();
    let mut findings = vec![Finding::new(
        subject,
        Verdict::Good,
        format!("readable; {} warnings", warnings.len()),
    )];
    findings.extend(
        warnings
            .iter()
            .map(|warning| Finding::new(subject, Verdict::Caution, warning.to_string())),
    );
    findings
}

fn roots(directory: &Path, paths: &Paths, now: Timestamp) -> Finding {
    let subject = "trust root";
    let expires = match root_expires(directory, paths, now) {
        Ok(expires) => expires,
        Err(error) => return Finding::new(subject, Verdict::Bad, error),
    };
    lasting(subject, "it", expires, now, SHORT_ROOT_LIFE).hint_if_short(
        "make the next one with `hallpass keys root rotate` and install it; services follow by themselves",
    )
}

fn root_expires(directory: &Path, paths: &Paths, now: Timestamp) -> Result<Timestamp, String> {
    let roots = Roots::read(directory, &paths.roots).map_err(|error| chain(&error))?;
    let root = roots.in_force(now).map_err(|error| chain(&error))?;
    Ok(root.expires())
}

fn bundle(paths: &Paths, now: Timestamp) -> Finding {
    let subject = "bundle";
    match publisher::last_expiry(&paths.bundle) {
        Ok(None) => Finding::new(
            subject,
            Verdict::Good,
            "none was made yet; the first start makes one",
        ),
        Ok(Some((version, expires))) if expires > now => Finding::new(
            subject,
            Verdict::Good,
            format!("version {version}, believed until {expires}"),
        ),
        Ok(Some((version, expires))) => Finding::new(
            subject,
            Verdict::Caution,
            format!("version {version} expired at {expires}"),
        )
        .hint("an authority that runs makes a new one by itself; is it running?"),
        Err(error) => Finding::new(subject, Verdict::Bad, chain(&error)),
    }
}

/// A finding about something that ends.
fn lasting(
    subject: &'static str,
    what: &str,
    expires: Timestamp,
    now: Timestamp,
    short: Duration,
) -> Finding {
    let days = expires.since(now).as_secs() / (24 * 60 * 60);
    if expires <= now {
        Finding::new(
            subject,
            Verdict::Bad,
            format!("{what} expired at {expires}"),
        )
    } else if expires.since(now) < short {
        Finding::new(
            subject,
            Verdict::Caution,
            format!("{what} expires in {days} days"),
        )
    } else {
        Finding::new(
            subject,
            Verdict::Good,
            format!("{what} is good for {days} days"),
        )
    }
}

impl Finding {
    /// Advice that is only needed when it is not good.
    fn hint_if_short(self, hint: &str) -> Self {
        match self.verdict {
            Verdict::Good => self,
            _ => self.hint(hint),
        }
    }
}

/// An error with its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.contains(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = error.source();
    }
    text
}

/// What is wrong with a directory that has no readable configuration.
pub fn unreadable(error: &OpenError) -> Finding {
    Finding::new("configuration", Verdict::Bad, chain(error))
}

/// The directories whose devices must have room.
pub fn written_places(settings: &Settings) -> Vec<PathBuf> {
    let paths = settings.config.paths.under(settings.directory());
    vec![paths.journal, paths.bundle]
}
