//! What a running authority says of itself, on standard error.

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

use crate::hint::HintExt as _;

/// Logs to standard error: as lines, in colour on a terminal only, or as JSON objects.
pub(crate) fn start(filter: &str, json: bool) -> anyhow::Result<()> {
    use std::io::IsTerminal as _;
    let filter = EnvFilter::builder()
        .parse(filter)
        .with_context(|| format!("`{filter}` does not say what to log"))
        .hint("write a level such as `info`, or `info,hallpass_authority=debug`")?;
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(!plain && std::io::stderr().is_terminal());
    // Fails only when something logs already, which then goes on.
    let _ = if json {
        builder.json().flatten_event(true).try_init()
    } else {
        builder.try_init()
    };
    Ok(())
}
