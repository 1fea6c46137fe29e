//! How far a long reading has come, on a line of its own that is written over, when somebody looks.

use std::io::{self, IsTerminal as _, Write};
use std::time::{Duration, Instant};

/// At most four times a second: enough to see it move.
const SHOWN_EVERY: Duration = Duration::from_millis(250);
/// To the start of the line, and everything after it gone (ECMA-48 erase in line).
const CLEAR: &str = "\r\u{1b}[K";

/// A line on standard error, if that is a terminal. Gone again when this is dropped.
pub(crate) struct ProgressLine {
    terminal: Option<Box<dyn Write>>,
    began: Instant,
    shown: Option<Instant>,
}

impl ProgressLine {
    pub(crate) fn new() -> Self {
        let terminal = io::stderr().is_terminal();
        Self::on(
            terminal.then(|| Box::new(io::stderr()) as Box<dyn Write>),
            Instant::now(),
        )
    }

    fn on(terminal: Option<Box<dyn Write>>, began: Instant) -> Self {
        Self {
            terminal,
            began,
            shown: None,
        }
    }

    /// Shows the numbers, unless it has just shown some.
    pub(crate) fn show(&mut self, records: u64, bytes: u64) {
        if self.terminal.is_some() {
            self.show_at(Instant::now(), records, bytes);
        }
    }

    fn show_at(&mut self, now: Instant, records: u64, bytes: u64) {
        let Some(terminal) = &mut self.terminal else {
            return;
        };
        let before = self.shown.unwrap_or(self.began);
        if now.saturating_duration_since(before) < SHOWN_EVERY {
            return;
        }
        self.shown = Some(now);
        let ms = now.saturating_duration_since(self.began).as_millis().max(1);
        let rate = u128::from(records) * 1_000 / ms;
        let megabytes = bytes / 1_000_000;
        // Nobody can be told when it cannot be written.
        let _ = write!(
            terminal,
            "{CLEAR}{records} records, {megabytes} MB, {rate} records a second"
        );
        let _ = terminal.flush();
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        if self.shown.is_some()
            && let Some(terminal) = &mut self.terminal
        {
            let _ = write!(terminal, "{CLEAR}");
            let _ = terminal.flush();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Written;

    #[test]
    fn it_is_shown_four_times_a_second_at_most_and_cleared_at_the_end() {
        let (written, began) = (Written::default(), Instant::now());
        let mut line = ProgressLine::on(Some(Box::new(written.clone())), began);
        for ms in (0..=1_000).step_by(10) {
            line.show_at(began + Duration::from_millis(ms), ms * 300, ms * 150_000);
        }
        drop(line);
        let text = written.text();
        let shown: Vec<&str> = text.split(CLEAR).filter(|part| !part.is_empty()).collect();
        assert_eq!(shown.len(), 4, "{text:?}");
        assert_eq!(shown[3], "300000 records, 150 MB, 300000 records a second");
        assert!(text.ends_with(CLEAR));
    }

    #[test]
    fn nothing_is_written_when_nothing_was_shown() {
        let (written, began) = (Written::default(), Instant::now());
        drop(ProgressLine::on(Some(Box::new(written.clone())), began));
        assert_eq!(written.text(), "");
    }
}
