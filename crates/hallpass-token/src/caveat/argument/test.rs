//! One argument, or each element of one, and what is demanded of it.

use hallpass_vocabulary::Pointer;
use serde_json::Value;

use super::KIND_FACT;
use super::condition::{Condition, Constant};
use super::failing::Failing;
use super::looks::Looks;
use super::quality::{Lacking, Quality};
use crate::datalog::{CheckKind, Predicate, Query, Term};
use crate::excerpt::Excerpt;
use crate::limits::ITEMS_MAX;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Test {
    pub(crate) pointer: Pointer,
    /// Every element of an array instead of the argument itself.
    pub(crate) each: bool,
    pub(crate) quality: Quality,
    pub(crate) condition: Condition,
}

impl Test {
    /// The test, if the quality can be looked at in this way.
    pub(crate) fn new(
        pointer: Pointer,
        each: bool,
        quality: Quality,
        condition: Condition,
    ) -> Option<Self> {
        let possible =
            !each || (quality.items().is_some() && !matches!(condition, Condition::Is(_)));
        (possible && quality.has(&condition)).then_some(Self {
            pointer,
            each,
            quality,
            condition,
        })
    }

    /// Whether both look at the same quality of the same argument.
    pub(crate) fn is_alike(&self, other: &Self) -> bool {
        (self.quality, self.each) == (other.quality, other.each) && self.pointer == other.pointer
    }

    /// Which of these hold, a bit for each number; none when the first fails. They are all alike, and what they look at is
    /// derived once: a token can hold a hundred tests of one argument, and an argument can take milliseconds to normalise.
    pub(crate) fn holding<'t>(
        looks: &mut Looks<'_>,
        tests: impl Iterator<Item = (usize, &'t Self)> + Clone,
    ) -> u128 {
        let Some((_, any)) = tests.clone().next() else {
            return 0;
        };
        let Ok(value) = looks.value(&any.pointer) else {
            return 0;
        };
        let mut holding = tests
            .clone()
            .fold(0, |bits, (number, _)| bits | 1 << number);
        let mut look_at = |value| {
            let Ok(seen) = any.quality.of(value) else {
                return 0;
            };
            // The first that fails is the answer, so the others are of no interest then.
            if !any.condition.holds(&seen) {
                return 0;
            }
            for (number, test) in tests.clone().skip(1) {
                if holding >> number & 1 == 1 && !test.condition.holds(&seen) {
                    holding &= !(1 << number);
                }
            }
            holding
        };
        if !any.each {
            return look_at(value);
        }
        match value {
            Value::Array(elements) if (1..=ITEMS_MAX).contains(&elements.len()) => {
                let mut all = 0;
                for element in elements {
                    all = look_at(element);
                    if all == 0 {
                        break;
                    }
                }
                all
            }
            _ => 0,
        }
    }

    pub(super) fn check_kind(&self) -> CheckKind {
        if self.each {
            CheckKind::All
        } else {
            CheckKind::If
        }
    }

    pub(super) fn query(&self) -> Query<'_> {
        let query = Query::new([]);
        let (pointer, v) = (self.pointer.as_str(), "v");
        match self.quality.items().filter(|_| self.each) {
            Some((fact, kind)) => {
                let terms = [Term::text(pointer), Term::text(kind)];
                let query = query.and(Predicate::new(KIND_FACT, terms));
                let terms = [Term::text(pointer), self.condition.term(v)];
                self.condition
                    .restrict(query.and(Predicate::new(fact, terms)), v)
            }
            None => self.conjoined(query, v),
        }
    }

    /// A query with this test of a whole argument added to it.
    pub(super) fn conjoined<'a>(&'a self, query: Query<'a>, variable: &'a str) -> Query<'a> {
        let terms = [
            Term::text(self.pointer.as_str()),
            self.condition.term(variable),
        ];
        let fact = Predicate::new(self.quality.fact(), terms);
        self.condition.restrict(query.and(fact), variable)
    }

    pub(super) fn read(query: &Query<'_>) -> Option<Self> {
        let (each, fact) = match query.body.as_slice() {
            [fact] => (false, fact),
            [_, fact] => (true, fact),
            _ => return None,
        };
        let quality = Quality::ALL
            .into_iter()
            .find(|quality| match quality.items() {
                Some((items, _)) if each => items == fact.name,
                _ => !each && quality.fact() == fact.name,
            })?;
        let [Term::Text(pointer), value] = fact.terms.as_slice() else {
            return None;
        };
        let condition = match value {
            Term::Variable(_) => Condition::read(&query.expressions)?,
            Term::Bool(value) => Condition::Is(Constant::Bool(*value)),
            Term::Integer(value) => Condition::Is(Constant::Integer(*value)),
            Term::Text(_) if quality == Quality::Null => Condition::Is(Constant::Null),
            Term::Text(text) => Condition::Is(Constant::Text(text.as_ref().into())),
            _ => return None,
        };
        Self::new(pointer.parse().ok()?, each, quality, condition)
    }

    /// Whether it holds, and what it looks at is kept for others that look at the same.
    pub(super) fn holds_with<'a>(&'a self, looks: &mut Looks<'a>) -> bool {
        if self.each {
            return self.failing(looks).is_none();
        }
        looks.with(
            &self.pointer,
            self.quality,
            |found| matches!(found, Ok(seen) if self.condition.holds(seen)),
        )
    }

    /// Likewise, and nothing is kept.
    pub(super) fn holds_alone(&self, looks: &mut Looks<'_>) -> bool {
        if self.each {
            return self.failing(looks).is_none();
        }
        let found = looks.value(&self.pointer);
        let found = found.and_then(|value| self.quality.of(value));
        found.is_ok_and(|seen| self.condition.holds(&seen))
    }

    pub(super) fn failing(&self, looks: &mut Looks<'_>) -> Option<Failing> {
        let name = || Excerpt::of(self.pointer.as_str());
        let lacking = |lacking| Some(Failing::Lacking(name(), lacking));
        let value = match looks.value(&self.pointer) {
            Ok(value) => value,
            Err(reason) => return lacking(reason),
        };
        if !self.each {
            return match self.quality.of(value) {
                Ok(seen) if self.condition.holds(&seen) => None,
                Ok(_) => Some(Failing::NotAllowed(name())),
                Err(reason) => lacking(reason),
            };
        }
        let Value::Array(elements) = value else {
            return lacking(Lacking::Array);
        };
        if !(1..=ITEMS_MAX).contains(&elements.len()) {
            return lacking(Lacking::Array);
        }
        elements
            .iter()
            .find_map(|element| match self.quality.of(element) {
                Ok(seen) if self.condition.holds(&seen) => None,
                Ok(_) => Some(Failing::NotAllowed(name())),
                Err(reason) => lacking(Lacking::Element(Box::new(reason))),
            })
    }

    /// Bytes held beside the value itself, at most.
    pub(super) fn bytes_held(&self) -> usize {
        let pointer = self.pointer.as_str().len().saturating_add(64);
        let condition = self.condition.bytes_held().saturating_add(64);
        pointer.saturating_add(condition)
    }
}
