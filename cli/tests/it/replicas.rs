//! Two authorities on one PostgreSQL: what one knows, the other knows.

use std::time::{Duration, Instant};

use hallpass_client::{BaseUrl, BundleSource, BundleSourceConfig, TokenError};
use hallpass_testkit::eventually;
use hallpass_vocabulary::SystemClock;

use crate::reloading::signal;
use crate::wards::{Answered, BOUND, Ward, assert_known, key, killed_under_load, request};

/// The code of a refusal.
fn code<T: std::fmt::Debug>(answer: Result<T, TokenError>) -> String {
    match answer {
        Err(TokenError::Refused(problem)) => problem.code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_share_runs_keys_and_ends() {
    let ward = Ward::postgres("");
    let (_one, first) = ward.serve("authority");
    let (_two, second) = ward.serve("authority-2");
    let (key, request_of) = (key(), request(None));
    let token = first.request_as(&request_of, &key).await.unwrap();
    let run = token.run_id;
    let answered = Answered {
        key: key.clone(),
        request: request_of,
        token,
    };
    assert_known(&second, std::slice::from_ref(&answered)).await;
    assert_known(&first, std::slice::from_ref(&answered)).await;
    let other = request(Some(run));
    assert_eq!(
        code(second.request_as(&other, &key).await),
        "idempotency_conflict"
    );
    second.end_run(run, None).await.unwrap();
    assert_eq!(code(first.request(&other).await), "run_ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_share_a_limit() {
    let ward = Ward::postgres("\n[limits]\nclient_mints_per_minute = 12\n");
    let (_one, first) = ward.serve("authority");
    let (_two, second) = ward.serve("authority-2");
    let (mut minted, mut refused) = (0, 0);
    for _ in 0..12 {
        for replica in [&first, &second] {
            match replica.request(&request(None)).await {
                Ok(_) => minted += 1,
                Err(TokenError::Refused(problem)) if problem.code == "rate_limited" => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
    }
    // One more for every five seconds the test took.
    assert!(
        (12..=16).contains(&minted),
        "{minted} minted, {refused} refused"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_replica_answered_the_other_knows() {
    let ward = Ward::postgres("\n[limits]\nclient_mints_per_minute = 1000000\n");
    let (_two, survivor) = ward.serve("authority-2");
    for _ in 0..3 {
        let (child, client) = ward.serve("authority");
        let answered = killed_under_load(child, client, 150).await;
        // Nobody has started the killed one again.
        assert_known(&survivor, &answered).await;
    }
}

/// What a verifier of one replica knows of a change that another publishes, and how long that took.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_replica_publishes_the_listeners_of_the_other_know_within_a_second() {
    let ward = Ward::postgres("");
    let (one, _) = ward.serve("authority");
    let mut two = ward.spawn("authority-2");
    let url = two.wait_for_line("listening on ", BOUND);
    let pinned = std::fs::read_to_string(ward.desk.path().join("authority/trust-root.txt"));
    let config = BundleSourceConfig::new(
        BaseUrl::new(&url).unwrap(),
        pinned.unwrap().parse().unwrap(),
    );
    let source = BundleSource::start(config, SystemClock).await.unwrap();
    let snapshots = source.snapshots();
    let known = || snapshots.load().map(|snapshot| *snapshot.policy());
    let policy = ward.desk.path().join("authority/policy/more.toml");
    let mut took = Vec::new();
    for number in 0..5 {
        let before = known();
        std::fs::write(&policy, format!("# {number}\n")).unwrap();
        let started = Instant::now();
        signal(&one, "HUP");
        eventually(BOUND, "the other's listener knows", || known() != before);
        took.push(started.elapsed());
    }
    took.sort_unstable();
    // From the signal to the verifier: reading, recording, publishing and telling. Without news it would be looked for
    // every two seconds.
    assert!(took[2] < Duration::from_secs(1), "{took:?}");
}
