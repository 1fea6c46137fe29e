//! A JSON reader that refuses what two readers could understand differently.

use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The largest argument body, in bytes. Four times the largest tool call seen in public agent traces; large content
/// goes by reference.
pub const ARGUMENTS_BYTES_MAX: usize = 256 * 1024;

/// The deepest nesting, the outermost object counted. Deeper than any published tool schema.
pub const DEPTH_MAX: usize = 32;

/// The largest magnitude of a number: 2^53-1, the last integer every double-based reader keeps apart from its
/// neighbours (RFC 7493 section 2.2). It applies to every number, because `1e20` and the 21-digit integer are one
/// value to most readers.
pub const INTEGER_MAX: u64 = (1 << 53) - 1;

/// Why a text is not strict JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StrictError {
    /// Not JSON, or JSON that this reader refuses; with the place.
    #[error("{reason} at line {line} column {column}")]
    Refused {
        /// What is wrong, without the text itself.
        reason: String,
        /// Line, counted from one.
        line: usize,
        /// Column, counted from one.
        column: usize,
    },
    /// More than [`ARGUMENTS_BYTES_MAX`] bytes.
    #[error("larger than {ARGUMENTS_BYTES_MAX} bytes")]
    TooLarge,
    /// Nested deeper than [`DEPTH_MAX`].
    #[error("nested deeper than {DEPTH_MAX}")]
    TooDeep,
}

const TOO_DEEP: &str = "nested too deep";

/// Reads one JSON value and nothing after it.
pub(crate) fn read(bytes: &[u8]) -> Result<Value, StrictError> {
    if bytes.len() > ARGUMENTS_BYTES_MAX {
        return Err(StrictError::TooLarge);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = StrictValue {
        depth_left: DEPTH_MAX,
    }
    .deserialize(&mut deserializer)
    .and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| {
        let text = error.to_string();
        if text.starts_with(TOO_DEEP) || text.starts_with("recursion limit") {
            return StrictError::TooDeep;
        }
        // serde_json appends ` at line N column M`; the numbers stand in fields of their own.
        let reason = text
            .split(" at line ")
            .next()
            .unwrap_or_default()
            .to_owned();
        StrictError::Refused {
            reason,
            line: error.line(),
            column: error.column(),
        }
    })
}

#[derive(Clone, Copy)]
struct StrictValue {
    depth_left: usize,
}

impl StrictValue {
    fn nested<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.depth_left.checked_sub(1) {
            Some(depth_left) => Ok(Self { depth_left }),
            None => Err(E::custom(TOO_DEEP)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for StrictValue {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StrictValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        if value > INTEGER_MAX {
            return Err(E::custom(NUMBER_TOO_BIG));
        }
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        if value.unsigned_abs() > INTEGER_MAX {
            return Err(E::custom(NUMBER_TOO_BIG));
        }
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "2^53-1 is exactly representable"
        )]
        let limit = INTEGER_MAX as f64;
        if value.is_nan() || value.abs() > limit {
            return Err(E::custom(NUMBER_TOO_BIG));
        }
        // `1.0`, `1e0` and `-0` have the canonical form of an integer, so they are that integer: one digest must mean
        // one value for the handler too.
        if value.fract() == 0.0 {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "integral and within ±(2^53-1)"
            )]
            return Ok(Value::Number((value as i64).into()));
        }
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom(NUMBER_TOO_BIG))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.nested::<A::Error>()?;
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.nested::<A::Error>()?;
        let mut values = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if values.contains_key(&name) {
                return Err(A::Error::custom("doubled member name"));
            }
            let value = members.next_value_seed(inner)?;
            values.insert(name, value);
        }
        Ok(Value::Object(values))
    }
}

const NUMBER_TOO_BIG: &str = "number beyond ±(2^53-1)";

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> String {
        read(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn doubled_names_are_refused_at_any_depth_and_in_any_spelling() {
        assert!(reason(r#"{"a":1,"a":2}"#).starts_with("doubled member name"));
        assert!(reason(r#"{"x":[{"a":1,"\u0061":2}]}"#).starts_with("doubled member name"));
    }

    #[test]
    fn numbers_a_double_cannot_hold_apart_are_refused() {
        assert!(read(b"9007199254740991").is_ok());
        assert!(read(b"-9007199254740991").is_ok());
        for text in [
            "9007199254740992",
            "9007199254740993",
            "-9007199254740992",
            "18446744073709551616",
            "100000000000000000000",
            "1e20",
            "9007199254740992.0",
            "1e400",
            "-1e400",
        ] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn every_spelling_of_an_integer_is_that_integer() {
        for (text, value) in [
            ("1.0", 1),
            ("1e0", 1),
            ("10e-1", 1),
            ("-0", 0),
            ("-0.0", 0),
            ("-3.0", -3),
        ] {
            assert_eq!(read(text.as_bytes()), Ok(Value::from(value)), "{text}");
        }
    }

    #[test]
    fn depth_is_limited_well_before_the_stack() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(nested(DEPTH_MAX).as_bytes()).is_ok());
        assert_eq!(
            read(nested(DEPTH_MAX + 1).as_bytes()),
            Err(StrictError::TooDeep)
        );
        assert_eq!(read(nested(100_000).as_bytes()), Err(StrictError::TooDeep));
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            "",
            " ",
            "nul",
            "{'a':1}",
            "[1,]",
            "{\"a\":1,}",
            "1 2",
            "\u{feff}{}",
            "\"\\ud800\"",
            "01",
            "+1",
            "NaN",
            "\"\t\"",
        ] {
            assert!(read(text.as_bytes()).is_err(), "{text:?}");
        }
        assert!(read(b"\"\xff\"").is_err());
        assert!(read(b"{}\0").is_err());
    }

    #[test]
    fn size_is_checked_before_anything_is_read() {
        let big = vec![b' '; ARGUMENTS_BYTES_MAX + 1];
        assert_eq!(read(&big), Err(StrictError::TooLarge));
    }
}
