//! Biscuit's protobuf to the tree.

use std::borrow::Cow;

use biscuit_auth::format::schema;
use hallpass_keys::VerifyingKey;
use schema::op::Content as OpContent;
use schema::op_binary::Kind;
use schema::op_unary::Kind as UnaryKind;
use schema::scope::Content as ScopeContent;
use schema::term::Content as TermContent;

use super::{Check, CheckKind, Operation, Predicate, Query, Symbols, Term};
use crate::NotAdmitted;
use crate::limits::SET_ELEMENTS_MAX;

/// The head every implementation gives the queries of a check.
pub(super) const CHECK_HEAD: &str = "query";

/// Why a fact or a check is not in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It breaks the structure every token must have.
    Refused(NotAdmitted),
    /// It is Datalog that no published template uses.
    Unpublished,
}

impl From<NotAdmitted> for Unreadable {
    fn from(reason: NotAdmitted) -> Self {
        Self::Refused(reason)
    }
}

/// Reads the facts and checks of one block, and notes which of the block's own symbols they use.
pub(crate) struct BlockReader<'s, 'a> {
    symbols: &'s Symbols<'a>,
    /// The block's public keys, by position.
    keys: &'s [VerifyingKey],
    used: Vec<bool>,
}

impl<'s, 'a> BlockReader<'s, 'a> {
    pub(crate) fn new(symbols: &'s Symbols<'a>, keys: &'s [VerifyingKey]) -> Self {
        Self {
            symbols,
            keys,
            used: vec![false; symbols.added().len()],
        }
    }

    /// Refuses symbols that the block of the last `own` symbols added without using them.
    pub(crate) fn finish(self, own: usize) -> Result<(), NotAdmitted> {
        if self.used.iter().rev().take(own).all(|used| *used) {
            Ok(())
        } else {
            Err(NotAdmitted::SymbolUnused)
        }
    }

