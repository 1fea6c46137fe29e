//! News that are pushed, and what happens when they are not.

use std::time::Duration;

use hallpass_bundle::{Restrictions, Stop};
use hallpass_client::{
    BundleMode, BundleSource, BundleSourceConfig, BundleStatus, RefreshError, StreamError,
};
use hallpass_vocabulary::{StopId, Timestamp};

use crate::authority::{Authority, NOW};
use crate::bundles::{last_error, until};
use crate::live::{Events, Live};

const BEAT: Duration = Duration::from_millis(100);
const SILENCE: Duration = Duration::from_millis(400);

/// A source that asks so rarely that what it knows was pushed.
fn rarely_asking(live: &Live) -> BundleSourceConfig {
    let mut config = live.source();
    config.interval = Duration::from_secs(3_600);
    config.silence = SILENCE;
    config
}

fn often_asking(live: &Live) -> BundleSourceConfig {
    let mut config = rarely_asking(live);
    config.interval = Duration::from_millis(20);
    config
}

pub fn stop_of(selector: &str, issued: Timestamp) -> Stop {
    Stop {
        id: StopId::new(issued, [7; 10]),
        selector: selector.parse().unwrap(),
        issued,
        until: None,
        runs: hallpass_bundle::IdSet::default(),
    }
}

pub fn stopping(selector: &str) -> Restrictions {
    Restrictions {
        stops: vec![stop_of(selector, NOW)],
        ..Restrictions::default()
    }
}

async fn started(live: &Live, config: BundleSourceConfig) -> BundleSource {
    BundleSource::start(config, live.clock.clone())
        .await
        .unwrap()
}

fn pushed(status: &BundleStatus) -> bool {
    status.mode == BundleMode::Push
}

#[tokio::test]
async fn what_is_pushed_is_in_force_without_being_asked_for() {
    let live = Live::start().await;
    live.keep_beating(BEAT);
    let mut source = started(&live, rarely_asking(&live)).await;
    assert_eq!(source.status().mode, BundleMode::Poll);
    let status = until(&mut source, pushed).await;
    assert!(status.since >= NOW && status.last_error.is_none());
    let version = live.restrict(stopping("tenant:acme"), true);
    let status = until(&mut source, |status| status.version == Some(version)).await;
    assert_eq!(status.mode, BundleMode::Push);
    assert_eq!(source.snapshots().load().unwrap().stops().len(), 1);
    assert_eq!((live.asked("bundle"), live.asked("events")), (1, 1));
    // Heartbeats alone keep it fresh.
    let heartbeat = source.snapshots().load().unwrap().heartbeat();
    let snapshots = source.snapshots();
    until(&mut source, |_| {
        snapshots.load().unwrap().heartbeat() > heartbeat
    })
    .await;
    assert_eq!((live.asked("bundle"), live.asked("heartbeat")), (1, 0));
}

#[tokio::test]
async fn a_bundle_that_is_only_named_is_fetched() {
    let live = Live::start().await;
    live.keep_beating(BEAT);
    let mut source = started(&live, rarely_asking(&live)).await;
    until(&mut source, pushed).await;
    let version = live.restrict(stopping("tenant:acme"), false);
    until(&mut source, |status| status.version == Some(version)).await;
    assert_eq!(live.asked("bundle"), 2);
}

#[tokio::test]
async fn where_no_stream_is_offered_heartbeats_are_asked_for() {
    let live = Live::start().await;
    live.offer(|offers| offers.events = Events::No);
    let mut source = started(&live, often_asking(&live)).await;
    until(&mut source, |status| status.attempts > 5).await;
    assert_eq!(live.asked("bundle"), 1);
    assert!(live.asked("heartbeat") >= 4);
    let version = live.restrict(stopping("tenant:acme"), true);
    let status = until(&mut source, |status| status.version == Some(version)).await;
    assert_eq!(status.mode, BundleMode::Poll);
    assert_eq!((live.asked("bundle"), live.asked("events")), (2, 1));
    assert!(status.last_error.is_none());
}

#[tokio::test]
async fn an_older_release_is_asked_for_its_bundle() {
    let live = Live::start().await;
    live.offer(|offers| {
        offers.events = Events::No;
        offers.heartbeat = false;
        offers.clock = crate::live::Answer::No;
    });
    let mut source = started(&live, often_asking(&live)).await;
    let first = source.snapshots().load().unwrap().heartbeat();
    let snapshots = source.snapshots();
    let status = until(&mut source, |_| {
        snapshots.load().unwrap().heartbeat() > first
    })
    .await;
    assert_eq!(status.mode, BundleMode::Poll);
    assert!(status.last_error.is_none());
    // Not asked again and again for what it does not have.
    assert_eq!((live.asked("heartbeat"), live.asked("events")), (1, 1));
}

type Expected = fn(&RefreshError) -> bool;

/// What is wrong with a stream, and how that is reported.
const BROKEN: &[(Events, Expected)] = &[
    (Events::Drip, |error| matches!(error, RefreshError::Silent)),
    (Events::Endless, |error| {
        matches!(error, RefreshError::Stream(StreamError::TooLarge))
    }),
    (Events::Replay, |error| {
        matches!(error, RefreshError::Silent)
    }),
    (Events::Silent, |error| {
        matches!(error, RefreshError::Silent)
    }),
];

