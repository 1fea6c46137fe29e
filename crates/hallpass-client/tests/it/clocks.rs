//! The token clock, set by exchanges with an authority.

use std::sync::Arc;
use std::time::Duration;

use hallpass_bundle::{ClockError, Restrictions, Snapshots, Staleness, read_clock};
use hallpass_client::{
    BundleMode, BundleSource, BundleSourceConfig, BundleStatus, RefreshError, Unbelieved,
};
use hallpass_keys::dsse::Envelope;
use hallpass_verifier::TokenClock;
use hallpass_vocabulary::{Clock, ClockBasis, ClockExchange, Impact, Timestamp};

use crate::authority::{Authority, NOW};
use crate::bundles::{last_error, until};
use crate::live::{Answer, Events, Live};

fn off(live: &Live, seconds: i64) -> TokenClock {
    TokenClock::without_journal(Arc::new(live.clock.off_by(seconds)), None)
}

fn often_asking(live: &Live) -> BundleSourceConfig {
    live.offer(|offers| offers.events = Events::No);
    let mut config = live.source();
    config.interval = Duration::from_millis(20);
    config
}

/// How far a clock is from the authority's, in milliseconds.
fn apart(live: &Live, clock: &TokenClock) -> i64 {
    clock.now().unix_ms() - live.clock.now().unix_ms()
}

#[tokio::test]
async fn a_wrong_wall_clock_is_right_before_anything_is_judged_by_it() {
    for seconds in [-86_400, -40, 0, 40, 86_400] {
        let live = Live::start().await;
        let clock = off(&live, seconds);
        let source = BundleSource::start(often_asking(&live), clock.clone())
            .await
            .unwrap();
        assert_eq!(clock.basis(), ClockBasis::Exchange);
        // Both are cut to milliseconds.
        assert!((-2..=2_000).contains(&apart(&live, &clock)), "{seconds}");
        let status = source.status();
        assert_eq!(
            (status.clock, status.mode),
            (ClockBasis::Exchange, BundleMode::Poll)
        );
        assert!(status.heartbeat_age.unwrap() < Duration::from_secs(5));
        assert_eq!(live.asked("clock"), 1);
    }
}

#[tokio::test]
async fn an_answer_that_is_kept_or_late_or_missing_sets_nothing() {
    for answer in [Answer::Kept, Answer::Late, Answer::No] {
        let live = Live::start().await;
        live.offer(|offers| offers.clock = answer);
        let clock = off(&live, 10);
        let source = BundleSource::start(often_asking(&live), clock.clone())
            .await
            .unwrap();
        assert_eq!(clock.basis(), ClockBasis::Wall);
        assert!(apart(&live, &clock) >= 9_000);
        // It goes on by itself, and bundles are believed by it.
        assert!(source.status().version.is_some());
        assert_eq!(live.asked("clock"), 1);
    }
}

#[tokio::test]
async fn a_clock_that_is_not_to_be_set_asks_nobody() {
    let live = Live::start().await;
    let source = BundleSource::start(often_asking(&live), live.clock.clone())
        .await
        .unwrap();
    assert_eq!(source.status().clock, ClockBasis::WallOnly);
    assert_eq!(live.asked("clock"), 0);
}

#[tokio::test]
async fn heartbeats_that_come_late_prove_nothing_and_move_nothing() {
    let live = Live::start().await;
    let clock = off(&live, 0);
    let mut source = BundleSource::start(often_asking(&live), clock.clone())
        .await
        .unwrap();
    let held = source.snapshots().load().unwrap().heartbeat();
    // From now on the authority's heartbeats are ten minutes old, or ten minutes ahead, and signed all the same.
    for seconds in [-600, 600] {
        live.clock_off(seconds);
        let status = until(&mut source, |status| status.last_error.is_some()).await;
        match &*last_error(&status) {
            RefreshError::Refused(hallpass_bundle::BundleError::Frozen { .. }) => {
                assert!(seconds < 0);
            }
            RefreshError::Refused(hallpass_bundle::BundleError::FromTheFuture { .. }) => {
                assert!(seconds > 0);
            }
            other => panic!("{other:?}"),
        }
        let snapshot = source.snapshots().load().unwrap();
        assert!(snapshot.heartbeat().since(held) < Duration::from_secs(60));
        assert!(held.since(snapshot.heartbeat()) < Duration::from_secs(60));
        live.clock_off(0);
        until(&mut source, |status| status.last_error.is_none()).await;
    }
    // Ten seconds ahead is within what a clock that nobody has set may be off, and not within what an exchange shows.
    live.clock_off(10);
    let status = until(&mut source, |status| status.last_error.is_some()).await;
    assert!(matches!(
        *last_error(&status),
        RefreshError::Apart(Unbelieved::Apart { .. })
    ));
}

