//! The arguments of a tool that records show, and those that are sensitive.

use hallpass_vocabulary::{Pointer, Pointers};
use toml::Spanned;

use super::reader::Reader;
use crate::document::ToolSection;
use crate::fault::Fault;

/// Both lists of a tool. What they hold after a fault is never used: the policy is refused whole.
pub(super) fn named(reader: &mut Reader<'_>, section: &ToolSection) -> (Pointers, Pointers) {
    let recorded = list(reader, &section.recorded);
    let sensitive = list(reader, &section.sensitive);
    // A verifier would leave it out. Whoever writes both means something else than what happens.
    for written in &section.recorded {
        if let Some(other) = sensitive.overlapping(written.get_ref()) {
            let fault = Fault::RecordedSensitive {
                recorded: written.get_ref().clone(),
                sensitive: other.clone(),
            };
            reader.fault(written.span(), fault);
        }
    }
    (recorded, sensitive)
}

fn list(reader: &mut Reader<'_>, written: &[Spanned<Pointer>]) -> Pointers {
    let mut list = Pointers::default();
    for (index, last) in written.iter().enumerate() {
        let so_far = written.iter().take(index + 1);
        match Pointers::new(so_far.map(|pointer| pointer.get_ref().clone())) {
            Ok(longer) => list = longer,
            Err(error) => {
                reader.fault(last.span(), Fault::Pointers(error));
                break;
            }
        }
    }
    list
}
