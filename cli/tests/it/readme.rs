//! The commands of README.md, run as they stand there.
//!
//! What a reader types once to build is done before the tests; everything after it is run verbatim by one shell in one
//! directory, with the two fixed ports replaced by free ones.

use std::path::Path;

use crate::page::{self, BUILD, shell_lines};

/// Lines that set up the reader's shell; this test's own set-up stands for them.
const SET_UP: [&str; 5] = [
    "cargo run --bin hallpass -- demo",
    "./scripts/test",
    BUILD,
    "export PATH=\"$PWD/target/debug:$PATH\"",
    "mkdir -p /tmp/hallpass-tour && cd /tmp/hallpass-tour",
];

#[test]
fn the_tour_goes_as_it_says() {
    let mut lines = shell_lines("README.md");
    for expected in SET_UP {
        assert!(
            lines.iter().any(|line| line == expected),
            "README.md does not say `{expected}`"
        );
    }
    lines.retain(|line| !SET_UP.contains(&line.as_str()));
    let page::Said { out, err, all } = page::run(&lines, ["7400", "7401"]);
    for expected in [
        "kb.search",
        "How refunds work",
        "refused, as it should be",
        "refused by the caveat on limit",
        "refused by the caveat on tools",
        "caveat_failed",
        "intact",
        "tickets.get {\"id\":\"T-2001\"}: refused: not_found",
    ] {
        assert!(out.contains(expected), "`{expected}` is missing\n{all}");
    }
    for expected in ["tool_not_granted", "given up:", "arguments  /limit<=10"] {
        assert!(err.contains(expected), "`{expected}` is missing\n{all}");
    }
    // A team's first day.
    for expected in [
        "2 hold, 0 failed",
        "wider     route `/support/refunds`: it is new",
        "refused: a person must approve",
        "refused: not for globex",
        "1 hold, 1 failed",
        "not what is expected",
        "wider     route `/support/refunds`: it is for further tenants: `globex`",
        "wider than what is in force",
        "tenant globex, environment dev",
        "policy_loaded          op:dev",
    ] {
        assert!(out.contains(expected), "`{expected}` is missing\n{all}");
    }
    for expected in ["approval_required", "tenant_not_allowed (403)"] {
        assert!(err.contains(expected), "`{expected}` is missing\n{all}");
    }
    // The search within the limit is answered too.
    assert!(out.matches("How refunds work").count() >= 2, "{all}");
}

#[test]
fn the_two_commands_are_the_ones_that_are_checked() {
    let run =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/run")).unwrap();
    assert!(run.contains("./scripts/test"));
    assert!(
        run.contains("cargo build --bin hallpass"),
        "what `cargo run --bin hallpass` builds is built and timed"
    );
}
