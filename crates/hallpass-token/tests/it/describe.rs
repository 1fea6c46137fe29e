//! What `tokens inspect` shows, and that the Datalog it prints is the token.

use hallpass_token::describe::Standing;
use hallpass_token::{Caveat, Grant, UnverifiedToken};

use crate::fixtures::{admitted, approver, at, attenuated, grant, minted, set, spec};
use crate::forge;

fn narrowed() -> String {
    let caveats = [
        "only tools kb.search".parse().unwrap(),
        "expires before 2026-11-21T09:31:00Z".parse().unwrap(),
    ];
    attenuated(minted(&grant()).expose(), &caveats)
        .expose()
        .to_owned()
}

#[test]
fn a_description_says_who_what_where_and_until_when() {
    let text = narrowed();
    let verified = admitted(&text).describe();
    assert_eq!(verified.standing, Standing::Verified);
    assert_eq!(verified.subject.as_str(), "user:alice");
    assert_eq!(verified.tools, set(&["kb.search", "tickets.get"]));
    assert_eq!(verified.expires, at(900));
    assert_eq!(verified.not_after, at(60), "the caveat ends it sooner");
    let words: Vec<_> = verified
        .caveats
        .iter()
        .map(|caveat| (caveat.block, caveat.words.as_str()))
        .collect();
    assert_eq!(
        words,
        [
            (1, "only tools kb.search"),
            (1, "expires before 2026-11-21T09:31:00Z")
        ]
    );
    assert_eq!((verified.blocks, verified.sealed), (2, false));

    let mut unverified = UnverifiedToken::parse(&text).unwrap().describe().unwrap();
    assert_eq!(unverified.standing, Standing::Unverified);
    unverified.standing = Standing::Verified;
    assert_eq!(unverified, verified);
}

#[test]
fn json_has_the_names_of_the_vocabulary_and_no_secret() {
    let json = serde_json::to_value(admitted(&narrowed()).describe()).unwrap();
    assert_eq!(json["standing"], "verified");
    assert_eq!(json["environment"], "dev");
    assert_eq!(json["budgets"]["calls"], 25);
    assert_eq!(
        json["caveats"][0]["datalog"],
        r#"check if call:tool($t), {"kb.search"}.contains($t)"#
    );
    assert!(!json.to_string().contains("hp1."));
}

#[test]
fn an_unverified_token_that_could_not_be_admitted_is_not_described() {
    let text = forge::appended("reject if role(\"a\");");
    assert!(UnverifiedToken::parse(&text).unwrap().describe().is_err());
}

#[test]
fn the_printed_datalog_minted_by_the_library_is_the_same_token() {
    let mut spec = spec();
    spec.holder = Some(approver(3).verifying_key());
    let with_holder = Grant::new(spec.clone()).unwrap();
    spec.needs_approval.clear();
    spec.roles.clear();
    spec.budgets.clear();
    let bare = Grant::new(spec).unwrap();
    for grant in [grant(), with_holder, bare] {
        let ours = admitted(minted(&grant).expose());
        let theirs = admitted(&forge::authority(&ours.datalog()[0]));
        assert_eq!(theirs.grant(), ours.grant(), "{:?}", ours.datalog());
        assert_eq!(theirs.approval_keys(), ours.approval_keys());
    }
}

#[test]
fn the_printed_caveat_appended_by_the_library_is_the_same_caveat() {
    for words in [
        "only tools kb.search",
        "only tools kb.search, ticket.close, wiki.read",
        "only services kb, tickets",
        "expires before 2026-11-21T09:31:00Z",
        "at most 3 blocks",
        "for kb.search: /limit in 1..10",
        "each /to email domain example.com",
        r#"/note one of "it's", "the \"end\\", "two\nlines""#,
        "no arguments",
    ] {
        let caveat: Caveat = words.parse().unwrap();
        let token = admitted(&forge::appended(&format!("{};", caveat.datalog())));
        assert_eq!(token.caveats().len(), 1);
        assert_eq!(token.caveats()[0].caveat, caveat);
    }
}

#[test]
fn a_denial_is_explained_by_the_caveat_or_the_grant() {
    let token = admitted(&narrowed());
    let mut call = crate::fixtures::call();
    call.tool = "tickets.get".parse().unwrap();
    let denial = token.decide(&call.facts()).unwrap_err();
    assert_eq!(
        token.explain(&denial, &call.facts()),
        "block 1 of the token says `only tools kb.search`"
    );
    let explanation = token.explain(&denial, &call.facts());
    assert_eq!(hallpass_token::failed_block(&explanation), Some(1));
    call.tool = "mail.send".parse().unwrap();
    let denial = token.decide(&call.facts()).unwrap_err();
    assert_eq!(
        token.explain(&denial, &call.facts()),
        "`mail.send` is not among the token's tools"
    );
}

