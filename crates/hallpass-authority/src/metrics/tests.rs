use std::collections::BTreeMap;

use super::*;

fn state() -> State {
    State {
        bundle_version: 7,
        bundle_age: Duration::from_secs(60),
        bundle_left: Duration::from_secs(600),
        bundle_listeners: 3,
        heartbeat_age: Duration::from_secs(1),
        root_left: Duration::from_secs(700),
        token_key_age: Duration::from_secs(800),
        journal_records: 12,
        journal_signed: 10,
        journal_not_recorded: 0,
        journal_takes_records: true,
        journal_low: false,
        store_behind: false,
    }
}

/// One of everything: what never happened has no line.
fn used() -> Metrics {
    let metrics = Metrics::default();
    metrics.mint_answered(None, Duration::from_millis(3));
    metrics.mint_answered(Some("tools_empty"), Duration::from_millis(1));
    metrics.refused("tools_empty");
    metrics.answered("/v1/tokens", "POST", 201, Duration::from_millis(3));
    metrics.store_groups().observe(5.0);
    metrics.policy_read(Some(2));
    metrics.policy_read(None);
    metrics.alerted(true);
    metrics.alerted(false);
    metrics.checkpoint("witnessed");
    metrics
}

/// Each metric's type, from the exposition.
fn types(text: &str) -> BTreeMap<&str, &str> {
    text.lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|line| line.split_once(' '))
        .collect()
}

#[test]
fn what_is_measured_is_documented_with_its_type_and_unit() {
    let text = used().text(&state());
    assert!(text.ends_with("# EOF\n"), "{text}");
    let page = include_str!("../../../../docs/operations.md");
    let rows: BTreeMap<&str, &str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `hallpass_authority_"))
        .filter_map(|row| row.split_once("` | "))
        .map(|(name, rest)| (name, rest.split(" |").next().unwrap()))
        .collect();
    let found: BTreeMap<&str, &str> = types(&text)
        .into_iter()
        .map(|(name, kind)| (name.strip_prefix("hallpass_authority_").unwrap(), kind))
        .collect();
    assert_eq!(rows, found, "docs/operations.md has another table");
    for line in text.lines().filter_map(|line| line.strip_prefix("# UNIT ")) {
        let (name, unit) = line.split_once(' ').unwrap();
        assert!(
            name.ends_with(unit),
            "{name} is not named by its unit {unit}"
        );
        assert!(["seconds", "rows"].contains(&unit), "{unit}");
    }
    for (name, kind) in found {
        assert_eq!(
            kind == "histogram",
            text.contains(&format!("_{name}_bucket")),
            "{name}"
        );
    }
}

#[test]
fn each_thing_that_happens_moves_its_number() {
    let text = used().text(&state());
    for line in [
        "hallpass_authority_mints_total{outcome=\"minted\"} 1",
        "hallpass_authority_mints_total{outcome=\"tools_empty\"} 1",
        "hallpass_authority_mint_duration_seconds_count 2",
        "hallpass_authority_refusals_total{code=\"tools_empty\"} 1",
        "hallpass_authority_request_duration_seconds_bucket{le=\"0.005\",endpoint=\"/v1/tokens\",method=\"POST\",status=\"201\"} 1",
        "hallpass_authority_store_group_rows_bucket{le=\"8.0\"} 1",
        "hallpass_authority_alerts_total{outcome=\"sent\"} 1",
        "hallpass_authority_alerts_total{outcome=\"lost\"} 1",
        "hallpass_authority_policy_loads_total{outcome=\"loaded\"} 1",
        "hallpass_authority_policy_loads_total{outcome=\"refused\"} 1",
        "hallpass_authority_policy_widenings_total 2",
        "hallpass_authority_bundle_version 7",
        "hallpass_authority_bundle_left_seconds 600",
        "hallpass_authority_root_left_seconds 700",
        "hallpass_authority_token_key_age_seconds 800",
        "hallpass_authority_journal_unsigned_records 2",
        "hallpass_authority_journal_takes_records 1",
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "`{line}` is missing:\n{text}"
        );
    }
}
