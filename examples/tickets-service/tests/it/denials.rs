//! Every code that a caller can meet, through HTTP, and that the journal knows the decision.

use std::time::Duration;

use hallpass_bundle::{LocalStops, Restrictions, Revocation};
use hallpass_token::{BudgetUnit, Caveat, NameSet};
use hallpass_verifier::{Rule, ServicePolicy, Tenancy};
use hallpass_vocabulary::{AnsweredBy, DenialCode, ProofRule, Timestamp, TokenId, ToolName};
use tickets_service::Store;

use crate::http::{Call, call};
use crate::world::{
    BREAK_GLASS_KEY, NOW, STAGING_KEY, STRANGER_KEY, TAINTED_KEY, World, decided, environment,
    names, narrowed, restricted, token, token_by, token_with,
};

fn search(token: &str) -> Call {
    call("kb.search").token(token)
}

fn earlier(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(NOW.unix_seconds() - seconds)
}

/// The token with one character of its signed block changed.
fn tampered() -> String {
    let text = token();
    let place = text.len() / 2;
    let other = if text.as_bytes()[place] == b'A' {
        "B"
    } else {
        "A"
    };
    format!("{}{other}{}", &text[..place], &text[place + 1..])
}

fn only_search() -> Caveat {
    Caveat::OnlyTools(NameSet::new([ToolName::new("kb.search").unwrap()]).unwrap())
}

