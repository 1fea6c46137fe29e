//! Labels: what a client calls a run by in its own words. They decide nothing.

use std::collections::BTreeMap;

use hallpass_journal::Text;

use super::document::Document;
use super::{BadRequest, pointer};

/// The most labels of one run.
pub(crate) const LABELS_MAX: usize = 16;

/// The longest name of a label, in bytes: what a Kubernetes label's name may have, and one more.
pub(crate) const LABEL_NAME_BYTES_MAX: usize = 64;

/// The longest value of a label, in bytes.
pub(crate) const LABEL_VALUE_BYTES_MAX: usize = 256;

/// The most bytes of all labels as one JSON object, which is how the record of a mint has them: it has room for so many beside
/// the largest token of a policy.
pub(crate) const LABELS_BYTES_MAX: usize = 2 * 1024;

/// Reads the member `labels`.
pub(super) fn read(value: &Document) -> Result<BTreeMap<String, String>, BadRequest> {
    let Document::Object(members) = value else {
        let expected = "expected an object of texts";
        return Err(BadRequest::new("/labels", expected));
    };
    let mut labels = BTreeMap::new();
    for (name, value) in members {
        let at = || format!("/labels{}", pointer(name));
        if !is_name(name) {
            let rule = format!(
                "a label's name is 1 to {LABEL_NAME_BYTES_MAX} of `a-z`, `0-9`, `_`, `.` and `-`"
            );
            return Err(BadRequest::new("/labels", rule));
        }
        let Document::String(text) = value else {
            return Err(BadRequest::new(at(), "expected a string"));
        };
        // What would act on a terminal, as a record escapes it.
        if text.len() > LABEL_VALUE_BYTES_MAX || Text::new(text).as_str() != text {
            let rule = format!(
                "a label's value has at most {LABEL_VALUE_BYTES_MAX} bytes and no control or direction characters"
            );
            return Err(BadRequest::new(at(), rule));
        }
        if labels.insert(name.clone(), text.clone()).is_some() {
            return Err(BadRequest::new(at(), "the label is there twice"));
        }
    }
    if labels.len() > LABELS_MAX {
        let rule = format!("more than {LABELS_MAX} labels");
        return Err(BadRequest::new("/labels", rule));
    }
    // Texts in a map are always written.
    let bytes = serde_json::to_string(&labels).map_or(usize::MAX, |json| json.len());
    if bytes > LABELS_BYTES_MAX {
        let rule = format!("the labels have more than {LABELS_BYTES_MAX} bytes together, as JSON");
        return Err(BadRequest::new("/labels", rule));
    }
    Ok(labels)
}

fn is_name(name: &str) -> bool {
    (1..=LABEL_NAME_BYTES_MAX).contains(&name.len())
        && name
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-'))
}
