//! The extended profile of a service: other checks and a Datalog policy, decided on threads of the verifier's.

use std::pin::pin;
use std::task::{Context, Poll, Wake, Waker};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use biscuit_auth::builder::{Algorithm, BlockBuilder};
use biscuit_auth::{Biscuit, PublicKey};
use hallpass_args::{Arguments, ToolCall};
use hallpass_keys::Purpose;
use hallpass_token::TokenText;
use hallpass_verifier::{DatalogPolicy, Outcome, Permit, Refusal};
use hallpass_vocabulary::DenialCode;

use crate::world::*;

/// A token with a block that the Biscuit library wrote.
fn with_block(token: &TokenText, code: &str) -> String {
    let bytes = URL_SAFE_NO_PAD.decode(&token.expose()[4..]).unwrap();
    let root = key(Purpose::Run, "prod", RUN_KEY).verifying_key();
    let root = PublicKey::from_bytes(root.as_bytes(), Algorithm::Ed25519).unwrap();
    let block = BlockBuilder::new().code(code).unwrap();
    let token = Biscuit::from(bytes, root).unwrap().append(block).unwrap();
    format!("hp1.{}", URL_SAFE_NO_PAD.encode(token.to_vec().unwrap()))
}

fn limited() -> String {
    with_block(
        &token(|_| ()),
        r#"check if call:arg_int("/limit", $n), $n > 5, $n !== 7;"#,
    )
}

fn search(arguments: &str) -> ToolCall {
    ToolCall {
        args: Arguments::parse(arguments.as_bytes()).unwrap(),
        ..call("kb.search")
    }
}

