//! testdata/vectors/token: one file per case, for verifiers in any language.
//!
//! The table below says what each case expects, by hand; running the code under test never writes an expectation.
//! After a change here: `cargo test -p hallpass-token --test it -- --ignored write_vectors`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use biscuit_auth::format::schema;
use hallpass_args::Arguments;
use hallpass_keys::VerifyingKey;
use hallpass_token::limits::BLOCKS_MAX;
use hallpass_token::{Clearance, Grant, UnverifiedToken, mint};
use prost::Message as _;
use serde_json::{Value, json};

use crate::fixtures::{
    Call, approver, at, attenuated, call, environment, grant, minted, next, root, set, spec,
};
use crate::forge;

struct Case {
    name: &'static str,
    about: &'static str,
    token: String,
    root: VerifyingKey,
    call: Call,
    /// As sent: what is parsed is in `call`.
    arguments: String,
    expect: &'static str,
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/vectors/token")
}

fn case(name: &'static str, about: &'static str, token: &str, expect: &'static str) -> Case {
    let root = root(1).verifying_key();
    Case {
        name,
        about,
        token: token.to_owned(),
        root,
        call: call(),
        arguments: "{}".to_owned(),
        expect,
    }
}

impl Case {
    fn calling(mut self, tool: &str) -> Self {
        self.call.tool = tool.parse().unwrap();
        self
    }

    fn of(mut self, audience: &str) -> Self {
        self.call.audience = audience.parse().unwrap();
        self
    }

    fn at(mut self, seconds: i64) -> Self {
        self.call.now = at(seconds);
        self
    }

    fn to_json(&self) -> Value {
        json!({
            "about": self.about,
            "token": self.token,
            "root_public_key": self.root.to_string(),
            "call": {
                "now": self.call.now.to_string(),
                "audience": self.call.audience,
                "environment": self.call.environment,
                "tool": self.call.tool,
                "arguments": self.arguments,
            },
            "expect": self.expect,
        })
    }
}

/// Eight alternatives of four rules on one argument whose pointer, `P`, has 256 bytes; the last rule is given.
fn long_either(last: &str) -> String {
    let rule = |number: usize| match number {
        32 => last.to_owned(),
        number => format!("call:arg_int(P, {number})"),
    };
    let alternative = |at: usize| -> Vec<String> { (at..at + 4).map(rule).collect() };
    let alternatives: Vec<String> = (1..=32)
        .step_by(4)
        .map(|at| alternative(at).join(", "))
        .collect();
    let pointer = format!("\"/{}\"", "a".repeat(255));
    format!(
        "check if {};",
        alternatives.join(" or ").replace('P', &pointer)
    )
}