#[test]
fn the_datalog_of_a_token_has_the_caveats_of_every_block() {
    let caveats = |words: &[&str]| -> Vec<Caveat> {
        words.iter().map(|words| words.parse().unwrap()).collect()
    };
    let minted = hallpass_token::mint(
        &grant(),
        &caveats(&["/limit<=100"]),
        &crate::fixtures::root(1),
        &[],
        crate::fixtures::next(2),
    );
    let hostile = r#"/q==" \u001b[2J\u202e""#;
    let text = attenuated(minted.unwrap().expose(), &caveats(&["/limit<=10", hostile]));
    let token = UnverifiedToken::parse(text.expose()).unwrap();
    let blocks = token.datalog().unwrap();
    assert_eq!(blocks, admitted(text.expose()).datalog());
    let [authority, later] = blocks.as_slice() else {
        panic!("{blocks:?}")
    };
    assert!(
        authority.ends_with("check if call:arg_int(\"/limit\", $v), $v <= 100;\n"),
        "{authority}"
    );
    assert_eq!(
        later,
        "check if call:arg_int(\"/limit\", $v), $v <= 10;\n\
         check if call:arg_str(\"/q\", \" \\u{1b}[2J\\u{202e}\");\n"
    );
}

#[test]
fn every_caveat_is_explained_with_the_argument_it_fails_on() {
    let caveats: Vec<Caveat> = [
        "for tickets.get: no arguments",
        "/limit<=10",
        "only arguments limit, query",
        "at most 1 blocks",
        "only services kb",
    ]
    .map(|words| words.parse().unwrap())
    .to_vec();
    let token = admitted(attenuated(minted(&grant()).expose(), &caveats).expose());
    let mut call = crate::fixtures::call();
    call.arguments = hallpass_args::Arguments::parse(b"{\"limit\":1000,\"\\u001b\":1}").unwrap();
    let explained = token.explain_caveats(&call.facts());
    let json = serde_json::to_value(&explained).unwrap();
    assert_eq!(
        json,
        serde_json::json!([
            {"block": 1, "check": 0, "words": "for tickets.get: no arguments", "outcome": "other_tool"},
            {"block": 1, "check": 1, "words": "/limit<=10", "outcome": "fails", "argument": "/limit",
             "why": "the argument `/limit` is not what it allows"},
            {"block": 1, "check": 2, "words": "only arguments limit, query", "outcome": "fails",
             "argument": "\\u{1b}", "why": "the call has an argument `\\u{1b}`"},
            {"block": 1, "check": 3, "words": "at most 1 blocks", "outcome": "fails", "why": "the token has 2"},
            {"block": 1, "check": 4, "words": "only services kb", "outcome": "fails"},
        ])
    );
    call.arguments = hallpass_args::Arguments::parse(b"{\"limit\":1}").unwrap();
    let holds = token.explain_caveats(&call.facts());
    assert_eq!(holds[1].outcome, hallpass_token::CaveatOutcome::Holds);
}

#[test]
fn an_either_that_fails_names_what_fails_each_alternative() {
    let words = "for kb.search: either /limit<=10 or /limit<=100 and /team==support or only arguments limit, query";
    let caveat: Caveat = words.parse().unwrap();
    let token = admitted(attenuated(minted(&grant()).expose(), &[caveat]).expose());
    let mut call = crate::fixtures::call();
    let mut told = |tool: &str, arguments: &str| {
        call.tool = tool.parse().unwrap();
        call.arguments = hallpass_args::Arguments::parse(arguments.as_bytes()).unwrap();
        let explained = token.explain_caveats(&call.facts());
        let denial = token.decide(&call.facts()).err();
        let explanation = denial.map(|denial| token.explain(&denial, &call.facts()));
        assert_eq!(explained[0].words, words);
        (serde_json::to_value(&explained[0]).unwrap(), explanation)
    };

    let (json, explanation) = told("kb.search", r#"{"limit":50,"x\u0007":"secret"}"#);
    let why = r"no alternative holds: 1. the argument `/limit` is not what it allows; 2. the argument `/team` is missing; 3. the call has an argument `x\u{7}`";
    assert_eq!(json["outcome"], "fails");
    assert_eq!(json["why"], why);
    assert_eq!(json["argument"], serde_json::Value::Null);
    assert_eq!(
        explanation,
        Some(format!("block 1 of the token says `{words}`, and {why}"))
    );

    // All of them fail on the same.
    let (json, _) = told("kb.search", r#"{"limit":"50","x":1}"#);
    assert_eq!(
        json["why"],
        "no alternative holds: 1. the argument `/limit` is a string, not an integer; \
         2. the argument `/limit` is a string, not an integer; 3. the call has an argument `x`"
    );
    let same = "either /limit<=10 or /limit>=20 and /team==support";
    let one = admitted(attenuated(minted(&grant()).expose(), &[same.parse().unwrap()]).expose());
    let mut between = crate::fixtures::call();
    between.arguments = hallpass_args::Arguments::parse(br#"{"limit":15}"#).unwrap();
    let outcome = &one.explain_caveats(&between.facts())[0].outcome;
    let hallpass_token::CaveatOutcome::Fails { argument, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(argument.as_deref(), Some("/limit"));

    let (json, explanation) = told("kb.search", r#"{"limit":50,"team":"support","x":1}"#);
    assert_eq!(
        (json["outcome"].as_str(), explanation),
        (Some("holds"), None)
    );
    let (json, explanation) = told("tickets.get", r#"{"limit":50}"#);
    assert_eq!(
        (json["outcome"].as_str(), explanation),
        (Some("other_tool"), None)
    );
}
