//! A holder may sign any bytes, and so may whoever has the root key. Every signed one-bit change of a block is refused
//! or means the same to the engine as to us.

use biscuit_auth::format::schema;
use hallpass_token::engine::{Engine, EngineVerdict};
use hallpass_token::{Clearance, VerifiedToken};
use hallpass_vocabulary::DenialCode;
use prost::Message as _;

use crate::fixtures::{Call, at, attenuated, call, grant, minted, verified};
use crate::forge;

/// Calls on both sides of every rule of the fixture's grant and caveats.
fn calls() -> Vec<Call> {
    let mut calls = Vec::new();
    for tool in ["kb.search", "tickets.get", "ticket.close", "mail.send"] {
        for seconds in [10, 59, 60, 899, 900] {
            for audience in ["tickets", "kb"] {
                let mut call = call();
                call.tool = tool.parse().unwrap();
                call.audience = audience.parse().unwrap();
                call.now = at(seconds);
                calls.push(call);
            }
        }
    }
    calls
}

/// Compares both deciders, if the token is admitted at all; whether it was.
fn agree(token: &VerifiedToken, calls: &[Call], what: &str) -> bool {
    let Ok(admitted) = token.admit() else {
        return false;
    };
    let engine = Engine::load(token).unwrap_or_else(|_| panic!("admitted but not loaded: {what}"));
    for call in calls {
        let typed = admitted.decide(&call.facts());
        if typed.is_err_and(|denial| denial.code == DenialCode::TokenNotYetValid) {
            continue;
        }
        let allowed = typed == Ok(Clearance::Allow);
        let expected = if allowed {
            EngineVerdict::Allow
        } else {
            EngineVerdict::Deny
        };
        assert_eq!(
            engine.decide(&call.facts()),
            expected,
            "{what}: {typed:?} {call:?}"
        );
    }
    true
}

#[test]
fn a_holder_gains_nothing_by_signing_changed_bytes() {
    let calls = calls();
    let token = verified(minted(&grant()).expose()).admit().unwrap();
    let allowed_before = |call: &Call| token.decide(&call.facts()) == Ok(Clearance::Allow);
    let mut admitted = 0;
    for words in [
        "only tools kb.search, wiki.read",
        "only services tickets",
        "expires before 2026-11-21T09:31:00Z",
    ] {
        let payload = forge::caveat_block(words).encode_to_vec();
        for position in 0..payload.len() {
            for bit in 0..8 {
                let mut changed = payload.clone();
                changed[position] ^= 1 << bit;
                let what = format!("`{words}`, bit {bit} of byte {position}");
                let token = verified(&forge::appended_raw(changed));
                if agree(&token, &calls, &what) {
                    admitted += 1;
                    let token = token.admit().unwrap();
                    for call in calls.iter().filter(|call| !allowed_before(call)) {
                        assert_ne!(
                            token.decide(&call.facts()),
                            Ok(Clearance::Allow),
                            "{what}: {call:?}"
                        );
                    }
                }
            }
        }
    }
    println!("{admitted} changed caveats are other caveats");
    assert!(
        admitted > 50,
        "some changes make another name or another time"
    );
}

#[test]
fn a_changed_authority_block_is_refused_or_means_the_same_to_both() {
    let calls: Vec<Call> = calls().into_iter().step_by(7).collect();
    let text = attenuated(
        minted(&grant()).expose(),
        &["only tools kb.search".parse().unwrap()],
    );
    let token = forge::to_schema(text.expose());
    let payload = token.authority.block.clone();
    let mut admitted = 0;
    for position in 0..payload.len() {
        // Two bits of each byte; all of them take seconds more in the dev profile.
        for bit in [position % 8, (position + 3) % 8] {
            let mut token = schema::Biscuit {
                blocks: token.blocks.clone(),
                ..token.clone()
            };
            token.authority.block[position] ^= 1 << bit;
            forge::resign_authority(&mut token);
            let what = format!("bit {bit} of byte {position}");
            admitted += usize::from(agree(&verified(&forge::from_schema(&token)), &calls, &what));
        }
    }
    println!("{admitted} changed authority blocks are other grants");
    assert!(admitted > 50, "some changes make another name");
}
