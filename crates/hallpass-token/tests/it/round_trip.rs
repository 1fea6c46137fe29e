//! Mint, attenuate, seal: what comes out is what went in.

use hallpass_token::engine::{Engine, EngineVerdict};
use hallpass_token::{Clearance, UnverifiedToken};

use crate::fixtures::{admitted, attenuated, call, grant, minted, root, verified};

#[test]
fn a_minted_token_is_admitted_with_the_same_grant() {
    let grant = grant();
    let text = minted(&grant);
    let unverified = UnverifiedToken::parse(text.expose()).unwrap();
    assert_eq!(unverified.key_hint(), root(1).id().hint());
    assert_eq!(unverified.to_text().expose(), text.expose());
    let token = admitted(text.expose());
    assert_eq!(*token.grant(), grant);
    assert_eq!(token.caveats(), []);
    assert!(!token.is_sealed());
    assert_eq!(token.decide(&call().facts()), Ok(Clearance::Allow));
}

#[test]
fn caveats_come_back_as_they_went_in() {
    let caveats = [
        "expires before 2026-11-21T09:31:00Z".parse().unwrap(),
        "only services kb, tickets".parse().unwrap(),
        "only tools kb.search, wiki.read".parse().unwrap(),
    ];
    let text = attenuated(minted(&grant()).expose(), &caveats);
    let sealed = UnverifiedToken::parse(text.expose())
        .unwrap()
        .seal()
        .unwrap();
    for text in [&text, &sealed] {
        let token = admitted(text.expose());
        let read: Vec<_> = token
            .caveats()
            .iter()
            .map(|placed| placed.caveat.clone())
            .collect();
        assert_eq!(read, caveats);
        assert_eq!(token.blocks(), 2);
        assert_eq!(token.decide(&call().facts()), Ok(Clearance::Allow));
        assert_eq!(
            Engine::load(&verified(text.expose()))
                .unwrap()
                .decide(&call().facts()),
            EngineVerdict::Allow
        );
    }
    assert!(admitted(sealed.expose()).is_sealed());
}
