//! Words to caveats. No recursion, and linear in the words.

use std::str::FromStr;

use hallpass_args::Decimal;

use super::{
    AND, AT_MOST, BLOCKS, EACH, EITHER, EXPIRES_BEFORE, FOR, InvalidCaveat, NO_ARGUMENTS,
    ONLY_ARGUMENTS, ONLY_SERVICES, ONLY_TOOLS, OR, is_bare, is_bare_in_pointer,
};
use crate::caveat::argument::quality::Quality;
use crate::caveat::{
    ArgumentBuilder, ArgumentRule, BlockCount, Caveat, InvalidArgumentCaveat, Literal,
};
use crate::date;
use crate::names::NameSet;

pub(super) fn caveat(words: &str) -> Result<Caveat, InvalidCaveat> {
    if let Some(end) = words.strip_prefix(EXPIRES_BEFORE) {
        let end = end.parse().map_err(|_| InvalidCaveat::Time)?;
        date::is_whole(end)
            .then_some(Caveat::ExpiresBefore(end))
            .ok_or(InvalidCaveat::Time)
    } else if let Some(list) = words.strip_prefix(ONLY_SERVICES) {
        let services = names(list).ok_or(InvalidCaveat::Services)?;
        Ok(Caveat::OnlyAudiences(services))
    } else if let Some(list) = words.strip_prefix(ONLY_TOOLS) {
        let tools = names(list).ok_or(InvalidCaveat::Tools)?;
        Ok(Caveat::OnlyTools(tools))
    } else if let Some(count) = words.strip_prefix(AT_MOST) {
        count
            .strip_suffix(BLOCKS)
            .filter(|count| count.starts_with(|c: char| matches!(c, '1'..='9')))
            .and_then(|count| count.parse().ok())
            .and_then(BlockCount::new)
            .map(Caveat::AtMostBlocks)
            .ok_or(InvalidCaveat::Blocks)
    } else if let Some(scoped) = words.strip_prefix(FOR) {
        let (tools, rest) = scoped.split_once(':').ok_or(InvalidCaveat::Tools)?;
        let tools: NameSet<_> = names(tools).ok_or(InvalidCaveat::Tools)?;
        let caveat = on_arguments(rest.trim_start())?;
        Ok(caveat.for_tools(tools.iter().cloned())?)
    } else {
        on_arguments(words)
    }
}

fn names<T: FromStr + Ord>(text: &str) -> Option<NameSet<T>> {
    let names = text.split(',').map(|name| name.trim().parse().ok());
    NameSet::new(names.collect::<Option<Vec<T>>>()?).ok()
}

fn on_arguments(words: &str) -> Result<Caveat, InvalidCaveat> {
    let mut words = Words(words);
    let caveat = if words.eat(EITHER) {
        either(&mut words)?
    } else {
        rule(&mut words)?
    };
    words.end()?;
    Ok(caveat)
}

/// The alternatives behind `either`.
fn either(words: &mut Words<'_>) -> Result<Caveat, InvalidCaveat> {
    let mut alternatives = Vec::new();
    let mut rules = Vec::new();
    loop {
        words.spaces();
        rules.push(rule_of_either(words)?);
        if words.eat_between(AND) {
            continue;
        }
        alternatives.push(std::mem::take(&mut rules));
        if !words.eat_between(OR) {
            return Ok(Caveat::either(None, alternatives)?);
        }
    }
}

fn rule_of_either(words: &mut Words<'_>) -> Result<ArgumentRule, InvalidCaveat> {
    if words.0.starts_with(EITHER) {
        return Err(InvalidArgumentCaveat::EitherInEither.into());
    }
    match rule(words) {
        Ok(Caveat::Argument(caveat)) => Ok(caveat.rule()),
        Ok(_) | Err(InvalidCaveat::Unknown) => Err(InvalidCaveat::EitherRule),
        Err(error) => Err(error),
    }
}

/// One rule, and not what stands behind it.
fn rule(words: &mut Words<'_>) -> Result<Caveat, InvalidCaveat> {
    if words.eat_word(NO_ARGUMENTS) {
        return Ok(Caveat::only_arguments([])?);
    }
    if words.eat(ONLY_ARGUMENTS) {
        let names = words.list(Words::text)?;
        return Ok(Caveat::only_arguments(names.iter().map(String::as_str))?);
    }
    let each = words.eat(EACH);
    words.spaces();
    if !words.0.starts_with(['/', '"']) {
        return Err(InvalidCaveat::Unknown);
    }
    let pointer = words.pointer()?;
    let argument = if each {
        Caveat::each(&pointer)
    } else {
        Caveat::arg(&pointer)
    };
    test(words, argument)
}

