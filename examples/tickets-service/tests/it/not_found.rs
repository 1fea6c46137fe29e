//! What does not exist and what is another tenant's cannot be told apart from outside.

use crate::http::{Answer, call};
use crate::world::{World, decided, token, token_with};

/// Everything a caller sees, with the decision id (which differs for every call) taken out.
fn visible(answer: &Answer) -> String {
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    headers.sort();
    let all = format!(
        "{}\n{}\n\n{}",
        answer.status,
        headers.join("\n"),
        answer.body
    );
    all.replace(&answer.decision(), "dec_")
}

#[tokio::test]
async fn absent_and_foreign_rows_read_alike_to_the_letter() {
    let world = World::new();
    let token = token_with(|grant| {
        grant.tools.append(&mut grant.needs_approval);
    });
    for (tool, more) in [
        ("tickets.get", ""),
        ("ticket.update", r#","status":"open""#),
        ("ticket.close", r#","reason":"done""#),
    ] {
        let ask = |id: &str| {
            call(tool)
                .token(&token)
                .body(format!(r#"{{"id":"{id}"{more}}}"#))
        };
        let absent = world.send(ask("T-9999")).await;
        let foreign = world.send(ask("T-2001")).await;
        absent.assert_denied(tool, 404, "not_found");
        assert_eq!(visible(&absent), visible(&foreign), "{tool}");
        assert_eq!(world.send(ask("T-1001")).await.status, 200, "{tool}");
    }
}

#[tokio::test]
async fn the_journal_knows_which_it_was() {
    let world = World::new();
    let ask = |id: &str| {
        call("tickets.get")
            .token(&token())
            .body(format!(r#"{{"id":"{id}"}}"#))
    };
    let absent = world.send(ask("T-9999")).await.decision();
    let foreign = world.send(ask("T-2001")).await.decision();
    let records = world.records();
    let of = |decision: &str, kind: &str| {
        records
            .iter()
            .find(|record| record["kind"] == kind && record["decision"] == decision)
    };
    let withheld = of(&foreign, "row_withheld").expect("a foreign row is on record");
    assert_eq!(withheld["detail"], "the row belongs to tenant `globex`");
    assert_eq!(of(&absent, "row_withheld"), None);
    let class = |decision: &str| of(decision, "finished").unwrap()["error_class"].clone();
    assert_eq!(
        (class(&absent), class(&foreign)),
        ("not_found".into(), "refused".into())
    );
    assert_eq!(decided(&records, &foreign)["tenant"], "acme");
}

#[tokio::test]
async fn a_search_shows_the_articles_of_the_tokens_tenant_only() {
    let world = World::new();
    for (tenant, shown, hidden) in [("acme", "KB-1", "KB-3"), ("globex", "KB-3", "KB-1")] {
        let token = token_with(|grant| grant.tenant = tenant.parse().unwrap());
        // Whatever the arguments say about a tenant.
        let body = r#"{"query":"refund","tenant":"initech"}"#;
        let answer = world.send(call("kb.search").token(&token).body(body)).await;
        assert_eq!(answer.status, 200);
        assert!(
            answer.body.contains(shown) && !answer.body.contains(hidden),
            "{}",
            answer.body
        );
    }
}
