//! Caveats on arguments, built by name.

use hallpass_args::{Cidr, CidrRefused, Decimal, DnsName, NormalPath, PathRefused};
use hallpass_vocabulary::{InvalidPointer, Pointer, ToolName};

use super::condition::{Bounds, Condition, Constant, Values};
use super::quality::Quality;
use super::rule::argument_names;
use super::{ArgumentCaveat, Rule, Test};
use crate::caveat::Caveat;
use crate::limits::{
    ALTERNATIVES_MAX, ARGUMENT_NAMES_MAX, EITHER_TEXT_BYTES_MAX, RULES_PER_ALTERNATIVE_MAX,
    SET_ELEMENTS_MAX, SYMBOL_BYTES_MAX,
};
use crate::names::{InvalidNameSet, NameSet};

/// A caveat on arguments that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidArgumentCaveat {
    /// An alternative of no rules, or of too many.
    #[error(
        "an alternative of `either` has 1 to {RULES_PER_ALTERNATIVE_MAX} rules, joined by `and`"
    )]
    AlternativeRules,
    /// One alternative, or too many.
    #[error(
        "`either` has 2 to {ALTERNATIVES_MAX} different alternatives, joined by `or`; rules that must all hold are caveats \
         of their own"
    )]
    Alternatives,
    /// No bound, or the lower above the upper.
    #[error("the lower bound is above the upper")]
    Bounds,
    /// Not `ADDRESS/LENGTH`.
    #[error(transparent)]
    Cidr(#[from] CidrRefused),
    /// Not a domain name; of an e-mail address, not one of two labels or more.
    #[error("expected a domain name such as `example.com`")]
    Domain,
    /// A rule on each element as part of an alternative.
    #[error("`each` cannot stand in `either`")]
    EachInEither,
    /// Alternatives as part of an alternative.
    #[error("`either` cannot stand in `either`")]
    EitherInEither,
    /// More pointers, texts and names than one check can hold.
    #[error("the texts of `either` are more than {EITHER_TEXT_BYTES_MAX} bytes")]
    EitherTooLarge,
    /// Not what stands in a URL as its host.
    #[error("expected a host such as `api.example.com`, `192.0.2.1` or `[2001:db8::1]`")]
    Host,
    /// Too many names of arguments, or one that is too long.
    #[error("expected at most {ARGUMENT_NAMES_MAX} names of at most {SYMBOL_BYTES_MAX} bytes")]
    Names,
    /// The elements of an array cannot be tested so.
    #[error(
        "`each` goes with `one of`, bounds, texts, `under`, `url`, `within` and `email domain`"
    )]
    NotForEach,
    /// Only caveats on arguments are for some tools.
    #[error("only a caveat on arguments can be for some tools")]
    NotForTools,
    /// Not the root of a plain path.
    #[error("the root is no plain path: {0}")]
    Path(#[from] PathRefused),
    /// Not a pointer to an argument.
    #[error(transparent)]
    Pointer(#[from] InvalidPointer),
    /// Not a port.
    #[error("expected a port from 1 to 65535")]
    Port,
    /// Not the scheme of a URL, or one that leads to no host.
    #[error("expected a URL scheme such as `https`, of those that lead to a host")]
    Scheme,
    /// An empty text, or one that is too long.
    #[error("expected a text of 1 to {SYMBOL_BYTES_MAX} bytes")]
    Text,
    /// No tools, or too many.
    #[error("a caveat for some tools names 1 to {SET_ELEMENTS_MAX} of them")]
    Tools,
    /// No values, too many, or one that is too long.
    #[error("expected 1 to {SET_ELEMENTS_MAX} values of at most {SYMBOL_BYTES_MAX} bytes")]
    Values,
}

/// One value an argument can be equal to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// True or false.
    Bool(bool),
    /// A number with decimals. The integer of the same value is equal to it.
    Decimal(Decimal),
    /// An integer.
    Integer(i64),
    /// Null.
    Null,
    /// A string.
    Text(String),
}

