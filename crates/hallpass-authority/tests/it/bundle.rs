//! What verifiers fetch, believed by their own rules.

use std::time::Duration;

use hallpass_authority::{Authority, ForeignKey, init};
use hallpass_bundle::{HighWater, Snapshot, accept, accept_heartbeat};
use hallpass_vocabulary::Clock as _;

use crate::fixture::{Answer, Home, Running, TestClock, options};

async fn fetch(running: &Running, etag: Option<&str>) -> (Answer, Vec<u8>) {
    let mut request = running.http.get(running.url("/v1/bundle"));
    if let Some(etag) = etag {
        request = request.header("if-none-match", etag);
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.bytes().await.unwrap().to_vec();
    let json = serde_json::from_slice(&body).unwrap_or_default();
    (
        Answer {
            status,
            headers,
            json,
        },
        body,
    )
}

fn believe(home: &Home, body: &[u8], seen: Option<&HighWater>) -> Snapshot {
    accept(body, &home.report.trust_root, seen, home.clock.now()).unwrap()
}

#[tokio::test]
async fn the_bundle_is_believed_under_the_pinned_root() {
    let home = Home::new();
    let running = home.serve().await;
    let (answer, body) = fetch(&running, None).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/json");
    let snapshot = believe(&home, &body, None);
    assert_eq!(snapshot.environment().as_str(), "dev");
    assert_eq!(snapshot.catalogue().len(), 4);
    let key = snapshot.key(home.report.run_key.id().hint()).unwrap();
    assert_eq!(key.key, home.report.run_key);
    let loaded = home.records_of("policy_loaded");
    assert_eq!(
        snapshot.policy().to_string(),
        loaded[0]["digest"].as_str().unwrap()
    );
    running.stop().await;
}

#[tokio::test]
async fn the_heartbeat_beats_every_two_seconds_and_the_tag_follows_it() {
    let home = Home::new();
    let running = home.serve().await;
    let (first, body) = fetch(&running, None).await;
    let tag = first.headers["etag"].to_str().unwrap().to_owned();
    let before = believe(&home, &body, None);

    // However often it is signed meanwhile: it says the same.
    let (unchanged, body) = fetch(&running, Some(&tag)).await;
    assert_eq!((unchanged.status, body.len()), (304, 0));
    assert_eq!(unchanged.headers["etag"].to_str().unwrap(), tag);

    home.clock.advance(Duration::from_secs(2));
    let (beat, body) = fetch(&running, Some(&tag)).await;
    assert_eq!(beat.status, 200);
    let after = believe(&home, &body, Some(before.high_water()));
    assert_eq!(after.version(), before.version());
    assert_eq!(
        after.heartbeat().since(before.heartbeat()),
        Duration::from_secs(2)
    );
    running.stop().await;
}

#[tokio::test]
async fn a_clock_that_goes_back_takes_neither_number_nor_heartbeat_with_it() {
    let home = Home::new();
    let running = home.serve().await;
    let before = believe(&home, &fetch(&running, None).await.1, None);
    home.clock.rewind(Duration::from_secs(10));
    let same = believe(
        &home,
        &fetch(&running, None).await.1,
        Some(before.high_water()),
    );
    assert_eq!(same.heartbeat(), before.heartbeat());
    running.stop().await;
    let running = home.serve().await;
    let after = believe(
        &home,
        &fetch(&running, None).await.1,
        Some(before.high_water()),
    );
    assert!(after.version() > before.version());
    running.stop().await;
}

#[tokio::test]
async fn a_bundle_is_renewed_before_it_expires() {
    let home = Home::new();
    let running = home.serve().await;
    let first = believe(&home, &fetch(&running, None).await.1, None);
    home.clock.advance(Duration::from_secs(6 * 24 * 60 * 60));
    let second = believe(
        &home,
        &fetch(&running, None).await.1,
        Some(first.high_water()),
    );
    assert!(second.version() > first.version());
    assert!(second.expires() > first.expires());
    running.stop().await;
}

#[tokio::test]
async fn a_bundle_that_cannot_be_renewed_yet_goes_on_with_fresh_heartbeats() {
    let home = Home::new();
    let running = home.serve().await;
    let first = believe(&home, &fetch(&running, None).await.1, None);
    std::fs::rename(home.path("bundle"), home.path("away")).unwrap();
    home.clock.advance(Duration::from_secs(4 * 24 * 60 * 60));
    let (answer, body) = fetch(&running, None).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let kept = believe(&home, &body, Some(first.high_water()));
    assert_eq!(kept.version(), first.version());
    assert_eq!(kept.heartbeat(), home.clock.now());

    std::fs::rename(home.path("away"), home.path("bundle")).unwrap();
    home.clock.advance(Duration::from_secs(2));
    let (_, body) = fetch(&running, None).await;
    let renewed = believe(&home, &body, Some(kept.high_water()));
    assert!(renewed.version() > kept.version());

    std::fs::rename(home.path("bundle"), home.path("away")).unwrap();
    home.clock.advance(Duration::from_secs(7 * 24 * 60 * 60));
    let (expired, _) = fetch(&running, None).await;
    assert_eq!(expired.status, 503, "nothing expired is published");
    std::fs::rename(home.path("away"), home.path("bundle")).unwrap();
    running.stop().await;
}

#[tokio::test]
async fn a_sibling_environments_key_is_published_as_its_own() {
    let sibling = Home::new();
    let clock = TestClock::new();
    let parent = tempfile::tempdir().unwrap();
    let mut options = options(&clock);
    options.environment = "prod".parse().unwrap();
    options.foreign_keys = vec![ForeignKey {
        environment: "dev".parse().unwrap(),
        public_key: sibling.report.run_key,
    }];
    let place = parent.path().join("prod");
    let report = init(&place, &options).unwrap();
    let authority = Authority::open(&place, clock.clone()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/bundle", listener.local_addr().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(authority.serve(listener, async move {
        let _ = stopped.await;
    }));
    let body = reqwest::get(url).await.unwrap().bytes().await.unwrap();
    let snapshot = accept(&body, &report.trust_root, None, clock.now()).unwrap();
    let stray = snapshot.key(sibling.report.run_key.id().hint()).unwrap();
    assert_eq!(stray.environment.as_str(), "dev");
    assert_eq!(
        snapshot
            .key(report.run_key.id().hint())
            .unwrap()
            .environment
            .as_str(),
        "prod"
    );
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_damaged_number_stops_the_authority_rather_than_start_over() {
    let home = Home::new();
    home.serve().await.stop().await;
    std::fs::write(home.path("bundle/last.json"), "{}").unwrap();
    let refused = Authority::open(&home.directory, home.clock.clone()).unwrap_err();
    assert!(format!("{refused:?}").contains("Damaged"), "{refused:?}");
}

