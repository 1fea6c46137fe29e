//! The commands of docs/journal.md, run as they stand there.

use crate::page;

#[test]
fn the_page_on_journals_goes_as_it_says() {
    let lines = page::shell_lines("docs/journal.md");
    let page::Said { out, err, all } = page::run(&lines, ["7410", "7411"]);
    for expected in [
        "refused, and recorded",
        "tool_not_granted",
        "the earlier checkpoint agrees",
        "/id=\"T-1001\"",
        "nothing is old enough to go",
        "nothing to erase",
    ] {
        assert!(out.contains(expected), "`{expected}` is missing\n{all}");
    }
    // Three times the journal and once its copy, which was closed before.
    assert_eq!(out.matches("intact: ").count(), 4, "{all}");
    assert!(
        out.contains("intact: 10 records, 10 of them signed"),
        "{all}"
    );
    // The sensitive argument is found by its value, and never said.
    assert!(!out.contains("paid back"), "{all}");
    assert!(!err.contains("error"), "{all}");
}
