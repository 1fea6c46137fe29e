//! Checks, facts and terms with their names resolved.

use std::borrow::Cow;
use std::fmt;

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
            Self::Variable(name) => write!(f, "${name}"),
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
        write!(f, "{}(", self.name)?;
        separated(f, ", ", &self.terms)?;
        f.write_str(")")
    }
}

impl fmt::Display for Query<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        separated(f, ", ", &self.body)?;
        let mut separator = if self.body.is_empty() { "" } else { ", " };
        for expression in &self.expressions {
            write!(f, "{separator}{}", expression_text(expression))?;
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

/// The infix form of an expression.
fn expression_text(steps: &[Operation<'_>]) -> String {
    let mut stack: Vec<String> = Vec::new();
    for step in steps {
        let text = match step {
            Operation::Value(term) => term.to_string(),
            Operation::Negate => format!("!{}", stack.pop().unwrap_or_default()),
            Operation::Parens => format!("({})", stack.pop().unwrap_or_default()),
            Operation::Length => format!("{}.length()", stack.pop().unwrap_or_default()),
            binary => {
                let right = stack.pop().unwrap_or_default();
                let left = stack.pop().unwrap_or_default();
                match binary {
                    Operation::GreaterOrEqual => format!("{left} >= {right}"),
                    Operation::LessOrEqual => format!("{left} <= {right}"),
                    Operation::LessThan => format!("{left} < {right}"),
                    Operation::GreaterThan => format!("{left} > {right}"),
                    Operation::And => format!("{left} && {right}"),
                    Operation::Or => format!("{left} || {right}"),
                    Operation::Equal => format!("{left} === {right}"),
                    Operation::NotEqual => format!("{left} !== {right}"),
                    Operation::HeterogeneousEqual => format!("{left} == {right}"),
                    Operation::HeterogeneousNotEqual => format!("{left} != {right}"),
                    Operation::EndsWith => format!("{left}.ends_with({right})"),
                    Operation::StartsWith => format!("{left}.starts_with({right})"),
                    _ => format!("{left}.contains({right})"),
                }
            }
        };
        stack.push(text);
    }
    stack.pop().unwrap_or_default()
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
