//! The tree to Biscuit's protobuf.

use std::collections::HashMap;

use biscuit_auth::format::schema;
use hallpass_keys::VerifyingKey;
use prost::Message as _;
use schema::op::Content as OpContent;
use schema::op_binary::Kind;
use schema::op_unary::Kind as UnaryKind;
use schema::scope::Content as ScopeContent;
use schema::term::Content as TermContent;

use super::read::CHECK_HEAD;
use super::symbols::{DEFAULT_SYMBOLS, FIRST_ADDED};
use super::{Check, CheckKind, Operation, Predicate, Query, Symbols, Term};

/// The block version of Datalog 3.0, which every implementation reads (`MIN_SCHEMA_VERSION`).
const DATALOG_3_0: u32 = 3;
/// The block version of Datalog 3.1.
const DATALOG_3_1: u32 = 4;
/// The block version of Datalog 3.3.
const DATALOG_3_3: u32 = 6;

/// Room for the symbols of a block with a few tools and caveats.
const SYMBOLS_USUAL: usize = 64;

/// The oldest version that holds a block of the tree, so that there is one way to write it: Datalog 3.0; 3.1 for
/// `check all`, `!==`, and `trusting`, which is what public keys are for; 3.3 for `==` and `!=`.
pub(crate) fn oldest_version(block: &schema::Block) -> u32 {
    let has = |wanted: &[Kind]| {
        block
            .checks
            .iter()
            .flat_map(|check| &check.queries)
            .flat_map(|query| &query.expressions)
            .flat_map(|expression| &expression.ops)
            .any(|op| match &op.content {
                Some(OpContent::Binary(op)) => wanted.iter().any(|kind| *kind as i32 == op.kind),
                _ => false,
            })
    };
    if has(&[Kind::HeterogeneousEqual, Kind::HeterogeneousNotEqual]) {
        DATALOG_3_3
    } else if !block.public_keys.is_empty()
        || block.checks.iter().any(|check| check.kind.is_some())
        || has(&[Kind::NotEqual])
    {
        DATALOG_3_1
    } else {
        DATALOG_3_0
    }
}

/// Writes one block.
pub(crate) struct BlockWriter {
    /// Of the symbols that are not default ones.
    numbers: HashMap<String, u64>,
    /// The number of the first symbol this block adds, and of its next.
    first: u64,
    next: u64,
    keys: Vec<VerifyingKey>,
    block: schema::Block,
}

impl BlockWriter {
    /// A block after those whose symbols are in `before`.
    pub(crate) fn after(before: &Symbols<'_>) -> Self {
        let added = before.added();
        let mut numbers = HashMap::with_capacity(added.len().saturating_add(SYMBOLS_USUAL));
        let mut next = FIRST_ADDED;
        for text in added {
            numbers.insert((*text).to_owned(), next);
            next = next.saturating_add(1);
        }
        Self {
            numbers,
            first: next,
            next,
            keys: Vec::new(),
            block: schema::Block::default(),
        }
    }

    pub(crate) fn fact(&mut self, fact: &Predicate<'_>) {
        let predicate = self.predicate(fact);
        self.block.facts.push(schema::Fact { predicate });
    }

    pub(crate) fn check(&mut self, check: &Check<'_>) {
        let queries = check
            .queries
            .iter()
            .map(|query| self.query(query))
            .collect();
        let kind = match check.kind {
            CheckKind::All => Some(schema::check::Kind::All as i32),
            CheckKind::If => None,
        };
        self.block.checks.push(schema::Check { queries, kind });
    }