    pub(crate) fn fact(&mut self, fact: &'a schema::Fact) -> Result<Predicate<'a>, Unreadable> {
        self.predicate(&fact.predicate)
    }

    pub(crate) fn check(&mut self, check: &'a schema::Check) -> Result<Check<'a>, Unreadable> {
        // `check if` is written by leaving the kind out; `reject if` is in no template.
        let kind = match check.kind {
            None => CheckKind::If,
            Some(kind) if kind == schema::check::Kind::All as i32 => CheckKind::All,
            Some(_) => return Err(Unreadable::Unpublished),
        };
        let queries = check
            .queries
            .iter()
            .map(|query| self.query(query))
            .collect::<Result<_, _>>()?;
        Ok(Check { kind, queries })
    }

    fn query(&mut self, query: &'a schema::Rule) -> Result<Query<'a>, Unreadable> {
        let head = self.predicate(&query.head)?;
        if head.name != CHECK_HEAD || !head.terms.is_empty() {
            return Err(Unreadable::Unpublished);
        }
        Ok(Query {
            body: query
                .body
                .iter()
                .map(|predicate| self.predicate(predicate))
                .collect::<Result<_, _>>()?,
            expressions: query
                .expressions
                .iter()
                .map(|expression| self.expression(expression))
                .collect::<Result<_, _>>()?,
            trusting: query
                .scope
                .iter()
                .map(|scope| self.key(scope))
                .collect::<Result<_, _>>()?,
        })
    }

    fn key(&self, scope: &schema::Scope) -> Result<VerifyingKey, Unreadable> {
        match scope.content {
            Some(ScopeContent::PublicKey(position)) => usize::try_from(position)
                .ok()
                .and_then(|position| self.keys.get(position))
                .copied()
                .ok_or(Unreadable::Refused(NotAdmitted::PublicKeyOutOfRange)),
            Some(ScopeContent::ScopeType(_)) => Err(Unreadable::Unpublished),
            None => Err(NotAdmitted::Undecodable.into()),
        }
    }

    fn predicate(&mut self, predicate: &'a schema::Predicate) -> Result<Predicate<'a>, Unreadable> {
        Ok(Predicate {
            name: self.symbol(predicate.name)?,
            terms: predicate
                .terms
                .iter()
                .map(|term| self.term(term))
                .collect::<Result<_, _>>()?,
        })
    }

    fn expression(
        &mut self,
        expression: &'a schema::Expression,
    ) -> Result<Vec<Operation<'a>>, Unreadable> {
        expression
            .ops
            .iter()
            .map(|op| match &op.content {
                Some(OpContent::Value(term)) => self.term(term).map(Operation::Value),
                Some(OpContent::Binary(op)) if op.ffi_name.is_none() => {
                    match Kind::from_i32(op.kind) {
                        Some(Kind::And) => Ok(Operation::And),
                        Some(Kind::Contains) => Ok(Operation::Contains),
                        Some(Kind::Equal) => Ok(Operation::Equal),
                        Some(Kind::GreaterThan) => Ok(Operation::GreaterThan),
                        Some(Kind::HeterogeneousEqual) => Ok(Operation::HeterogeneousEqual),
                        Some(Kind::HeterogeneousNotEqual) => Ok(Operation::HeterogeneousNotEqual),
                        Some(Kind::NotEqual) => Ok(Operation::NotEqual),
                        Some(Kind::Or) => Ok(Operation::Or),
                        Some(Kind::GreaterOrEqual) => Ok(Operation::GreaterOrEqual),
                        Some(Kind::LessOrEqual) => Ok(Operation::LessOrEqual),
                        Some(Kind::LessThan) => Ok(Operation::LessThan),
                        Some(Kind::Prefix) => Ok(Operation::StartsWith),
                        Some(Kind::Suffix) => Ok(Operation::EndsWith),
                        _ => Err(Unreadable::Unpublished),
                    }
                }
                Some(OpContent::Unary(op)) if op.ffi_name.is_none() => {
                    match UnaryKind::from_i32(op.kind) {
                        Some(UnaryKind::Length) => Ok(Operation::Length),
                        Some(UnaryKind::Negate) => Ok(Operation::Negate),
                        Some(UnaryKind::Parens) => Ok(Operation::Parens),
                        _ => Err(Unreadable::Unpublished),
                    }
                }
                Some(_) => Err(Unreadable::Unpublished),
                None => Err(NotAdmitted::Undecodable.into()),
            })
            .collect()
    }

    fn term(&mut self, term: &'a schema::Term) -> Result<Term<'a>, Unreadable> {
        match &term.content {
            Some(TermContent::Set(set)) => self.set(&set.set),
            _ => self.scalar(term),
        }
    }

    fn set(&mut self, elements: &'a [schema::Term]) -> Result<Term<'a>, Unreadable> {
        if elements.len() > SET_ELEMENTS_MAX {
            return Err(NotAdmitted::SetTooLarge.into());
        }
        let mut elements: Vec<_> = elements
            .iter()
            .map(|element| self.scalar(element))
            .collect::<Result<_, _>>()?;
        elements.sort_unstable();
        if elements.is_sorted_by(|a, b| a < b) {
            Ok(Term::Set(elements))
        } else {
            Err(NotAdmitted::SetElementRepeated.into())
        }
    }

    /// Any term but a set: sets, arrays and maps do not nest in a template, so reading does not recurse.
    fn scalar(&mut self, term: &'a schema::Term) -> Result<Term<'a>, Unreadable> {
        match &term.content {
            Some(TermContent::Bool(value)) => Ok(Term::Bool(*value)),
            Some(TermContent::Bytes(bytes)) => Ok(Term::Bytes(Cow::Borrowed(bytes))),
            Some(TermContent::Date(seconds)) => Ok(Term::Date(*seconds)),
            Some(TermContent::Integer(integer)) => Ok(Term::Integer(*integer)),
            Some(TermContent::String(symbol)) => self.symbol(*symbol).map(Term::text),
            Some(TermContent::Variable(symbol)) => {
                self.symbol(u64::from(*symbol)).map(Term::Variable)
            }
            Some(_) => Err(Unreadable::Unpublished),
            None => Err(NotAdmitted::Undecodable.into()),
        }
    }

    fn symbol(&mut self, symbol: u64) -> Result<&'a str, Unreadable> {
        let text = self
            .symbols
            .text(symbol)
            .ok_or(NotAdmitted::SymbolOutOfRange)?;
        let position = symbol
            .checked_sub(super::symbols::FIRST_ADDED)
            .and_then(|position| usize::try_from(position).ok());
        if let Some(used) = position.and_then(|position| self.used.get_mut(position)) {
            *used = true;
        }
        Ok(text)
    }
}
