//! The commands of docs/reconcile.md, run as they stand there.

use crate::page;

#[test]
fn the_page_on_reconciling_goes_as_it_says() {
    let lines = page::shell_lines("docs/reconcile.md");
    let page::Said { out, err, all } = page::run(&lines, ["7416", "7417"]);
    for expected in [
        "in order: 0 alarms, 0 faults, 0 notices; 2 calls, 1 allowed, of 1 token",
        "an export: not signed",
        "ALARM never_minted: 1",
        "this is what it looks like",
        "\"kind\":\"never_minted\"",
    ] {
        assert!(out.contains(expected), "`{expected}` is missing\n{all}");
    }
    assert!(!err.contains("error"), "{all}");
}
