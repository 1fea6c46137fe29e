//! What caveats look at, derived once for all of them.

use hallpass_args::{Arguments, Resolve as _};
use hallpass_vocabulary::Pointer;

use super::quality::{Lacking, Quality, Seen};

/// A quality of an argument.
pub(crate) fn look<'a>(
    arguments: &'a Arguments,
    pointer: &Pointer,
    quality: Quality,
) -> Result<Seen<'a>, Lacking> {
    match pointer.resolve_unambiguous(arguments.members()) {
        Ok(Some(value)) => quality.of(value),
        Ok(None) => Err(Lacking::Missing),
        Err(ambiguous) => Err(ambiguous.into()),
    }
}

/// The qualities of one call's arguments that were looked at: alternatives look at the same ones again and again, and an
/// argument can take milliseconds to normalise.
pub(crate) struct Looks<'a> {
    arguments: &'a Arguments,
    /// In the order of the first look. A token has room for a few hundred, so they are gone through.
    seen: Vec<Look<'a>>,
}

struct Look<'a> {
    pointer: &'a Pointer,
    quality: Quality,
    found: Result<Seen<'a>, Lacking>,
}

impl<'a> Looks<'a> {
    pub(crate) fn at(arguments: &'a Arguments) -> Self {
        Self {
            arguments,
            seen: Vec::new(),
        }
    }

    pub(crate) fn arguments(&self) -> &'a Arguments {
        self.arguments
    }

    /// A quality of an argument, handed to whoever wants to know.
    pub(crate) fn with<T>(
        &mut self,
        pointer: &'a Pointer,
        quality: Quality,
        ask: impl FnOnce(&Result<Seen<'a>, Lacking>) -> T,
    ) -> T {
        let known = self
            .seen
            .iter()
            .find(|look| look.quality == quality && look.pointer == pointer);
        if let Some(look) = known {
            return ask(&look.found);
        }
        let found = look(self.arguments, pointer, quality);
        let answer = ask(&found);
        self.seen.push(Look {
            pointer,
            quality,
            found,
        });
        answer
    }
}
