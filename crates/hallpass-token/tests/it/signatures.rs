//! Our verification against the library's: never looser, and stricter only for reasons we can name.

use biscuit_auth::format::SerializedBiscuit;
use hallpass_token::{Malformed, ParseError, UnverifiedToken, VerifyError};

use crate::fixtures::{approver, attenuated, grant, minted, root};
use crate::forge;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ours {
    Accepts,
    RefusesForm(Malformed),
    RefusesHint,
    RefusesSignature,
    TooManyBlocks,
}

fn ours(bytes: &[u8]) -> Ours {
    match UnverifiedToken::parse(&forge::to_text(bytes)) {
        Err(ParseError::Malformed(reason)) => Ours::RefusesForm(reason),
        Err(_) => Ours::TooManyBlocks,
        Ok(token) => match token.verify(&root(1).verifying_key()) {
            Ok(_) => Ours::Accepts,
            Err(VerifyError::KeyHint) => Ours::RefusesHint,
            Err(_) => Ours::RefusesSignature,
        },
    }
}

fn library(bytes: &[u8]) -> bool {
    SerializedBiscuit::from_slice(bytes, forge::biscuit_root()).is_ok()
}

/// Both verdicts on these bytes; whether both accepted.
fn compare(bytes: &[u8], what: &str) -> bool {
    match (ours(bytes), library(bytes)) {
        (Ours::Accepts, accepted) => {
            assert!(accepted, "we accept what the library refuses: {what}");
            true
        }
        (_, false) => false,
        // The key hint is unsigned, unknown fields and other spellings are not covered by a signature: the library
        // accepts them, and so gives one token many spellings.
        (Ours::RefusesHint, true) => false,
        (
            Ours::RefusesForm(
                Malformed::NotCanonical | Malformed::KeyHint | Malformed::SignatureVersion,
            ),
            true,
        ) => false,
        (refusal, true) => panic!("the library accepts what we refuse as {refusal:?}: {what}"),
    }
}

/// Tokens of every shape: one to three blocks, open and sealed, and with a third-party block in between.
fn tokens() -> Vec<(&'static str, Vec<u8>)> {
    let one = minted(&grant());
    let two = attenuated(one.expose(), &["only tools kb.search".parse().unwrap()]);
    let sealed = UnverifiedToken::parse(two.expose())
        .unwrap()
        .seal()
        .unwrap();
    let third = forge::third_party(one.expose(), &approver(9), "approved(\"run\", \"tool\");");
    let after = forge::appended_to(&third, "check if true;");
    vec![
        ("one block", forge::to_bytes(one.expose())),
        ("two blocks", forge::to_bytes(two.expose())),
        ("sealed", forge::to_bytes(sealed.expose())),
        ("third party", forge::to_bytes(&third)),
        ("after a third party", forge::to_bytes(&after)),
    ]
}

#[test]
fn both_accept_every_shape_of_token() {
    for (what, bytes) in tokens() {
        assert!(compare(&bytes, what), "{what}");
    }
}

#[test]
fn no_single_bit_can_change() {
    for (what, bytes) in tokens() {
        for position in 0..bytes.len() {
            // Every bit of the keys and signatures would be slow in the dev profile; two of each byte are enough.
            for bit in [position % 8, (position + 5) % 8] {
                let mut changed = bytes.clone();
                changed[position] ^= 1 << bit;
                assert!(
                    !compare(&changed, what),
                    "{what}: bit {bit} of byte {position}"
                );
            }
        }
    }
}

#[test]
fn no_byte_can_be_missing_or_added() {
    for (what, bytes) in tokens() {
        for length in 0..bytes.len() {
            assert!(!compare(&bytes[..length], what), "{what}: {length} bytes");
        }
        assert!(!compare(&[bytes.as_slice(), &[0]].concat(), what));
    }
}

#[test]
fn blocks_cannot_be_dropped_swapped_doubled_or_transplanted() {
    let one = minted(&grant());
    let two = attenuated(one.expose(), &["only tools kb.search".parse().unwrap()]);
    let three = attenuated(two.expose(), &["only services tickets".parse().unwrap()]);
    let token = forge::to_schema(three.expose());
    let mut changed = Vec::new();
    for position in 0..token.blocks.len() {
        let mut dropped = token.clone();
        dropped.blocks.remove(position);
        changed.push(("dropped", dropped));
        let mut doubled = token.clone();
        doubled
            .blocks
            .insert(position, token.blocks[position].clone());
        changed.push(("doubled", doubled));
    }
    let mut swapped = token.clone();
    swapped.blocks.swap(0, 1);
    changed.push(("swapped", swapped));
    let mut transplanted = token.clone();
    transplanted.proof = forge::to_schema(one.expose()).proof;
    changed.push(("older proof", transplanted));
    let mut transplanted = token.clone();
    transplanted.authority.next_key = token.blocks[0].next_key.clone();
    changed.push(("other next key", transplanted));
    for (what, token) in changed {
        use prost::Message as _;
        assert!(!compare(&token.encode_to_vec(), what), "{what}");
    }
}

#[test]
fn another_root_key_is_refused_even_under_the_same_hint() {
    let mut token = forge::to_schema(minted(&grant()).expose());
    let other = root(2);
    token.root_key_id = Some(other.id().hint());
    let verdict = UnverifiedToken::parse(&forge::from_schema(&token))
        .unwrap()
        .verify(&other.verifying_key())
        .map(|_| ());
    assert_eq!(verdict, Err(VerifyError::Block { block: 0 }));
}

#[test]
fn a_weak_next_key_signs_nothing() {
    let two = attenuated(
        minted(&grant()).expose(),
        &["only tools kb.search".parse().unwrap()],
    );
    let mut token = forge::to_schema(two.expose());
    // The identity point: with S = 0 and R = identity a loose verification accepts every message under it.
    let mut identity = vec![0; 32];
    identity[0] = 1;
    token.authority.next_key.key = identity.clone();
    forge::resign_authority(&mut token);
    token.blocks[0].signature = [identity, vec![0; 32]].concat();
    let verdict = UnverifiedToken::parse(&forge::from_schema(&token))
        .unwrap()
        .verify(&root(1).verifying_key())
        .map(|_| ());
    assert_eq!(verdict, Err(VerifyError::Key { block: 0 }));
}
