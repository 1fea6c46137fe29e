//! The commands of docs/stops.md, run as they stand there.

use crate::page;

#[test]
fn the_page_on_stops_goes_as_it_says() {
    let lines = page::shell_lines("docs/stops.md");
    let page::Said { out, err, all } = page::run(&lines, ["7418", "7419"]);
    for expected in [
        "stopped: tool:tickets.get (stop_",
        "authority: mints and renews nothing of it since ",
        "live tokens hit: 1 of 1 runs",
        "verifiers: none has enrolled, so none is known to have it",
        "INC-42: it shows tickets of others",
        "resumed: tool:tickets.get (stop_",
        "stopped: tenant:acme (stop_",
        "nothing is minted",
        "pending: tenant:acme is stopped until another person asks too",
        "one is not enough",
        "resumed: tenant:acme (stop_",
        "stay refused: runs renew",
        "revoked: tok_",
        "its run goes on: hallpass stop run:run_",
        "signed: actor:agent:support-bot (stop_",
        "\"selector\":\"tenant:acme\"",
        "\"by\":[\"op:dev\",\"op:lin\"]",
        "\"reason\":\"it was in a log\"",
    ] {
        assert!(out.contains(expected), "`{expected}` is missing\n{all}");
    }
    // Where comes before what, also where nobody is asked.
    assert!(
        err.contains("environment dev, authority dev.hallpass at http://127.0.0.1:"),
        "{all}"
    );
    assert!(
        err.contains("environment dev, authority dev.hallpass, key "),
        "{all}"
    );
}
