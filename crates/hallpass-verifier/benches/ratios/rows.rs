//! The lines of the table.

use base64::Engine as _;
use hallpass_args::{Arguments, ToolCall};
use hallpass_keys::Purpose;
use hallpass_token::{CallFacts, Clearance, TokenText, UnverifiedToken};
use hallpass_verifier::Outcome;
use hallpass_vocabulary::DenialCode;

use crate::paired::Row;
use crate::plain::{OnOurs, Peer};
use crate::service::{self, ARGUMENTS, Service};
use crate::world::{self, NOW};

/// Operations of one measurement, by how long one takes: about a few hundred microseconds each.
const SLOW: usize = 2;
const MEDIUM: usize = 32;
const FAST: usize = 256;

/// Distinct tokens for verifying without the cache: more than both generations of it hold (twice 1,024), so that each
/// is forgotten before its turn comes again.
const DISTINCT_TOKENS: u16 = 2_304;
/// The largest text that is read at all is about 11 KB; this many random bytes make a little less.
const GARBAGE_BYTES: usize = 8_000;

/// Every row, the plain one first.
pub fn all() -> Vec<Row<'static>> {
    let mut rows = plain();
    rows.extend(cold());
    rows.extend(refused());
    rows.extend(warm());
    rows
}

fn plain() -> Vec<Row<'static>> {
    let (one, eight) = (Peer::new(1), Peer::new(8));
    let key = world::key(Purpose::Run, "prod", world::RUN_KEY).verifying_key();
    let ours = OnOurs::new(service::token(1, 5, 0).expose(), key.as_bytes());
    vec![
        peer("plain biscuit-auth, own token, 1 block", move || {
            one.authorize();
        }),
        peer("plain biscuit-auth, own token, 8 blocks", move || {
            eight.authorize();
        }),
        peer("plain biscuit-auth, a Hallpass token, 1 block", move || {
            ours.authorize();
        }),
    ]
}

fn peer(name: &'static str, mut authorize: impl FnMut() + 'static) -> Row<'static> {
    Row::new(name, SLOW, || (), move |()| authorize())
}

fn cold() -> Vec<Row<'static>> {
    let mut rows = vec![
        steps("cold: parse, verify, admit, decide, 1 block", 1),
        steps("cold: the same, 2 blocks", 2),
        steps("cold: the same, 4 blocks", 4),
        steps("cold: the same, 8 blocks", 8),
    ];
    let service = Service::new();
    let tokens: Vec<TokenText> = (0..DISTINCT_TOKENS)
        .map(|number| service::token(1, 5, number))
        .collect();
    let mut next = (0..tokens.len()).cycle();
    rows.push(Row::new(
        "cold: check, each token new to the verifier, 1 block",
        SLOW,
        move || (next.next().unwrap(), service::call("kb.search")),
        move |(token, call)| {
            let checked = service
                .verifier
                .check(Some(tokens[token].expose()), call, NOW);
            assert_eq!(checked.denial(), None);
            checked
        },
    ));
    rows
}

/// The steps of the token crate on one text: there is no cache in it.
fn steps(name: &'static str, blocks: usize) -> Row<'static> {
    let token = service::token(blocks, 5, 0);
    let root = world::key(Purpose::Run, "prod", world::RUN_KEY).verifying_key();
    let (audience, environment) = (world::audience("tickets"), world::env("prod"));
    let (tool, arguments) = (world::tool("kb.search"), Arguments::parse(b"{}").unwrap());
    Row::new(
        name,
        SLOW,
        || (),
        move |()| {
            let facts = CallFacts {
                now: NOW,
                audience: &audience,
                environment: &environment,
                tool: &tool,
                arguments: &arguments,
            };
            let token = UnverifiedToken::parse(token.expose()).unwrap();
            let token = token.verify(&root).unwrap().admit().unwrap();
            assert_eq!(token.decide(&facts), Ok(Clearance::Allow));
        },
    )
}

fn refused() -> Vec<Row<'static>> {
    let mut noise = vec![0; GARBAGE_BYTES];
    let mut state = 1_u64;
    for byte in &mut noise {
        // Any fixed noise will do (Knuth's MMIX generator).
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        *byte = state.to_be_bytes()[0];
    }
    let garbage = format!(
        "hp1.{}",
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(noise)
    );
    vec![
        denied(
            "refused: garbage of 8,000 bytes, check",
            MEDIUM,
            garbage,
            DenialCode::TokenMalformed,
        ),
        denied(
            "refused: a forged signature, check",
            SLOW,
            service::forged().expose().to_owned(),
            DenialCode::SignatureInvalid,
        ),
    ]
}

