//! Which arguments stand in records: those a service asks for, and never one that is sensitive.

use std::sync::Arc;

use hallpass_args::Arguments;
use hallpass_journal::{ARG_BYTES_MAX, RECORD_BYTES_MAX};
use hallpass_verifier::{
    Disclosure, JournalledArguments, Outcome, Recording, ServicePolicy, Setup, Spend, Tenancy,
    Verifier,
};
use hallpass_vocabulary::{Clock, POINTERS_BYTES_MAX, POINTERS_PER_LIST_MAX, Pointers};
use serde_json::{Value, json};

use crate::world::*;

/// A service like the world's, over its journal, that lets records show arguments.
fn verifier(world: &World, journalled: JournalledArguments) -> Verifier {
    Verifier::new(Setup {
        audience: audience("tickets"),
        environment: env("prod"),
        tenancy: Tenancy::Many,
        policy: ServicePolicy::none(),
        journalled,
        disclosure: Disclosure::Explain,
        profile: hallpass_verifier::Profile::Standard,
        spend: Spend::ThisJournal,
        recording: Recording::standard(),
        journal: world.journal.clone(),
        snapshots: Arc::clone(&world.snapshots),
        clock: Arc::clone(&world.clock) as Arc<dyn Clock>,
    })
}

fn pointers(list: &[&str]) -> Pointers {
    Pointers::new(list.iter().map(|text| text.parse().unwrap())).unwrap()
}

/// The record of one call of `kb.search`.
fn decided(recorded: &[&str], sensitive: &[&str], args: &Value) -> Value {
    let world = World::new();
    let search = tool("kb.search");
    let journalled = JournalledArguments::none()
        .recorded(&search, pointers(recorded))
        .sensitive(&search, pointers(sensitive));
    let verifier = verifier(&world, journalled);
    let mut asked = call("kb.search");
    asked.args = Arguments::parse(args.to_string().as_bytes()).unwrap();
    let permit = verifier
        .authorize(Some(token(|_| ()).expose()), asked)
        .wait()
        .unwrap();
    drop(permit.finish(Outcome::succeeded(b"{}")));
    let records = world.records();
    of_kind(&records, "decided")[0].clone()
}

#[test]
fn a_service_lets_records_show_arguments_by_pointer() {
    let args = json!({"ticket": "T-1", "page": {"size": 10}, "to": ["a", "b"], "a/b": 1, "m~n": 2, "other": "private"});
    let listed = [
        "/ticket",
        "/page/size",
        "/to/1",
        "/a~1b",
        "/m~0n",
        "/absent",
        "/to/2",
    ];
    let record = decided(&listed, &[], &args);
    assert_eq!(
        record["args"],
        json!({"/ticket": "T-1", "/page/size": 10, "/to/1": "b", "/a~1b": 1, "/m~0n": 2})
    );
    assert!(record.get("args_omitted").is_none());
    assert!(!record.to_string().contains("private"));
}

#[test]
fn nothing_is_shown_unless_it_is_asked_for() {
    let record = decided(&[], &[], &json!({"ticket": "T-1"}));
    for member in ["args", "args_omitted", "sensitive_args", "sensitive_key"] {
        assert!(record.get(member).is_none(), "{member}");
    }
    assert!(!record.to_string().contains("T-1"));
}

#[test]
fn what_is_sensitive_is_never_shown_and_neither_is_what_is_around_it_or_in_it() {
    let args = json!({
        "customer": {"name": "alice", "iban": "SECRET1", "IBAN": "SECRET2"},
        "items": [{"pin": "SECRET3"}, {"pin": "SECRET4"}],
        "a/b": {"~": "SECRET5"},
    });
    let sensitive = ["/customer/iban", "/items/0/pin", "/a~1b/~0"];
    for leaking in [
        "/customer",
        "/customer/IBAN",
        "/items",
        "/items/0",
        "/items/1",
        "/items/1/pin",
        "/a~1b",
    ] {
        let record = decided(&[leaking, "/customer/name"], &sensitive, &args);
        assert_eq!(
            record["args"],
            json!({"/customer/name": "alice"}),
            "{leaking}"
        );
        assert_eq!(record["args_omitted"], json!([leaking]));
        assert!(!record.to_string().contains("SECRET"), "{leaking}");
    }
    // The whole is sensitive: so is each part.
    let record = decided(&["/customer/iban"], &["/customer"], &args);
    assert_eq!(record["args_omitted"], json!(["/customer/iban"]));
    assert!(!record.to_string().contains("SECRET"));
    // Sensitive and to be recorded: sensitive.
    let record = decided(&["/customer/iban"], &["/customer/iban"], &args);
    assert!(record.get("args").is_none() && record.get("args_omitted").is_none());
    assert!(record["sensitive_args"]["/customer/iban"].is_string());
    assert!(!record.to_string().contains("SECRET"));
}

