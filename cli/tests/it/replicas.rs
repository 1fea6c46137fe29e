//! Two authorities on one PostgreSQL: what one knows, the other knows.

use hallpass_client::TokenError;

use crate::wards::{Answered, Ward, assert_known, key, killed_under_load, request};

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
