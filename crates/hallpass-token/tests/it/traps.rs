//! Hostile tokens, correctly signed wherever a signer could have made them: each is refused with a stable code, before
//! anything that could be slow. Named after what they would exploit.

use biscuit_auth::format::schema;
use hallpass_keys::{InvalidKey, VerifyingKey};
use hallpass_token::limits::{BLOCKS_MAX, CHECKS_PER_BLOCK_MAX, SYMBOL_BYTES_MAX, TOKEN_BYTES_MAX};
use hallpass_token::{AdmissionError, AttenuateError, NotAdmitted, UnverifiedToken};
use hallpass_vocabulary::DenialCode;
use prost::Message as _;
use schema::op::Content as Op;
use schema::term::Content as Term;

use crate::fixtures::{approver, attenuated, grant, minted, next, root, verified};
use crate::forge;

/// Parses, verifies and admits; the code of the first refusal.
pub fn refusal(text: &str, root: &VerifyingKey) -> Option<DenialCode> {
    let token = match UnverifiedToken::parse(text) {
        Err(error) => return Some(error.code()),
        Ok(token) => token,
    };
    let token = match token.verify(root) {
        Err(error) => return Some(error.code()),
        Ok(token) => token,
    };
    token.admit().err().map(|error| error.code())
}

fn code_of(text: &str) -> Option<DenialCode> {
    refusal(text, &root(1).verifying_key())
}

