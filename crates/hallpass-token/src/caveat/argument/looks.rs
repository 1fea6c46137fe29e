//! What caveats look at, derived once for all of them.

use hallpass_args::{Arguments, Lookup};
use hallpass_vocabulary::Pointer;
use serde_json::Value;

use super::quality::{Lacking, Quality, Seen};

/// The qualities of one call's arguments that were looked at: alternatives look at the same ones again and again, and an
/// argument can take milliseconds to normalise.
pub(crate) struct Looks<'a> {
    arguments: &'a Arguments,
    lookup: Lookup<'a>,
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
            lookup: Lookup::of(arguments),
            seen: Vec::new(),
        }
    }

    pub(crate) fn arguments(&self) -> &'a Arguments {
        self.arguments
    }

    /// The value of an argument.
    pub(crate) fn value(&mut self, pointer: &Pointer) -> Result<&'a Value, Lacking> {
        match self.lookup.find(pointer) {
            Ok(Some(value)) => Ok(value),
            Ok(None) => Err(Lacking::Missing),
            Err(ambiguous) => Err(ambiguous.into()),
        }
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
        let found = self.value(pointer).and_then(|value| quality.of(value));
        let answer = ask(&found);
        self.seen.push(Look {
            pointer,
            quality,
            found,
        });
        answer
    }
}