fn test(words: &mut Words<'_>, argument: ArgumentBuilder) -> Result<Caveat, InvalidCaveat> {
    words.spaces();
    if words.eat("==") {
        return Ok(argument.equals(words.value()?)?);
    }
    if words.eat_word("one of") {
        return one_of(words, argument, true);
    }
    if words.eat_word("not one of") {
        return one_of(words, argument, false);
    }
    if words.eat_word("length") {
        return bounds(words, argument, Some(Quality::Length));
    }
    if words.eat_word("count") {
        return bounds(words, argument, Some(Quality::Count));
    }
    if words.eat_word("starts with") {
        return Ok(argument.starts_with(&words.text()?)?);
    }
    if words.eat_word("ends with") {
        return Ok(argument.ends_with(&words.text()?)?);
    }
    if words.eat_word("contains") {
        return Ok(argument.contains(&words.text()?)?);
    }
    if words.eat_word("under") {
        return Ok(argument.under(&words.text()?)?);
    }
    if words.eat_word("within") {
        return Ok(argument.within(&words.text()?)?);
    }
    if words.eat_word("url scheme") {
        return Ok(argument.url_scheme(words.list(Words::text)?.iter().map(String::as_str))?);
    }
    if words.eat_word("url host") {
        return Ok(argument.url_host(words.list(Words::text)?.iter().map(String::as_str))?);
    }
    if words.eat_word("url domain") {
        return Ok(argument.url_domain(&words.text()?)?);
    }
    if words.eat_word("url port") {
        let ports = words.list(Words::port)?;
        return Ok(argument.url_port(ports)?);
    }
    if words.eat_word("email domain") {
        return Ok(argument.email_domain(words.list(Words::text)?.iter().map(String::as_str))?);
    }
    bounds(words, argument, None)
}

fn one_of(
    words: &mut Words<'_>,
    argument: ArgumentBuilder,
    wanted: bool,
) -> Result<Caveat, InvalidCaveat> {
    let (mut texts, mut integers) = (Vec::new(), Vec::new());
    for value in words.list(Words::value)? {
        match value {
            Literal::Integer(value) => integers.push(value),
            Literal::Text(text) => texts.push(text),
            _ => return Err(InvalidCaveat::ValueKinds),
        }
    }
    let borrowed = texts.iter().map(String::as_str);
    let caveat = match (texts.is_empty(), integers.is_empty(), wanted) {
        (false, true, true) => argument.one_of(borrowed)?,
        (false, true, false) => argument.not_one_of(borrowed)?,
        (true, false, true) => argument.one_of_integers(integers)?,
        (true, false, false) => argument.not_one_of_integers(integers)?,
        _ => return Err(InvalidCaveat::ValueKinds),
    };
    Ok(caveat)
}

/// Bounds of a length or a count, or of the argument itself: then of integers or of decimals, as they are written.
fn bounds(
    words: &mut Words<'_>,
    argument: ArgumentBuilder,
    of: Option<Quality>,
) -> Result<Caveat, InvalidCaveat> {
    words.spaces();
    let (low, high) = if words.eat("<=") {
        (None, Some(words.number()?))
    } else if words.eat(">=") {
        (Some(words.number()?), None)
    } else if words.eat_word("in") {
        let low = words.number()?;
        words.spaces();
        if !words.eat("..") {
            return Err(InvalidCaveat::Number);
        }
        (Some(low), Some(words.number()?))
    } else if words.0.starts_with(['<', '>', '!']) {
        return Err(InvalidCaveat::Comparison);
    } else {
        return Err(InvalidCaveat::Test);
    };
    let decimals = [&low, &high].into_iter().flatten().all(Number::is_decimal);
    let integers = [&low, &high].into_iter().flatten().all(|n| !n.is_decimal());
    let quality = match of {
        Some(quality) if integers => quality,
        None if integers => Quality::Integer,
        None if decimals => Quality::Decimal,
        _ => return Err(InvalidCaveat::NumberKinds),
    };
    let (low, high) = (low.map(Number::get), high.map(Number::get));
    Ok(argument.within_bounds(quality, low, high)?)
}

enum Number {
    Decimal(Decimal),
    Integer(i64),
}

impl Number {
    fn is_decimal(&self) -> bool {
        matches!(self, Self::Decimal(_))
    }

    fn get(self) -> i64 {
        match self {
            Self::Decimal(decimal) => decimal.millionths(),
            Self::Integer(integer) => integer,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        if text.contains('.') {
            return text.parse().ok().map(Self::Decimal);
        }
        let digits = text.strip_prefix('-').unwrap_or(text);
        let plain = digits.bytes().all(|b| b.is_ascii_digit())
            && (digits == "0" || !digits.starts_with('0'))
            && text != "-0";
        text.parse().ok().filter(|_| plain).map(Self::Integer)
    }
}

/// What is left of the words.
struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    fn spaces(&mut self) {
        self.0 = self.0.trim_start();
    }

