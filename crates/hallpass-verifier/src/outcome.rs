//! How a permitted call ended.

/// The kind of failure of a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// The tool broke; it may have had effects.
    Failed,
    /// The arguments did not suit the tool; it did nothing.
    InvalidInput,
    /// There was no such thing; it did nothing.
    NotFound,
    /// The row belonged to somebody else; it did nothing.
    Refused,
}

impl ErrorClass {
    /// The word in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::InvalidInput => "invalid_input",
            Self::NotFound => "not_found",
            Self::Refused => "refused",
        }
    }
}

/// What [`Permit::finish`](crate::Permit::finish) records.
#[derive(Debug, Clone, Copy)]
pub struct Outcome<'a> {
    pub(crate) ended: Ended<'a>,
    pub(crate) cost_usd_micros: u64,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Ended<'a> {
    Failed(ErrorClass),
    Succeeded(&'a [u8]),
}

impl<'a> Outcome<'a> {
    /// The tool answered with these bytes; the journal keeps their keyed digest.
    pub fn succeeded(answer: &'a [u8]) -> Self {
        Self {
            ended: Ended::Succeeded(answer),
            cost_usd_micros: 0,
        }
    }

    /// The tool failed.
    pub fn failed(class: ErrorClass) -> Self {
        Self {
            ended: Ended::Failed(class),
            cost_usd_micros: 0,
        }
    }

    /// What the call has cost, in millionths of a US dollar, beside what [`Permit::costs`](crate::Permit::costs) was told
    /// already. Counted against the budget of its run, where the token has one.
    #[must_use]
    pub fn costing(mut self, usd_micros: u64) -> Self {
        self.cost_usd_micros = usd_micros;
        self
    }
}
