//! Checks, facts and terms with their names resolved.

use std::borrow::Cow;
use std::fmt;
use std::fmt::Write as _;

use hallpass_keys::VerifyingKey;
use hallpass_vocabulary::Timestamp;

/// A value or a variable. Sets are sorted and hold no element twice, so equal sets are equal trees.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Term<'a> {
    Bool(bool),
    Bytes(Cow<'a, [u8]>),
    /// Seconds since the epoch.
    Date(u64),
    Integer(i64),
    Set(Vec<Term<'a>>),
    Text(Cow<'a, str>),
    Variable(&'a str),
}

impl<'a> Term<'a> {
    /// A set of names. The caller passes them sorted and distinct, as every set type of the vocabulary has them.
    pub(crate) fn set_of<T: AsRef<str> + 'a>(names: impl IntoIterator<Item = &'a T>) -> Self {
        Self::Set(
            names
                .into_iter()
                .map(|name| Self::Text(Cow::Borrowed(name.as_ref())))
                .collect(),
        )
    }

    pub(crate) fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

/// A name and its terms: a fact when it has no variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Predicate<'a> {
    pub(crate) name: &'a str,
    pub(crate) terms: Vec<Term<'a>>,
}

impl<'a> Predicate<'a> {
    pub(crate) fn new(name: &'a str, terms: impl Into<Vec<Term<'a>>>) -> Self {
        Self {
            name,
            terms: terms.into(),
        }
    }
}

/// One step of an expression, in postfix order. Some are in no template and only in checks of the extended profile. None
/// makes a value larger than its operands, and none calls anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operation<'a> {
    And,
    Contains,
    EndsWith,
    /// `===`: of operands of one type.
    Equal,
    GreaterOrEqual,
    GreaterThan,
    /// `==`: of any operands.
    HeterogeneousEqual,
    /// `!=`: of any operands.
    HeterogeneousNotEqual,
    Length,
    LessOrEqual,
    LessThan,
    Negate,
    /// `!==`: of operands of one type.
    NotEqual,
    Or,
    Parens,
    StartsWith,
    Value(Term<'a>),
}

impl Operation<'_> {
    /// How many values it takes from the stack; each leaves one.
    pub(crate) fn operands(&self) -> usize {
        match self {
            Self::Value(_) => 0,
            Self::Length | Self::Negate | Self::Parens => 1,
            _ => 2,
        }
    }
}

/// One alternative of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query<'a> {
    pub(crate) body: Vec<Predicate<'a>>,
    pub(crate) expressions: Vec<Vec<Operation<'a>>>,
    /// Public keys whose third-party blocks are trusted besides the authority block.
    pub(crate) trusting: Vec<VerifyingKey>,
}

impl<'a> Query<'a> {
    pub(crate) fn new(body: impl Into<Vec<Predicate<'a>>>) -> Self {
        Self {
            body: body.into(),
            expressions: Vec::new(),
            trusting: Vec::new(),
        }
    }

    /// Adds a predicate.
    #[must_use]
    pub(crate) fn and(mut self, predicate: Predicate<'a>) -> Self {
        self.body.push(predicate);
        self
    }

    /// Adds `left OPERATION right`, such as `left < right` or `left.contains(right)`.
    #[must_use]
    pub(crate) fn with(
        mut self,
        left: Term<'a>,
        operation: Operation<'a>,
        right: Term<'a>,
    ) -> Self {
        self.expressions.push(vec![
            Operation::Value(left),
            Operation::Value(right),
            operation,
        ]);
        self
    }

    /// Adds `!set.contains(element)`.
    #[must_use]
    pub(crate) fn without(mut self, set: Term<'a>, element: Term<'a>) -> Self {
        self.expressions.push(vec![
            Operation::Value(set),
            Operation::Value(element),
            Operation::Contains,
            Operation::Negate,
        ]);
        self
    }
}

/// How many of a query's answers have to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CheckKind {
    /// `check all`: at least one, and each of them.
    All,
    /// `check if`: at least one.
    If,
}

/// A check with its alternatives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Check<'a> {
    pub(crate) kind: CheckKind,
    pub(crate) queries: Vec<Query<'a>>,
}

impl<'a> Check<'a> {
    pub(crate) fn if_any(queries: impl Into<Vec<Query<'a>>>) -> Self {
        Self {
            kind: CheckKind::If,
            queries: queries.into(),
        }
    }
}

