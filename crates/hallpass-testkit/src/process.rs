//! A process that a test starts, watches and kills.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A running process whose output is collected. Killed with SIGKILL (`kill -9`) and reaped when dropped.
///
/// ```
/// use std::process::Command;
/// use std::time::Duration;
/// use hallpass_testkit::ChildProcess;
///
/// let mut child = ChildProcess::spawn(Command::new("sh").args(["-c", "echo listening on 8080; exec cat"]));
/// let port = child.wait_for_line("listening on ", Duration::from_secs(10));
/// assert_eq!(port, "8080");
/// child.kill();
/// ```
#[derive(Debug)]
pub struct ChildProcess {
    child: Child,
    stdout: Receiver<String>,
    stdout_seen: String,
    readers: Option<Readers>,
}

/// What a process left behind.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// Everything it wrote to stdout.
    pub stdout: String,
    /// Everything it wrote to stderr.
    pub stderr: String,
}

#[derive(Debug)]
struct Readers {
    stdout: JoinHandle<()>,
    stderr: JoinHandle<String>,
}

impl ChildProcess {
    /// Starts `command` with nothing on stdin and both outputs collected.
    ///
    /// # Panics
    /// When the program cannot be started.
    #[track_caller]
    pub fn spawn(command: &mut Command) -> Self {
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("`{program}` does not start: {error}"));
        let (sender, stdout) = mpsc::channel();
        let out = child.stdout.take().expect("stdout is piped");
        let err = child.stderr.take().expect("stderr is piped");
        // Both pipes are always drained, so a process that writes much is never held up by the test.
        let readers = Readers {
            stdout: std::thread::spawn(move || send_lines(out, &sender)),
            stderr: std::thread::spawn(move || read_all(err)),
        };
        Self {
            child,
            stdout,
            stdout_seen: String::new(),
            readers: Some(readers),
        }
    }

    /// The operating system's number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether the process still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for a line on stdout that starts with `prefix` and returns the rest of it; lines before it are kept for
    /// [`finish`](Self::finish) and not looked at again.
    ///
    /// # Panics
    /// When `bound` passes or stdout ends first; the message shows what was written until then.
    #[track_caller]
    pub fn wait_for_line(&mut self, prefix: &str, bound: Duration) -> String {
        let started = Instant::now();
        loop {
            let left = bound.saturating_sub(started.elapsed());
            match self.stdout.recv_timeout(left) {
                Ok(line) => {
                    let _ = writeln!(self.stdout_seen, "{line}");
                    if let Some(rest) = line.strip_prefix(prefix) {
                        return rest.to_owned();
                    }
                }
                Err(cause) => {
                    let what = match cause {
                        RecvTimeoutError::Disconnected => "stdout ended".to_owned(),
                        RecvTimeoutError::Timeout => format!("waited {bound:?}"),
                    };
                    self.kill();
                    let Finished { stdout, stderr, .. } = self.collect();
                    panic!(
                        "{what} without a line starting with `{prefix}`; stdout:\n{stdout}\nstderr:\n{stderr}"
                    );
                }
            }
        }
    }

    /// Kills the process as `kill -9` does and waits until it is gone: nothing of it runs afterwards. Does nothing when it
    /// has ended already.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for the process to end by itself and returns what it left.
    ///
    /// # Panics
    /// When it still runs after `bound`.
    #[track_caller]
    pub fn finish(mut self, bound: Duration) -> Finished {
        let started = Instant::now();
        // Stdout ends when the process does, or earlier; the rest of the bound is for its end.
        while let Ok(line) = self
            .stdout
            .recv_timeout(bound.saturating_sub(started.elapsed()))
        {
            let _ = writeln!(self.stdout_seen, "{line}");
        }
        let left = bound.saturating_sub(started.elapsed());
        crate::eventually(left, "the process to end", || !self.is_running());
        self.collect()
    }

    /// Kills the process and returns what it left.
    pub fn kill_and_finish(mut self) -> Finished {
        self.kill();
        self.collect()
    }

    /// Only after the process has ended. A grandchild that holds the pipes open would be waited for.
    fn collect(&mut self) -> Finished {
        let status = self.child.wait().expect("the status of an ended process");
        let stderr = self.readers.take().map_or_else(String::new, |readers| {
            readers.stdout.join().expect("the reader of stdout");
            readers.stderr.join().expect("the reader of stderr")
        });
        for line in self.stdout.try_iter() {
            let _ = writeln!(self.stdout_seen, "{line}");
        }
        Finished {
            status,
            stdout: std::mem::take(&mut self.stdout_seen),
            stderr,
        }
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

fn send_lines(out: impl Read, sender: &mpsc::Sender<String>) {
    for line in BufReader::new(out).split(b'\n') {
        let Ok(line) = line else { return };
        // Nobody listens once the test has dropped the process; the pipe is drained all the same.
        let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
    }
}

fn read_all(mut err: impl Read) -> String {
    let mut bytes = Vec::new();
    let _ = err.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Duration = Duration::from_secs(20);

    fn shell(script: &str) -> ChildProcess {
        ChildProcess::spawn(Command::new("sh").args(["-c", script]))
    }

    #[test]
    fn a_line_is_found_after_others_and_all_output_is_kept() {
        let mut child = shell("echo one; echo listening on 80; echo two; echo bad >&2; exit 3");
        assert_eq!(child.wait_for_line("listening on ", BOUND), "80");
        let finished = child.finish(BOUND);
        assert_eq!(finished.status.code(), Some(3));
        assert_eq!(finished.stdout, "one\nlistening on 80\ntwo\n");
        assert_eq!(finished.stderr, "bad\n");
    }

    #[test]
    fn more_output_than_a_pipe_holds_does_not_hold_the_process_up() {
        let finished = shell("head -c 1000000 /dev/zero | tr '\\0' 'x' >&2").finish(BOUND);
        assert_eq!(finished.stderr.len(), 1_000_000);
    }

    #[test]
    fn a_killed_process_is_gone_and_was_not_asked() {
        use std::os::unix::process::ExitStatusExt as _;
        let mut child = shell("trap '' TERM; echo up; exec sleep 1000");
        child.wait_for_line("up", BOUND);
        assert!(child.is_running());
        child.kill();
        assert!(!child.is_running());
        assert_eq!(child.kill_and_finish().status.signal(), Some(9));
    }

    #[test]
    #[should_panic(expected = "stdout ended without a line starting with `ready`")]
    fn waiting_ends_when_the_process_does() {
        shell("echo almost").wait_for_line("ready", BOUND);
    }

    #[test]
    #[should_panic(expected = "waited 50ms without a line starting with `ready`")]
    fn waiting_is_bounded() {
        shell("exec sleep 1000").wait_for_line("ready", Duration::from_millis(50));
    }

    #[test]
    #[should_panic(expected = "for the process to end")]
    fn finishing_is_bounded() {
        shell("exec sleep 1000").finish(Duration::from_millis(50));
    }

    #[test]
    fn dropping_kills() {
        let mut child = shell("echo up; exec sleep 1000");
        child.wait_for_line("up", BOUND);
        let id = child.id();
        drop(child);
        // Reaped, so the number is no longer a process (it is not handed out again this soon).
        assert!(!std::path::Path::new(&format!("/proc/{id}")).exists());
    }
}