impl From<bool> for Literal {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Decimal> for Literal {
    fn from(value: Decimal) -> Self {
        Self::Decimal(value)
    }
}

impl From<i64> for Literal {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<&str> for Literal {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

/// A caveat on one argument, or on each element of one, begun with [`Caveat::arg`] or [`Caveat::each`] and completed by
/// saying what is allowed. Every error of every step is reported by the last.
#[derive(Debug, Clone)]
#[must_use]
pub struct ArgumentBuilder {
    pointer: Result<Pointer, InvalidPointer>,
    each: bool,
}

impl Caveat {
    /// Begins a caveat on the argument at a JSON Pointer (RFC 6901).
    ///
    /// ```
    /// use hallpass_token::Caveat;
    ///
    /// let caveat = Caveat::arg("/path").under("/workspace")?;
    /// assert_eq!(caveat.to_string(), "/path under /workspace");
    /// let caveat = Caveat::arg("/limit").at_most(100)?;
    /// assert_eq!(caveat, "/limit<=100".parse()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn arg(pointer: &str) -> ArgumentBuilder {
        ArgumentBuilder {
            pointer: pointer.parse(),
            each: false,
        }
    }

    /// Begins a caveat on every element of the array at a JSON Pointer. An array that is empty, mixed or nested fails it.
    ///
    /// ```
    /// use hallpass_token::Caveat;
    ///
    /// let caveat = Caveat::each("/to").email_domain(["example.com"])?;
    /// assert_eq!(caveat.to_string(), "each /to email domain example.com");
    /// # Ok::<(), hallpass_token::InvalidArgumentCaveat>(())
    /// ```
    pub fn each(pointer: &str) -> ArgumentBuilder {
        ArgumentBuilder {
            pointer: pointer.parse(),
            each: true,
        }
    }

    /// The call has no other arguments than these; with none given, no arguments at all.
    ///
    /// # Errors
    /// [`InvalidArgumentCaveat::Names`].
    pub fn only_arguments<'a>(
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, InvalidArgumentCaveat> {
        let names = names.into_iter().map(Into::into).collect();
        let names = argument_names(names).ok_or(InvalidArgumentCaveat::Names)?;
        Ok(Self::Argument(ArgumentCaveat {
            tools: None,
            rule: Rule::Only(names),
        }))
    }

    /// The same caveat on arguments, for calls of these tools only: other calls are not looked at.
    ///
    /// # Errors
    /// [`InvalidArgumentCaveat::NotForTools`] for another caveat, [`InvalidArgumentCaveat::Tools`] for none or too many.
    pub fn for_tools(
        self,
        tools: impl IntoIterator<Item = ToolName>,
    ) -> Result<Self, InvalidArgumentCaveat> {
        let Self::Argument(caveat) = self else {
            return Err(InvalidArgumentCaveat::NotForTools);
        };
        let tools = NameSet::new(tools).map_err(|InvalidNameSet| InvalidArgumentCaveat::Tools)?;
        Ok(Self::Argument(ArgumentCaveat {
            tools: Some(tools),
            ..caveat
        }))
    }
}

/// What each step answers with.
type Built = Result<Caveat, InvalidArgumentCaveat>;

impl ArgumentBuilder {
    /// Exactly this value.
    ///
    /// # Errors
    /// [`InvalidArgumentCaveat`]; [`NotForEach`](InvalidArgumentCaveat::NotForEach) for elements: use `one_of`.
    pub fn equals(self, value: impl Into<Literal>) -> Built {
        let (quality, constant) = match value.into() {
            Literal::Bool(value) => (Quality::Bool, Constant::Bool(value)),
            Literal::Decimal(value) => (Quality::Decimal, Constant::Integer(value.millionths())),
            Literal::Integer(value) => (Quality::Integer, Constant::Integer(value)),
            Literal::Null => (Quality::Null, Constant::Null),
            Literal::Text(text) => (Quality::Text, Constant::Text(text.into())),
        };
        self.build(
            quality,
            Condition::Is(constant),
            InvalidArgumentCaveat::Text,
        )
    }

    /// One of these strings.
    ///
    /// # Errors
    /// [`InvalidArgumentCaveat`].
    pub fn one_of<'a>(self, values: impl IntoIterator<Item = &'a str>) -> Built {
        let values = Condition::OneOf(texts(values)?);
        self.build(Quality::Text, values, InvalidArgumentCaveat::Values)
    }

