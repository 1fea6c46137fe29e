//! Arguments in the record of a decision, within bounds: a record is never too large because of them.

use std::collections::BTreeMap;
use std::fmt;

use hallpass_vocabulary::Pointer;
use serde_json::Value;

use super::Decided;
use crate::{SensitiveKey, plain_json};

/// The longest value of an argument in a record, in bytes of its JSON. What is larger is no name or number to look a call
/// up by.
pub const ARG_BYTES_MAX: usize = 1024;

/// The most bytes of the values of all arguments in one record, as JSON. With four full lists of pointers and a digest for
/// each, and everything else a decision may hold, it leaves a record below [`RECORD_BYTES_MAX`](crate::RECORD_BYTES_MAX).
pub const ARGS_BYTES_MAX: usize = 4096;

/// The values of arguments in a record, by pointer. `Debug` hides the values: what may stand in a journal that few can read
/// is not for every log.
#[derive(Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct RecordedArgs(BTreeMap<Pointer, Value>);

impl RecordedArgs {
    /// The value recorded under this pointer.
    pub fn get(&self, pointer: &Pointer) -> Option<&Value> {
        self.0.get(pointer)
    }

    /// All of them, by pointer.
    pub fn iter(&self) -> impl Iterator<Item = (&Pointer, &Value)> {
        self.0.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for RecordedArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Decided {
    /// Shows an argument in the record, or lists it as omitted when it is larger than [`ARG_BYTES_MAX`] or no longer fits
    /// [`ARGS_BYTES_MAX`].
    pub fn record_arg(&mut self, pointer: &Pointer, value: &Value) {
        let bytes = |value, limit| plain_json::bytes(value, limit);
        let used: usize = self
            .args
            .0
            .values()
            .map(|value| bytes(value, ARG_BYTES_MAX).unwrap_or(ARG_BYTES_MAX))
            .sum();
        let left = ARGS_BYTES_MAX.saturating_sub(used).min(ARG_BYTES_MAX);
        if bytes(value, left).is_some() {
            self.args.0.insert(pointer.clone(), value.clone());
        } else {
            self.omit_arg(pointer);
        }
    }

    /// Keeps the digest of a sensitive argument. `canonical` is the RFC 8785 form of its value.
    pub fn record_sensitive_arg(
        &mut self,
        key: &SensitiveKey,
        pointer: &Pointer,
        canonical: &[u8],
    ) {
        let digest = key.digest(self.decision, pointer, canonical);
        self.sensitive_args.insert(pointer.clone(), digest);
        self.sensitive_key = Some(key.number());
    }

    /// Keeps the digest of all arguments of a call of which one may be sensitive. `canonical` is their RFC 8785 form.
    pub fn record_sensitive_args_digest(&mut self, key: &SensitiveKey, canonical: &[u8]) {
        self.args_digest = Some(key.digest_all(canonical));
        self.sensitive_key = Some(key.number());
    }

    /// Says that an argument was there and is not shown.
    pub fn omit_arg(&mut self, pointer: &Pointer) {
        self.args_omitted.push(pointer.clone());
    }
}

#[cfg(test)]
mod tests {
    use hallpass_vocabulary::{
        DecisionId, NAME_BYTES_MAX, POINTERS_BYTES_MAX, POINTERS_PER_LIST_MAX, RequestId, Timestamp,
    };
    use serde_json::json;

    use super::*;

    fn decided() -> Decided {
        let now = Timestamp::from_unix_ms(0);
        Decided::allow(
            DecisionId::new(now, [0; 10]),
            RequestId::new(now, [0; 10]),
            "test".parse().unwrap(),
            "tickets".parse().unwrap(),
        )
    }

    fn pointer(text: &str) -> Pointer {
        text.parse().unwrap()
    }

    #[test]
    fn a_value_is_shown_up_to_its_bound_and_listed_above_it() {
        let mut decided = decided();
        decided.record_arg(&pointer("/fits"), &json!("x".repeat(ARG_BYTES_MAX - 2)));
        decided.record_arg(&pointer("/large"), &json!("x".repeat(ARG_BYTES_MAX - 1)));
        // One character of six bytes where it is written, two where it came in.
        let escaped = "\u{85}".repeat(ARG_BYTES_MAX / 2 - 1);
        decided.record_arg(&pointer("/escaped"), &json!(escaped));
        assert_eq!(format!("{:?}", decided.args), "{\"/fits\"}");
        assert_eq!(
            decided.args_omitted,
            [pointer("/large"), pointer("/escaped")]
        );
    }

    /// The longest name of its kind that starts so.
    fn longest<T: std::str::FromStr>(start: &str) -> T {
        let named = |length: usize| format!("{start}{}", "n".repeat(length)).parse().ok();
        (0..=NAME_BYTES_MAX).rev().find_map(named).unwrap()
    }

    #[test]
    fn a_record_of_the_longest_of_everything_is_not_too_large() {
        let now = Timestamp::from_unix_ms(i64::MAX);
        let mut decided = decided();
        decided.verdict = crate::Verdict::Deny;
        decided.code = Some(hallpass_vocabulary::DenialCode::VocabularyUnsupported);
        // What JSON needs two bytes for.
        let text = |length: usize| Some(crate::Text::new(&"\"".repeat(length)));
        decided.detail = text(crate::TEXT_BYTES_MAX);
        decided.idempotency_key = text(255);
        decided.trace = text(32);
        decided.env = longest("");
        decided.audience = longest("");
        decided.tenant = Some(longest(""));
        decided.subject = Some(longest("user:"));
        decided.actors = vec![longest("agent:"); 8];
        decided.route = Some(longest("/"));
        decided.tool = Some(longest("n."));
        decided.run = Some(hallpass_vocabulary::RunId::new(now, [0; 10]));
        decided.token = Some(hallpass_vocabulary::TokenId::new(now, [0; 10]));
        decided.impact = Some(hallpass_vocabulary::Impact::Destructive);
        decided.policy = Some(hallpass_keys::Digest::of(b""));
        (decided.attempt, decided.bundle) = (Some(u32::MAX), Some(u64::MAX));
        decided.latency_us = Some(u64::MAX);
        let key = SensitiveKey::new(
            u64::MAX,
            crate::arguments::DigestKey::new(&[0; 32]).unwrap(),
        );
        decided.record_sensitive_args_digest(&key, b"{}");
        // Two full lists of each, of the service and of the catalogue.
        let escapes = (POINTERS_BYTES_MAX / POINTERS_PER_LIST_MAX - 4) / 6;
        for n in 0..2 * POINTERS_PER_LIST_MAX {
            let escaped = "\u{9b}".repeat(escapes);
            decided.record_sensitive_arg(&key, &pointer(&format!("/s{n:02}{escaped}")), b"1");
            let recorded = pointer(&format!("/r{n:02}{escaped}"));
            decided.record_arg(&recorded, &json!("\u{9b}".repeat(20)));
        }
        assert!(decided.args.iter().count() >= 32);
        let event = crate::Event::Decided(Box::new(decided));
        let bytes = crate::line::Body::of(&event).unwrap().line_bytes_max();
        assert!(
            bytes > 12_000,
            "{bytes} bytes: not the longest of everything"
        );
    }

    #[test]
    fn all_values_together_are_bounded() {
        let mut decided = decided();
        for n in 0..10 {
            decided.record_arg(&pointer(&format!("/{n}")), &json!("x".repeat(998)));
        }
        decided.record_arg(&pointer("/small"), &json!("x".repeat(90)));
        assert_eq!(decided.args.iter().count(), 5);
        assert!(decided.args.get(&pointer("/small")).is_some());
        assert_eq!(decided.args_omitted.len(), 6);
    }
}