    /// The bytes of the block, under the oldest version that can hold it.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.block.public_keys = self
            .keys
            .iter()
            .map(|key| schema::PublicKey {
                algorithm: 0,
                key: key.as_bytes().to_vec(),
            })
            .collect();
        let added = self.numbers.into_iter();
        let mut added: Vec<(u64, String)> = added
            .filter(|(_, number)| *number >= self.first)
            .map(|(text, number)| (number, text))
            .collect();
        added.sort_unstable();
        self.block.symbols = added.into_iter().map(|(_, text)| text).collect();
        self.block.version = Some(oldest_version(&self.block));
        self.block.encode_to_vec()
    }

    fn symbol(&mut self, text: &str) -> u64 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        if let Some((number, _)) = (0..).zip(DEFAULT_SYMBOLS).find(|(_, known)| *known == text) {
            return number;
        }
        let number = self.next;
        self.next = self.next.saturating_add(1);
        self.numbers.insert(text.to_owned(), number);
        number
    }

    fn key(&mut self, key: &VerifyingKey) -> schema::Scope {
        let position = self
            .keys
            .iter()
            .position(|known| known == key)
            .unwrap_or_else(|| {
                self.keys.push(*key);
                self.keys.len().saturating_sub(1)
            });
        schema::Scope {
            content: Some(ScopeContent::PublicKey(
                i64::try_from(position).unwrap_or(i64::MAX),
            )),
        }
    }

    fn query(&mut self, query: &Query<'_>) -> schema::Rule {
        schema::Rule {
            head: schema::Predicate {
                name: self.symbol(CHECK_HEAD),
                terms: Vec::new(),
            },
            body: query
                .body
                .iter()
                .map(|predicate| self.predicate(predicate))
                .collect(),
            expressions: query
                .expressions
                .iter()
                .map(|steps| schema::Expression {
                    ops: steps.iter().map(|step| self.operation(step)).collect(),
                })
                .collect(),
            scope: query.trusting.iter().map(|key| self.key(key)).collect(),
        }
    }

    fn predicate(&mut self, predicate: &Predicate<'_>) -> schema::Predicate {
        schema::Predicate {
            name: self.symbol(predicate.name),
            terms: predicate.terms.iter().map(|term| self.term(term)).collect(),
        }
    }

    fn operation(&mut self, operation: &Operation<'_>) -> schema::Op {
        let binary = |kind: Kind| {
            OpContent::Binary(schema::OpBinary {
                kind: kind as i32,
                ffi_name: None,
            })
        };
        let unary = |kind: UnaryKind| {
            OpContent::Unary(schema::OpUnary {
                kind: kind as i32,
                ffi_name: None,
            })
        };
        let content = match operation {
            Operation::And => binary(Kind::And),
            Operation::Contains => binary(Kind::Contains),
            Operation::EndsWith => binary(Kind::Suffix),
            Operation::Equal => binary(Kind::Equal),
            Operation::GreaterOrEqual => binary(Kind::GreaterOrEqual),
            Operation::GreaterThan => binary(Kind::GreaterThan),
            Operation::HeterogeneousEqual => binary(Kind::HeterogeneousEqual),
            Operation::HeterogeneousNotEqual => binary(Kind::HeterogeneousNotEqual),
            Operation::Length => unary(UnaryKind::Length),
            Operation::LessOrEqual => binary(Kind::LessOrEqual),
            Operation::LessThan => binary(Kind::LessThan),
            Operation::Negate => unary(UnaryKind::Negate),
            Operation::NotEqual => binary(Kind::NotEqual),
            Operation::Or => binary(Kind::Or),
            Operation::Parens => unary(UnaryKind::Parens),
            Operation::StartsWith => binary(Kind::Prefix),
            Operation::Value(term) => OpContent::Value(self.term(term)),
        };
        schema::Op {
            content: Some(content),
        }
    }

    fn term(&mut self, term: &Term<'_>) -> schema::Term {
        let content = match term {
            Term::Bool(value) => TermContent::Bool(*value),
            Term::Bytes(bytes) => TermContent::Bytes(bytes.to_vec()),
            Term::Date(seconds) => TermContent::Date(*seconds),
            Term::Integer(integer) => TermContent::Integer(*integer),
            Term::Set(elements) => TermContent::Set(self.set(elements)),
            Term::Text(text) => TermContent::String(self.symbol(text)),
            Term::Variable(name) => {
                TermContent::Variable(u32::try_from(self.symbol(name)).unwrap_or(u32::MAX))
            }
        };
        schema::Term {
            content: Some(content),
        }
    }

    fn set(&mut self, elements: &[Term<'_>]) -> schema::TermSet {
        let mut set: Vec<schema::Term> =
            elements.iter().map(|element| self.term(element)).collect();
        // By symbol number, which is how the engine orders a set of strings; integers stand in their order already.
        set.sort_by_key(|element| match element.content {
            Some(TermContent::String(symbol)) => symbol,
            _ => 0,
        });
        schema::TermSet { set }
    }
}
