//! `POST /oauth/token`: RFC 8693, there and back, and every way not to get through.

use std::time::Duration;

use hallpass_token::UnverifiedToken;
use serde_json::{Value, json};

use crate::fixture::{Answer, Home, Running, with};
use crate::issuer::{claims, forged, home, token};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

type Form = Vec<(&'static str, String)>;

fn form(home: &Home) -> Form {
    let claims = with(claims(home, "alice"), "groups", json!(["support-team"]));
    [
        ("grant_type", EXCHANGE.to_owned()),
        ("subject_token", token(&claims)),
        ("subject_token_type", JWT.to_owned()),
        ("route", "/desk".to_owned()),
        ("tenant", "acme".to_owned()),
        ("actor", "agent:bot".to_owned()),
    ]
    .into()
}

/// With another value, or without it where the value is empty.
fn set(mut form: Form, name: &'static str, value: &str) -> Form {
    form.retain(|(other, _)| *other != name);
    if !value.is_empty() {
        form.push((name, value.to_owned()));
    }
    form
}

impl Running {
    fn exchange(&self, form: &Form) -> reqwest::RequestBuilder {
        let body: Vec<String> = form
            .iter()
            .map(|(name, value)| format!("{name}={}", escaped(value)))
            .collect();
        self.http
            .post(self.url("/oauth/token"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.join("&"))
    }

    /// As the client of this authority, by HTTP Basic.
    async fn exchanged(&self, form: &Form) -> Answer {
        let (client, secret) = &self.basic;
        self.send(self.exchange(form).basic_auth(client, Some(secret)))
            .await
    }
}

fn escaped(value: &str) -> String {
    value
        .bytes()
        .map(|byte| match byte {
            b' ' => "+".to_owned(),
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

fn assert_error(answer: &Answer, status: u16, error: &str) {
    assert_eq!(
        (answer.status, &answer.json["error"]),
        (status, &json!(error)),
        "{answer:?}"
    );
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["pragma"], "no-cache");
    let said = answer.json["error_description"].as_str().unwrap();
    let allowed = |c: char| matches!(c, ' ' | '!' | '#'..='[' | ']'..='~');
    assert!(!said.is_empty() && said.chars().all(allowed), "{said}");
    assert!(
        answer.json["instance"]
            .as_str()
            .unwrap()
            .starts_with("req_")
    );
    assert_eq!(answer.json["access_token"], Value::Null);
}

#[tokio::test]
async fn a_subjects_token_is_exchanged_and_the_run_renews() {
    let home = home();
    let running = home.serve().await;
    let answer = running.exchanged(&form(&home)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["pragma"], "no-cache");
    let body = &answer.json;
    assert_eq!(body["issued_token_type"], ACCESS_TOKEN);
    assert_eq!(body["token_type"], "Bearer");
    // The authority's clock stands a quarter of a second past.
    assert_eq!(body["expires_in"], 299);
    assert_eq!(body["scope"], "kb.search tickets.get");
    let text = body["access_token"].as_str().unwrap();
    let admitted = UnverifiedToken::parse(text).unwrap();
    let admitted = admitted
        .verify(&home.report.run_key)
        .unwrap()
        .admit()
        .unwrap();
    let grant = admitted.grant();
    assert_eq!(grant.subject.as_str(), "user:alice");
    assert_eq!(grant.assurance.as_str(), "verified");
    assert_eq!(grant.run.to_string(), body["run_id"]);
    assert_eq!(grant.token.to_string(), body["token_id"]);

    home.clock.advance(Duration::from_secs(200));
    let renewal = set(form(&home), "run_id", body["run_id"].as_str().unwrap());
    let renewed = running.exchanged(&renewal).await;
    assert_eq!(renewed.json["run_id"], body["run_id"], "{renewed:?}");
    assert_ne!(renewed.json["token_id"], body["token_id"]);
    running.stop().await;
}

#[tokio::test]
async fn audience_and_scope_narrow() {
    let home = home();
    let running = home.serve().await;
    let one = running
        .exchanged(&set(form(&home), "audience", "tickets"))
        .await;
    assert_eq!(one.json["scope"], "tickets.get", "{one:?}");
    let two = running
        .exchanged(&set(form(&home), "scope", "kb.search"))
        .await;
    assert_eq!(two.json["scope"], "kb.search");
    let both = set(
        set(form(&home), "scope", "kb.search"),
        "audience",
        "tickets",
    );
    assert_error(&running.exchanged(&both).await, 400, "invalid_target");
    let record = &home.records_of("minted")[0];
    assert_eq!(record["audiences"], json!(["tickets"]));
    running.stop().await;
}

#[tokio::test]
async fn a_client_authenticates_in_any_one_of_four_ways() {
    let home = home();
    let running = home.serve().await;
    let (client, secret) = running.basic.clone();
    let workload = token(&claims(&home, "system:serviceaccount:agents:bot"));
    let in_form = set(
        set(form(&home), "client_id", &client),
        "client_secret",
        &secret,
    );
    let asserted = set(form(&home), "client_assertion", &workload);
    let asserted = set(asserted, "client_assertion_type", ASSERTION);
    let asserted = set(asserted, "actor", "");
    let desk = form(&home);
    for (request, by) in [
        (
            running.exchange(&desk).basic_auth(&client, Some(&secret)),
            "demo-orchestrator",
        ),
        (
            running.exchange(&desk).bearer_auth(&secret),
            "demo-orchestrator",
        ),
        (running.exchange(&in_form), "demo-orchestrator"),
        // And it may name one agent only, so it need not.
        (running.exchange(&asserted), "workload"),
    ] {
        let answer = running.send(request).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let record = home.records_of("minted").pop().unwrap();
        assert_eq!(record["client"], by);
        assert_ne!(record["credential"], Value::Null);
    }
    let record = home.records_of("minted").pop().unwrap();
    assert_eq!(
        (&record["credential"], &record["actor"]),
        (&json!("idp"), &json!("agent:helper"))
    );

    let twice = running
        .exchange(&in_form)
        .basic_auth(&client, Some(&secret));
    assert_error(&running.send(twice).await, 400, "invalid_request");
    let both = set(in_form.clone(), "client_assertion", &workload);
    assert_error(
        &running.send(running.exchange(&both)).await,
        400,
        "invalid_request",
    );
    let other = set(form(&home), "client_id", "workload");
    assert_error(&running.exchanged(&other).await, 400, "invalid_request");
    let kind = set(asserted.clone(), "client_assertion_type", "urn:other");
    assert_error(
        &running.send(running.exchange(&kind)).await,
        400,
        "invalid_request",
    );
    // A secret where a token belongs is told as what it is, and not looked up.
    let wrong = set(asserted.clone(), "client_assertion", &secret);
    assert_error(
        &running.send(running.exchange(&wrong)).await,
        400,
        "invalid_request",
    );
    let stranger = set(
        asserted,
        "client_assertion",
        &token(&claims(&home, "alice")),
    );
    assert_error(
        &running.send(running.exchange(&stranger)).await,
        401,
        "invalid_client",
    );
    let wrong = set(in_form, "client_secret", "hps_wrong");
    let refused = running.send(running.exchange(&wrong)).await;
    assert_error(&refused, 401, "invalid_client");
    assert!(refused.headers.contains_key("www-authenticate"));
    running.stop().await;
}

#[tokio::test]
async fn each_mistake_has_its_word() {
    let home = home();
    let running = home.serve().await;
    let but = |name, value: &str| set(form(&home), name, value);
    let alice = claims(&home, "alice");
    let now = alice["iat"].as_i64().unwrap();
    let expired = token(&with(alice.clone(), "exp", json!(now - 120)));
    let elsewhere = token(&with(alice.clone(), "aud", json!("another")));
    let run = running.exchanged(&form(&home)).await.json["run_id"].clone();
    let run = run.as_str().unwrap();
    running.end(run, None).await;
    let cases: Vec<(&str, Form)> = vec![
        ("invalid_request", but("grant_type", "")),
        (
            "unsupported_grant_type",
            but("grant_type", "client_credentials"),
        ),
        ("invalid_request", but("subject_token", "")),
        ("invalid_request", but("subject_token", "x")),
        ("invalid_request", but("subject_token", &forged(&alice))),
        ("invalid_request", but("subject_token", &expired)),
        ("invalid_request", but("subject_token", &elsewhere)),
        ("invalid_request", but("subject_token_type", "")),
        (
            "invalid_request",
            but(
                "subject_token_type",
                "urn:ietf:params:oauth:token-type:saml2",
            ),
        ),
        ("invalid_request", but("requested_token_type", JWT)),
        ("invalid_request", but("actor_token", "a.b.c")),
        ("invalid_request", but("subject", "user:alice")),
        ("invalid_request", but("roles", "support")),
        ("invalid_request", but("tools", "kb.search")),
        ("invalid_request", but("route", "")),
        ("invalid_request", but("tenant", "")),
        ("invalid_request", but("tenant", "a b")),
        ("invalid_request", but("actor", "")),
        ("invalid_request", but("ttl_seconds", "301")),
        ("invalid_request", but("ttl_seconds", "many")),
        ("invalid_request", but("holder_key", "00")),
        ("invalid_target", but("resource", "https://tickets.example")),
        ("invalid_target", but("audience", "mailer")),
        ("invalid_target", but("audience", "not a name")),
        ("invalid_target", but("tenant", "initech")),
        ("invalid_scope", but("scope", "ticket.close")),
        ("invalid_scope", but("scope", "kb.search kb.search")),
        ("invalid_scope", but("scope", "no")),
        ("unauthorized_client", but("route", "/elsewhere")),
        ("unauthorized_client", but("route", "/nothing")),
        (
            "unauthorized_client",
            set(but("route", "/triage"), "actor", "agent:bot"),
        ),
        ("invalid_grant", but("run_id", run)),
        ("invalid_grant", but("parent_run_id", run)),
        (
            "invalid_grant",
            but("run_id", "run_018f3c1e5b7a7000800000000000002a"),
        ),
    ];
    for (error, form) in &cases {
        let answer = running.exchanged(form).await;
        assert_error(&answer, 400, error);
    }
    // What nobody knows is ignored, and a parameter without a value is as if it were not there.
    let mut more = but("unheard_of", "x");
    more.push(("resource", String::new()));
    assert_eq!(running.exchanged(&more).await.status, 200);
    running.stop().await;
    assert_eq!(home.records_of("minted").len(), 2);
}

#[tokio::test]
async fn a_body_that_could_be_read_in_two_ways_is_refused() {
    let home = home();
    let running = home.serve().await;
    let (client, secret) = running.basic.clone();
    let mut twice = form(&home);
    twice.push(("tenant", "globex".to_owned()));
    assert_error(&running.exchanged(&twice).await, 400, "invalid_request");
    let post = |kind: &str, body: &str| {
        running
            .http
            .post(running.url("/oauth/token"))
            .basic_auth(&client, Some(&secret))
            .header("content-type", kind)
            .body(body.to_owned())
    };
    for (kind, body) in [
        ("application/json", "{}"),
        ("application/x-www-form-urlencoded", "grant_type"),
        ("application/x-www-form-urlencoded", "grant_type=%zz"),
        ("application/x-www-form-urlencoded", ""),
    ] {
        assert_error(
            &running.send(post(kind, body)).await,
            400,
            "invalid_request",
        );
        // Who is nobody hears that first.
        let stranger = running
            .http
            .post(running.url("/oauth/token"))
            .header("content-type", kind)
            .body(body);
        assert_error(&running.send(stranger).await, 401, "invalid_client");
    }
    running.stop().await;
}

#[tokio::test]
async fn the_same_request_again_gives_the_same_token() {
    let home = home();
    let running = home.serve().await;
    let (client, secret) = running.basic.clone();
    let ask = |form: &Form| {
        running
            .exchange(form)
            .basic_auth(&client, Some(&secret))
            .header("idempotency-key", "one")
    };
    let request = form(&home);
    let first = running.send(ask(&request)).await.json;
    home.clock.advance(Duration::from_secs(100));
    let again = running.send(ask(&request)).await.json;
    assert_eq!(again["access_token"], first["access_token"]);
    assert_eq!(again["expires_in"], 199);
    let other = running.send(ask(&set(request, "tenant", "globex"))).await;
    assert_error(&other, 400, "invalid_request");
    assert_eq!(other.json["code"], "idempotency_conflict");
    running.stop().await;
    assert_eq!(home.records_of("minted").len(), 1);
}

#[tokio::test]
async fn too_often_is_slow_down() {
    let home = home();
    let policy = std::fs::read_to_string(home.path("policy/all.toml")).unwrap();
    let slow = format!("{policy}\n[limits]\nclient_mints_per_minute = 1\n");
    std::fs::write(home.path("policy/all.toml"), slow).unwrap();
    let running = home.serve().await;
    assert_eq!(running.exchanged(&form(&home)).await.status, 200);
    let refused = running.exchanged(&form(&home)).await;
    assert_error(&refused, 429, "slow_down");
    assert_eq!(refused.headers["retry-after"], "60");
    running.stop().await;
}
