//! Many at once: every token that was handed out is on record, and the record is whole.

use std::collections::BTreeSet;
use std::sync::Arc;

use hallpass_journal::verify::verify;

use crate::fixture::{Home, draft, with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_at_once_are_all_recorded() {
    let home = Home::new();
    let running = Arc::new(home.serve().await);
    let callers: Vec<_> = (0..64)
        .map(|_| {
            let running = Arc::clone(&running);
            tokio::spawn(async move {
                let answer = running.mint(&draft()).await;
                assert_eq!(answer.status, 201, "{answer:?}");
                answer.json
            })
        })
        .collect();
    let mut answers = Vec::new();
    for caller in callers {
        answers.push(caller.await.unwrap());
    }
    // A renewal right away finds its run: rows are readable before the answer is sent.
    for answer in &answers {
        let again = running
            .mint(&with(draft(), "run_id", answer["run_id"].clone()))
            .await;
        assert_eq!(again.status, 201, "{again:?}");
    }
    Arc::into_inner(running).unwrap().stop().await;
    let recorded: BTreeSet<String> = home
        .records_of("minted")
        .iter()
        .map(|record| record["token"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(recorded.len(), 128);
    let report = verify(&home.path("journal"), None).unwrap();
    assert_eq!((report.unsigned(), report.torn), (0, None));
    for answer in &answers {
        assert!(recorded.contains(answer["token_id"].as_str().unwrap()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_in_the_middle_loses_nothing_that_was_answered() {
    let home = Home::new();
    let running = home.serve().await;
    let url = running.url("/v1/tokens");
    let (client, secret) = running.basic.clone();
    let (first, mut started) = tokio::sync::mpsc::channel(1);
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (url, client, secret, first) =
                (url.clone(), client.clone(), secret.clone(), first.clone());
            tokio::spawn(async move {
                let http = reqwest::Client::new();
                let mut answered = Vec::new();
                // Until the port closes.
                while let Ok(response) = http
                    .post(&url)
                    .basic_auth(&client, Some(&secret))
                    .json(&draft())
                    .send()
                    .await
                {
                    assert_eq!(response.status().as_u16(), 201);
                    // A head without its body would be an answer cut off.
                    let body: serde_json::Value = response.json().await.unwrap();
                    answered.push(body["token_id"].as_str().unwrap().to_owned());
                    let _ = first.try_send(());
                }
                answered
            })
        })
        .collect();
    started.recv().await.unwrap();
    running.stop().await;
    let recorded: BTreeSet<String> = home
        .records_of("minted")
        .iter()
        .map(|record| record["token"].as_str().unwrap().to_owned())
        .collect();
    let mut answered = 0;
    for caller in callers {
        for token in caller.await.unwrap() {
            assert!(
                recorded.contains(&token),
                "{token} was handed out and is not on record"
            );
            answered += 1;
        }
    }
    assert!(answered > 0);
    assert_eq!(home.records().last().unwrap()["kind"], "closed");
    let report = verify(&home.path("journal"), None).unwrap();
    assert_eq!((report.unsigned(), report.torn), (0, None));
}
