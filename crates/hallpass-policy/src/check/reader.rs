//! One file and the faults found in it.

use toml::Spanned;

use crate::document::Document;
use crate::error::PolicyError;
use crate::fault::Fault;
use crate::files::File;
use crate::nearest::{nearest, nearest_expected};
use crate::pattern::Pattern;
use crate::place::Place;
use crate::{
    FAULTS_PER_FILE_MAX, OUTSIDE_NAME_CHARS_MAX, PER_MINUTE_MAX, POLICY_FILE_BYTES_MAX,
    POLICY_FILE_NAME_CHARS_MAX, PROSE_CHARS_MAX,
};

/// Turns places in the text of one file into lines, and keeps what is wrong there.
pub(super) struct Reader<'a> {
    pub(super) file: &'a File,
    pub(super) errors: Vec<PolicyError>,
    /// Where each line ends.
    line_ends: Vec<usize>,
}

type Span = std::ops::Range<usize>;

impl<'a> Reader<'a> {
    pub(super) fn of(file: &'a File) -> Self {
        let line_ends = file.text.match_indices('\n');
        Self {
            file,
            errors: Vec::new(),
            line_ends: line_ends.map(|(place, _)| place).collect(),
        }
    }

    pub(super) fn place(&self, at: Span) -> Place {
        self.line(1 + self.line_ends.partition_point(|end| *end < at.start))
    }

    fn line(&self, line: usize) -> Place {
        Place {
            // The name may be anything the file system takes.
            file: self.file.name.escape_debug().to_string(),
            line,
        }
    }

    pub(super) fn fault(&mut self, at: Span, fault: Fault) {
        let place = self.place(at);
        self.fault_at(place, fault);
    }

    pub(super) fn fault_at(&mut self, place: Place, fault: Fault) {
        if self.errors.len() < FAULTS_PER_FILE_MAX {
            self.errors.push(PolicyError { place, fault });
        }
    }

    pub(super) fn fault_on_line(&mut self, line: usize, fault: Fault) {
        self.fault_at(self.line(line), fault);
    }

    /// A name nothing defines. Looking for the one that was meant costs time, so it ends with the faults that are told.
    pub(super) fn unknown<'k>(
        &mut self,
        at: Span,
        kind: &'static str,
        written: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) {
        if self.errors.len() < FAULTS_PER_FILE_MAX {
            let fault = Fault::Unknown {
                kind,
                written: written.to_owned(),
                suggestion: nearest(written, known),
            };
            self.fault(at, fault);
        }
    }

    /// A list in which nothing may stand twice.
    pub(super) fn each_once<T: Ord + Clone + ToString>(
        &mut self,
        listed: &[Spanned<T>],
    ) -> std::collections::BTreeSet<T> {
        let mut seen = std::collections::BTreeSet::new();
        for written in listed {
            if !seen.insert(written.get_ref().clone()) {
                let fault = Fault::EntryTwice(written.get_ref().to_string());
                self.fault(written.span(), fault);
            }
        }
        seen
    }

    /// Likewise, and it may not be empty.
    pub(super) fn some_each_once<T: Ord + Clone + ToString>(
        &mut self,
        key: &'static str,
        listed: &Spanned<Vec<Spanned<T>>>,
    ) -> std::collections::BTreeSet<T> {
        if listed.get_ref().is_empty() {
            self.fault(listed.span(), Fault::Empty(key));
        }
        self.each_once(listed.get_ref())
    }

    /// A summary or a reason: one line of words.
    pub(super) fn prose(
        &mut self,
        key: &'static str,
        min: usize,
        written: &Spanned<String>,
    ) -> String {
        let text = written.get_ref().trim();
        let chars = text.chars().count();
        if !(min..=PROSE_CHARS_MAX).contains(&chars) || text.chars().any(char::is_control) {
            self.fault(written.span(), Fault::Prose { key, min });
        }
        text.to_owned()
    }

    /// A text that means something to somebody else: it is compared or opened as it stands.
    pub(super) fn outside(&mut self, key: &'static str, written: &Spanned<String>) -> String {
        let text = written.get_ref();
        let chars = text.chars().count();
        let plain = |c: char| !c.is_control();
        if !(1..=OUTSIDE_NAME_CHARS_MAX).contains(&chars)
            || !text.chars().all(plain)
            || text.trim() != text
        {
            self.fault(written.span(), Fault::Outside(key));
        }
        text.clone()
    }

    pub(super) fn per_minute(&mut self, key: &'static str, written: &Spanned<u64>) -> u32 {
        let rate = u32::try_from(*written.get_ref()).unwrap_or(0);
        if !(1..=PER_MINUTE_MAX).contains(&rate) {
            self.fault(written.span(), Fault::PerMinute(key));
        }
        rate
    }

    pub(super) fn pattern(&mut self, written: &Spanned<String>) -> Option<Pattern> {
        match Pattern::parse(written.get_ref()) {
            Ok(pattern) => Some(pattern),
            Err(source) => {
                let fault = Fault::Pattern {
                    written: written.get_ref().clone(),
                    source,
                };
                self.fault(written.span(), fault);
                None
            }
        }
    }

    /// The digest names files one a line as `sha256sum` does: a line feed in a name could pass for a second file, and a
    /// hidden file is one that whoever recomputes the digest does not see.
    pub(super) fn check_file(&mut self) -> bool {
        let name = &self.file.name;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        let first = name.bytes().next();
        if name.len() > POLICY_FILE_NAME_CHARS_MAX
            || !first.is_some_and(|byte| byte.is_ascii_alphanumeric())
            || !name.bytes().all(plain)
            || !(name.ends_with(".toml") || name.ends_with(".json"))
        {
            self.fault(0..0, Fault::FileName);
        }
        let fits = self.file.text.len() <= POLICY_FILE_BYTES_MAX;
        if !fits {
            self.fault(0..0, Fault::FileTooLarge);
        }
        fits
    }

    pub(super) fn document(&mut self) -> Document {
        if !self.check_file() {
            return Document::default();
        }
        toml::from_str(&self.file.text).unwrap_or_else(|error: toml::de::Error| {
            let fault = Fault::Form {
                message: error.message().to_owned(),
                suggestion: nearest_expected(error.message()),
            };
            self.fault(error.span().unwrap_or(0..0), fault);
            Document::default()
        })
    }
}
