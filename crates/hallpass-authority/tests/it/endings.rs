//! `POST /v1/runs/{run}/end`, by the run's client.

use serde_json::{Value, json};

use crate::fixture::{Answer, Home, Running, draft, with};

impl Running {
    /// Ends a run as the client of this authority.
    pub async fn end(&self, run: &str, reason: Option<&str>) -> Answer {
        let (client, secret) = &self.basic;
        let mut request = self
            .http
            .post(self.url(&format!("/v1/runs/{run}/end")))
            .basic_auth(client, Some(secret));
        if let Some(reason) = reason {
            request = request.json(&json!({ "reason": reason }));
        }
        self.send(request).await
    }
}

#[tokio::test]
async fn a_run_ends_once_and_is_on_record() {
    let home = Home::new();
    let running = home.serve().await;
    let run = running.mint(&draft()).await.json["run_id"].clone();
    let name = run.as_str().unwrap();
    let ended = running.end(name, Some("solved")).await;
    assert_eq!(ended.status, 200, "{ended:?}");
    assert_eq!(ended.json["run_id"], run);
    home.clock.advance(std::time::Duration::from_secs(60));
    let again = running.end(name, None).await;
    assert_eq!((again.status, &again.json), (200, &ended.json));
    let refused = running.mint(&with(draft(), "run_id", run.clone())).await;
    assert_eq!((refused.status, refused.code()), (403, "run_ended"));
    running.stop().await;
    let records = home.records_of("run_ended");
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["run"], run);
    assert_eq!(records[0]["client"], "demo-orchestrator");
    assert_eq!(records[0]["reason"], "solved");
}

#[tokio::test]
async fn nobody_ends_what_is_not_theirs() {
    let home = Home::new();
    let running = home.serve().await;
    for run in ["run_018f3c1e5b7a7000800000000000002a", "run_1", "x"] {
        let answer = running.end(run, None).await;
        assert_eq!(
            (answer.status, answer.code()),
            (404, "run_unknown"),
            "{run}"
        );
    }
    let run = running.mint(&draft()).await.json["run_id"].clone();
    let stranger = running
        .http
        .post(running.url(&format!("/v1/runs/{}/end", run.as_str().unwrap())));
    let answer = running.send(stranger).await;
    assert_eq!((answer.status, answer.code()), (401, "client_unauthorized"));
    let again = running.mint(&with(draft(), "run_id", run)).await;
    assert_eq!(again.status, 201, "{again:?}");
    running.stop().await;
    assert!(home.records_of("run_ended").is_empty());
}

#[tokio::test]
async fn a_body_that_is_no_reason_is_told_with_its_place() {
    let home = Home::new();
    let running = home.serve().await;
    let run = running.mint(&draft()).await.json["run_id"].clone();
    let path = running.url(&format!("/v1/runs/{}/end", run.as_str().unwrap()));
    let (client, secret) = running.basic.clone();
    let post = || running.http.post(&path).basic_auth(&client, Some(&secret));
    for (body, pointer) in [
        (json!([]), ""),
        (json!({"why": "x"}), "/why"),
        (json!({"reason": ""}), "/reason"),
        (json!({"reason": Value::Null}), "/reason"),
    ] {
        let answer = running.send(post().json(&body)).await;
        assert_eq!(
            (answer.status, answer.code()),
            (400, "body_malformed"),
            "{body}"
        );
        assert_eq!(answer.json["pointer"], pointer);
    }
    let text = post().header("content-type", "text/plain").body("done");
    assert_eq!(running.send(text).await.code(), "media_type_unsupported");
    running.stop().await;
}
