//! JSON objects in which no name stands twice: two readers of a token must not each believe another one.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// An object without doubled names, at any depth. How deep is bounded by the parser.
pub(super) struct StrictObject(pub(super) Map<String, Value>);

struct Strict(Value);

struct ValueVisitor;

impl StrictObject {
    /// Reads a whole text.
    pub(super) fn parse(bytes: &[u8]) -> Option<Map<String, Value>> {
        match serde_json::from_slice::<Strict>(bytes).ok()?.0 {
            Value::Object(object) => Some(Self(object).0),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor).map(Self)
    }
}

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without doubled names")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("not a number"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(Strict(element)) = elements.next_element()? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Strict(value))) = members.next_entry::<String, Strict>()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a name stands twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doubled_name_is_refused_at_any_depth() {
        let good = br#"{"a":{"b":[1,-2,0.5,true,null,"c"]}}"#;
        let read = StrictObject::parse(good).unwrap();
        assert_eq!(serde_json::to_vec(&read).unwrap(), good);
        for bad in [
            &br#"{"a":1,"a":1}"#[..],
            br#"{"a":1,"\u0061":2}"#,
            br#"{"a":[{"b":1,"b":2}]}"#,
            b"[]",
            b"1",
            b"{} {}",
            b"{",
            b"\xff",
            b"",
        ] {
            assert!(StrictObject::parse(bad).is_none(), "{}", bad.escape_ascii());
        }
        assert!(StrictObject::parse("[".repeat(100_000).as_bytes()).is_none());
    }
}
