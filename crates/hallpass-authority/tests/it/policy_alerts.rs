//! Who is told of a policy that allows more, and that telling holds nothing up.

use std::path::Path;

use serde_json::Value;

use crate::fixture::{Home, Running, SOON};
use crate::policy_reload::rewrite;

fn alerting(home: &Home, command: &[&str]) {
    let path = home.path("authority.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let words: Vec<String> = command.iter().map(|word| format!("{word:?}")).collect();
    let section = format!("\n[alerts]\ncommand = [{}]\n", words.join(", "));
    std::fs::write(&path, text + &section).unwrap();
}

/// A number of `/metrics`; 0 where nothing was counted yet.
async fn number(running: &Running, name: &str) -> u64 {
    let response = running.http.get(running.url("/metrics")).send().await;
    let text = response.unwrap().text().await.unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("hallpass_authority_{name} ")));
    line.map_or(0, |number| number.parse().unwrap())
}

const SENT: &str = "alerts_total{outcome=\"sent\"}";
const LOST: &str = "alerts_total{outcome=\"lost\"}";

async fn until(running: &Running, name: &str, wanted: u64) {
    let end = std::time::Instant::now() + SOON;
    while number(running, name).await != wanted {
        assert!(std::time::Instant::now() < end, "{name} is not {wanted}");
    }
}

fn told(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn the_command_gets_each_widening_as_json_and_no_narrowing() {
    let home = Home::new();
    let file = home.path("told");
    let script = format!("cat >> {0} && echo >> {0}", file.display());
    alerting(&home, &["sh", "-c", &script]);
    let running = home.serve().await;
    rewrite(&home, "\"globex\"", "\"globex\", \"initech\"");
    let by = "op:dana".parse().unwrap();
    let done = running.reloader.reload(Some(by)).await.unwrap();
    until(&running, SENT, 1).await;
    rewrite(&home, ", \"initech\"", "");
    running.reloader.reload(None).await.unwrap();
    let loaded = "policy_loads_total{outcome=\"loaded\"}";
    assert_eq!(number(&running, loaded).await, 3);
    assert_eq!(number(&running, "policy_widenings_total").await, 4);
    running.stop().await;
    // Also at a start that finds another policy.
    rewrite(&home, "\"globex\"", "\"globex\", \"hooli\"");
    let running = home.serve().await;
    until(&running, SENT, 1).await;
    running.stop().await;
    let told = told(&file);
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[0]["kind"], "policy_widened");
    assert_eq!(told[0]["environment"], "dev");
    assert_eq!(told[0]["by"], "op:dana");
    assert_eq!(told[0]["policy"], done.policy.to_string());
    assert_eq!(told[0]["count"], 4);
    assert_eq!(told[0]["widenings"][0], done.widenings[0]);
    assert!(told[1]["widenings"][0].as_str().unwrap().contains("hooli"));
}

#[tokio::test]
async fn commands_that_hang_or_fail_hold_nothing_up_and_are_bounded_in_number() {
    let home = Home::new();
    alerting(&home, &["sleep", "1000"]);
    let running = home.serve().await;
    for n in 0..6 {
        rewrite(&home, "\"globex\"", &format!("\"globex\", \"t{n}\""));
        assert!(running.reloader.reload(None).await.unwrap().changed);
    }
    // Four are running; the others were never started.
    assert_eq!(number(&running, LOST).await, 2);
    running.stop().await;

    for command in [&["false"][..], &["/no/such/program"]] {
        let home = Home::new();
        alerting(&home, command);
        let running = home.serve().await;
        rewrite(&home, "\"globex\"", "\"globex\", \"initech\"");
        assert!(running.reloader.reload(None).await.unwrap().changed);
        until(&running, LOST, 1).await;
        assert_eq!(number(&running, SENT).await, 0);
        running.stop().await;
    }
}