/// Tokens that are admitted, and what they allow.
fn decided() -> Vec<Case> {
    let one = minted(&grant());
    let one = one.expose();
    let narrowed = |words: &[&str]| {
        let caveats: Vec<_> = words.iter().map(|words| words.parse().unwrap()).collect();
        attenuated(one, &caveats).expose().to_owned()
    };
    let tool = narrowed(&["only tools kb.search"]);
    let shorter = narrowed(&["expires before 2026-11-21T09:31:00Z"]);
    let wide = narrowed(&["only tools kb.search, mail.send, tickets.get"]);
    let twice = attenuated(
        narrowed(&["only tools kb.search, ticket.close"]).as_str(),
        &["only tools ticket.close, tickets.get".parse().unwrap()],
    );
    let sealed = UnverifiedToken::parse(&tool).unwrap().seal().unwrap();
    let mut two_services = spec();
    two_services.audiences = set(&["kb", "tickets"]);
    let two_services = minted(&Grant::new(two_services).unwrap());
    let service = attenuated(
        two_services.expose(),
        &["only services kb".parse().unwrap()],
    );
    let mut withheld = spec();
    withheld.tools = BTreeSet::new();
    let withheld = minted(&Grant::new(withheld).unwrap());
    let no_approvals = mint(&grant(), &[], &root(1), &[], next(2)).unwrap();
    let mut bound = spec();
    bound.holder = Some(approver(3).verifying_key());
    bound.needs_approval = BTreeSet::new();
    bound.roles = BTreeSet::new();
    bound.budgets.clear();
    let bound = minted(&Grant::new(bound).unwrap());
    let reordered = forge::reminted(|block| block.facts.reverse());
    let mut elsewhere = case(
        "decide_wrong_environment",
        "A service of another environment.",
        one,
        "deny/wrong_environment",
    );
    elsewhere.call.environment = environment("prod");
    let mut elsewhere_expired = case(
        "decide_environment_before_time",
        "Of another environment and expired: the environment is looked at first.",
        one,
        "deny/wrong_environment",
    )
    .at(900);
    elsewhere_expired.call.environment = environment("prod");
    let mut fraction = case(
        "decide_last_millisecond",
        "Times are compared in whole seconds: 899.999 s is in the last one.",
        one,
        "allow",
    );
    fraction.call.now = hallpass_vocabulary::Timestamp::from_unix_ms(at(899).unix_ms() + 999);
    vec![
        case("decide_granted_tool", "The plainest call.", one, "allow"),
        case(
            "decide_other_granted_tool",
            "Another tool of the grant.",
            one,
            "allow",
        )
        .calling("tickets.get"),
        case(
            "decide_tool_not_granted",
            "A tool in neither set.",
            one,
            "deny/tool_not_granted",
        )
        .calling("mail.send"),
        case(
            "decide_needs_approval",
            "A tool that is callable only with an approval.",
            one,
            "deny/approval_required",
        )
        .calling("ticket.close"),
        case(
            "decide_only_withheld_tools",
            "`tools` is the empty set.",
            withheld.expose(),
            "deny/approval_required",
        )
        .calling("ticket.close"),
        case(
            "decide_empty_tools",
            "Nothing is in the empty set.",
            withheld.expose(),
            "deny/tool_not_granted",
        ),
        case(
            "decide_no_approval_keys",
            "Minted without approval keys: no `trusting`, Datalog 3.0.",
            no_approvals.expose(),
            "allow",
        ),
        case(
            "decide_no_approval_keys_withheld",
            "The tool still needs an approval.",
            no_approvals.expose(),
            "deny/approval_required",
        )
        .calling("ticket.close"),
        case(
            "decide_optional_facts_absent",
            "No role, no budget, nothing needs approval; a holder.",
            bound.expose(),
            "allow",
        ),
        case(
            "decide_facts_reordered",
            "Facts may stand in any order.",
            &reordered,
            "allow",
        ),
        case(
            "decide_wrong_audience",
            "A service the token is not for.",
            one,
            "deny/wrong_audience",
        )
        .of("kb"),
        elsewhere,
        elsewhere_expired,
        case(
            "decide_first_second",
            "Valid from the second it is issued.",
            one,
            "allow",
        )
        .at(0),
        fraction,
        case(
            "decide_expired",
            "`expires` itself is no longer valid.",
            one,
            "deny/token_expired",
        )
        .at(900),
        case(
            "decide_long_expired",
            "A day later.",
            one,
            "deny/token_expired",
        )
        .at(86_400),
        case(
            "decide_issued_60_s_ahead",
            "Issued 60 s in the future: two clocks, 30 s off each.",
            one,
            "allow",
        )
        .at(-60),
        case(
            "decide_issued_61_s_ahead",
            "Issued 61 s in the future.",
            one,
            "deny/token_not_yet_valid",
        )
        .at(-61),
        case(
            "decide_expiry_before_tool",
            "The first failure in order is the answer.",
            one,
            "deny/token_expired",
        )
        .at(900)
        .calling("mail.send"),
        case(
            "caveat_only_tools_inside",
            "The tool is in the caveat and in the grant.",
            &tool,
            "allow",
        ),
        case(
            "caveat_only_tools_outside",
            "Granted, but given up.",
            &tool,
            "deny/caveat_failed",
        )
        .calling("tickets.get"),
        case(
            "caveat_only_tools_does_not_widen",
            "In the caveat, not in the grant.",
            &wide,
            "deny/tool_not_granted",
        )
        .calling("mail.send"),
        case(
            "caveat_only_tools_intersect",
            "Two blocks: only what is in both.",
            twice.expose(),
            "deny/caveat_failed",
        ),
        case(
            "caveat_only_tools_intersect_inside",
            "In both, and still needs an approval.",
            twice.expose(),
            "deny/approval_required",
        )
        .calling("ticket.close"),
        case(
            "caveat_expires_before_in_time",
            "A second before.",
            &shorter,
            "allow",
        )
        .at(59),
        case(
            "caveat_expires_before_end",
            "The moment itself is too late.",
            &shorter,
            "deny/token_expired",
        )
        .at(60),
        case(
            "caveat_only_services_inside",
            "The service that was kept.",
            service.expose(),
            "allow",
        )
        .of("kb"),
        case(
            "caveat_only_services_outside",
            "The service that was given up.",
            service.expose(),
            "deny/wrong_audience",
        ),
        case(
            "caveat_only_services_does_not_widen",
            "Never was for that one.",
            service.expose(),
            "deny/wrong_audience",
        )
        .of("mail"),
        case(
            "sealed_allow",
            "A sealed token is used like an open one.",
            sealed.expose(),
            "allow",
        ),
        case(
            "sealed_deny",
            "And its caveats hold.",
            sealed.expose(),
            "deny/caveat_failed",
        )
        .calling("tickets.get"),
    ]
}

