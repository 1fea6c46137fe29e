//! Looking up many pointers in the arguments of one call.

use std::collections::HashMap;

use hallpass_vocabulary::{Pointer, is_same_name_in_any_case, name_in_one_case};
use serde_json::{Map, Value};

use crate::arguments::Arguments;
use crate::pointer::{Ambiguous, POINTER_NAMES_MAX, index};

/// Names of an object that are compared one by one for each pointer.
const NAMES_FEW: usize = 16;

/// Finds values as [`Resolve::resolve_unambiguous`](crate::Resolve::resolve_unambiguous) does, one pointer after the other. To
/// compare a name with all the others of an object without regard to case takes the longer the more alike they are, and
/// whoever calls chooses them: from the second pointer into an object on, its names are brought to one case once.
pub struct Lookup<'v> {
    arguments: &'v Map<String, Value>,
    objects: Vec<Object<'v>>,
}

/// An object of many names that a pointer led into.
struct Object<'v> {
    members: &'v Map<String, Value>,
    /// How many of its names are this one without regard to case.
    names: Option<HashMap<String, usize>>,
}

impl<'v> Lookup<'v> {
    /// In the arguments of a call.
    pub fn of(arguments: &'v Arguments) -> Self {
        Self::in_members(arguments.members())
    }

    pub(crate) fn in_members(arguments: &'v Map<String, Value>) -> Self {
        Self {
            arguments,
            objects: Vec::new(),
        }
    }

    /// The value a pointer points at, if every reader finds the same one.
    ///
    /// # Errors
    /// [`Ambiguous`].
    pub fn find(&mut self, pointer: &Pointer) -> Result<Option<&'v Value>, Ambiguous> {
        let mut segments = pointer.names();
        let Some(first) = segments.next() else {
            return Ok(None);
        };
        let mut names_left = POINTER_NAMES_MAX;
        let Some(mut value) = self.the_one(self.arguments, &first, &mut names_left)? else {
            return Ok(None);
        };
        for segment in segments {
            let next = match value {
                Value::Object(members) => self.the_one(members, &segment, &mut names_left)?,
                Value::Array(items) => index(&segment).and_then(|index| items.get(index)),
                _ => None,
            };
            let Some(next) = next else {
                return Ok(None);
            };
            value = next;
        }
        Ok(Some(value))
    }

    /// The member of this name, if no other name is the same without regard to case.
    fn the_one(
        &mut self,
        members: &'v Map<String, Value>,
        name: &str,
        names_left: &mut usize,
    ) -> Result<Option<&'v Value>, Ambiguous> {
        *names_left = names_left
            .checked_sub(members.len())
            .ok_or(Ambiguous::TooManyNames)?;
        if self.has_another(members, name) {
            return Err(Ambiguous::Case);
        }
        Ok(members.get(name))
    }

    fn has_another(&mut self, members: &'v Map<String, Value>, name: &str) -> bool {
        let known = self
            .objects
            .iter_mut()
            .find(|object| std::ptr::eq(object.members, members));
        if let Some(object) = known {
            let names = object.names.get_or_insert_with(|| in_one_case(members));
            let alike = names.get(&name_in_one_case(name)).copied().unwrap_or(0);
            return alike > usize::from(members.contains_key(name));
        }
        if members.len() > NAMES_FEW {
            let names = None;
            self.objects.push(Object { members, names });
        }
        let mut names = members.keys();
        names.any(|other| is_same_name_in_any_case(other, name) && other != name)
    }
}

fn in_one_case(members: &Map<String, Value>) -> HashMap<String, usize> {
    let mut names: HashMap<String, usize> = HashMap::with_capacity(members.len());
    for name in members.keys() {
        let alike = names.entry(name_in_one_case(name)).or_default();
        *alike = alike.saturating_add(1);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Resolve as _;

    /// Names that are alike without regard to case, and enough others for them to be brought to one case.
    fn arguments() -> Arguments {
        let alike = [
            "path",
            "PATH",
            "k",
            "\u{212a}",
            "stra\u{df}e",
            "STRA\u{1e9e}E",
            "\u{e9}",
            "one",
        ];
        let others = (0..NAMES_FEW).map(|n| format!("\u{3b1}{n}"));
        let names = alike.into_iter().map(str::to_owned).chain(others);
        let members: Vec<String> = names.map(|name| format!("\"{name}\":1")).collect();
        let members = members.join(",");
        let text =
            format!("{{{members},\"deep\":{{{members}}},\"few\":{{\"a\":1,\"A\":2,\"b\":3}}}}");
        Arguments::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn each_pointer_is_answered_as_it_is_alone_however_many_were_before() {
        let arguments = arguments();
        let names = [
            "path",
            "Path",
            "k",
            "K",
            "\u{212a}",
            "stra\u{df}e",
            "STRASSE",
            "\u{e9}",
            "\u{c9}",
            "one",
            "ONE",
            "\u{3b1}3",
            "\u{391}3",
            "absent",
            "few/a",
            "few/b",
            "few/B",
        ];
        let pointers = names
            .iter()
            .flat_map(|name| [format!("/{name}"), format!("/deep/{name}")]);
        let pointers: Vec<Pointer> = pointers.map(|pointer| pointer.parse().unwrap()).collect();
        let mut lookup = Lookup::of(&arguments);
        let (mut found, mut ambiguous) = (0, 0);
        for pointer in pointers.iter().chain(&pointers) {
            let alone = pointer.resolve_unambiguous(arguments.members());
            assert_eq!(lookup.find(pointer), alone, "{pointer:?}");
            found += usize::from(matches!(alone, Ok(Some(_))));
            ambiguous += usize::from(alone.is_err());
        }
        assert!(found > 10 && ambiguous > 20, "{found} {ambiguous}");
        let brought = lookup
            .objects
            .iter()
            .filter(|object| object.names.is_some());
        assert_eq!(brought.count(), 2);
    }
}
