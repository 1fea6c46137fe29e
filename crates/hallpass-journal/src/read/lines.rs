//! The records of a file that is no segment: an export, or what was shipped.

use std::io::{self, BufRead};

use super::Record;
use crate::LineDefect;
use crate::scan::next_line;

/// Records one a line, as `hallpass journal export --format jsonl` writes them. Their indexes are what they are: whether any is
/// missing is for the reader to see. After an error it has ended.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    line: u64,
    failed: bool,
}

/// A file that is not records one a line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinesError {
    /// A line is no record.
    #[error("line {line}: {defect}")]
    BadLine {
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        defect: LineDefect,
    },
    /// It cannot be read.
    #[error("line {line}: it cannot be read")]
    Io {
        /// The line, from 1.
        line: u64,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl<R: BufRead> Lines<R> {
    /// Those of this reader, which is read as far as the iterator is.
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            line: 0,
            failed: false,
        }
    }

    fn next_record(&mut self) -> Result<Option<Record>, LinesError> {
        self.line = self.line.saturating_add(1);
        let line = self.line;
        let mut bytes = Vec::new();
        let more = next_line(&mut self.reader, &mut bytes);
        if !more.map_err(|source| LinesError::Io { line, source })? {
            return Ok(None);
        }
        let whole = bytes.strip_suffix(b"\n");
        let too_long = bytes.len() > crate::RECORD_BYTES_MAX;
        let record = match whole {
            Some(whole) => Record::parse(whole),
            None if too_long => Err(LineDefect::TooLong),
            None => Err(LineDefect::NoLineEnd),
        };
        record
            .map(Some)
            .map_err(|defect| LinesError::BadLine { line, defect })
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<Record, LinesError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.next_record().transpose();
        self.failed = matches!(next, Some(Err(_)));
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"v":1,"index":7,"time":"2026-11-21T09:30:00.007Z","kind":"closed"}"#;

    #[test]
    fn each_line_is_a_record_and_the_first_that_is_none_ends_it() {
        let text = format!("{LINE}\n{LINE}\nx\n{LINE}\n");
        let read: Vec<_> = Lines::new(text.as_bytes()).collect();
        assert_eq!(read.len(), 3);
        assert_eq!(read[0].as_ref().unwrap().index(), 7);
        assert!(matches!(read[2], Err(LinesError::BadLine { line: 3, .. })));
    }

    #[test]
    fn half_a_line_and_one_that_never_ends_are_none() {
        let half = Lines::new(LINE.as_bytes()).next().unwrap();
        let defect = |read| match read {
            Err(LinesError::BadLine { defect, .. }) => defect,
            other => panic!("{other:?}"),
        };
        assert_eq!(defect(half), LineDefect::NoLineEnd);
        let endless = vec![b'x'; crate::RECORD_BYTES_MAX * 2];
        let endless = Lines::new(&*endless).next().unwrap();
        assert_eq!(defect(endless), LineDefect::TooLong);
    }
}
