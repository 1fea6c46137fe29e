//! The small part of Datalog that tokens of this vocabulary are written in.
//!
//! One tree ([`Check`], [`Predicate`], [`Term`]) serves every purpose: templates build it, [`BlockWriter`] encodes it
//! to Biscuit's protobuf, [`BlockReader`] decodes to it, and its `Display` is the Datalog text. What the tree cannot
//! hold is in no published template.

mod read;
mod symbols;
mod tree;
mod write;

pub(crate) use read::{BlockReader, Unreadable};
pub(crate) use symbols::Symbols;
pub(crate) use tree::{Check, CheckKind, Operation, Predicate, Query, Term};
pub(crate) use write::{BlockWriter, oldest_version};