#[tokio::test]
async fn a_stream_that_brings_nothing_is_left_and_asking_goes_on() {
    for (kind, expected) in BROKEN {
        let live = Live::start().await;
        live.offer(|offers| offers.events = *kind);
        let mut source = started(&live, often_asking(&live)).await;
        let status = until(&mut source, |status| {
            let error = status.stream_error.as_ref();
            error.is_some_and(|(_, error)| expected(error))
        })
        .await;
        assert!(status.failures >= 1);
        let version = live.restrict(stopping("tenant:acme"), true);
        until(&mut source, |status| status.version == Some(version)).await;
        // It is tried again, and taken when it is good.
        live.offer(|offers| offers.events = Events::Yes);
        live.keep_beating(BEAT);
        until(&mut source, pushed).await;
    }
}

#[tokio::test]
async fn a_stream_that_falls_silent_is_left_for_asking_and_another_is_found() {
    let live = Live::start().await;
    live.keep_beating(BEAT);
    let mut config = often_asking(&live);
    config.silence = Duration::from_secs(2);
    let mut source = started(&live, config).await;
    until(&mut source, pushed).await;
    // Garbage ends it at once; the authority is well, and the next stream comes by itself.
    live.tell("heartbeat", b"{}".to_vec());
    let status = until(&mut source, |status| status.stream_error.is_some()).await;
    let (_, error) = status.stream_error.unwrap();
    assert!(matches!(*error, RefreshError::Refused(_)));
    until(&mut source, pushed).await;
    assert_eq!(live.asked("events"), 2);
}

#[tokio::test]
async fn a_heartbeat_of_a_strange_key_ends_the_stream_and_moves_nothing() {
    let live = Live::start().await;
    live.keep_beating(BEAT);
    let mut source = started(&live, rarely_asking(&live)).await;
    until(&mut source, pushed).await;
    let stranger = Authority::new(50);
    let bundle = stranger.bundle(stranger.draft(stopping("everything")), NOW);
    let published = stranger.publication(&bundle, NOW).to_json().unwrap();
    live.tell("bundle", published);
    let status = until(&mut source, |status| !pushed(status)).await;
    assert!(matches!(*last_error(&status), RefreshError::Refused(_)));
    assert!(source.snapshots().load().unwrap().stops().is_empty());
}

#[tokio::test]
async fn without_an_authority_a_source_is_offline_and_says_since_when() {
    let live = Live::start().await;
    live.offer(|offers| (offers.bundle, offers.events) = (false, Events::No));
    let mut source = started(&live, often_asking(&live)).await;
    let status = source.next_attempt().await;
    assert_eq!((status.mode, status.version), (BundleMode::Offline, None));
    assert!(status.failures >= 1 && status.failures == status.attempts);
    assert!(status.since >= NOW && status.last_success.is_none());
    live.offer(|offers| offers.bundle = true);
    let status = until(&mut source, |status| status.mode == BundleMode::Poll).await;
    assert!(status.version.is_some() && status.heartbeat_age.is_some());
}

#[tokio::test]
async fn what_could_not_be_saved_is_saved_as_soon_as_it_can_be() {
    let live = Live::start().await;
    live.offer(|offers| offers.events = Events::No);
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("later");
    let config = often_asking(&live).with_state_directory(state.clone());
    let mut source = started(&live, config).await;
    let status = until(&mut source, |status| status.attempts > 3).await;
    assert!(matches!(*last_error(&status), RefreshError::Save(_)));
    assert!(status.version.is_some() && status.mode == BundleMode::Poll);
    std::fs::create_dir(&state).unwrap();
    until(&mut source, |status| status.last_error.is_none()).await;
    assert!(state.join("bundle.json").exists());
    assert_eq!(live.asked("bundle"), 1);
}

#[tokio::test]
async fn how_it_goes_can_be_scraped() {
    let live = Live::start().await;
    live.keep_beating(BEAT);
    let mut source = started(&live, rarely_asking(&live)).await;
    let status = until(&mut source, pushed).await;
    let text = status.to_openmetrics();
    for line in [
        "hallpass_bundle_mode{mode=\"push\"} 1",
        "hallpass_bundle_mode{mode=\"poll\"} 0",
        "hallpass_bundle_attempts_total{outcome=\"bad\"} 0",
        "hallpass_token_clock_exchanged 0",
        "hallpass_stop_files{state=\"halt\"} 0",
    ] {
        assert!(text.lines().any(|it| it == line), "{line} in\n{text}");
    }
    let version = format!("hallpass_bundle_version {}", status.version.unwrap());
    assert!(text.contains(&version), "{text}");
    let mut families = 0;
    for line in text.lines().filter(|line| line.starts_with("# TYPE")) {
        families += 1;
        let name = line.split(' ').nth(2).unwrap();
        assert!(text.contains(&format!("# HELP {name} ")), "{name}");
    }
    assert_eq!(families, 7);
}
