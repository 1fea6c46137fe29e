//! What a remembered token is still asked on every call.

use std::time::Duration;

use hallpass_bundle::KeyState;
use hallpass_vocabulary::DenialCode;

use crate::world::*;

#[test]
fn a_remembered_token_expires_all_the_same() {
    let world = World::new();
    let text = token(|_| ());
    assert!(world.call(text.expose(), "kb.search").is_ok());
    world.clock.set(NOW.after(Duration::from_secs(600)));
    assert_eq!(
        world.denial(text.expose(), "kb.search"),
        DenialCode::TokenExpired
    );
}

#[test]
fn a_remembered_token_falls_with_its_key() {
    let world = World::new();
    let text = token(|_| ());
    assert!(world.call(text.expose(), "kb.search").is_ok());
    let later = NOW.after(Duration::from_secs(1));
    world.snapshots.publish(snapshot(later, KeyState::Retiring));
    assert!(world.call(text.expose(), "kb.search").is_ok());
    let later = NOW.after(Duration::from_secs(2));
    world.snapshots.publish(snapshot(later, KeyState::Tainted));
    assert_eq!(
        world.denial(text.expose(), "kb.search"),
        DenialCode::KeyTainted
    );
}

#[test]
fn a_remembered_token_does_not_widen_to_other_calls() {
    let world = World::new();
    let text = token(|_| ());
    assert!(world.call(text.expose(), "kb.search").is_ok());
    assert_eq!(
        world.denial(text.expose(), "mail.send"),
        DenialCode::ToolUnknown
    );
    let mut almost = text.expose().to_owned();
    almost.pop();
    assert_eq!(
        world.denial(&almost, "kb.search"),
        DenialCode::TokenMalformed
    );
}

#[test]
fn setting_the_clock_back_gives_no_second_life() {
    let world = World::new();
    let text = token(|_| ());
    world.clock.set(NOW.after(Duration::from_secs(601)));
    assert_eq!(
        world.denial(text.expose(), "kb.search"),
        DenialCode::TokenExpired
    );
    world.clock.set(NOW);
    assert_eq!(
        world.denial(text.expose(), "kb.search"),
        DenialCode::TokenExpired
    );
}

#[test]
fn setting_the_clock_back_lengthens_no_life() {
    let world = World::new();
    let text = token(|_| ());
    assert!(world.call(text.expose(), "kb.search").is_ok());
    world
        .clock
        .set(hallpass_vocabulary::Timestamp::from_unix_ms(0));
    world.clock.advance(Duration::from_secs(599));
    assert!(world.call(text.expose(), "kb.search").is_ok());
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(
        world.denial(text.expose(), "kb.search"),
        DenialCode::TokenExpired
    );
}
