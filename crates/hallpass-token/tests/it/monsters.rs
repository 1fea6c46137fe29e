//! The largest hostile tokens there can be, and what it costs to refuse them.

use std::time::{Duration, Instant};

use biscuit_auth::format::schema;
use hallpass_token::limits::{BLOCKS_MAX, TOKEN_BYTES_MAX};
use prost::Message as _;
use schema::op::Content as Op;
use schema::term::Content as Term;

use crate::fixtures::{attenuated, grant, minted, root};
use crate::forge;
use crate::traps::{refusal, set_check, term};

/// Each as large as a token may be.
fn monsters() -> Vec<(&'static str, String)> {
    let base = forge::to_bytes(minted(&grant()).expose()).len();
    let room = TOKEN_BYTES_MAX - base - 200;
    let filled = |piece: &schema::Block, times: usize| {
        let piece = piece.encode_to_vec();
        forge::appended_raw(piece.repeat((room / piece.len()).min(times)))
    };
    let empty_block = schema::Block::default;
    let mut list = vec![
        (
            "empty facts",
            filled(
                &schema::Block {
                    facts: vec![schema::Fact::default()],
                    ..empty_block()
                },
                9_999,
            ),
        ),
        (
            "empty rules",
            filled(
                &schema::Block {
                    rules: vec![schema::Rule::default()],
                    ..empty_block()
                },
                9_999,
            ),
        ),
        (
            "empty checks",
            filled(
                &schema::Block {
                    checks: vec![schema::Check::default()],
                    ..empty_block()
                },
                9_999,
            ),
        ),
        (
            "empty symbols",
            filled(
                &schema::Block {
                    symbols: vec![String::new()],
                    ..empty_block()
                },
                9_999,
            ),
        ),
        (
            "empty scopes",
            filled(
                &schema::Block {
                    scope: vec![schema::Scope::default()],
                    ..empty_block()
                },
                9_999,
            ),
        ),
        ("junk", forge::to_text(&vec![0x0a; TOKEN_BYTES_MAX])),
        ("zeros", forge::to_text(&vec![0; TOKEN_BYTES_MAX])),
    ];
    // One published check whose set, body or expression fills the token.
    let published = forge::caveat_block("only tools kb.search");
    let mut set = published.clone();
    let numbers = (0..room as i64 / 5)
        .map(|n| term(Term::Integer(n)))
        .collect();
    set.checks = vec![set_check(term(Term::Set(schema::TermSet { set: numbers })))];
    list.push(("one set", forge::appended_raw(set.encode_to_vec())));
    let mut body = published.clone();
    let predicate = body.checks[0].queries[0].body[0].clone();
    body.checks[0].queries[0].body = vec![predicate; room / 12];
    list.push(("one body", forge::appended_raw(body.encode_to_vec())));
    let mut steps = published.clone();
    let step = schema::Op {
        content: Some(Op::Value(term(Term::Integer(1)))),
    };
    steps.checks[0].queries[0].expressions[0].ops = vec![step; room / 8];
    list.push(("one expression", forge::appended_raw(steps.encode_to_vec())));
    let mut alternatives = published.clone();
    let query = alternatives.checks[0].queries[0].clone();
    alternatives.checks[0].queries = vec![query.clone(); room / (query.encoded_len() + 3)];
    list.push((
        "alternatives",
        forge::appended_raw(alternatives.encode_to_vec()),
    ));
    let mut symbols = published;
    symbols
        .symbols
        .extend((0..room / 8).map(|n| format!("s{n:04}")));
    list.push(("symbols", forge::appended_raw(symbols.encode_to_vec())));
    // As many blocks as allowed, each with as many symbols and checks as fit.
    let mut blocks = minted(&grant()).expose().to_owned();
    for number in 1..BLOCKS_MAX {
        let tools: Vec<String> = (0..40).map(|n| format!("a{number}.b{n}")).collect();
        let words = format!("only tools {}", tools.join(", "));
        blocks = attenuated(&blocks, &[words.parse().unwrap()])
            .expose()
            .to_owned();
    }
    list.push(("eight full blocks (admitted)", blocks));
    list
}

#[test]
fn any_hostile_8_kib_is_answered_quickly() {
    // What bounds the cost is structure: a linear decode, at most eight signatures, no engine. The clock is only a
    // guard against a runaway; the promised 5 ms are for the release profile on an idle machine.
    let runaway = Duration::from_millis(250);
    let root = root(1).verifying_key();
    for (what, text) in monsters() {
        let mut best = Duration::MAX;
        let mut code = None;
        for _ in 0..3 {
            let start = Instant::now();
            code = refusal(&text, &root);
            best = best.min(start.elapsed());
        }
        println!("{what}: {} characters, {best:?}, {code:?}", text.len());
        assert_eq!(
            code.is_none(),
            what.contains("(admitted)"),
            "{what}: {code:?}"
        );
        assert!(best < runaway, "{what}: {best:?}");
    }
}
