//! The sections of one kind over all files: each name defined once, and not too many of them.

use std::collections::BTreeMap;
use std::fmt::Display;

use toml::Spanned;

use super::reader::Reader;
use crate::document::{Document, Sections};
use crate::fault::Fault;

/// One section, and the file it stands in.
pub(super) struct Entry<K, S> {
    pub(super) file: usize,
    pub(super) name: Spanned<K>,
    pub(super) section: S,
}

/// What a kind of section is called, and how many there may be.
pub(super) struct Kind {
    pub(super) one: &'static str,
    pub(super) many: &'static str,
    pub(super) max: usize,
}

/// Takes the sections of a kind out of the documents.
pub(super) fn take<K: Ord + Clone + Display, S>(
    readers: &mut [Reader<'_>],
    documents: &mut [Document],
    kind: &Kind,
    of: impl Fn(&mut Document) -> &mut Sections<K, S>,
) -> Vec<Entry<K, S>> {
    let mut entries = Vec::new();
    let mut first_in: BTreeMap<K, String> = BTreeMap::new();
    for (file, (reader, document)) in readers.iter_mut().zip(documents).enumerate() {
        // Told in the order of the text, and of too many the last are too many.
        let mut sections: Vec<_> = std::mem::take(of(document)).into_iter().collect();
        sections.sort_by_key(|(name, _)| name.span().start);
        for (name, section) in sections {
            if let Some(other) = first_in.get(name.get_ref()) {
                let fault = Fault::DefinedTwice {
                    kind: kind.one,
                    name: name.get_ref().to_string(),
                    file: other.clone(),
                };
                reader.fault(name.span(), fault);
            } else if entries.len() == kind.max {
                let fault = Fault::TooMany {
                    what: kind.many,
                    max: kind.max,
                };
                reader.fault(name.span(), fault);
                break;
            } else {
                let place = reader.place(name.span());
                first_in.insert(name.get_ref().clone(), place.file);
                entries.push(Entry {
                    file,
                    name,
                    section,
                });
            }
        }
    }
    entries
}
