//! Copies of one journal, read side by side: each record once, and where they part.

use std::iter::Peekable;

use hallpass_journal::read::Record;

/// Copies of the journal of one origin. The records of each come by rising index.
pub(super) struct Copies<I: Iterator> {
    copies: Vec<Peekable<I>>,
    next: Option<u64>,
}

/// What stands at one index.
pub(super) struct Place {
    /// The different records of this index: one, unless the copies part.
    pub(super) records: Vec<Record>,
    /// How many records are missing before it.
    pub(super) missing: u64,
}

impl<E, I: Iterator<Item = Result<Record, E>>> Copies<I> {
    pub(super) fn new(copies: impl IntoIterator<Item = I>) -> Self {
        Self {
            copies: copies.into_iter().map(Iterator::peekable).collect(),
            next: None,
        }
    }

    /// The next index that any copy has.
    ///
    /// # Errors
    /// What a copy cannot be read for.
    pub(super) fn next_place(&mut self) -> Result<Option<Place>, E> {
        let mut lowest: Option<u64> = None;
        for copy in &mut self.copies {
            match copy.peek() {
                Some(Ok(record)) => {
                    let index = record.index();
                    lowest = Some(lowest.map_or(index, |lowest| lowest.min(index)));
                }
                Some(Err(_)) => {
                    if let Some(Err(error)) = copy.next() {
                        return Err(error);
                    }
                }
                None => {}
            }
        }
        let Some(index) = lowest else {
            return Ok(None);
        };
        let mut records: Vec<Record> = Vec::new();
        for copy in &mut self.copies {
            let here = copy.next_if(|head| head.as_ref().is_ok_and(|it| it.index() == index));
            if let Some(Ok(record)) = here
                && !records.iter().any(|known| known.line() == record.line())
            {
                records.push(record);
            }
        }
        let missing = self.next.map_or(0, |next| index.saturating_sub(next));
        self.next = Some(index.saturating_add(1));
        Ok(Some(Place { records, missing }))
    }
}