fn not_admitted(text: &str) -> NotAdmitted {
    match verified(text).admit() {
        Err(AdmissionError::NotAdmitted { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

pub fn term(content: Term) -> schema::Term {
    schema::Term {
        content: Some(content),
    }
}

/// A check of the published shape with this as its set, in a block with the symbols `t` and `call:tool`.
pub fn set_check(set: schema::Term) -> schema::Check {
    let mut block = forge::caveat_block("only tools kb.search");
    block.checks[0].queries[0].expressions[0].ops[0].content = Some(Op::Value(set));
    block.checks.remove(0)
}

#[test]
fn trap_1_expensive_datalog_of_a_holder_is_an_unknown_caveat() {
    let joins: Vec<String> = (0..12).map(|n| format!("tools($a{n})")).collect();
    let nested = (0..12).fold("true".to_owned(), |inner, n| {
        format!("{{1, 2}}.any($n{n} -> {inner})")
    });
    for code in [
        // Joins.
        format!("check if {};", joins.join(", ")),
        // Closures.
        format!("check if {nested};"),
        // Regular expressions.
        r#"check if call:tool($t), $t.matches("(a|a)*(a|a)*(a|a)*b");"#.to_owned(),
        // Other kinds of check.
        r#"check all call:tool($t), {"kb.search"}.contains($t);"#.to_owned(),
        "reject if time($t), $t > 2026-11-21T09:31:00Z;".to_owned(),
        // Almost a template.
        "check if time($t), $t <= 2026-11-21T09:31:00Z;".to_owned(),
        "check if time($t), 2026-11-21T09:31:00Z > $t;".to_owned(),
        "check if time($x), $x < 2026-11-21T09:31:00Z;".to_owned(),
        "check if time($t), $t < 2026-11-21T09:31:00Z, true;".to_owned(),
        "check if time($t), time($t), $t < 2026-11-21T09:31:00Z;".to_owned(),
        "check if time($t), $t < 2026-11-21T09:31:00Z or true;".to_owned(),
        "check if time($t), $t < 2026-11-21T09:31:00Z trusting previous;".to_owned(),
        r#"check if call:tool($t), {"kb.search"}.contains($t) or call:tool($t);"#.to_owned(),
        r#"check if call:tool($t), {"no verb"}.contains($t);"#.to_owned(),
        r#"check if call:tool($t), {,}.contains($t);"#.to_owned(),
        r#"check if call:tool($t), {1}.contains($t);"#.to_owned(),
        r#"check if call:tool($t), ["kb.search"].contains($t);"#.to_owned(),
        r#"check if call:tool("kb.search");"#.to_owned(),
        r#"check if call:audience($t), {"kb"}.contains($t);"#.to_owned(),
        "check if true;".to_owned(),
        "check if false;".to_owned(),
        "check if time(null);".to_owned(),
    ] {
        let refused = verified(&forge::appended(&code)).admit().map(|_| ());
        assert_eq!(
            refused,
            Err(AdmissionError::CaveatUnknown { block: 1, check: 0 }),
            "{code}"
        );
    }
    // What no text can say: another head than `query()`, and a foreign function's name on a known operator.
    type Change = fn(&mut schema::Rule);
    let changes: [Change; 3] = [
        |query| query.head.name = 0,
        |query| query.head.terms = query.body[0].terms.clone(),
        |query| match &mut query.expressions[0].ops[2].content {
            Some(Op::Binary(binary)) => binary.ffi_name = Some(0),
            other => panic!("{other:?}"),
        },
    ];
    for (position, change) in changes.iter().enumerate() {
        let mut block = forge::caveat_block("only tools kb.search");
        change(&mut block.checks[0].queries[0]);
        let refused = verified(&forge::appended_raw(block.encode_to_vec())).admit();
        assert_eq!(
            refused.map(|_| ()),
            Err(AdmissionError::CaveatUnknown { block: 1, check: 0 }),
            "change {position}"
        );
    }
    // The check that is unknown is named, wherever it stands.
    let later = forge::appended_to(
        attenuated(
            minted(&grant()).expose(),
            &["only tools kb.search".parse().unwrap()],
        )
        .expose(),
        "check if time($t), $t < 2026-11-21T09:31:00Z; check if call:env($e);",
    );
    let refused = verified(&later).admit().map(|_| ());
    assert_eq!(
        refused,
        Err(AdmissionError::CaveatUnknown { block: 2, check: 1 })
    );
}

#[test]
fn trap_1_rules_facts_scopes_and_contexts_are_not_admitted() {
    for (code, reason) in [
        ("loop($x) <- loop($x), tools($x);", NotAdmitted::Rules),
        ("tools({\"ticket.close\"});", NotAdmitted::Facts),
    ] {
        assert_eq!(not_admitted(&forge::appended(code)), reason, "{code}");
    }
    let published = forge::caveat_block("only tools kb.search");
    let changed = |change: fn(&mut schema::Block)| {
        let mut block = published.clone();
        change(&mut block);
        not_admitted(&forge::appended_raw(block.encode_to_vec()))
    };
    let authority_scope = schema::Scope {
        content: Some(schema::scope::Content::ScopeType(0)),
    };
    let mut scoped = published.clone();
    scoped.scope.push(authority_scope);
    assert_eq!(
        not_admitted(&forge::appended_raw(scoped.encode_to_vec())),
        NotAdmitted::Scopes
    );
    assert_eq!(
        changed(|block| block.context = Some("hello".to_owned())),
        NotAdmitted::Context
    );
    assert_eq!(
        changed(|block| block.version = Some(6)),
        NotAdmitted::BlockVersion
    );
    assert_eq!(
        changed(|block| block.version = None),
        NotAdmitted::BlockVersion
    );
    assert_eq!(changed(|block| block.checks.clear()), NotAdmitted::NoChecks);
    assert_eq!(
        changed(|block| {
            block.version = Some(4);
            block.public_keys.push(schema::PublicKey {
                algorithm: 0,
                key: vec![9; 32],
            });
        }),
        NotAdmitted::PublicKeys
    );
    assert_eq!(
        changed(|block| {
            let check = block.checks[0].clone();
            block.checks = vec![check; CHECKS_PER_BLOCK_MAX + 1];
        }),
        NotAdmitted::TooManyChecks
    );
    assert_eq!(
        not_admitted(&forge::reminted(|block| block
            .rules
            .push(schema::Rule::default()))),
        NotAdmitted::Rules
    );
}

#[test]
fn trap_1_symbol_and_key_tables_are_bounded_unique_and_used() {
    let with = |symbols: Vec<String>| {
        let mut block = forge::caveat_block("only tools kb.search");
        block.symbols.extend(symbols);
        not_admitted(&forge::appended_raw(block.encode_to_vec()))
    };
    let many = (0..1_000).map(|n| format!("s{n}")).collect();
    assert_eq!(with(many), NotAdmitted::SymbolsTooMany);
    assert_eq!(
        with(vec!["x".repeat(SYMBOL_BYTES_MAX + 1)]),
        NotAdmitted::SymbolTooLong
    );
    assert_eq!(with(vec!["unused".to_owned()]), NotAdmitted::SymbolUnused);
    assert_eq!(
        with(vec!["time".to_owned()]),
        NotAdmitted::SymbolRepeated,
        "a default symbol"
    );
    assert_eq!(
        with(vec!["kb.search".to_owned()]),
        NotAdmitted::SymbolRepeated,
        "an earlier block's"
    );
    assert_eq!(
        with(vec!["new".to_owned(), "new".to_owned()]),
        NotAdmitted::SymbolRepeated
    );

    let symbol = |number| {
        let set = term(Term::Set(schema::TermSet {
            set: vec![term(Term::String(number))],
        }));
        let mut block = forge::caveat_block("only tools kb.search");
        block.checks = vec![set_check(set)];
        not_admitted(&forge::appended_raw(block.encode_to_vec()))
    };
    for outside in [28, 1023, 5_000, u64::from(u32::MAX), u64::MAX] {
        assert_eq!(symbol(outside), NotAdmitted::SymbolOutOfRange, "{outside}");
    }

    // A key that is acceptable in every other respect.
    let unused = schema::PublicKey {
        algorithm: 0,
        key: root(7).verifying_key().as_bytes().to_vec(),
    };
    let table = |change: &dyn Fn(&mut Vec<schema::PublicKey>)| {
        not_admitted(&forge::reminted(|block| change(&mut block.public_keys)))
    };
    assert_eq!(
        table(&|keys| keys.push(unused.clone())),
        NotAdmitted::PublicKeyTable,
        "unused"
    );
    assert_eq!(
        table(&|keys| keys.push(keys[0].clone())),
        NotAdmitted::PublicKeyTable,
        "doubled"
    );
    assert_eq!(
        table(&|keys| keys[0].algorithm = 1),
        NotAdmitted::PublicKeyTable,
        "P-256"
    );
    assert_eq!(
        table(&|keys| keys[0].key.truncate(31)),
        NotAdmitted::PublicKeyTable,
        "short"
    );
    // Bytes that are no point, and the identity, under which every message has a signature.
    let identity = std::array::from_fn(|position| u8::from(position == 0));
    for (bytes, why) in [
        ([2; 32], InvalidKey::NotAPoint),
        (identity, InvalidKey::Weak),
    ] {
        assert_eq!(VerifyingKey::from_bytes(&bytes), Err(why.clone()));
        let refused = table(&|keys| keys[0].key = bytes.to_vec());
        assert_eq!(
            refused,
            NotAdmitted::PublicKeyTable,
            "no point, or a weak one"
        );
    }
    let out_of_range = forge::reminted(|block| {
        block.checks[4].queries[1].scope[0].content = Some(schema::scope::Content::PublicKey(7));
    });
    assert_eq!(
        not_admitted(&out_of_range),
        NotAdmitted::PublicKeyOutOfRange
    );
}

#[test]
fn trap_1_sets_are_bounded_and_flat() {
    let reason = |set: Vec<schema::Term>| {
        let mut block = forge::caveat_block("only tools kb.search");
        block.checks = vec![set_check(term(Term::Set(schema::TermSet { set })))];
        verified(&forge::appended_raw(block.encode_to_vec()))
            .admit()
            .map(|_| ())
    };
    let refused = |reason| Err(AdmissionError::NotAdmitted { block: 1, reason });
    let unknown = Err(AdmissionError::CaveatUnknown { block: 1, check: 0 });
    let huge = (0..1_000).map(|n| term(Term::Integer(n))).collect();
    assert_eq!(reason(huge), refused(NotAdmitted::SetTooLarge));
    let twice = vec![term(Term::Integer(1)), term(Term::Integer(1))];
    assert_eq!(reason(twice), refused(NotAdmitted::SetElementRepeated));
    let nested = term(Term::Set(schema::TermSet { set: vec![] }));
    assert_eq!(reason(vec![nested]), unknown);
    assert_eq!(reason(vec![term(Term::Variable(1024))]), unknown);
    assert_eq!(
        reason(vec![schema::Term { content: None }]),
        refused(NotAdmitted::Undecodable)
    );
}

#[test]
fn trap_1_deep_nesting_neither_overflows_nor_passes() {
    for depth in [10, 90, 2_000] {
        let deep = (0..depth).fold(term(Term::Integer(1)), |inner, _| {
            term(Term::Array(schema::Array { array: vec![inner] }))
        });
        let mut block = forge::caveat_block("only tools kb.search");
        block.checks = vec![set_check(deep)];
        let bytes = block.encode_to_vec();
        if bytes.len() < 7_000 {
            let code = code_of(&forge::appended_raw(bytes));
            let refused = [DenialCode::CaveatUnknown, DenialCode::TokenNotAdmitted];
            assert!(
                code.is_some_and(|code| refused.contains(&code)),
                "{depth}: {code:?}"
            );
        }
        let closures = (0..depth).fold(
            schema::Op {
                content: Some(Op::Value(term(Term::Bool(true)))),
            },
            |inner, _| schema::Op {
                content: Some(Op::Closure(schema::OpClosure {
                    params: vec![1024],
                    ops: vec![inner],
                })),
            },
        );
        let mut block = forge::caveat_block("only tools kb.search");
        block.checks[0].queries[0].expressions[0].ops = vec![closures];
        let bytes = block.encode_to_vec();
        if bytes.len() < 7_000 {
            assert!(code_of(&forge::appended_raw(bytes)).is_some(), "{depth}");
        }
    }
}

#[test]
fn trap_1_bytes_and_blocks_are_counted_first() {
    let too_long = format!("hp1.{}", "A".repeat(TOKEN_BYTES_MAX * 2));
    assert_eq!(code_of(&too_long), Some(DenialCode::TokenTooLarge));
    let junk = forge::to_text(&vec![0x55; TOKEN_BYTES_MAX + 1]);
    assert_eq!(code_of(&junk), Some(DenialCode::TokenTooLarge));
    assert_eq!(
        code_of(&forge::to_text(&vec![0x55; TOKEN_BYTES_MAX])),
        Some(DenialCode::TokenMalformed)
    );

    let caveat = ["only tools kb.search".parse().unwrap()];
    let mut text = minted(&grant()).expose().to_owned();
    for _ in 1..BLOCKS_MAX {
        text = attenuated(&text, &caveat).expose().to_owned();
    }
    assert_eq!(code_of(&text), None, "{BLOCKS_MAX} blocks are admitted");
    let full = UnverifiedToken::parse(&text).unwrap();
    assert_eq!(
        full.attenuate(&caveat, next(200)).map(|_| ()),
        Err(AttenuateError::TooManyBlocks)
    );
    let payload = forge::caveat_block("only tools kb.search").encode_to_vec();
    let ninth = forge::append_raw_to(&text, payload);
    assert_eq!(code_of(&ninth), Some(DenialCode::TokenTooLarge));
    // Blocks that are not even signed are counted before anything is verified.
    let mut token = forge::to_schema(minted(&grant()).expose());
    token.blocks = vec![schema::SignedBlock::default(); 1_000];
    assert_eq!(
        code_of(&forge::from_schema(&token)),
        Some(DenialCode::TokenTooLarge)
    );
}

#[test]
fn trap_5_a_check_that_would_print_never_reaches_the_engine() {
    let text = forge::appended(r#"check if call:tool($t), $t.extern::print("x");"#);
    assert!(code_of(&text).is_some());
    assert!(hallpass_token::engine::Engine::load(&verified(&text)).is_err());
}

#[test]
fn trap_7_text_of_a_token_is_escaped_and_bounded_in_errors() {
    let name = format!("evil\u{1b}[2J\n{}", "x".repeat(100));
    let text = forge::reminted(|block| {
        let number = 1024 + block.symbols.len() as u64;
        block.symbols.push(name.clone());
        let terms = vec![term(Term::Integer(1))];
        block.facts.push(schema::Fact {
            predicate: schema::Predicate {
                name: number,
                terms,
            },
        });
    });
    let error = verified(&text).admit().map(|_| ()).unwrap_err();
    assert_eq!(error.code(), DenialCode::GrantMalformed);
    let shown = format!("{error} {error:?}");
    assert!(shown.chars().all(|c| !c.is_control()), "{shown}");
    assert!(shown.len() < 400, "{shown}");
}

#[test]
fn trap_8_planted_call_facts_are_refused_wherever_they_stand() {
    for fact in [
        "time(2026-11-21T09:30:00Z)",
        r#"call:tool("kb.search")"#,
        r#"call:audience("tickets")"#,
        r#"call:env("dev")"#,
        r#"call:args("sha256:00")"#,
        r#"call:anything("else")"#,
        r#"approved("r", "t", "a", "i", 2026-11-21T09:31:00Z)"#,
        r#"delegated("agent:sub", hex:00)"#,
        r#"attested("INC-42")"#,
    ] {
        let text = forge::appended(&format!("{fact};"));
        assert_eq!(not_admitted(&text), NotAdmitted::Facts, "{fact}");
        let text = forge::authority(&format!("{fact};"));
        assert_eq!(not_admitted(&text), NotAdmitted::ReservedFact, "{fact}");
    }
}

#[test]
fn trap_8_third_party_blocks_are_not_known_yet() {
    let text = forge::third_party(
        minted(&grant()).expose(),
        &approver(9),
        r#"approved("r", "t", "a", "i", 2026-11-21T09:31:00Z);"#,
    );
    assert_eq!(not_admitted(&text), NotAdmitted::ThirdParty);
}

#[test]
fn trap_11_one_token_has_one_text() {
    let text = minted(&grant());
    let bytes = forge::to_bytes(text.expose());
    // An unknown field, which the library ignores.
    let unknown = [bytes.as_slice(), &[0x78, 0x01]].concat();
    assert_eq!(
        code_of(&forge::to_text(&unknown)),
        Some(DenialCode::TokenMalformed)
    );
    // Padding, white space, the other alphabet, no prefix, a prefix of the wrong case.
    let encoded = text.expose().strip_prefix("hp1.").unwrap();
    for bad in [
        format!("{}=", text.expose()),
        format!(" {}", text.expose()),
        format!("{}\n", text.expose()),
        encoded.to_owned(),
        format!("HP1.{encoded}"),
        format!("hp2.{encoded}"),
        format!("hp1.hp1.{encoded}"),
    ] {
        assert_eq!(code_of(&bad), Some(DenialCode::TokenMalformed), "{bad}");
    }
    // The unsigned hint.
    let mut token = forge::to_schema(text.expose());
    token.root_key_id = Some(1);
    assert_eq!(
        code_of(&forge::from_schema(&token)),
        Some(DenialCode::SignatureInvalid)
    );
    token.root_key_id = None;
    assert_eq!(
        code_of(&forge::from_schema(&token)),
        Some(DenialCode::TokenMalformed)
    );
    // A version written although it is the default.
    let mut token = forge::to_schema(text.expose());
    token.authority.version = Some(0);
    assert_eq!(
        code_of(&forge::from_schema(&token)),
        Some(DenialCode::TokenMalformed)
    );
    // An unknown field inside a block, which its signer can put there.
    let mut payload = forge::caveat_block("only tools kb.search").encode_to_vec();
    payload.extend([0x78, 0x01]);
    assert_eq!(
        not_admitted(&forge::appended_raw(payload)),
        NotAdmitted::NotCanonical
    );
}

#[test]
fn trap_11_other_algorithms_are_malformed() {
    let next =
        biscuit_auth::KeyPair::new_with_algorithm(biscuit_auth::builder::Algorithm::Secp256r1);
    let block = biscuit_auth::builder::BlockBuilder::new()
        .code("check if true;")
        .unwrap();
    let token = forge::biscuit(minted(&grant()).expose())
        .append_with_keypair(&next, block)
        .unwrap();
    assert_eq!(
        code_of(&forge::to_text(&token.to_vec().unwrap())),
        Some(DenialCode::TokenMalformed)
    );
}

#[test]
fn trap_12_a_sealed_token_carries_no_secret() {
    let open = minted(&grant());
    let sealed = UnverifiedToken::parse(open.expose())
        .unwrap()
        .seal()
        .unwrap();
    let token = UnverifiedToken::parse(sealed.expose()).unwrap();
    let caveat = ["only tools kb.search".parse().unwrap()];
    assert_eq!(
        token.attenuate(&caveat, next(9)).map(|_| ()),
        Err(AttenuateError::Sealed)
    );
    assert_eq!(token.seal().map(|_| ()), Err(AttenuateError::Sealed));
    let bytes = forge::to_bytes(sealed.expose());
    assert!(
        !bytes.windows(32).any(|window| window == [2; 32]),
        "the next secret"
    );
    assert!(
        forge::to_bytes(open.expose())
            .windows(32)
            .any(|window| window == [2; 32])
    );
}

#[test]
fn trap_12_debug_of_every_stage_hides_the_token() {
    let text = minted(&grant());
    let unverified = UnverifiedToken::parse(text.expose()).unwrap();
    let shown = format!("{unverified:?} {:?} {text:?}", verified(text.expose()));
    assert!(
        !shown.contains(&hex::encode([2; 32]))
            && !shown.contains("[2, 2")
            && !shown.contains("hp1.C")
    );
    assert!(shown.len() < 400, "{shown}");
}

#[test]
fn trap_14_blocks_are_of_the_version_every_implementation_reads() {
    let version = |payload: &[u8]| schema::Block::decode(payload).unwrap().version;
    let with = forge::to_schema(minted(&grant()).expose());
    assert_eq!(
        version(&with.authority.block),
        Some(4),
        "`trusting` needs Datalog 3.1"
    );
    let without = hallpass_token::mint(&grant(), &[], &root(1), &[], next(2)).unwrap();
    let without = forge::to_schema(without.expose());
    assert_eq!(version(&without.authority.block), Some(3));
    assert_eq!(
        (with.authority.version, without.authority.version),
        (None, None)
    );
    assert_eq!(forge::caveat_block("only tools kb.search").version, Some(3));
}

#[test]
fn other_vocabularies_and_malformed_grants_have_their_codes() {
    let code = |change: fn(&mut schema::Block)| code_of(&forge::reminted(change));
    let malformed = Some(DenialCode::GrantMalformed);
    let vocabulary = |number| {
        forge::reminted(|block| block.facts[0].predicate.terms = vec![term(Term::Integer(number))])
    };
    assert_eq!(
        code_of(&vocabulary(2)),
        Some(DenialCode::VocabularyUnsupported)
    );
    assert_eq!(
        code_of(&vocabulary(0)),
        Some(DenialCode::VocabularyUnsupported)
    );
    // Facts in another order are the same grant.
    assert_eq!(code(|block| block.facts.reverse()), None);
    // Every fact: missing, doubled, of another type, with another term.
    let block = forge::to_schema(minted(&grant()).expose()).authority.block;
    let block = schema::Block::decode(block.as_slice()).unwrap();
    let name = |fact: &schema::Fact| match fact.predicate.name {
        6 => "role".to_owned(),
        number if number < 1024 => "another default".to_owned(),
        number => block.symbols[number as usize - 1024].clone(),
    };
    for (position, fact) in block.facts.iter().enumerate() {
        let optional = ["budget", "role"].contains(&name(fact).as_str());
        let missing = code_of(&forge::reminted(|block| drop(block.facts.remove(position))));
        // Without an optional fact the grant is whole, but the fact's symbols are left over.
        let expected = if optional {
            Some(DenialCode::TokenNotAdmitted)
        } else {
            malformed
        };
        assert_eq!(missing, expected, "fact {position} missing");
        let doubled = code_of(&forge::reminted(|block| {
            block.facts.push(block.facts[position].clone())
        }));
        assert_eq!(doubled, malformed, "fact {position} doubled");
        let typed = forge::reminted(|block| {
            block.facts[position].predicate.terms[0] = term(Term::Bytes(vec![1]));
        });
        let expected = if position == 0 {
            Some(DenialCode::VocabularyUnsupported)
        } else {
            malformed
        };
        assert_eq!(code_of(&typed), expected, "fact {position} of another type");
        let more = forge::reminted(|block| {
            block.facts[position]
                .predicate
                .terms
                .push(term(Term::Integer(1)));
        });
        assert_eq!(
            code_of(&more),
            expected,
            "fact {position} with another term"
        );
    }
    // Every check: missing, doubled, swapped with the next.
    for position in 0..5 {
        let missing = code_of(&forge::reminted(|block| {
            drop(block.checks.remove(position))
        }));
        assert_eq!(missing, malformed, "check {position} missing");
        let doubled = forge::reminted(|block| block.checks.push(block.checks[position].clone()));
        // Behind the five stand caveats, and the first of the five is one: `expires before`.
        let expected = (position > 0).then_some(DenialCode::CaveatUnknown);
        assert_eq!(code_of(&doubled), expected, "check {position} doubled");
        let swapped = forge::reminted(|block| block.checks.swap(position, (position + 1) % 5));
        assert_eq!(code_of(&swapped), malformed, "check {position} swapped");
        let kind = forge::reminted(|block| block.checks[position].kind = Some(1));
        assert_eq!(code_of(&kind), malformed, "check {position} as `check all`");
    }
}

#[test]
fn truncated_blocks_are_refused_at_every_length() {
    let payload = forge::caveat_block("only tools kb.search").encode_to_vec();
    for length in 0..payload.len() {
        let text = forge::appended_raw(payload[..length].to_vec());
        assert!(code_of(&text).is_some(), "{length} bytes");
    }
}