    /// A string, and none of these.
    ///
    /// # Errors
    /// [`InvalidArgumentCaveat`].
    pub fn not_one_of<'a>(self, values: impl IntoIterator<Item = &'a str>) -> Built {
        let values = Condition::NoneOf(texts(values)?);
        self.build(Quality::Text, values, InvalidArgumentCaveat::Values)
    }

    /// One of these integers.
    ///
    /// # Errors
    /// [`InvalidArgumentCaveat`].
    pub fn one_of_integers(self, values: impl IntoIterator<Item = i64>) -> Built {
        let values = Condition::OneOf(integers(values)?);
        self.build(Quality::Integer, values, InvalidArgumentCaveat::Values)
    }

    /// An integer, and none of these.
    ///
    /// # Errors
    /// [`InvalidArgumentCaveat`].
    pub fn not_one_of_integers(self, values: impl IntoIterator<Item = i64>) -> Built {
        let values = Condition::NoneOf(integers(values)?);
        self.build(Quality::Integer, values, InvalidArgumentCaveat::Values)
    }

    /// An integer, at most this.
    ///
    /// # Errors
    /// [`InvalidArgumentCaveat`].
    pub fn at_most(self, high: i64) -> Built {
        self.within_bounds(Quality::Integer, None, Some(high))
    }

    /// An integer, at least this.
    ///
    /// # Errors
    /// [`InvalidArgumentCaveat`].
    pub fn at_least(self, low: i64) -> Built {
        self.within_bounds(Quality::Integer, Some(low), None)
    }

    /// An integer, from `low` to `high`, both allowed.
    ///
    /// # Errors
    /// [`InvalidArgumentCaveat`].
    pub fn between(self, low: i64, high: i64) -> Built {
        self.within_bounds(Quality::Integer, Some(low), Some(high))
    }

    /// A number within these bounds, both allowed; `None` for no bound, though not for both.
    ///
    /// # Errors
    /// [`InvalidArgumentCaveat`].
    pub fn decimal_between(self, low: Option<Decimal>, high: Option<Decimal>) -> Built {
        let (low, high) = (low.map(Decimal::millionths), high.map(Decimal::millionths));
        self.within_bounds(Quality::Decimal, low, high)
    }

    /// A string of as many characters (Unicode scalar values); `None` for no bound, though not for both.
    ///
    /// # Errors
    /// [`InvalidArgumentCaveat`].
    pub fn length(self, low: Option<i64>, high: Option<i64>) -> Built {
        self.within_bounds(Quality::Length, low, high)
    }

    /// An array of as many elements; `None` for no bound, though not for both.
    ///
    /// # Errors
    /// [`InvalidArgumentCaveat`].
    pub fn count(self, low: Option<i64>, high: Option<i64>) -> Built {
        self.within_bounds(Quality::Count, low, high)
    }

    /// A string that starts with this. Not for paths: [`under`](Self::under) knows what a path is.
    ///
    /// # Errors
    /// [`InvalidArgumentCaveat`].
    pub fn starts_with(self, start: &str) -> Built {
        let start = Condition::StartsWith(start.into());
        self.build(Quality::Text, start, InvalidArgumentCaveat::Text)
    }

    /// A string that ends with this. Not for domains: [`url_domain`](Self::url_domain) and
    /// [`email_domain`](Self::email_domain) know what those are.
    ///
    /// # Errors
    /// [`InvalidArgumentCaveat`].
    pub fn ends_with(self, end: &str) -> Built {
        let end = Condition::EndsWith(end.into());
        self.build(Quality::Text, end, InvalidArgumentCaveat::Text)
    }

    /// A string with this somewhere in it.
    ///
    /// # Errors
    /// [`InvalidArgumentCaveat`].
    pub fn contains(self, part: &str) -> Built {
        let part = Condition::Contains(part.into());
        self.build(Quality::Text, part, InvalidArgumentCaveat::Text)
    }

    /// A plain path: this one or one below it.
    ///
    /// # Errors
    /// [`InvalidArgumentCaveat`].
    pub fn under(self, root: &str) -> Built {
        let root = NormalPath::normalise(root)?;
        let root = Condition::StartsWith(root.as_str().into());
        self.build(Quality::Path, root, InvalidArgumentCaveat::Text)
    }

