//! What waits for its turn to be written, and who wants to know what became of it.

use std::sync::Arc;

use crate::append::Slot;
use crate::line::Body;
use crate::{Durability, Refused, Unrecorded};

/// A record waiting for its turn.
pub(crate) struct Queued {
    pub(crate) body: Body,
    pub(crate) whose: Whose,
}

/// Who wants to know what became of it.
pub(crate) enum Whose {
    Caller(Arc<Slot>, Durability),
    /// A refusal recorded singly.
    Nobody,
    /// A count, which is counted again if it cannot be written.
    Count(Refused),
    /// The last record.
    Journal,
    /// A caller that went ahead; if it cannot be written, it is counted.
    Open,
    /// A number of records, which is counted again if it cannot be written.
    Unrecorded(Unrecorded),
}

impl Queued {
    /// Whether the reserve is there for it: a flood of refusals shall not use it up.
    pub(crate) fn may_use_reserve(&self) -> bool {
        matches!(
            self.whose,
            Whose::Caller(_, Durability::Outcome | Durability::Relaxed) | Whose::Journal
        )
    }
}
