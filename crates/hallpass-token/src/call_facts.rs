//! A call as Datalog facts: what a host tells a Biscuit engine.
//!
//! The standard profile decides without them. They are what the published templates mean, so the engine that defines
//! the templates gets exactly these: docs/caveats.md, "The facts of a call".

use std::borrow::Cow;
use std::collections::BTreeSet;

use hallpass_args::Lookup;
use serde_json::Value;

use crate::caveat::{KIND_FACT, NAMES_FACT, Quality, Seen, kind_name};
use crate::datalog::{Predicate, Term};
use crate::decide::CallFacts;
use crate::limits::{ARGUMENT_NAMES_MAX, ITEMS_MAX};

/// How much may be derived, counted while it is: arguments can be large, and a token can name many of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    pub(crate) facts: usize,
    /// Looks at a value for one fact.
    pub(crate) looks: usize,
}

impl Budget {
    pub(crate) const UNBOUNDED: Self = Self {
        facts: usize::MAX,
        looks: usize::MAX,
    };

    fn look(&mut self, at: usize) -> Option<()> {
        self.looks = self.looks.checked_sub(at)?;
        Some(())
    }

    fn take(&mut self, facts: usize) -> Option<()> {
        self.facts = self.facts.checked_sub(facts)?;
        Some(())
    }
}

/// The facts of a call with a token of so many blocks that are wanted, about the arguments at these pointers. `None` when
/// its time is before 1970, which Datalog cannot say, and beyond the budget.
pub(crate) fn of_call<'a>(
    call: &CallFacts<'a>,
    blocks: usize,
    pointers: &BTreeSet<&'a hallpass_vocabulary::Pointer>,
    wanted: &dyn Fn(&str) -> bool,
    mut budget: Budget,
) -> Option<Vec<Predicate<'a>>> {
    let now = u64::try_from(call.now.unix_seconds()).ok()?;
    let digest = Cow::Owned(call.arguments.digest().to_string());
    let mut facts = vec![
        Predicate::new("time", [Term::Date(now)]),
        Predicate::new("call:audience", [Term::text(call.audience.as_str())]),
        Predicate::new("call:env", [Term::text(call.environment.as_str())]),
        Predicate::new("call:tool", [Term::text(call.tool.as_str())]),
        Predicate::new("call:args", [Term::Text(digest)]),
        Predicate::new("call:blocks", [Term::Integer(i64::try_from(blocks).ok()?)]),
    ];
    let members = call.arguments.members();
    if members.len() <= ARGUMENT_NAMES_MAX {
        let mut names: Vec<Term<'a>> = members.keys().map(|name| Term::text(name)).collect();
        names.sort_unstable();
        facts.push(Predicate::new(NAMES_FACT, [Term::Set(names)]));
    }
    facts.retain(|fact| wanted(fact.name));
    let mut lookup = Lookup::of(call.arguments);
    for pointer in pointers {
        if let Ok(Some(value)) = lookup.find(pointer) {
            facts.extend(of_argument(pointer.as_str(), value, wanted, &mut budget)?);
        }
    }
    Some(facts)
}

fn of_argument<'a>(
    pointer: &'a str,
    value: &'a Value,
    wanted: &dyn Fn(&str) -> bool,
    budget: &mut Budget,
) -> Option<Vec<Predicate<'a>>> {
    let about = |fact, term| Predicate::new(fact, [Term::text(pointer), term]);
    let kind = |kind| about(KIND_FACT, Term::text(kind));
    let mut facts = vec![kind(kind_name(value))];
    for quality in Quality::ALL {
        if quality == Quality::Null || !wanted(quality.fact()) {
            continue;
        }
        budget.look(1)?;
        if let Ok(seen) = quality.of(value) {
            facts.push(about(quality.fact(), term(seen)));
        }
    }
    if let Value::Array(elements) = value
        && (1..=ITEMS_MAX).contains(&elements.len())
    {
        for quality in Quality::ALL {
            let Some((fact, array)) = quality.items() else {
                continue;
            };
            if !wanted(fact) && !wanted(KIND_FACT) {
                continue;
            }
            budget.look(elements.len())?;
            // All elements or none: half of them would be what the caveat then looked at.
            let items: Result<Vec<_>, _> =
                elements.iter().map(|element| quality.of(element)).collect();
            if let Ok(items) = items {
                if !facts.contains(&kind(array)) {
                    facts.push(kind(array));
                }
                if wanted(fact) {
                    budget.take(items.len())?;
                    facts.extend(items.into_iter().map(|seen| about(fact, term(seen))));
                }
            }
        }
    }
    facts.retain(|fact| wanted(fact.name));
    budget.take(facts.len())?;
    Some(facts)
}

