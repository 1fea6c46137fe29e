//! A JSON document as it stands, doubled members included: a map would silently keep one of them.

use std::fmt;

use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Any value. Numbers are kept where they are whole and not negative: nothing here is anything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Document {
    Array(Vec<Self>),
    Object(Vec<(String, Self)>),
    /// `null`, a boolean, or a number of another kind.
    Other,
    String(String),
    Whole(u64),
}

impl<'de> serde::Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Document;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }

            fn visit_bool<E: Error>(self, _: bool) -> Result<Document, E> {
                Ok(Document::Other)
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<Document, E> {
                Ok(Document::Other)
            }

            fn visit_i64<E: Error>(self, _: i64) -> Result<Document, E> {
                Ok(Document::Other)
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Document, E> {
                Ok(Document::Whole(number))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Document, E> {
                Ok(Document::String(text.to_owned()))
            }

            fn visit_unit<E: Error>(self) -> Result<Document, E> {
                Ok(Document::Other)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Document, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = array.next_element()? {
                    elements.push(element);
                }
                Ok(Document::Array(elements))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Document, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = object.next_entry()? {
                    members.push(member);
                }
                Ok(Document::Object(members))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_a_map_would_drop() {
        let read: Document = serde_json::from_str(r#"{"a":1,"a":{"b":[null,"x",-1]}}"#).unwrap();
        let inner = Document::Array(vec![
            Document::Other,
            Document::String("x".to_owned()),
            Document::Other,
        ]);
        assert_eq!(
            read,
            Document::Object(vec![
                ("a".to_owned(), Document::Whole(1)),
                (
                    "a".to_owned(),
                    Document::Object(vec![("b".to_owned(), inner)])
                ),
            ])
        );
    }
}
