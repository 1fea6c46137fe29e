//! The commands of docs/policy-tools.md, run as they stand there.

use crate::page;

#[test]
fn the_page_on_policies_goes_as_it_says() {
    let lines = page::shell_lines("docs/policy-tools.md");
    let page::Said { out, err, all } = page::run(&lines, ["7414", "7415"]);
    for expected in [
        "2 hold, 0 failed",
        "in force: sha256:",
        "wider     route `/support/refunds`: it is new",
        "refused, as tested",
        "0 hold, 2 failed",
        "not what is expected",
        "wider     route `/support/refunds`: `ticket.update` may be called without an approval",
        "wider     route `/support/refunds`: it is for further tenants: `globex`",
        "wider than main",
        "/support/refunds  any",
        "ticket.close: callable at once, with arguments that a caveat allows",
        "refused, and why",
        "\"by\":\"op:dev\"",
        "+ deny = [\"kb.search\"]",
        "stays: nothing was minted under the route",
        "would break nothing recorded",
        "0 wider, 2 narrower",
        "calls: 1 the same, 0 otherwise",
        "tokens would have less",
    ] {
        assert!(out.contains(expected), "`{expected}` is missing\n{all}");
    }
    assert!(err.contains("environment dev"), "{all}");
}