#[tokio::test]
async fn a_jump_of_the_authoritys_clock_poisons_nobody() {
    let live = Live::start().await;
    let directory = tempfile::tempdir().unwrap();
    // Its clock is twelve hours ahead, and says so to whoever asks.
    live.clock_off(12 * 3_600);
    let clock = off(&live, 0);
    let config = || {
        let config = often_asking(&live);
        config.with_state_directory(directory.path().to_owned())
    };
    let source = BundleSource::start(config(), clock.clone()).await.unwrap();
    let ahead = source.snapshots().load().unwrap();
    assert!(ahead.heartbeat().since(live.clock.now()) > Duration::from_secs(11 * 3_600));
    let fresh = |source: &BundleSource, clock| fresh_now(&source.snapshots(), clock);
    assert!(fresh(&source, &clock));
    drop(source);
    // It is right again. What was saved is from the future, and holds nobody up, and is not fresh by itself.
    live.clock_off(0);
    let clock = off(&live, 0);
    let mut source = BundleSource::start(config(), clock.clone()).await.unwrap();
    let status = until(&mut source, |status| status.last_error.is_none()).await;
    assert_eq!(status.clock, ClockBasis::Exchange);
    assert!(fresh(&source, &clock));
    let held = source.snapshots().load().unwrap();
    assert!(held.heartbeat().since(live.clock.now()) < Duration::from_secs(5));
    // The same while it runs: what is held becomes stale, not fresh for half a day, and is fresh again with the next word.
    live.clock_off(12 * 3_600);
    let now = clock.running().unwrap();
    assert!(clock.exchanged(&ClockExchange::new(live.now(), now, now).unwrap()));
    let snapshots = source.snapshots();
    let until_beat = |beat: Timestamp| {
        let snapshots = Arc::clone(&snapshots);
        move |_: &BundleStatus| snapshots.load().unwrap().heartbeat() >= beat
    };
    until(&mut source, until_beat(live.now())).await;
    live.clock_off(0);
    let now = clock.running().unwrap();
    assert!(clock.exchanged(&ClockExchange::new(live.now(), now, now).unwrap()));
    assert!(!fresh(&source, &clock));
    until(&mut source, |_| fresh_now(&snapshots, &clock)).await;
}

fn fresh_now(snapshots: &Snapshots, clock: &TokenClock) -> bool {
    let held = snapshots.load().unwrap();
    !held.is_stale(Impact::Destructive, &Staleness::STANDARD, clock.now())
}

#[test]
fn the_time_is_read_as_it_is_signed_and_not_otherwise() {
    let authority = Authority::new(1);
    let nonce = [0x0a; 16];
    let good = authority.clock(&"0a".repeat(16), NOW);
    let read = |envelope: &Envelope| read_clock(&envelope.to_json(), &authority.root, &nonce);
    assert_eq!(read(&good), Ok(NOW));
    assert_eq!(
        read(&authority.clock(&"0b".repeat(16), NOW)),
        Err(ClockError::Nonce)
    );
    assert_eq!(
        read(&authority.clock(&"0A".repeat(16), NOW)),
        Err(ClockError::Nonce)
    );
    let strange = Authority::new(40).clock(&"0a".repeat(16), NOW);
    assert!(matches!(read(&strange), Err(ClockError::Signature(_))));
    // A heartbeat is no answer, and neither is one signed by the key of bundles.
    let bundle = authority.bundle(authority.draft(Restrictions::default()), NOW);
    let heartbeat = authority.heartbeat(&bundle, NOW);
    assert!(matches!(read(&heartbeat), Err(ClockError::Signature(_))));
    let payload = good.unverified_payload().to_vec();
    let by_another = Envelope::sign(good.payload_type(), payload, &[&authority.bundle_key]);
    assert!(matches!(
        read(&by_another.unwrap()),
        Err(ClockError::Signature(_))
    ));
    let signed = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut payload = serde_json::from_slice(good.unverified_payload()).unwrap();
        change(&mut payload);
        let payload = payload.to_string().into_bytes();
        Envelope::sign(good.payload_type(), payload, &[&authority.heartbeat_key]).unwrap()
    };
    let ours: [(&str, serde_json::Value); 2] = [
        ("authority", "other.example".into()),
        ("environment", "dev".into()),
    ];
    for (name, value) in ours {
        let other = signed(&|payload| payload[name] = value.clone());
        assert_eq!(read(&other), Err(ClockError::NotOurs), "{name}");
    }
    let malformed: [(&str, serde_json::Value); 4] = [
        ("format", 2.into()),
        ("more", 1.into()),
        ("time", 0.into()),
        ("nonce", 0.into()),
    ];
    for (name, value) in malformed {
        let other = signed(&|payload| payload[name] = value.clone());
        assert_eq!(read(&other), Err(ClockError::Malformed), "{name}");
    }
    assert_eq!(
        read_clock(&[b' '; 10_000], &authority.root, &nonce),
        Err(ClockError::Malformed)
    );
}
