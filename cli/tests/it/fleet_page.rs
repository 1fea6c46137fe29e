//! The commands of docs/fleet.md, run as they stand there.

use crate::page;

#[test]
fn the_page_on_verifiers_goes_as_it_says() {
    let lines = page::shell_lines("docs/fleet.md");
    let page::Said { out, err, all } = page::run(&lines, ["7430", "7431"]);
    for expected in [
        "refused, and recorded",
        "tickets",
        "witnessed   6 records",
        "kept        6 records",
        "tool_not_granted",
        "tickets.get",
        "decided  deny tool_not_granted",
        "state       retired",
    ] {
        assert!(out.contains(expected), "`{expected}` is missing\n{all}");
    }
    assert!(err.contains("decided by verifier"), "{all}");
    // The code goes to its file and nowhere else.
    assert!(!out.contains("hpe_") && !err.contains("hpe_"), "{all}");
}