/// Drives a decision as an async runtime would, on this thread.
fn driven(
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<Result<Permit, Refusal>>,
) -> Result<Permit, Refusal> {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(std::sync::Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match poll(&mut context) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[test]
fn other_checks_are_decided_where_they_are_taken_and_refused_elsewhere() {
    let (standard, extended) = (World::new(), World::extended(None));
    let token = limited();
    assert_eq!(
        standard.denial(&token, "kb.search"),
        DenialCode::CaveatUnknown
    );
    let ask = |arguments| {
        extended
            .verifier
            .authorize(Some(&token), search(arguments))
            .wait()
    };
    drop(
        ask(r#"{"limit":6}"#)
            .unwrap()
            .finish(Outcome::succeeded(b"{}")),
    );
    let refusal = ask(r#"{"limit":7}"#).unwrap_err();
    assert_eq!(refusal.code(), DenialCode::CaveatFailed);
    assert_eq!(
        refusal.detail(),
        Some(r#"block 1 of the token has `check if call:arg_int("/limit", $n), $n > 5, $n !== 7`"#)
    );
    // Both decisions are on record, as any.
    let records = extended.records();
    let decided = of_kind(&records, "decided");
    assert_eq!(decided[0]["verdict"], "allow");
    assert_eq!(decided[1]["code"], "caveat_failed");
}

#[test]
fn a_policy_of_the_service_denies_with_its_own_code() {
    let policy = DatalogPolicy::parse(
        r#"deny if call:arg_int("/limit", $n), $n > 100; allow if call:tool("kb.search");"#,
        ["/limit".parse().unwrap()],
    );
    let world = World::extended(Some(policy.unwrap()));
    let token = token(|_| ());
    let code = |call| {
        let answer = world.verifier.authorize(Some(token.expose()), call).wait();
        answer.map(drop).map_err(|refusal| refusal.code())
    };
    assert_eq!(code(search(r#"{"limit":100}"#)), Ok(()));
    assert_eq!(
        code(search(r#"{"limit":101}"#)),
        Err(DenialCode::PolicyDenied)
    );
    assert_eq!(code(call("tickets.get")), Err(DenialCode::PolicyDenied));
    // What the token does not grant is denied before the policy is asked.
    assert_eq!(code(call("ticket.merge")), Err(DenialCode::ToolUnknown));
    // An approval that is missing is noticed after it.
    assert_eq!(code(call("ticket.close")), Err(DenialCode::PolicyDenied));
}

/// docs/extended-profile.md says so: what has no fact is not denied, and not allowed either.
#[test]
fn what_a_policy_says_of_an_argument_it_says_of_arguments_that_have_the_fact() {
    let token = token(|_| ());
    let codes = |policy: &str| {
        let policy = DatalogPolicy::parse(policy, ["/limit".parse().unwrap()]);
        let world = World::extended(Some(policy.unwrap()));
        let arguments = [
            r#"{"limit":100}"#,
            r#"{"limit":101}"#,
            r#"{"limit":100.5}"#,
            r#"{"limit":"500"}"#,
            r#"{"limit":500,"LIMIT":1}"#,
            "{}",
        ];
        let allowed = arguments.map(|arguments| {
            let call = search(arguments);
            let answer = world.verifier.authorize(Some(token.expose()), call).wait();
            answer.is_ok()
        });
        allowed.to_vec()
    };
    assert_eq!(
        codes(r#"allow if call:arg_int("/limit", $n), $n <= 100;"#),
        [true, false, false, false, false, false]
    );
    assert_eq!(
        codes(r#"deny if call:arg_int("/limit", $n), $n > 100; allow if true;"#),
        [true, false, true, true, true, true]
    );
}

#[test]
fn the_engine_runs_on_a_thread_of_its_own() {
    let world = World::extended(None);
    let (token, plain) = (limited(), token(|_| ()));
    let poll = |token: &str, arguments| {
        let mut decision = pin!(world.verifier.authorize(Some(token), search(arguments)));
        let mut polls = 0;
        let answer = driven(|context| {
            polls += 1;
            decision.as_mut().poll(context)
        });
        answer.map(|permit| {
            drop(permit.finish(Outcome::succeeded(b"{}")));
            polls
        })
    };
    assert!(poll(&token, r#"{"limit":6}"#).is_ok());
    let refusal = poll(&token, r#"{"limit":5}"#).unwrap_err();
    assert_eq!(refusal.code(), DenialCode::CaveatFailed);
    // A token of published caveats needs no engine, so it waits for no thread.
    assert_eq!(poll(plain.expose(), "{}").ok(), Some(1));
}

#[test]
fn more_than_the_threads_can_do_is_overloaded_and_passes() {
    let world = World::extended(None);
    let token = with_block(
        &token(|_| ()),
        r#"check if call:item_int("/n", $a), call:item_int("/n", $b), call:item_int("/n", $c), $a > $b, $b > $c, $a < $c;"#,
    );
    let numbers: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    let slow = format!(r#"{{"n":[{}]}}"#, numbers.join(","));
    let pending: Vec<_> = (0..300)
        .map(|_| world.verifier.authorize(Some(&token), search(&slow)))
        .collect();
    let mut codes: Vec<DenialCode> = pending
        .into_iter()
        .map(|decision| decision.wait().unwrap_err().code())
        .collect();
    let overloaded = codes.iter().filter(|code| **code == DenialCode::Overloaded);
    println!("{} of 300 overloaded", overloaded.count());
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes, [DenialCode::CaveatFailed, DenialCode::Overloaded]);
    let refusal = world.verifier.authorize(Some(&token), search(&slow)).wait();
    assert_eq!(refusal.unwrap_err().code(), DenialCode::CaveatFailed);
}

#[test]
fn a_verifier_that_is_dropped_lets_its_threads_go() {
    let threads = || std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
    if threads() == 0 {
        return; // Not a system that tells.
    }
    let engines = || {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        let names = tasks
            .filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok());
        names
            .filter(|name| name.starts_with("hallpass-engine"))
            .count()
    };
    let world = World::extended(None);
    let bound = std::time::Duration::from_secs(30);
    hallpass_testkit::eventually(bound, "the threads are there", || engines() >= 2);
    drop(world);
    // Other tests have some of their own; they go too.
    hallpass_testkit::eventually(bound, "the threads end", || engines() == 0);
}