    fn end(&mut self) -> Result<(), InvalidCaveat> {
        if self.eat_between(AND) || self.eat_between(OR) {
            return Err(InvalidCaveat::Either);
        }
        self.spaces();
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(InvalidCaveat::Behind)
        }
    }

    /// A word with white space on both sides, which may be more than one space.
    fn eat_between(&mut self, word: &str) -> bool {
        let behind = self.0.trim_start();
        match behind.strip_prefix(word.trim()) {
            Some(rest) if behind.len() < self.0.len() && rest.starts_with(char::is_whitespace) => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    fn eat(&mut self, prefix: &str) -> bool {
        match self.0.strip_prefix(prefix) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// Like [`Words::eat`], and a letter or digit cannot follow.
    fn eat_word(&mut self, word: &str) -> bool {
        match self.0.strip_prefix(word) {
            Some(rest) if !rest.starts_with(|c: char| c.is_alphanumeric()) => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    /// The longest run of these characters.
    fn run(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.0.find(|c| !belongs(c)).unwrap_or(self.0.len());
        let (run, rest) = self.0.split_at(end);
        self.0 = rest;
        run
    }

    /// A JSON string.
    fn quoted(&mut self) -> Option<String> {
        let mut strings = serde_json::Deserializer::from_str(self.0).into_iter::<String>();
        let text = strings.next()?.ok()?;
        self.0 = self.0.get(strings.byte_offset()..)?;
        Some(text)
    }

    fn pointer(&mut self) -> Result<String, InvalidCaveat> {
        if self.0.starts_with('"') {
            return self.quoted().ok_or(InvalidCaveat::Pointer);
        }
        Ok(self.run(is_bare_in_pointer).to_owned())
    }

    fn text(&mut self) -> Result<String, InvalidCaveat> {
        self.spaces();
        if self.0.starts_with('"') {
            return self.quoted().ok_or(InvalidCaveat::Text);
        }
        let text = self.run(is_bare);
        if text.is_empty() {
            return Err(InvalidCaveat::Text);
        }
        Ok(text.to_owned())
    }

    fn value(&mut self) -> Result<Literal, InvalidCaveat> {
        self.spaces();
        if self.0.starts_with('"') {
            return self.quoted().map(Literal::Text).ok_or(InvalidCaveat::Text);
        }
        match self.run(is_bare) {
            "true" => Ok(Literal::Bool(true)),
            "false" => Ok(Literal::Bool(false)),
            "null" => Ok(Literal::Null),
            text if super::is_bare_value(text) => Ok(Literal::Text(text.to_owned())),
            text => match Number::parse(text) {
                Some(Number::Integer(value)) => Ok(Literal::Integer(value)),
                Some(Number::Decimal(value)) => Ok(Literal::Decimal(value)),
                None => Err(InvalidCaveat::Text),
            },
        }
    }

    fn number(&mut self) -> Result<Number, InvalidCaveat> {
        self.spaces();
        // A point belongs to the number if a digit follows it: `1.5..2` are two numbers.
        let mut end = 0;
        for (position, c) in self.0.char_indices() {
            let behind = self.0.get(position.saturating_add(1)..).unwrap_or_default();
            let point = c == '.' && behind.starts_with(|c: char| c.is_ascii_digit());
            if !(c.is_ascii_digit() || c == '-' || (point && end > 0)) {
                break;
            }
            end = position.saturating_add(1);
        }
        let (number, rest) = self.0.split_at_checked(end).ok_or(InvalidCaveat::Number)?;
        self.0 = rest;
        Number::parse(number).ok_or(InvalidCaveat::Number)
    }

    fn port(&mut self) -> Result<u16, InvalidCaveat> {
        match self.number()? {
            Number::Integer(port) => {
                u16::try_from(port).map_err(|_| InvalidArgumentCaveat::Port.into())
            }
            Number::Decimal(_) => Err(InvalidCaveat::Number),
        }
    }

    /// One or more, separated by commas.
    fn list<T>(
        &mut self,
        item: fn(&mut Self) -> Result<T, InvalidCaveat>,
    ) -> Result<Vec<T>, InvalidCaveat> {
        let mut items = vec![item(self)?];
        // White space before another word is that word's.
        while let Some(rest) = self.0.trim_start().strip_prefix(',') {
            self.0 = rest;
            items.push(item(self)?);
        }
        Ok(items)
    }
}