#[test]
fn a_sensitive_argument_is_a_digest_that_differs_from_call_to_call() {
    let world = World::new();
    let search = tool("kb.search");
    let journalled =
        JournalledArguments::none().sensitive(&search, pointers(&["/iban", "/absent"]));
    let verifier = verifier(&world, journalled);
    for _ in 0..2 {
        let mut asked = call("kb.search");
        asked.args = Arguments::parse(br#"{"iban":"DE02"}"#).unwrap();
        let permit = verifier
            .authorize(Some(token(|_| ()).expose()), asked)
            .wait()
            .unwrap();
        drop(permit.finish(Outcome::succeeded(b"{}")));
    }
    let permanent = world.journal.digest(br#"{"iban":"DE02"}"#).to_string();
    let key = world.journal.sensitive_key();
    let records = world.records();
    let decided = of_kind(&records, "decided");
    for record in &decided {
        let decision = record["decision"].as_str().unwrap().parse().unwrap();
        let digest = key.digest(decision, &"/iban".parse().unwrap(), br#""DE02""#);
        assert_eq!(
            record["sensitive_args"],
            json!({"/iban": digest.to_string()})
        );
        assert_eq!(record["sensitive_key"], key.number());
        // With the key that is never erased, a guess at all arguments could be tried for ever.
        assert_eq!(
            record["args_digest"],
            key.digest_all(br#"{"iban":"DE02"}"#).to_string()
        );
        assert_ne!(record["args_digest"], permanent);
    }
    assert_ne!(decided[0]["sensitive_args"], decided[1]["sensitive_args"]);
}

#[test]
fn the_catalogue_names_arguments_too_and_what_it_calls_sensitive_is() {
    let world = World::new();
    let get = tool("tickets.get");
    let journalled = JournalledArguments::none().recorded(&get, pointers(&["/state", "/reader"]));
    let verifier = verifier(&world, journalled);
    let mut asked = call("tickets.get");
    asked.args = Arguments::parse(br#"{"id":"T-1","state":"open","reader":"MARK","x":1}"#).unwrap();
    let text = token(|grant| {
        grant.tools.insert(tool("tickets.get"));
    });
    let permit = verifier
        .authorize(Some(text.expose()), asked)
        .wait()
        .unwrap();
    drop(permit.finish(Outcome::succeeded(b"{}")));
    let records = world.records();
    let decided = of_kind(&records, "decided")[0];
    assert_eq!(decided["args"], json!({"/id": "T-1", "/state": "open"}));
    let sensitive = decided["sensitive_args"].as_object().unwrap();
    assert_eq!(sensitive.keys().collect::<Vec<_>>(), ["/reader"]);
    assert!(!decided.to_string().contains("MARK"));
}

#[test]
fn a_value_that_is_too_large_is_listed_and_the_record_never_is() {
    let record = decided(
        &["/large", "/small"],
        &[],
        &json!({"large": "x".repeat(ARG_BYTES_MAX), "small": 1}),
    );
    assert_eq!(record["args"], json!({"/small": 1}));
    assert_eq!(record["args_omitted"], json!(["/large"]));

    // As many as can be named, as long as they can be, with values as large as they can be when written.
    let length = POINTERS_BYTES_MAX / POINTERS_PER_LIST_MAX - 4;
    let names = |sort: char| -> Vec<String> {
        (0..POINTERS_PER_LIST_MAX)
            .map(|n| format!("{sort}{n:02}{}", "n".repeat(length)))
            .collect()
    };
    let (shown, hidden) = (names('s'), names('h'));
    let members: serde_json::Map<String, Value> = shown
        .iter()
        .chain(&hidden)
        .map(|name| (name.clone(), json!("\u{85}".repeat(150))))
        .collect();
    let lists =
        |names: &[String]| -> Vec<String> { names.iter().map(|name| format!("/{name}")).collect() };
    let (shown, hidden) = (lists(&shown), lists(&hidden));
    let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
    let hidden: Vec<&str> = hidden.iter().map(String::as_str).collect();
    let record = decided(&shown, &hidden, &Value::Object(members));
    assert!(record["args"].as_object().unwrap().len() >= 4);
    assert!(record.to_string().len() < RECORD_BYTES_MAX);
}

#[test]
fn what_is_shown_acts_on_no_terminal() {
    let world = World::new();
    let search = tool("kb.search");
    let journalled = JournalledArguments::none().recorded(&search, pointers(&["/q"]));
    let verifier = verifier(&world, journalled);
    let text = "\u{9b}31m\u{1b}]0;x\u{7}\u{202e}evil\u{7f}";
    let mut asked = call("kb.search");
    asked.args = Arguments::parse(json!({"q": {text: text}}).to_string().as_bytes()).unwrap();
    let permit = verifier
        .authorize(Some(token(|_| ()).expose()), asked)
        .wait()
        .unwrap();
    drop(permit.finish(Outcome::succeeded(b"{}")));
    world.journal.close().unwrap();
    let lines =
        std::fs::read_to_string(world.dir.path().join("00000000000000000000.jsonl")).unwrap();
    assert!(!lines.contains(['\u{9b}', '\u{1b}', '\u{7}', '\u{202e}', '\u{7f}']));
    let records = world.records();
    let decided = of_kind(&records, "decided")[0];
    assert_eq!(decided["args"]["/q"], json!({text: text}));
}

#[test]
fn a_call_without_a_genuine_token_shows_nothing() {
    let world = World::new();
    let search = tool("kb.search");
    let journalled = JournalledArguments::none().recorded(&search, pointers(&["/q"]));
    let verifier = verifier(&world, journalled);
    let mut asked = call("kb.search");
    asked.args = Arguments::parse(br#"{"q":"planted"}"#).unwrap();
    let text = token(|_| ());
    let forged = &text.expose()[..text.expose().len() - 4];
    for presented in [None, Some(forged)] {
        let _ = verifier
            .authorize(presented, asked.clone())
            .wait()
            .unwrap_err();
    }
    let records = world.records();
    let denied = of_kind(&records, "decided");
    assert_eq!(denied.len(), 2);
    // The digest of what anybody sent is one that can be erased: it may be of a sensitive argument.
    assert!(denied.iter().all(|record| record["sensitive_key"].is_u64()));
    assert!(
        denied
            .iter()
            .all(|record| !record.to_string().contains("planted"))
    );
}
