//! `--policy FILE`: the rules of the file in this folder, and a file that is none.

use hallpass_client::ToolClient;
use hallpass_testkit::eventually;

use crate::live::{Live, SOON, ask};
use crate::world::{decided, records};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/service-policy.toml");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rules_of_the_example_file_are_in_force() {
    let live = Live::start().await;
    let state = live.state("tickets");
    let (child, url) = live.program_with(&state, &["--policy", EXAMPLE]);
    let draft = live.mint("/support/draft", "agent:support-bot").await;
    let triage = live.mint("/ops/triage", "agent:triage-1").await;
    let tools = ToolClient::new().unwrap();
    let search = r#"{"query":"refund","limit":10}"#;
    let (long_page, no_page) = (r#"{"query":"refund","limit":11}"#, r#"{"query":"refund"}"#);
    let update = r#"{"id":"T-1001","status":"pending","note":"asked the customer"}"#;
    let no_note = r#"{"id":"T-1001","status":"open"}"#;
    let close = r#"{"id":"T-1001","reason":"done"}"#;
    let mut denied = Vec::new();
    for (token, call, rule) in [
        (&draft, ("kb.search", search), None),
        (&draft, ("kb.search", long_page), Some("small-pages")),
        (&draft, ("kb.search", no_page), Some("small-pages")),
        (&triage, ("ticket.update", update), None),
        (&triage, ("ticket.update", no_note), Some("updates-say-why")),
        (&triage, ("ticket.close", close), Some("only-leads-close")),
    ] {
        let answer = ask(&tools, &url, token, call).await.unwrap();
        let expected = if rule.is_some() { 403 } else { 200 };
        assert_eq!(answer.status, expected, "{call:?}: {answer:?}");
        denied.extend(rule.map(|rule| (answer.decision.unwrap().to_string(), rule)));
    }
    // Denials are not waited for: they come a moment after the answer.
    let journal = state.join("journal");
    eventually(SOON, "every denial on record", || {
        let records = records(&journal);
        let on_record =
            |decision: &String| records.iter().any(|record| record["decision"] == *decision);
        denied.iter().all(|(decision, _)| on_record(decision))
    });
    drop(child);
    let records = records(&journal);
    for (decision, rule) in denied {
        let record = decided(&records, &decision);
        assert_eq!(record["code"], "policy_denied");
        let detail = record["detail"].as_str().unwrap();
        assert!(detail.starts_with(&format!("rule `{rule}` ")), "{detail}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_rules_the_service_does_not_start() {
    let live = Live::start().await;
    let state = live.state("tickets");
    let file = live.directory.path().join("rules.toml");
    let good = std::fs::read_to_string(EXAMPLE).unwrap();
    std::fs::write(&file, good.replace("except_roles", "except_role")).unwrap();
    for (path, told) in [
        (file.as_path(), "except_role = [\"lead\"]"),
        (
            std::path::Path::new("/nowhere/rules.toml"),
            "cannot read `/nowhere/rules.toml`",
        ),
    ] {
        let mut command = live.command(&state);
        let output = command.arg("--policy").arg(path).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(told), "{said}");
    }
}
