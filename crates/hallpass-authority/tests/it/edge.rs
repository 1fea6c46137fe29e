//! What every answer has, whoever asked for what; and what can be read about an authority from outside.

use std::collections::BTreeMap;

use crate::fixture::{Home, Running, draft, with};

#[tokio::test]
async fn an_answer_and_the_records_about_it_have_one_id() {
    let home = Home::new();
    let running = home.serve().await;
    let id = |answer: &crate::fixture::Answer| {
        let header = answer.headers["hallpass-request"].to_str().unwrap();
        assert!(header.starts_with("req_"), "{header}");
        header.to_owned()
    };
    let minted = running.mint(&draft()).await;
    let refused = running.mint(&with(draft(), "tenant", "other".into())).await;
    assert_eq!((minted.status, refused.status), (201, 403));
    assert_ne!(id(&minted), id(&refused));
    assert_eq!(refused.json["instance"], id(&refused));
    for path in ["/livez", "/nowhere", "/metrics", "/v1/bundle"] {
        id(&running.get(path).await);
    }
    running.stop().await;
    assert_eq!(home.records_of("mint_refused")[0]["request"], id(&refused));
}

#[tokio::test]
async fn who_it_is_and_where_things_are_can_be_found() {
    let home = Home::new();
    let running = home.serve().await;
    let found = running.get("/.well-known/hallpass").await;
    assert_eq!(found.status, 200);
    assert_eq!(found.json["authority"], "hallpass.test");
    assert_eq!(found.json["environment"], "dev");
    assert_eq!(found.json["token_format"], 1);
    for (name, path) in found.json["endpoints"].as_object().unwrap() {
        let path = path.as_str().unwrap();
        // One that is not for everybody exists too.
        let status = running.get(path).await.status;
        assert!(
            [200, 401, 405].contains(&status),
            "{name}: {path}: {status}"
        );
    }
    running.stop().await;
}

/// The numbers of an exposition by name and labels.
async fn scrape(running: &Running) -> BTreeMap<String, f64> {
    let response = running
        .http
        .get(running.url("/metrics"))
        .send()
        .await
        .unwrap();
    let kind = response.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    let text = response.text().await.unwrap();
    assert!(text.ends_with("# EOF\n"));
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        })
        .collect()
}

#[tokio::test]
async fn what_happens_is_counted_and_names_nobody() {
    let home = Home::new();
    let running = home.serve().await;
    running.mint(&draft()).await;
    running.mint(&draft()).await;
    running
        .mint(&with(draft(), "tenant", "elsewhere".into()))
        .await;
    running.get("/nowhere/at/all").await;
    let numbers = scrape(&running).await;
    let value = |name: &str| {
        let name = format!("hallpass_authority_{name}");
        *numbers
            .get(&name)
            .unwrap_or_else(|| panic!("{name}: {numbers:#?}"))
    };
    assert_eq!(value("mints_total{outcome=\"minted\"}"), 2.0);
    assert_eq!(value("mints_total{outcome=\"tenant_not_allowed\"}"), 1.0);
    assert_eq!(value("mint_duration_seconds_count"), 3.0);
    assert_eq!(value("refusals_total{code=\"not_found\"}"), 1.0);
    assert_eq!(
        value(
            "request_duration_seconds_count{endpoint=\"unmatched\",method=\"GET\",status=\"404\"}"
        ),
        1.0
    );
    assert!(value("bundle_version") > 0.0 && value("connections_total") >= 1.0);
    assert_eq!(value("journal_takes_records"), 1.0);
    assert_eq!(value("store_group_rows_sum"), 2.0);
    let bundle_life = value("bundle_age_seconds") + value("bundle_left_seconds");
    assert_eq!(bundle_life, 7.0 * 24.0 * 60.0 * 60.0);
    for name in numbers.keys() {
        for secret in [
            "acme",
            "elsewhere",
            "alice",
            "demo-orchestrator",
            "run_",
            "tok_",
            "nowhere",
        ] {
            assert!(!name.contains(secret), "{name}");
        }
    }
    running.stop().await;
}
