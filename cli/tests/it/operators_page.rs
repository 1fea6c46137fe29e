//! The commands of docs/clients-and-operators.md, run as they stand there.

use crate::page;

#[test]
fn the_page_on_clients_and_operators_goes_as_it_says() {
    let lines = page::shell_lines("docs/clients-and-operators.md");
    let page::Said { out, err, all } = page::run(&lines, ["7412"]);
    for expected in [
        "op:dev",
        "[operators.\"op:lin\"]",
        "roles = [\"auditor\"]",
        "auditor",
        "lin",
        "demo-orchestrator",
        "client demo-orchestrator is disabled",
        "kept out",
        "client demo-orchestrator is enabled",
        "\"change\":\"secret_retired\"",
        "\"person\":\"dev\"",
    ] {
        assert!(out.contains(expected), "`{expected}` is missing\n{all}");
    }
    // Where comes before what; the secret goes to its file and nowhere else.
    assert!(
        err.contains("environment dev, authority dev.hallpass at http://127.0.0.1:"),
        "{all}"
    );
    assert!(!out.contains("hps_") && !err.contains("hps_"), "{all}");
    assert_eq!(err.matches("error:").count(), 1, "{all}");
}