fn denied(name: &'static str, operations: usize, token: String, code: DenialCode) -> Row<'static> {
    let service = Service::new();
    Row::new(
        name,
        operations,
        || service::call("kb.search"),
        move |call| {
            let checked = service.verifier.check(Some(&token), call, NOW);
            assert_eq!(checked.denial(), Some(code));
            checked
        },
    )
}

fn warm() -> Vec<Row<'static>> {
    vec![
        check("warm: check, 5 tools, 1 block", 1, 5),
        check("warm: check, 64 tools, 1 block", 1, 64),
        check("warm: check, 5 tools, 8 blocks", 8, 5),
        look_at_arguments("warm: check, 10 caveats on arguments, 2 blocks", &TEN),
        look_at_arguments("warm: check, 2 caveats on arguments, 2 blocks", &TWO),
        look_at_arguments(
            "warm: check, the same two as alternatives, 2 blocks",
            &ONE_OF_TWO,
        ),
        Row::new(
            "arguments alone: 200 bytes, 5 members, read and digested",
            FAST,
            || (),
            |()| Arguments::parse(ARGUMENTS).unwrap(),
        ),
        recorded(
            "warm: authorize and record, arguments ready",
            || service::call("kb.search"),
            |service, token, call| Some(service.authorize(token, call)),
        ),
        recorded(
            "warm: authorize and record, arguments read and digested",
            || (),
            |service, token, ()| Some(service.authorize(token, service::call("kb.search"))),
        ),
        recorded(
            "warm: authorize, record, finish, record",
            || service::call("kb.search"),
            |service, token, call| {
                drop(
                    service
                        .authorize(token, call)
                        .finish(Outcome::succeeded(b"{}")),
                );
            },
        ),
        recorded(
            "warm: authorize, denied (tool_not_granted), mostly counted",
            || service::call("ticket.close"),
            |service, token, call| {
                let commit = service.verifier.authorize(Some(token), call);
                let refusal = commit.wait().unwrap_err();
                assert_eq!(refusal.code(), DenialCode::ToolNotGranted);
                refusal
            },
        ),
    ]
}

fn check(name: &'static str, blocks: usize, tools: usize) -> Row<'static> {
    let (service, token) = (Service::new(), service::token(blocks, tools, 0));
    Row::new(
        name,
        FAST,
        || service::call("kb.search"),
        move |call: ToolCall| {
            let checked = service.verifier.check(Some(token.expose()), call, NOW);
            assert_eq!(checked.denial(), None);
            checked
        },
    )
}

/// Ten caveats on arguments, one of each of the common kinds.
const TEN: [&str; 10] = [
    "/limit<=100",
    "/limit>=1",
    "/path under /workspace",
    "/url url domain example.com",
    "/url url scheme https",
    "/mode one of fast, slow",
    "/query length<=200",
    "each /to email domain example.com",
    "/ip within 10.0.0.0/8",
    "only arguments ip, limit, mode, path, query, to, url",
];

const TWO: [&str; 2] = ["/limit<=100", "/mode one of fast, slow"];

/// Of two alternatives the first fails, so that both are looked at.
const ONE_OF_TWO: [&str; 1] = ["either /limit<=9 or /mode one of fast, slow"];

/// Caveats on arguments that the call satisfies.
fn look_at_arguments(name: &'static str, caveats: &[&str]) -> Row<'static> {
    let service = Service::new();
    let token = service::narrowed(caveats);
    let arguments = Arguments::parse(
        br#"{"limit":10,"path":"/workspace/notes/2026/plan.md","url":"https://api.example.com/v1/search",
            "mode":"fast","query":"refund of an order","to":["ada@example.com","bob@example.com"],"ip":"10.1.2.3"}"#,
    )
    .unwrap();
    Row::new(
        name,
        FAST,
        move || ToolCall {
            args: arguments.clone(),
            ..service::call("kb.search")
        },
        move |call: ToolCall| {
            let checked = service.verifier.check(Some(token.expose()), call, NOW);
            assert_eq!(checked.denial(), None);
            checked
        },
    )
}

fn recorded<I: 'static, O: 'static>(
    name: &'static str,
    prepare: impl FnMut() -> I + 'static,
    mut work: impl FnMut(&Service, &str, I) -> O + 'static,
) -> Row<'static> {
    let (service, token) = (Service::new(), service::token(1, 5, 0));
    Row::new(name, FAST, prepare, move |input| {
        work(&service, token.expose(), input)
    })
}