fn term(seen: Seen<'_>) -> Term<'_> {
    match seen {
        Seen::Bool(value) => Term::Bool(value),
        Seen::Integer(value) => Term::Integer(value),
        Seen::Null => Term::text("null"),
        Seen::Text(text) => Term::Text(text),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use hallpass_args::Arguments;
    use hallpass_vocabulary::{Pointer, Timestamp};

    use super::*;

    const ARGUMENTS: [&str; 5] = [
        r#"{"a":1,"b":"x","c":true,"d":null,"e":[1,2],"f":{"g":1},"h":1.5,"i":"/p","j":"https://a.test"}"#,
        r#"{"a":"1","b":2,"c":"true","d":"null","e":["x","y"],"f":[],"h":"1.5","i":"10.0.0.1","j":["/p"]}"#,
        r#"{"a":[true],"b":["https://a.test:1"],"c":[1,"x"],"d":[1.5,2],"e":["a@b.test"],"h":["10.0.0.1"]}"#,
        r#"{"a":"a@b.test","b":[null],"c":[[]],"d":[{}],"e":["x"],"i":["ws://a.test","ftp://b.test"]}"#,
        "{}",
    ];

    fn facts(arguments: &str, look: impl FnOnce(&[Predicate<'_>])) {
        let arguments = Arguments::parse(arguments.as_bytes()).unwrap();
        let pointers = ["/a", "/b", "/c", "/d", "/e", "/f", "/f/g", "/h", "/i", "/j"];
        let pointers: Vec<Pointer> = pointers.iter().map(|p| p.parse().unwrap()).collect();
        let call = CallFacts {
            now: Timestamp::from_unix_seconds(1_795_253_410),
            audience: &"tickets".parse().unwrap(),
            environment: &"dev".parse().unwrap(),
            tool: &"kb.search".parse().unwrap(),
            arguments: &arguments,
        };
        let all = pointers.iter().collect();
        look(&of_call(&call, 1, &all, &|_| true, Budget::UNBOUNDED).unwrap());
    }

    fn type_of(term: &Term<'_>) -> &'static str {
        match term {
            Term::Bool(_) => "bool",
            Term::Bytes(_) => "bytes",
            Term::Date(_) => "date",
            Term::Integer(_) => "integer",
            Term::Set(_) => "set",
            Term::Text(_) => "text",
            Term::Variable(_) => "variable",
        }
    }

    #[test]
    fn trap_4_each_fact_has_terms_of_one_type_whatever_the_arguments() {
        let mut types = BTreeMap::new();
        for arguments in ARGUMENTS {
            facts(arguments, |facts| {
                for fact in facts {
                    let these: Vec<_> = fact.terms.iter().map(type_of).collect();
                    let before = types.entry(fact.name.to_owned()).or_insert(these.clone());
                    assert_eq!(*before, these, "{fact}");
                }
            });
        }
        assert!(types.len() > 25, "{:?}", types.keys());
    }

    #[test]
    fn trap_9_a_call_has_one_time_and_an_argument_one_value_of_each_fact() {
        for arguments in ARGUMENTS {
            facts(arguments, |facts| {
                let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
                for fact in facts
                    .iter()
                    .filter(|fact| !fact.name.starts_with("call:item_"))
                {
                    let about = match fact.terms.as_slice() {
                        [pointer, _] => format!("{} {pointer}", fact.name),
                        _ => fact.name.to_owned(),
                    };
                    seen.entry(about).or_default().push(fact.to_string());
                }
                assert_eq!(seen.get("time").map(Vec::len), Some(1));
                for (about, facts) in seen {
                    // An array has its kind, and those of its elements.
                    let kinds = about.starts_with(KIND_FACT) && facts[0].ends_with("\"array\")");
                    assert!(facts.len() == 1 || kinds, "{facts:?}");
                }
            });
        }
    }
}
