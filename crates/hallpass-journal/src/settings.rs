//! What a journal is opened with.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hallpass_vocabulary::{Clock, Environment};

use crate::{OsStorage, Storage, Text};

/// The largest segment by default, in bytes: large enough that a year has few files, small enough to copy and grep.
pub const SEGMENT_BYTES_DEFAULT: u64 = 64 * 1024 * 1024;
/// The age of a segment by default: a day's records in a file of their own, as those who keep and delete them count.
pub const SEGMENT_AGE_DEFAULT: Duration = Duration::from_secs(24 * 60 * 60);
/// What a journal may use by default, in bytes. Refusals together stay under a tenth of it.
pub const DISK_BUDGET_BYTES_DEFAULT: u64 = 10 * 1024 * 1024 * 1024;
/// What is kept free for records of reads by default, in bytes: some five thousand of them, or a service's minutes.
pub const RESERVE_BYTES_DEFAULT: u64 = 4 * 1024 * 1024;
/// The longest journal name, in bytes.
pub const JOURNAL_NAME_BYTES_MAX: usize = 64;

/// What a journal is called: part of its origin. The service's or authority's own name serves well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalName(String);

/// Text that is no journal name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a journal name is 1 to {JOURNAL_NAME_BYTES_MAX} of `a-z 0-9 -`, starting with a letter")]
pub struct InvalidJournalName;

impl JournalName {
    /// Parses a name.
    ///
    /// # Errors
    /// When it breaks the rule.
    pub fn new(text: &str) -> Result<Self, InvalidJournalName> {
        let valid = text.len() <= JOURNAL_NAME_BYTES_MAX
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        valid
            .then(|| Self(text.to_owned()))
            .ok_or(InvalidJournalName)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JournalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a journal is opened with.
#[derive(Clone)]
pub struct Settings {
    pub(crate) environment: Environment,
    pub(crate) name: JournalName,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) software: Text,
    pub(crate) boot: Option<Text>,
    pub(crate) segment_bytes: u64,
    pub(crate) segment_age: Duration,
    pub(crate) disk_budget_bytes: u64,
    pub(crate) reserve_bytes: u64,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) keep: Option<Duration>,
    pub(crate) prune_acknowledged_only: bool,
}

impl Settings {
    /// The environment and name become part of the origin when the journal is created; the clock stamps records.
    pub fn new(environment: Environment, name: JournalName, clock: Arc<dyn Clock>) -> Self {
        Self {
            environment,
            name,
            clock,
            software: Text::new(concat!("hallpass/", env!("CARGO_PKG_VERSION"))),
            boot: boot_id(),
            segment_bytes: SEGMENT_BYTES_DEFAULT,
            segment_age: SEGMENT_AGE_DEFAULT,
            disk_budget_bytes: DISK_BUDGET_BYTES_DEFAULT,
            reserve_bytes: RESERVE_BYTES_DEFAULT,
            storage: Arc::new(OsStorage),
            keep: None,
            prune_acknowledged_only: false,
        }
    }

    /// The software that writes, for the `opened` record.
    #[must_use]
    pub fn software(mut self, software: &str) -> Self {
        self.software = Text::new(software);
        self
    }

    /// Which start of the machine this is; `None` when unknown. Read from Linux by default.
    #[must_use]
    pub fn boot(mut self, boot: Option<&str>) -> Self {
        self.boot = boot.map(Text::new);
        self
    }

    /// A segment that has reached this many bytes is followed by a new one.
    #[must_use]
    pub fn segment_bytes(mut self, bytes: u64) -> Self {
        self.segment_bytes = bytes;
        self
    }

    /// A record this long after the first one of its segment, by their times, starts a new one.
    #[must_use]
    pub fn segment_age(mut self, age: Duration) -> Self {
        self.segment_age = age;
        self
    }

    /// What the journal may use on disk, in bytes. A tenth of it is for refusals; what is set here does not limit
    /// decisions.
    #[must_use]
    pub fn disk_budget_bytes(mut self, bytes: u64) -> Self {
        self.disk_budget_bytes = bytes;
        self
    }

    /// What is kept free for relaxed records when the device is full, in bytes; 0 for nothing. Taken by the background
    /// thread soon after opening.
    #[must_use]
    pub fn reserve_bytes(mut self, bytes: u64) -> Self {
        self.reserve_bytes = bytes;
        self
    }

    /// Prunes segments whose records are all older than this, soon after they are; for ever by default. Never less than
    /// [`KEEP_MIN`](crate::KEEP_MIN).
    #[must_use]
    pub fn keep(mut self, keep: Duration) -> Self {
        self.keep = Some(keep);
        self
    }

    /// Prunes no record that was not acknowledged by [`Journal::acknowledge`](crate::Journal::acknowledge) since the
    /// journal was opened.
    #[must_use]
    pub fn prune_acknowledged_only(mut self) -> Self {
        self.prune_acknowledged_only = true;
        self
    }

    /// Other file operations, for tests.
    #[must_use]
    pub fn storage(mut self, storage: Arc<dyn Storage>) -> Self {
        self.storage = storage;
        self
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("environment", &self.environment)
            .field("name", &self.name)
            .field("software", &self.software)
            .field("boot", &self.boot)
            .field("segment_bytes", &self.segment_bytes)
            .field("segment_age", &self.segment_age)
            .field("disk_budget_bytes", &self.disk_budget_bytes)
            .field("reserve_bytes", &self.reserve_bytes)
            .field("storage", &self.storage)
            .field("keep", &self.keep)
            .field("prune_acknowledged_only", &self.prune_acknowledged_only)
            .finish_non_exhaustive()
    }
}

/// Linux numbers each start of the machine. Elsewhere unknown, and every unclean end reads as a possible power cut.
fn boot_id() -> Option<Text> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(Text::new(text.trim_end()))
}