#[tokio::test]
async fn a_bundle_of_format_2_is_fetched_once_and_its_heartbeats_alone() {
    let home = Home::new();
    let running = home.serve().await;
    let get = async |path: &str, etag: Option<&str>| {
        let mut request = running.http.get(running.url(path));
        if let Some(etag) = etag {
            request = request.header("if-none-match", etag);
        }
        running.send(request).await
    };
    let first = get("/v1/bundle?format=2", None).await;
    let tag = first.headers["etag"].to_str().unwrap().to_owned();
    let body = first.json.to_string();
    let snapshot = believe(&home, body.as_bytes(), None);
    assert_eq!(tag, format!("\"{}\"", snapshot.version()));
    let [dana] = snapshot.operators() else {
        panic!("{:?}", snapshot.operators());
    };
    assert_eq!(dana.operator.as_str(), "op:dana");

    home.clock.advance(Duration::from_secs(10));
    let unchanged = get("/v1/bundle?format=2", Some(&tag)).await;
    assert_eq!((unchanged.status, unchanged.json.is_null()), (304, true));
    let heartbeat = get("/v1/heartbeat", None).await.json.to_string();
    let now = home.clock.now();
    let fresher = accept_heartbeat(&snapshot, heartbeat.as_bytes(), now).unwrap();
    assert_eq!(fresher.age(now), Duration::ZERO);

    std::fs::write(home.path("policy/more.toml"), "# another digest\n").unwrap();
    let reloaded = running.reloader.reload(None).await.unwrap();
    let changed = get("/v1/bundle?format=2", Some(&tag)).await;
    assert_eq!(changed.status, 200);
    let body = changed.json.to_string();
    let snapshot = believe(&home, body.as_bytes(), Some(fresher.high_water()));
    assert_eq!(snapshot.version(), reloaded.bundle_version);
    for bad in ["?format=3", "?format=2&format=2", "?version=1"] {
        let refused = get(&format!("/v1/bundle{bad}"), None).await;
        assert_eq!(refused.code(), "query_malformed", "{bad}");
    }
    running.stop().await;
}