/// Tokens that never get so far.
fn refused() -> Vec<Case> {
    let one = minted(&grant());
    let one = one.expose();
    let appended =
        |name, about, code: &str, expect| case(name, about, &forge::appended(code), expect);
    let reminted = |name, about, change: fn(&mut schema::Block), expect| {
        case(name, about, &forge::reminted(change), expect)
    };
    let integer = |n| schema::Term {
        content: Some(schema::term::Content::Integer(n)),
    };
    let vocabulary = forge::reminted(|block| block.facts[0].predicate.terms = vec![integer(2)]);
    let mut forged = case(
        "signature_of_another_root",
        "Signed by another key.",
        one,
        "malformed/signature_invalid",
    );
    forged.root = root(2).verifying_key();
    let mut flipped = forge::to_bytes(one);
    flipped[60] ^= 1;
    let mut hint = forge::to_schema(one);
    hint.root_key_id = Some(1);
    let mut no_hint = forge::to_schema(one);
    no_hint.root_key_id = None;
    let narrowed = attenuated(one, &["only tools kb.search".parse().unwrap()]);
    let mut cut = forge::to_schema(narrowed.expose());
    cut.blocks.clear();
    let unknown_field = [forge::to_bytes(one).as_slice(), &[0x78, 0x01]].concat();
    let third = forge::third_party(
        one,
        &approver(9),
        r#"approved("r", "t", "a", "i", 2026-11-21T09:31:00Z);"#,
    );
    let mut nine = one.to_owned();
    for _ in 1..BLOCKS_MAX {
        nine = attenuated(&nine, &["only tools kb.search".parse().unwrap()])
            .expose()
            .to_owned();
    }
    let nine = forge::append_raw_to(
        &nine,
        forge::caveat_block("only tools kb.search").encode_to_vec(),
    );
    vec![
        case(
            "form_empty",
            "No text at all.",
            "",
            "malformed/token_malformed",
        ),
        case(
            "form_prefix_only",
            "Nothing after the prefix.",
            "hp1.",
            "malformed/token_malformed",
        ),
        case(
            "form_no_prefix",
            "A bare Biscuit.",
            one.strip_prefix("hp1.").unwrap(),
            "malformed/token_malformed",
        ),
        case(
            "form_padding",
            "Base64url with padding.",
            &format!("{one}="),
            "malformed/token_malformed",
        ),
        case(
            "form_not_protobuf",
            "Bytes that are no protobuf.",
            &forge::to_text(&[0xff; 64]),
            "malformed/token_malformed",
        ),
        case(
            "form_unknown_field",
            "A field Biscuit does not have, which a lenient reader skips.",
            &forge::to_text(&unknown_field),
            "malformed/token_malformed",
        ),
        case(
            "form_no_key_hint",
            "No `root_key_id`.",
            &forge::from_schema(&no_hint),
            "malformed/token_malformed",
        ),
        case(
            "form_too_large",
            "8193 bytes.",
            &forge::to_text(&[0x0a; 8193]),
            "malformed/token_too_large",
        ),
        case(
            "form_nine_blocks",
            "One block too many, each correctly signed.",
            &nine,
            "malformed/token_too_large",
        ),
        forged,
        case(
            "signature_bit_flipped",
            "One bit of the authority block changed.",
            &forge::to_text(&flipped),
            "malformed/signature_invalid",
        ),
        case(
            "signature_block_cut_off",
            "The narrowing block removed.",
            &forge::from_schema(&cut),
            "malformed/signature_invalid",
        ),
        case(
            "signature_other_hint",
            "The unsigned key hint changed.",
            &forge::from_schema(&hint),
            "malformed/signature_invalid",
        ),
        appended(
            "admission_rule",
            "A holder adds a rule.",
            "tools($t) <- needs_approval($t);",
            "malformed/token_not_admitted",
        ),
        appended(
            "admission_planted_tools",
            "A holder states more tools.",
            r#"tools({"mail.send"});"#,
            "malformed/token_not_admitted",
        ),
        appended(
            "admission_planted_time",
            "A holder states the time.",
            "time(2026-11-21T09:30:00Z);",
            "malformed/token_not_admitted",
        ),
        case(
            "admission_reserved_fact",
            "The authority block states the tool of the call.",
            &forge::authority(r#"call:tool("kb.search");"#),
            "malformed/token_not_admitted",
        ),
        case(
            "admission_third_party",
            "A third-party block that is not known.",
            &third,
            "malformed/token_not_admitted",
        ),
        case(
            "vocabulary_2",
            "`hallpass(2)`.",
            &vocabulary,
            "malformed/vocabulary_unsupported",
        ),
        reminted(
            "grant_check_missing",
            "The expiry check is missing.",
            |block| drop(block.checks.remove(0)),
            "malformed/grant_malformed",
        ),
        reminted(
            "grant_check_other",
            "The environment check is there twice, the audience check not at all.",
            |block| block.checks[2] = block.checks[1].clone(),
            "malformed/grant_malformed",
        ),
        reminted(
            "grant_fact_doubled",
            "Two `tenant` facts.",
            |block| block.facts.push(block.facts[3].clone()),
            "malformed/grant_malformed",
        ),
        reminted(
            "grant_fact_missing",
            "No `expires` fact.",
            |block| drop(block.facts.pop()),
            "malformed/grant_malformed",
        ),
        case(
            "grant_empty",
            "An authority block with one fact.",
            &forge::authority("hallpass(1);"),
            "malformed/grant_malformed",
        ),
        appended(
            "caveat_unknown_inclusive",
            "`<=` is in no template.",
            "check if time($t), $t <= 2026-11-21T09:31:00Z;",
            "malformed/caveat_unknown",
        ),
        appended(
            "caveat_unknown_alternative",
            "A template with an alternative is another check.",
            r#"check if call:tool($t), {"kb.search"}.contains($t) or true;"#,
            "malformed/caveat_unknown",
        ),
        appended(
            "caveat_either_longest_texts",
            "Alternatives whose texts have 8,192 bytes together, by one long pointer that stands in each rule.",
            &long_either(r#"call:arg_int(P, 32)"#),
            "deny/caveat_failed",
        ),
        appended(
            "caveat_unknown_either_texts",
            "One byte more.",
            &long_either(r#"call:arg_str(P, "a")"#),
            "malformed/caveat_unknown",
        ),
        appended(
            "caveat_unknown_empty_set",
            "A caveat names at least one tool.",
            "check if call:tool($t), {,}.contains($t);",
            "malformed/caveat_unknown",
        ),
        appended(
            "caveat_unknown_variable",
            "Templates are matched with their variable names.",
            "check if time($x), $x < 2026-11-21T09:31:00Z;",
            "malformed/caveat_unknown",
        ),
        appended(
            "caveat_unknown_reject",
            "`reject if` is in no template.",
            "reject if time($t), $t > 2026-11-21T09:31:00Z;",
            "malformed/caveat_unknown",
        ),
    ]
}

fn cases() -> Vec<Case> {
    let mut cases = decided();
    cases.extend(refused());
    cases
}

/// What this crate says to a case, in the words of the files.
fn answer(token: &str, root: &VerifyingKey, call: &Call) -> String {
    let malformed = |code: hallpass_vocabulary::DenialCode| format!("malformed/{code}");
    let token = match UnverifiedToken::parse(token) {
        Err(error) => return malformed(error.code()),
        Ok(token) => token,
    };
    let token = match token.verify(root) {
        Err(error) => return malformed(error.code()),
        Ok(token) => token,
    };
    match token.admit() {
        Err(error) => malformed(error.code()),
        Ok(token) => match token.decide(&call.facts()) {
            Ok(Clearance::Allow) => "allow".to_owned(),
            Ok(Clearance::NeedsApproval) => "deny/approval_required".to_owned(),
            Err(denial) => format!("deny/{}", denial.code),
        },
    }
}

/// What this crate says to a vector: all there is to a runner.
pub fn answer_to(vector: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let call = &vector["call"];
    let arguments = match Arguments::parse(text(&call["arguments"]).as_bytes()) {
        Ok(arguments) => arguments,
        Err(error) if error.is_too_large() => return "malformed/request_too_large".to_owned(),
        Err(_) => return "malformed/request_malformed".to_owned(),
    };
    let call = Call {
        now: text(&call["now"]).parse().unwrap(),
        audience: text(&call["audience"]).parse().unwrap(),
        environment: text(&call["environment"]).parse().unwrap(),
        tool: text(&call["tool"]).parse().unwrap(),
        arguments,
    };
    let root = text(&vector["root_public_key"]).parse().unwrap();
    answer(&text(&vector["token"]), &root, &call)
}

#[test]
fn every_file_is_answered_as_it_expects() {
    let mut files = 0;
    let mut denials = 0;
    for entry in std::fs::read_dir(directory()).unwrap() {
        let path = entry.unwrap().path();
        let file: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let expect = file["expect"].as_str().unwrap();
        assert_eq!(answer_to(&file), expect, "{}", path.display());
        files += 1;
        denials += usize::from(expect != "allow");
    }
    println!("{files} vectors, {denials} of them denials");
    assert!(files >= 25 && denials * 2 >= files);
}

#[test]
fn the_files_are_the_table() {
    let names: BTreeSet<String> = cases()
        .iter()
        .map(|case| format!("{}.json", case.name))
        .collect();
    let files: BTreeSet<String> = std::fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(files, names);
    for case in cases() {
        let path = directory().join(format!("{}.json", case.name));
        let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(
            file,
            case.to_json(),
            "{}: the format changed; that breaks a promise",
            case.name
        );
    }
}

#[test]
#[ignore = "writes testdata/vectors/token"]
fn write_vectors() {
    std::fs::create_dir_all(directory()).unwrap();
    for case in cases() {
        let path = directory().join(format!("{}.json", case.name));
        let text = serde_json::to_string_pretty(&case.to_json()).unwrap();
        std::fs::write(path, format!("{text}\n")).unwrap();
    }
}
