//! Who is told when the policy in force allows more than the one before: the log, and a command of the operator's.
//!
//! An alert informs. It holds nothing up: the policy is in force and recorded before anybody is told.

use std::io;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::sync::Semaphore;

use crate::metrics::Metrics;

/// How long a command may run before it is killed. It hands a message on; it does not wait for people.
const COMMAND_MAX: Duration = Duration::from_secs(10);

/// Commands at once. Reloads are rare; more at once is a command that hangs.
const COMMANDS_MAX: usize = 4;

/// Variables with secrets that are the authority's, or of whoever started it from a shell. What hands messages on is often a
/// script that tells its whole environment when it fails.
const WITHHELD: [&str; 4] = [
    "HALLPASS_CLIENT_SECRET",
    "HALLPASS_PASSPHRASE",
    "HALLPASS_TOKEN",
    "PGPASSWORD",
];

/// The most words in a command line.
pub(crate) const COMMAND_WORDS_MAX: usize = 64;

/// `[alerts]`
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlertConfig {
    /// A program and its arguments. It gets one JSON object on standard input.
    #[serde(default)]
    pub(crate) command: Vec<String>,
}

impl AlertConfig {
    /// Whether nobody is told but the log.
    pub(crate) fn is_silent(&self) -> bool {
        self.command.is_empty()
    }

    /// Whether it can be run at all: a program, where there is a command, and not too many words.
    pub(crate) fn is_sound(&self) -> bool {
        self.command
            .first()
            .is_none_or(|program| !program.is_empty())
            && self.command.len() <= COMMAND_WORDS_MAX
    }
}

/// Tells whoever is to be told.
pub(crate) struct Alerts {
    command: Vec<String>,
    running: Arc<Semaphore>,
    metrics: Arc<Metrics>,
}

impl Alerts {
    pub(crate) fn new(config: AlertConfig, metrics: Arc<Metrics>) -> Self {
        Self {
            command: config.command,
            running: Arc::new(Semaphore::new(COMMANDS_MAX)),
            metrics,
        }
    }

    /// Runs the command with this on its standard input, in the background; nothing where there is none. What goes wrong is
    /// logged and counted.
    pub(crate) fn send(&self, message: &impl serde::Serialize) {
        let Some((program, arguments)) = self.command.split_first() else {
            return;
        };
        let metrics = Arc::clone(&self.metrics);
        let (Ok(permit), Ok(text)) = (
            Arc::clone(&self.running).try_acquire_owned(),
            serde_json::to_vec(message),
        ) else {
            metrics.alerted(false);
            tracing::error!("an alert was not sent: {COMMANDS_MAX} commands are still running");
            return;
        };
        let command = prepared(program, arguments);
        tokio::spawn(async move {
            let _permit = permit;
            match tokio::time::timeout(COMMAND_MAX, run(command, &text)).await {
                Ok(Ok(())) => metrics.alerted(true),
                Ok(Err(error)) => {
                    metrics.alerted(false);
                    tracing::error!(%error, "an alert was not sent: its command failed");
                }
                Err(_) => {
                    metrics.alerted(false);
                    tracing::error!(
                        "an alert was not sent: its command did not end in time and was killed"
                    );
                }
            }
        });
    }
}

/// The command, without a shell, without an output, and without secrets in its environment.
fn prepared(program: &str, arguments: &[String]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    for variable in WITHHELD {
        command.env_remove(variable);
    }
    command
}

async fn run(mut command: Command, text: &[u8]) -> io::Result<()> {
    let mut child = command.spawn()?;
    if let Some(mut input) = child.stdin.take() {
        // A command that does not read what it is told is free not to.
        let _ = input.write_all(text).await;
    }
    let status = child.wait().await?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(status.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_command_gets_no_secret_of_the_authoritys_environment() {
        let command = prepared("tell", &["--channel".to_owned()]);
        let changed: Vec<_> = command.as_std().get_envs().collect();
        for variable in [
            "PGPASSWORD",
            "HALLPASS_PASSPHRASE",
            "HALLPASS_CLIENT_SECRET",
        ] {
            assert!(changed.contains(&(variable.as_ref(), None)), "{variable}");
        }
    }
}