    /// A plain URL of one of these schemes.
    ///
    /// # Errors
    /// [`InvalidArgumentCaveat`].
    pub fn url_scheme<'a>(self, schemes: impl IntoIterator<Item = &'a str>) -> Built {
        let schemes = Condition::OneOf(lower_case(schemes)?);
        self.build(Quality::UrlScheme, schemes, InvalidArgumentCaveat::Scheme)
    }

    /// A plain URL of exactly one of these hosts.
    ///
    /// # Errors
    /// [`InvalidArgumentCaveat`].
    pub fn url_host<'a>(self, hosts: impl IntoIterator<Item = &'a str>) -> Built {
        let hosts = Condition::OneOf(lower_case(hosts)?);
        self.build(Quality::UrlHost, hosts, InvalidArgumentCaveat::Host)
    }

    /// A plain URL of this domain or one below it.
    ///
    /// # Errors
    /// [`InvalidArgumentCaveat`].
    pub fn url_domain(self, domain: &str) -> Built {
        let domain: DnsName = domain.parse().map_err(|_| InvalidArgumentCaveat::Domain)?;
        let end = Condition::EndsWith(format!(".{}", domain.as_str()).into());
        self.build(Quality::UrlDomain, end, InvalidArgumentCaveat::Domain)
    }

    /// A plain URL of one of these ports, written or its scheme's own.
    ///
    /// # Errors
    /// [`InvalidArgumentCaveat`].
    pub fn url_port(self, ports: impl IntoIterator<Item = u16>) -> Built {
        let ports = Condition::OneOf(integers(ports.into_iter().map(i64::from))?);
        self.build(Quality::UrlPort, ports, InvalidArgumentCaveat::Port)
    }

    /// An IP address in this network, such as `10.0.0.0/8`.
    ///
    /// # Errors
    /// [`InvalidArgumentCaveat`].
    pub fn within(self, network: &str) -> Built {
        let network: Cidr = network.parse()?;
        let bits = Condition::StartsWith(network.as_prefix().into());
        self.build(Quality::Ip, bits, InvalidArgumentCaveat::Text)
    }

    /// An e-mail address at exactly one of these domains.
    ///
    /// # Errors
    /// [`InvalidArgumentCaveat`].
    pub fn email_domain<'a>(self, domains: impl IntoIterator<Item = &'a str>) -> Built {
        let domains = Condition::OneOf(lower_case(domains)?);
        self.build(Quality::EmailDomain, domains, InvalidArgumentCaveat::Domain)
    }

    pub(crate) fn within_bounds(
        self,
        quality: Quality,
        low: Option<i64>,
        high: Option<i64>,
    ) -> Built {
        let bounds = Bounds::new(low, high).ok_or(InvalidArgumentCaveat::Bounds)?;
        self.build(
            quality,
            Condition::Within(bounds),
            InvalidArgumentCaveat::Bounds,
        )
    }

    /// `otherwise` is what is wrong when the condition's texts are not those of the quality.
    fn build(
        self,
        quality: Quality,
        condition: Condition,
        otherwise: InvalidArgumentCaveat,
    ) -> Built {
        if !quality.has(&condition) {
            return Err(otherwise);
        }
        let test = Test::new(self.pointer?, self.each, quality, condition)
            .ok_or(InvalidArgumentCaveat::NotForEach)?;
        Ok(Caveat::Argument(ArgumentCaveat {
            tools: None,
            rule: Rule::Test(test),
        }))
    }
}

fn texts<'a>(values: impl IntoIterator<Item = &'a str>) -> Result<Values, InvalidArgumentCaveat> {
    NameSet::new(values.into_iter().map(Into::into))
        .map(Values::Texts)
        .map_err(|InvalidNameSet| InvalidArgumentCaveat::Values)
}

fn lower_case<'a>(
    values: impl IntoIterator<Item = &'a str>,
) -> Result<Values, InvalidArgumentCaveat> {
    NameSet::new(
        values
            .into_iter()
            .map(|text| text.to_ascii_lowercase().into()),
    )
    .map(Values::Texts)
    .map_err(|InvalidNameSet| InvalidArgumentCaveat::Values)
}

fn integers(values: impl IntoIterator<Item = i64>) -> Result<Values, InvalidArgumentCaveat> {
    NameSet::new(values)
        .map(Values::Integers)
        .map_err(|InvalidNameSet| InvalidArgumentCaveat::Values)
}
