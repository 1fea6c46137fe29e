//! Where words go: answers to standard output, everything said beside them to standard error.
//!
//! A reader that closes the pipe (`| head`) ends the writing, not the process: the exit status stays true.

use std::io::{self, IsTerminal as _, Write};

use crate::words::harmless_json;

/// What a piece of text is. Shown by colour, and only on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// A denial or a failure.
    Bad,
    /// Something to notice.
    Caution,
    /// Something that leads through the text.
    Faint,
    /// Allowed, intact.
    Good,
    /// Advice.
    Hint,
}

/// The two streams of a process.
pub(crate) struct Output {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    out_colour: bool,
    err_colour: bool,
    closed: bool,
}

impl Output {
    /// Those of this process. Colour on a terminal, unless `NO_COLOR` is set (<https://no-color.org>) or `TERM` is
    /// `dumb`.
    pub(crate) fn of_process() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        Self {
            out: Box::new(io::stdout()),
            err: Box::new(io::stderr()),
            out_colour: wanted && io::stdout().is_terminal(),
            err_colour: wanted && io::stderr().is_terminal(),
            closed: false,
        }
    }

    /// A line of the answer.
    pub(crate) fn line(&mut self, line: &str) -> io::Result<()> {
        self.write(&format!("{line}\n"))
    }

    /// A JSON value as the answer, on one line.
    pub(crate) fn json(&mut self, value: &impl serde::Serialize) -> anyhow::Result<()> {
        let text = serde_json::to_string(value)?;
        Ok(self.json_text(&text)?)
    }

    /// The text of a JSON value from elsewhere as the answer, on one line.
    pub(crate) fn json_text(&mut self, text: &str) -> io::Result<()> {
        self.line(&harmless_json(text))
    }

    /// Text of the answer as it is.
    pub(crate) fn write(&mut self, text: &str) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        let written = self
            .out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush());
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            written => written,
        }
    }

    /// How many columns the terminal of the answer has, if it is one.
    pub(crate) fn columns(&self) -> Option<usize> {
        if !io::stdout().is_terminal() {
            return None;
        }
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
        (size.ws_col > 0).then(|| size.ws_col.into())
    }

    /// Whether the reader of the answer has gone.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// A line beside the answer. Nobody can be told when it cannot be written.
    pub(crate) fn note(&mut self, line: &str) {
        let _ = writeln!(self.err, "{line}");
    }

    /// A piece of the answer in its style.
    pub(crate) fn style(&self, style: Style, text: &str) -> String {
        styled(self.out_colour, style, text)
    }

    /// A piece of a note in its style.
    pub(crate) fn err_style(&self, style: Style, text: &str) -> String {
        styled(self.err_colour, style, text)
    }
}

/// With the terminal's own colours (ECMA-48 select graphic rendition), so that they suit any background.
fn styled(colour: bool, style: Style, text: &str) -> String {
    let code = match style {
        Style::Bad => "1;31",
        Style::Caution => "33",
        Style::Faint => "2",
        Style::Good => "32",
        Style::Hint => "36",
    };
    if colour {
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}

/// What was written to an output of [`Output::to_memory`].
#[cfg(test)]
#[derive(Clone, Default)]
pub(crate) struct Written(std::rc::Rc<std::cell::RefCell<Vec<u8>>>);

#[cfg(test)]
impl Written {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

#[cfg(test)]
impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
impl Output {
    /// Both streams into one text, without colour.
    pub(crate) fn to_memory() -> (Self, Written) {
        let written = Written::default();
        let output = Self {
            out: Box::new(written.clone()),
            err: Box::new(written.clone()),
            out_colour: false,
            err_colour: false,
            closed: false,
        };
        (output, written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Closed(io::ErrorKind);

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn output(kind: io::ErrorKind) -> Output {
        Output {
            out: Box::new(Closed(kind)),
            err: Box::new(Closed(kind)),
            out_colour: false,
            err_colour: true,
            closed: false,
        }
    }

    #[test]
    fn a_closed_pipe_is_no_failure_and_a_full_disk_is() {
        let mut piped = output(io::ErrorKind::BrokenPipe);
        assert!(piped.line("answer").is_ok() && piped.is_closed());
        piped.note("does not panic");
        assert!(output(io::ErrorKind::StorageFull).line("answer").is_err());
    }

    #[test]
    fn each_stream_has_colour_of_its_own() {
        let output = output(io::ErrorKind::BrokenPipe);
        assert_eq!(output.style(Style::Bad, "no"), "no");
        assert_eq!(
            output.err_style(Style::Bad, "no"),
            "\u{1b}[1;31mno\u{1b}[0m"
        );
    }
}
