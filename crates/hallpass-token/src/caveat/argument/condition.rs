//! What is demanded of a quality.

use super::quality::Seen;
use crate::datalog::{Operation, Query, Term};
use crate::names::NameSet;

/// Integers between two bounds, both inclusive; at least one is there, and the lower is not above the upper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) low: Option<i64>,
    pub(crate) high: Option<i64>,
}

impl Bounds {
    pub(crate) fn new(low: Option<i64>, high: Option<i64>) -> Option<Self> {
        let some = match (low, high) {
            (None, None) => false,
            (Some(low), Some(high)) => low <= high,
            _ => true,
        };
        some.then_some(Self { low, high })
    }

    fn contain(self, value: i64) -> bool {
        self.low.is_none_or(|low| low <= value) && self.high.is_none_or(|high| value <= high)
    }
}

/// One value, as it stands in a fact. Null has none: the kind says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Constant {
    Bool(bool),
    Integer(i64),
    Null,
    Text(Box<str>),
}

/// 1 to 64 values of one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Values {
    Integers(NameSet<i64>),
    Texts(NameSet<Box<str>>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    Contains(Box<str>),
    EndsWith(Box<str>),
    Is(Constant),
    NoneOf(Values),
    OneOf(Values),
    StartsWith(Box<str>),
    Within(Bounds),
}

impl Values {
    fn contain(&self, seen: &Seen<'_>) -> Option<bool> {
        match (self, seen) {
            (Self::Integers(values), Seen::Integer(value)) => Some(values.contains(value)),
            (Self::Texts(values), Seen::Text(value)) => Some(values.contains(value.as_ref())),
            _ => None,
        }
    }

    fn term(&self) -> Term<'_> {
        match self {
            Self::Integers(values) => {
                Term::Set(values.iter().map(|value| Term::Integer(*value)).collect())
            }
            Self::Texts(values) => Term::set_of(values.iter()),
        }
    }
}

impl Condition {
    /// Whether a quality satisfies it. A value of another type satisfies nothing, not even `not one of`.
    pub(crate) fn holds(&self, seen: &Seen<'_>) -> bool {
        match (self, seen) {
            (Self::Contains(part), Seen::Text(text)) => text.contains(part.as_ref()),
            (Self::EndsWith(end), Seen::Text(text)) => text.ends_with(end.as_ref()),
            (Self::StartsWith(start), Seen::Text(text)) => text.starts_with(start.as_ref()),
            (Self::Within(bounds), Seen::Integer(value)) => bounds.contain(*value),
            (Self::OneOf(values), seen) => values.contain(seen) == Some(true),
            (Self::NoneOf(values), seen) => values.contain(seen) == Some(false),
            (Self::Is(Constant::Bool(value)), Seen::Bool(seen)) => value == seen,
            (Self::Is(Constant::Integer(value)), Seen::Integer(seen)) => value == seen,
            (Self::Is(Constant::Text(value)), Seen::Text(seen)) => value.as_ref() == seen,
            (Self::Is(Constant::Null), Seen::Null) => true,
            _ => false,
        }
    }

    /// Whether another names the values it allows, and this one allows none of them.
    pub(crate) fn allows_none_of(&self, other: &Self) -> bool {
        let text = |text: &'_ str| !self.holds(&Seen::Text(text.into()));
        match other {
            Self::Is(Constant::Bool(value)) => !self.holds(&Seen::Bool(*value)),
            Self::Is(Constant::Integer(value)) => !self.holds(&Seen::Integer(*value)),
            Self::Is(Constant::Text(value)) => text(value),
            Self::OneOf(Values::Integers(values)) => {
                let mut values = values.iter();
                values.all(|value| !self.holds(&Seen::Integer(*value)))
            }
            Self::OneOf(Values::Texts(values)) => values.iter().all(|value| text(value)),
            _ => false,
        }
    }

    /// The second term of the fact: the value itself where it is one value, else the variable.
    pub(crate) fn term<'a>(&'a self, variable: &'a str) -> Term<'a> {
        match self {
            Self::Is(Constant::Bool(value)) => Term::Bool(*value),
            Self::Is(Constant::Integer(value)) => Term::Integer(*value),
            Self::Is(Constant::Null) => Term::text("null"),
            Self::Is(Constant::Text(value)) => Term::text(value),
            _ => Term::Variable(variable),
        }
    }