/// What a plain service of many tenants answers: name, call, status, code.
fn cases() -> Vec<(&'static str, Call, u16, &'static str)> {
    let soon = NOW.after(Duration::from_secs(3_600));
    let in_staging = |seed| token_by(seed, |grant| grant.environment = environment("staging"));
    let elsewhere = token_with(|grant| grant.audiences = names(&["mailer"]));
    let wide = token_with(|grant| grant.tools = names(&["kb.search", "ticket.explode"]));
    let always = token_with(|grant| grant.proof = ProofRule::Always);
    let writes = token_with(|grant| grant.proof = ProofRule::Writes);
    let budget = token_with(|grant| grant.budgets = [(BudgetUnit::Calls, 0)].into());
    let future = token_with(|grant| {
        (grant.issued, grant.expires) = (soon, soon.after(Duration::from_secs(600)));
    });
    let past = token_with(|grant| {
        grant.issued = earlier(601);
        grant.expires = earlier(1);
    });
    let narrow = narrowed(&token(), only_search());
    let shortened = narrowed(&token(), Caveat::ExpiresBefore(NOW));
    let huge = format!("hp1.{}", "A".repeat(12_000));
    vec![
        ("no token", call("kb.search"), 401, "token_missing"),
        ("a token of 12 KB", search(&huge), 401, "token_too_large"),
        ("no base64url", search("hp1.!!!"), 401, "token_malformed"),
        (
            "another kind of token",
            search("eyJhbGciOiJFUzI1NiJ9.e30.c2ln"),
            401,
            "token_malformed",
        ),
        (
            "a key nobody knows",
            search(&token_by(STRANGER_KEY, |_| ())),
            401,
            "unknown_key",
        ),
        (
            "a tainted key",
            search(&token_by(TAINTED_KEY, |_| ())),
            401,
            "key_tainted",
        ),
        (
            "a break-glass key",
            search(&token_by(BREAK_GLASS_KEY, |_| ())),
            401,
            "wrong_purpose",
        ),
        (
            "a key of staging",
            search(&in_staging(STAGING_KEY)),
            401,
            "wrong_environment",
        ),
        (
            "a token for staging",
            search(&in_staging(1)),
            401,
            "wrong_environment",
        ),
        (
            "tampered bytes",
            search(&tampered()),
            401,
            "signature_invalid",
        ),
        (
            "from the future",
            search(&future),
            401,
            "token_not_yet_valid",
        ),
        ("expired", search(&past), 401, "token_expired"),
        (
            "shortened by a caveat",
            search(&shortened),
            401,
            "token_expired",
        ),
        (
            "for another service",
            search(&elsewhere),
            401,
            "wrong_audience",
        ),
        (
            "a proof for everything",
            search(&always),
            401,
            "proof_required",
        ),
        (
            "a proof for writes",
            call("ticket.update").token(&writes),
            401,
            "proof_required",
        ),
        (
            "a proof header nobody checks",
            search(&always).header("dpop", "eyJ0eXAiOiJkcG9wK2p3dCJ9.e30.c2ln"),
            401,
            "proof_required",
        ),
        (
            "a tool of nobody",
            call("ticket.explode").token(&wide),
            403,
            "tool_unknown",
        ),
        (
            "a tool of another service",
            call("mail.send").token(&token()),
            403,
            "tool_unknown",
        ),
        (
            "a tool not granted",
            call("tickets.get").token(&wide),
            403,
            "tool_not_granted",
        ),
        (
            "a tool narrowed away",
            call("tickets.get").token(&narrow),
            403,
            "caveat_failed",
        ),
        (
            "a tool withheld",
            call("ticket.close").token(&token()),
            403,
            "approval_required",
        ),
        (
            "a budget of no calls",
            search(&budget),
            403,
            "budget_exhausted",
        ),
        (
            "no such ticket",
            call("tickets.get").token(&token()).body(r#"{"id":"T-9"}"#),
            404,
            "not_found",
        ),
        (
            "globex's ticket",
            call("tickets.get")
                .token(&token())
                .body(r#"{"id":"T-2001"}"#),
            404,
            "not_found",
        ),
        (
            "no JSON",
            search(&token()).body("refund"),
            400,
            "request_malformed",
        ),
        (
            "300 KB",
            search(&token()).body(vec![b' '; 300_000]),
            413,
            "request_too_large",
        ),
        (
            "arguments 40 deep",
            search(&token()).body(format!(r#"{{"a":{}1{}}}"#, "[".repeat(40), "]".repeat(40))),
            413,
            "request_too_large",
        ),
    ]
}

#[tokio::test]
async fn each_denial_has_its_status_its_code_and_its_record() {
    let world = World::new();
    let mut seen = Vec::new();
    for (name, call, status, code) in cases() {
        // More than fifty refusals a second would be counted instead of recorded.
        world.clock.advance(Duration::from_millis(100));
        let answer = world.send(call).await;
        answer.assert_denied(name, status, code);
        seen.push((name, answer.decision(), code));
    }
    let records = world.records();
    for (name, decision, code) in seen {
        let record = decided(&records, &decision);
        // A row that is withheld or absent was asked for by a call that was allowed.
        let expected = match code {
            "not_found" => ("allow", None),
            code => ("deny", Some(code)),
        };
        assert_eq!(
            (record["verdict"].as_str().unwrap(), record["code"].as_str()),
            expected,
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_service_of_one_tenant_refuses_the_others() {
    let world = World::of(Tenancy::Only("globex".parse().unwrap()));
    let refused = world.send(search(&token())).await;
    refused.assert_denied("acme at globex", 403, "wrong_tenant");
    let own = world
        .send(search(&token_with(|grant| {
            grant.tenant = "globex".parse().unwrap()
        })))
        .await;
    assert_eq!(own.status, 200, "{}", own.body);
    let records = world.records();
    let record = decided(&records, &refused.decision());
    assert_eq!(
        (&record["code"], &record["tenant"]),
        (&"wrong_tenant".into(), &"acme".into())
    );
}

#[tokio::test]
async fn the_services_own_rules_hold_for_every_way_to_a_tool() {
    let policy = ServicePolicy::none()
        .with(Rule::require("small-pages", ["/limit<=10".parse().unwrap()]).tools(["kb.search"]))
        .unwrap()
        .with(
            Rule::deny("no-reading")
                .tools(["tickets.get"])
                .except_roles(["lead"]),
        )
        .unwrap();
    let world = World::ruled_by(policy);
    let by_lead = token_with(|grant| grant.roles = names(&["lead"]));
    let rest = || {
        call("tickets.get")
            .method("GET")
            .path("/tickets/T-1001")
            .without("content-type")
            .body("")
    };
    let denied = [
        (search(&token()), "small-pages"),
        (
            search(&token()).body(r#"{"query":"refund","limit":11}"#),
            "small-pages",
        ),
        (call("tickets.get").token(&token()), "no-reading"),
        (rest().token(&token()), "no-reading"),
    ];
    let mut decisions = Vec::new();
    for (call, rule) in denied {
        let answer = world.send(call).await;
        answer.assert_denied(rule, 403, "policy_denied");
        // Which rule it was is the service's own business.
        assert!(!answer.body.to_string().contains(rule), "{}", answer.body);
        decisions.push((answer.decision(), rule));
    }
    for allowed in [
        search(&token()).body(r#"{"query":"refund","limit":10}"#),
        rest().token(&by_lead),
    ] {
        let answer = world.send(allowed).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    let records = world.records();
    for (decision, rule) in decisions {
        let record = decided(&records, &decision);
        assert_eq!(record["code"], "policy_denied");
        let detail = record["detail"].as_str().unwrap();
        assert!(detail.starts_with(&format!("rule `{rule}` ")), "{detail}");
    }
}

#[tokio::test]
async fn without_a_bundle_the_answer_is_to_retry() {
    let world = World::without_bundle(Tenancy::Many, Store::in_memory().unwrap());
    let refused = world.send(search(&token())).await;
    refused.assert_denied("before the first bundle", 503, "bundle_missing");
    let missing = world.send(call("kb.search")).await;
    missing.assert_denied("no token comes first", 401, "token_missing");
    decided(&world.records(), &refused.decision());
}

#[tokio::test]
async fn a_stale_bundle_stops_writes_before_reads() {
    let world = World::new();
    world.clock.advance(Duration::from_secs(301));
    let write = call("ticket.update")
        .token(&token())
        .body(r#"{"id":"T-1001","status":"open"}"#);
    let refused = world.send(write).await;
    refused.assert_denied("a write after 301 s", 503, "bundle_stale");
    assert_eq!(world.send(search(&token())).await.status, 200);
    decided(&world.records(), &refused.decision());
}

#[tokio::test]
async fn a_journal_that_cannot_record_allows_nothing() {
    let world = World::new();
    world.journal.close().unwrap();
    let refused = world.send(search(&token())).await;
    refused.assert_denied("a closed journal", 503, "journal_unavailable");
}

#[tokio::test]
async fn a_service_that_is_told_to_stop_begins_no_more_calls() {
    let world = World::serving(|verifier| {
        let router = tickets_service::router(verifier.clone(), Store::in_memory().unwrap());
        drop(verifier.drain());
        router.unwrap()
    });
    let refused = world.send(search(&token())).await;
    refused.assert_denied("while it drains", 503, "draining");
    let denied = world.send(call("mail.send").token(&token())).await;
    denied.assert_denied("its own reason comes first", 403, "tool_unknown");
    decided(&world.records(), &refused.decision());
}

#[tokio::test]
async fn a_run_is_told_when_its_budget_is_used_up() {
    let world = World::new();
    let token = token_with(|grant| grant.budgets = [(BudgetUnit::Calls, 2)].into());
    for _ in 0..2 {
        assert_eq!(world.send(search(&token)).await.status, 200);
    }
    let refused = world.send(search(&token)).await;
    refused.assert_denied("the third of two", 403, "budget_exhausted");
    let record = decided(&world.records(), &refused.decision()).clone();
    assert_eq!(record["detail"], "the run has had its 2 calls");
}

#[tokio::test]
async fn what_is_stopped_or_revoked_is_told_so() {
    let world = World::new();
    assert_eq!(world.send(search(&token())).await.status, 200);
    world.snapshots.set_local(Some(LocalStops::halt()));
    let refused = world.send(search(&token())).await;
    refused.assert_denied("everything is stopped", 403, "stopped");
    world.snapshots.set_local(None);
    let revocation = Revocation {
        expires: NOW.after(Duration::from_secs(600)),
        tokens: [TokenId::new(NOW, [1; 10]).as_u128()].into_iter().collect(),
    };
    let restrictions = Restrictions {
        revocations: vec![revocation],
        ..Restrictions::default()
    };
    let later = NOW.after(Duration::from_secs(1));
    assert!(world.snapshots.publish(restricted(later, restrictions)));
    let refused = world.send(search(&token())).await;
    refused.assert_denied("its token is revoked", 401, "token_revoked");
    decided(&world.records(), &refused.decision());
}

/// Codes that no HTTP request can bring about today.
const OUT_OF_REACH: [DenialCode; 1] = [
    // Only the engine of the extended profile and a commit that is asked twice can answer so.
    DenialCode::Overloaded,
];

#[test]
fn no_code_is_forgotten() {
    let sources = [include_str!("denials.rs"), include_str!("vectors.rs")];
    for code in DenialCode::ALL {
        let tested = sources
            .iter()
            .any(|source| source.contains(&format!("\"{code}\"")));
        // A reserved code that a test brings about is reserved no longer.
        let expected =
            !matches!(code.answered_by(), AnsweredBy::Reserved(_)) && !OUT_OF_REACH.contains(code);
        assert_eq!(
            tested, expected,
            "`{code}` is tested, or reserved or out of reach"
        );
    }
}