/// A name as it is printed. Where Datalog is written as text, names hold letters, digits, `_` and `:` only; in a token they
/// are a holder's symbols and can hold anything, so the rest is escaped.
struct Name<'a>(&'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            if c.is_ascii_alphanumeric() || matches!(c, '_' | ':') {
                f.write_char(c)?;
            } else {
                write!(f, "{}", c.escape_unicode())?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Term<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Bytes(bytes) => write!(f, "hex:{}", hex::encode(bytes)),
            Self::Date(seconds) => f.write_str(&crate::date::words(Timestamp::from_unix_seconds(
                i64::try_from(*seconds).unwrap_or(i64::MAX),
            ))),
            Self::Integer(integer) => write!(f, "{integer}"),
            Self::Set(elements) if elements.is_empty() => f.write_str("{,}"),
            Self::Set(elements) => {
                f.write_str("{")?;
                separated(f, ", ", elements)?;
                f.write_str("}")
            }
            Self::Text(text) => quoted(text, f),
            Self::Variable(name) => write!(f, "${}", Name(name)),
        }
    }
}

/// A string as Biscuit writes it, whose only escapes are `\\`, `\"` and `\n`. What a terminal might act on is escaped all
/// the same, as in Rust: that is for people only, there is no way to write it that Biscuit reads.
fn quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("\"")?;
    for (position, part) in text.split('\'').enumerate() {
        // Rust escapes a quote mark that Biscuit reads only as it is.
        f.write_str(if position == 0 { "" } else { "'" })?;
        write!(f, "{}", part.escape_debug())?;
    }
    f.write_str("\"")
}

impl fmt::Display for Predicate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", Name(self.name))?;
        separated(f, ", ", &self.terms)?;
        f.write_str(")")
    }
}

impl fmt::Display for Query<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        separated(f, ", ", &self.body)?;
        let mut separator = if self.body.is_empty() { "" } else { ", " };
        for expression in &self.expressions {
            f.write_str(separator)?;
            write_infix(expression, f)?;
            separator = ", ";
        }
        for (position, key) in self.trusting.iter().enumerate() {
            f.write_str(if position == 0 { " trusting " } else { ", " })?;
            write!(f, "ed25519/{key}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Check<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            CheckKind::All => "check all ",
            CheckKind::If => "check if ",
        })?;
        separated(f, " or ", &self.queries)
    }
}

/// Writes the infix form of a well-formed expression, straight to where it is wanted: copying operands into each other
/// would cost a holder's long texts many times over. An expression of a template has up to four steps, one of the extended
/// profile a few dozen, so the recursion is shallow.
fn write_infix(steps: &[Operation<'_>], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some((step, operands)) = steps.split_last() else {
        return Ok(());
    };
    let (left, right) = operands.split_at(match step.operands() {
        2 => start_of_last(operands),
        _ => operands.len(),
    });
    let (before, between, after) = match step {
        Operation::Value(term) => return write!(f, "{term}"),
        Operation::Negate => ("!", "", ""),
        Operation::Parens => ("(", "", ")"),
        Operation::Length => ("", "", ".length()"),
        Operation::GreaterOrEqual => ("", " >= ", ""),
        Operation::LessOrEqual => ("", " <= ", ""),
        Operation::LessThan => ("", " < ", ""),
        Operation::GreaterThan => ("", " > ", ""),
        Operation::And => ("", " && ", ""),
        Operation::Or => ("", " || ", ""),
        Operation::Equal => ("", " === ", ""),
        Operation::NotEqual => ("", " !== ", ""),
        Operation::HeterogeneousEqual => ("", " == ", ""),
        Operation::HeterogeneousNotEqual => ("", " != ", ""),
        Operation::EndsWith => ("", ".ends_with(", ")"),
        Operation::StartsWith => ("", ".starts_with(", ")"),
        Operation::Contains => ("", ".contains(", ")"),
    };
    f.write_str(before)?;
    write_infix(left, f)?;
    f.write_str(between)?;
    write_infix(right, f)?;
    f.write_str(after)
}

/// Where the steps of the last value begin.
fn start_of_last(steps: &[Operation<'_>]) -> usize {
    let mut wanted = 1_usize;
    for (position, step) in steps.iter().enumerate().rev() {
        wanted = wanted.saturating_sub(1).saturating_add(step.operands());
        if wanted == 0 {
            return position;
        }
    }
    0
}

fn separated<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    separator: &str,
    items: &[T],
) -> fmt::Result {
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            f.write_str(separator)?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}
