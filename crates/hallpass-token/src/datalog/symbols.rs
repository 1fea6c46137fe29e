//! The symbol table: in a Biscuit, strings are numbers into a table that grows block by block.

use crate::NotAdmitted;
use crate::limits::{SYMBOL_BYTES_MAX, SYMBOLS_PER_BLOCK_MAX};

/// The symbols every Biscuit has, in their order (Biscuit specification, "Symbol table").
pub(super) const DEFAULT_SYMBOLS: [&str; 28] = [
    "read",
    "write",
    "resource",
    "operation",
    "right",
    "time",
    "role",
    "owner",
    "tenant",
    "namespace",
    "user",
    "team",
    "service",
    "admin",
    "email",
    "group",
    "member",
    "ip_address",
    "client",
    "client_ip",
    "domain",
    "path",
    "version",
    "cluster",
    "node",
    "hostname",
    "nonce",
    "query",
];

/// The number of the first symbol a block adds.
pub(super) const FIRST_ADDED: u64 = 1024;

/// The symbols blocks have added so far. No text is in it twice and none is a default one, so numbers and texts are
/// one to one.
#[derive(Debug, Clone)]
pub(crate) struct Symbols<'a> {
    added: Vec<&'a str>,
    /// Those and the default ones, sorted.
    sorted: Vec<&'a str>,
}

impl Default for Symbols<'_> {
    fn default() -> Self {
        let mut sorted = DEFAULT_SYMBOLS.to_vec();
        sorted.sort_unstable();
        Self {
            added: Vec::new(),
            sorted,
        }
    }
}

impl<'a> Symbols<'a> {
    /// Adds a block's symbols.
    pub(crate) fn extend(&mut self, block: &'a [String]) -> Result<(), NotAdmitted> {
        if block.len() > SYMBOLS_PER_BLOCK_MAX {
            return Err(NotAdmitted::SymbolsTooMany);
        }
        if block.iter().any(|symbol| symbol.len() > SYMBOL_BYTES_MAX) {
            return Err(NotAdmitted::SymbolTooLong);
        }
        let texts = block.iter().map(String::as_str);
        self.added.extend(texts.clone());
        self.sorted.extend(texts);
        // The stable sort: linear on what is sorted already.
        self.sorted.sort();
        if self.sorted.is_sorted_by(|a, b| a < b) {
            Ok(())
        } else {
            Err(NotAdmitted::SymbolRepeated)
        }
    }

    /// The text of a symbol; `None` when the table is shorter.
    pub(super) fn text(&self, symbol: u64) -> Option<&'a str> {
        match symbol.checked_sub(FIRST_ADDED) {
            Some(position) => self.added.get(usize::try_from(position).ok()?).copied(),
            None => DEFAULT_SYMBOLS.get(usize::try_from(symbol).ok()?).copied(),
        }
    }

    pub(super) fn added(&self) -> &[&'a str] {
        &self.added
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_table_is_biscuits() {
        let biscuit = biscuit_auth::datalog::SymbolTable::new();
        for number in 0..FIRST_ADDED {
            assert_eq!(
                Symbols::default().text(number),
                biscuit.get_symbol(number),
                "{number}"
            );
        }
    }

    #[test]
    fn numbers_outside_the_table_have_no_text() {
        let block = ["kb.search".to_owned()];
        let mut symbols = Symbols::default();
        symbols.extend(&block).unwrap();
        assert_eq!(symbols.text(1024), Some("kb.search"));
        for outside in [28, 1023, 1025, u64::MAX] {
            assert_eq!(symbols.text(outside), None);
        }
    }

    #[test]
    fn a_text_has_one_number() {
        let twice = ["a".to_owned(), "a".to_owned()];
        assert_eq!(
            Symbols::default().extend(&twice),
            Err(NotAdmitted::SymbolRepeated)
        );
        assert_eq!(
            Symbols::default().extend(&["time".to_owned()]),
            Err(NotAdmitted::SymbolRepeated)
        );
        let once = ["a".to_owned()];
        let mut symbols = Symbols::default();
        symbols.extend(&once).unwrap();
        assert_eq!(symbols.extend(&once), Err(NotAdmitted::SymbolRepeated));
    }
}