    /// What is demanded of the variable.
    pub(crate) fn restrict<'a>(&'a self, query: Query<'a>, variable: &'a str) -> Query<'a> {
        let v = Term::Variable(variable);
        match self {
            Self::Contains(part) => query.with(v, Operation::Contains, Term::text(part)),
            Self::EndsWith(end) => query.with(v, Operation::EndsWith, Term::text(end)),
            Self::StartsWith(start) => query.with(v, Operation::StartsWith, Term::text(start)),
            Self::OneOf(values) => query.with(values.term(), Operation::Contains, v),
            Self::NoneOf(values) => query.without(values.term(), v),
            Self::Is(_) => query,
            Self::Within(bounds) => {
                let query = match bounds.low {
                    Some(low) => {
                        query.with(v.clone(), Operation::GreaterOrEqual, Term::Integer(low))
                    }
                    None => query,
                };
                match bounds.high {
                    Some(high) => query.with(v, Operation::LessOrEqual, Term::Integer(high)),
                    None => query,
                }
            }
        }
    }

    /// The condition on the variable that these expressions state, if it is one of them.
    pub(crate) fn read(expressions: &[Vec<Operation<'_>>]) -> Option<Self> {
        let steps = expressions.first()?;
        match steps.as_slice() {
            [Operation::Value(Term::Set(set)), _, Operation::Contains] => {
                read_values(set).map(Self::OneOf)
            }
            [
                Operation::Value(Term::Set(set)),
                _,
                Operation::Contains,
                Operation::Negate,
            ] => read_values(set).map(Self::NoneOf),
            [_, Operation::Value(Term::Text(text)), operation] => {
                let text = boxed(text);
                match operation {
                    Operation::Contains => Some(Self::Contains(text)),
                    Operation::EndsWith => Some(Self::EndsWith(text)),
                    Operation::StartsWith => Some(Self::StartsWith(text)),
                    _ => None,
                }
            }
            [_, Operation::Value(Term::Integer(first)), operation] => {
                let (low, high) = match (operation, expressions.get(1).map(Vec::as_slice)) {
                    (
                        Operation::GreaterOrEqual,
                        Some([_, Operation::Value(Term::Integer(high)), _]),
                    ) => (Some(*first), Some(*high)),
                    (Operation::GreaterOrEqual, _) => (Some(*first), None),
                    _ => (None, Some(*first)),
                };
                Bounds::new(low, high).map(Self::Within)
            }
            _ => None,
        }
    }

    /// Bytes held beside the value itself, at most.
    pub(crate) fn bytes_held(&self) -> usize {
        match self {
            Self::Contains(text) | Self::EndsWith(text) | Self::StartsWith(text) => text.len(),
            Self::Is(Constant::Text(text)) => text.len(),
            Self::Is(_) | Self::Within(_) => 0,
            Self::NoneOf(values) | Self::OneOf(values) => match values {
                Values::Integers(values) => values.iter().count().saturating_mul(32),
                Values::Texts(values) => values
                    .iter()
                    .map(|text| text.len().saturating_add(64))
                    .fold(0, usize::saturating_add),
            },
        }
    }
}

fn read_values(set: &[Term<'_>]) -> Option<Values> {
    if let Some(Term::Integer(_)) = set.first() {
        let integers = set.iter().map(|term| match term {
            Term::Integer(value) => Some(*value),
            _ => None,
        });
        let integers = NameSet::new(integers.collect::<Option<Vec<_>>>()?).ok()?;
        return Some(Values::Integers(integers));
    }
    let texts = set.iter().map(|term| match term {
        Term::Text(text) => Some(boxed(text)),
        _ => None,
    });
    let texts = NameSet::new(texts.collect::<Option<Vec<_>>>()?).ok()?;
    Some(Values::Texts(texts))
}

fn boxed(text: &str) -> Box<str> {
    text.into()
}
