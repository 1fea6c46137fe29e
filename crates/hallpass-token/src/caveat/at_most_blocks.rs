//! `check if call:blocks($n), $n <= 3`

use crate::datalog::{Check, Operation, Predicate, Query, Term};
use crate::limits::BLOCKS_MAX;

/// 1 to [`BLOCKS_MAX`] blocks of a token, the authority block included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockCount(u8);

impl BlockCount {
    /// The count; `None` outside 1 to [`BLOCKS_MAX`].
    pub fn new(blocks: usize) -> Option<Self> {
        let count = u8::try_from(blocks).ok()?;
        (1..=BLOCKS_MAX).contains(&blocks).then_some(Self(count))
    }

    /// The count.
    pub fn get(self) -> usize {
        usize::from(self.0)
    }
}

pub(super) fn check<'a>(count: BlockCount) -> Check<'a> {
    let n = Term::Variable("n");
    let query = Query::new([Predicate::new("call:blocks", [n.clone()])]);
    let most = Term::Integer(i64::from(count.0));
    Check::if_any([query.with(n, Operation::LessOrEqual, most)])
}

pub(super) fn read(check: &Check<'_>) -> Option<BlockCount> {
    match check.queries.first()?.expressions.first()?.as_slice() {
        [_, Operation::Value(Term::Integer(most)), _] => {
            usize::try_from(*most).ok().and_then(BlockCount::new)
        }
        _ => None,
    }
}
