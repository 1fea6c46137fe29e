//! Any bytes as the arguments of a call: never a panic, what is read is written in one form that reads the same, and a
//! pointer leads where serde_json's own leads.
//!
//! Bytes before the first 0xFF, which no JSON holds, are a pointer; without one, all of it is the arguments.

use hallpass_args::{Arguments, Resolve as _};
use hallpass_vocabulary::Pointer;
use serde_json::Value;

pub fn check(bytes: &[u8]) {
    let mut parts = bytes.rsplitn(2, |byte| *byte == 0xff);
    let body = parts.next().unwrap();
    let Ok(arguments) = Arguments::parse(body) else {
        return;
    };
    let again = Arguments::parse(arguments.canonical()).expect("the canonical form is strict JSON");
    assert!(again == arguments, "the canonical form reads differently");

    // Where numbers are equal as doubles, a reader that is not strict sees the same arguments.
    let lenient: Value = serde_json::from_slice(body).expect("strict JSON is JSON");
    let rewritten = serde_json::to_vec(&lenient).unwrap();
    assert_eq!(Arguments::parse(&rewritten).as_ref(), Ok(&arguments));

    let document = Value::Object(arguments.members().clone());
    let text = parts.next().and_then(|text| std::str::from_utf8(text).ok());
    if let Some(Ok(pointer)) = text.map(str::parse::<Pointer>) {
        let found = pointer.resolve(arguments.members());
        assert_eq!(found, document.pointer(pointer.as_str()));
    }
    every_node(&arguments, &document);
}

/// Each value below the top is found where it is.
fn every_node(arguments: &Arguments, document: &Value) {
    let mut open = vec![(String::new(), document)];
    while let Some((text, value)) = open.pop() {
        if let Ok(pointer) = text.parse::<Pointer>() {
            let found = pointer.resolve(arguments.members()).expect("it is there");
            assert!(found == value && document.pointer(&text) == Some(value));
        }
        match value {
            Value::Array(items) => {
                let places = items.iter().enumerate();
                open.extend(places.map(|(place, item)| (format!("{text}/{place}"), item)));
            }
            Value::Object(members) => open.extend(members.iter().map(|(name, member)| {
                let name = name.replace('~', "~0").replace('/', "~1");
                (format!("{text}/{name}"), member)
            })),
            _ => {}
        }
        open.truncate(1000);
    }
}

pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = [
        "{}",
        r#"{"limit":5,"price":99.95,"n":[1,-0,1e2,1.5e-3],"big":9007199254740991}"#,
        r#"{"path":"/a\u00e9","s":"\ud83d\ude00\n\"","e":"","flag":true,"none":null}"#,
        r#"{"a":{"b":[{"c":[[]]},{}]},"a/b":1,"m~n":2,"A":3,"\u017f":4,"s":5}"#,
        r#"{"a":1,"a":2}"#,
        r#"{"a":9007199254740993}"#,
    ]
    .map(Into::into)
    .into();
    seeds.push([b"/a~1b".as_slice(), &[0xff], br#"{"a/b":[0]}"#].concat());
    seeds.push([b"/a/0/b".as_slice(), &[0xff], br#"{"a":[{"b":1}]}"#].concat());
    seeds
}
