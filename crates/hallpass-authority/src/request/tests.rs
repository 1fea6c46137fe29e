use super::*;

const GOOD: &str = r#"{"route":"/r","tenant":"acme","subject":"user:alice","actor":"agent:bot"}"#;

#[test]
fn reads_the_least_and_the_most() {
    let least = TokenRequest::parse(GOOD.as_bytes()).unwrap();
    assert_eq!((least.run, least.ttl, least.tools), (None, None, None));
    let run = "run_018f3c1e5b7a7000800000000000002a";
    let most = GOOD.replace(
        '}',
        &format!(r#","run_id":"{run}","ttl_seconds":60,"tools":["kb.search"]}}"#),
    );
    let most = TokenRequest::parse(most.as_bytes()).unwrap();
    assert_eq!(most.run.unwrap().to_string(), run);
    assert_eq!(most.ttl, Some(Duration::from_secs(60)));
    assert_eq!(most.tools.unwrap().len(), 1);
}

#[test]
fn every_mistake_has_its_place() {
    let plus = |extra: &str| GOOD.replace('}', &format!(",{extra}}}"));
    let many: Vec<String> = (0..=TOOLS_MAX).map(|n| format!("\"t.n{n}\"")).collect();
    for (body, pointer) in [
        (String::new(), ""),
        ("[]".to_owned(), ""),
        ("{".to_owned(), ""),
        (format!("{GOOD} {GOOD}"), ""),
        (GOOD.replace("route", "rout"), "/rout"),
        (GOOD.replace(r#""route":"/r","#, ""), "/route"),
        (GOOD.replace(r#""/r""#, r#""r""#), "/route"),
        (GOOD.replace("user:alice", "agent:alice"), "/subject"),
        (GOOD.replace("agent:bot", "user:bot"), "/actor"),
        (GOOD.replace("\"acme\"", "7"), "/tenant"),
        (GOOD.replace("\"acme\"", "null"), "/tenant"),
        (plus(r#""tenant":"globex""#), "/tenant"),
        (plus(r#""env":"prod""#), "/env"),
        (plus(r#""a/b~c":1"#), "/a~1b~0c"),
        (plus(r#""run_id":"run_1""#), "/run_id"),
        (plus(r#""ttl_seconds":-1"#), "/ttl_seconds"),
        (plus(r#""ttl_seconds":1.5"#), "/ttl_seconds"),
        (plus(r#""ttl_seconds":"60""#), "/ttl_seconds"),
        (plus(r#""tools":"kb.search""#), "/tools"),
        (plus(r#""tools":["kb.search",3]"#), "/tools/1"),
        (plus(r#""tools":["kb.search","kb.search"]"#), "/tools/1"),
        (plus(r#""subject_token":"a.b.c""#), "/subject"),
        (GOOD.replace(r#""subject":"user:alice","#, ""), "/subject"),
        (
            GOOD.replace(r#""subject":"user:alice""#, r#""subject_token":"a.b""#),
            "/subject_token",
        ),
        (plus(r#""holder_key":"00""#), "/holder_key"),
        // Of small order: a signature under it proves nothing.
        (
            plus(&format!(r#""holder_key":"01{}""#, "0".repeat(62))),
            "/holder_key",
        ),
        (plus(r#""parent_run_id":"run_1""#), "/parent_run_id"),
        (plus(&format!(r#""tools":[{}]"#, many.join(","))), "/tools"),
    ] {
        let refused = TokenRequest::parse(body.as_bytes()).unwrap_err();
        assert_eq!(refused.pointer, pointer, "{body}");
    }
}

#[test]
fn a_mistake_repeats_no_value() {
    let refused = TokenRequest::parse(GOOD.replace("/r", "secret value").as_bytes()).unwrap_err();
    assert!(!format!("{refused:?}").contains("secret value"));
}

#[test]
fn deep_nesting_is_an_error_and_not_a_crash() {
    let deep = GOOD.replace("\"acme\"", &"[".repeat(10_000));
    assert!(TokenRequest::parse(deep.as_bytes()).is_err());
}

#[test]
fn reads_every_member() {
    let run = "run_018f3c1e5b7a7000800000000000002a";
    let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let body = format!(
        r#"{{"route":"/r","tenant":"acme","subject_token":"a.b.c","parent_run_id":"{run}","holder_key":"{key}",
            "labels":{{"team":"blue","ticket.id":"T-1"}}}}"#
    );
    let read = TokenRequest::parse(body.as_bytes()).unwrap();
    assert!(matches!(read.behalf, Behalf::Token(token) if token.expose() == "a.b.c"));
    assert_eq!(read.actor, None);
    assert_eq!(read.parent.unwrap().to_string(), run);
    assert_eq!(read.holder.unwrap().to_string(), key);
    assert_eq!(read.labels["ticket.id"], "T-1");
}

#[test]
fn what_a_request_may_not_say_is_explained() {
    for (member, word) in [
        ("roles", "roles"),
        ("audiences", "service"),
        ("env", "environment"),
        ("budgets", "budget"),
        ("caveats", "caveats"),
        ("client", "credentials"),
    ] {
        let body = GOOD.replace('}', &format!(r#","{member}":["x"]}}"#));
        let refused = TokenRequest::parse(body.as_bytes()).unwrap_err();
        assert_eq!(refused.pointer, format!("/{member}"));
        assert!(refused.detail.contains(word), "{}", refused.detail);
        assert_ne!(refused.detail, "there is no such member");
    }
}

#[test]
fn every_mistake_in_a_label_has_its_place() {
    let many: Vec<String> = (0..=labels::LABELS_MAX)
        .map(|n| format!("\"l{n}\":\"\""))
        .collect();
    for (labels, pointer) in [
        ("[]".to_owned(), "/labels"),
        (r#"{"a":1}"#.to_owned(), "/labels/a"),
        (r#"{"a":"x","a":"y"}"#.to_owned(), "/labels/a"),
        (r#"{"A":"x"}"#.to_owned(), "/labels"),
        (r#"{"":"x"}"#.to_owned(), "/labels"),
        (
            format!(
                r#"{{"{}":"x"}}"#,
                "a".repeat(labels::LABEL_NAME_BYTES_MAX + 1)
            ),
            "/labels",
        ),
        (r#"{"a":"x\ny"}"#.to_owned(), "/labels/a"),
        (r#"{"a":"x\u009by"}"#.to_owned(), "/labels/a"),
        (r#"{"a":"x\u202ey"}"#.to_owned(), "/labels/a"),
        (
            format!(
                r#"{{"a":"{}"}}"#,
                "x".repeat(labels::LABEL_VALUE_BYTES_MAX + 1)
            ),
            "/labels/a",
        ),
        (format!("{{{}}}", many.join(",")), "/labels"),
    ] {
        let body = GOOD.replace('}', &format!(r#","labels":{labels}}}"#));
        let refused = TokenRequest::parse(body.as_bytes()).unwrap_err();
        assert_eq!(refused.pointer, pointer, "{labels}");
    }
}

#[test]
fn labels_are_bounded_in_total() {
    // As many as there may be; the last fills what the others leave.
    let of = |total: usize| {
        let mut most: Vec<String> = (0..labels::LABELS_MAX - 1)
            .map(|n| format!("\"l{n:02}\":\"{}\"", "\\\"".repeat(60)))
            .collect();
        let taken = most.iter().map(String::len).sum::<usize>() + most.len() + "{}".len();
        most.push(format!("\"z\":\"{}\"", "x".repeat(total - taken - 6)));
        let body = GOOD.replace('}', &format!(r#","labels":{{{}}}}}"#, most.join(",")));
        TokenRequest::parse(body.as_bytes())
    };
    let read = of(labels::LABELS_BYTES_MAX).unwrap();
    assert_eq!(read.labels.len(), labels::LABELS_MAX);
    let json = serde_json::to_string(&read.labels).unwrap();
    assert_eq!(json.len(), labels::LABELS_BYTES_MAX);
    let refused = of(labels::LABELS_BYTES_MAX + 1).unwrap_err();
    assert_eq!(refused.pointer, "/labels");
    assert!(refused.detail.contains("2048 bytes"), "{}", refused.detail);
}

#[test]
fn the_same_request_in_another_spelling_has_the_same_digest() {
    let digest = |body: &str| TokenRequest::parse(body.as_bytes()).unwrap().digest();
    let tools = |tools: &str| GOOD.replace('}', &format!(r#","tools":{tools}}}"#));
    let reordered =
        r#" {"actor": "agent:bot", "subject": "user:alice", "tenant": "acme", "route": "\/r"}"#;
    assert_eq!(digest(GOOD), digest(reordered));
    assert_eq!(
        digest(&tools(r#"["a.b","c.d"]"#)),
        digest(&tools(r#"["c.d","a.b"]"#))
    );
    let plus = |extra: &str| GOOD.replace('}', &format!(",{extra}}}"));
    let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let run = "run_018f3c1e5b7a7000800000000000002a";
    let different = [
        GOOD.to_owned(),
        GOOD.replace("/r\"", "/s\""),
        GOOD.replace("acme", "globex"),
        GOOD.replace("alice", "bob"),
        GOOD.replace("bot", "bat"),
        GOOD.replace(r#","actor":"agent:bot""#, ""),
        GOOD.replace(r#""subject":"user:alice""#, r#""subject_token":"a.b.c""#),
        GOOD.replace(r#""subject":"user:alice""#, r#""subject_token":"a.b.d""#),
        tools(r#"[]"#),
        tools(r#"["a.b"]"#),
        plus(r#""ttl_seconds":60"#),
        plus(r#""labels":{"a":"b"}"#),
        plus(&format!(r#""run_id":"{run}""#)),
        plus(&format!(r#""parent_run_id":"{run}""#)),
        plus(&format!(r#""holder_key":"{key}""#)),
    ];
    let digests: BTreeSet<_> = different.iter().map(|body| digest(body)).collect();
    assert_eq!(digests.len(), different.len());
}
