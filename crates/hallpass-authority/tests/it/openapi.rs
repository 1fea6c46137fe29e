//! Real answers are what the authority's own OpenAPI says of them, member by member.

use std::time::Duration;

use serde_json::{Value, json};

use crate::fixture::{Answer, Home, Running, draft, with};
use crate::roots;
use crate::signing::{Call, enrol};
use crate::verifier::TestVerifier;

/// The authority's own description.
struct Description(Value);

impl Description {
    async fn of(running: &Running) -> Self {
        Self(running.get("/openapi.json").await.json)
    }

    /// What an answer has that its schema does not say, or lacks.
    fn faults(&self, method: &str, template: &str, answer: &Answer) -> Vec<String> {
        let responses = &self.0["paths"][template][method]["responses"];
        let exact = answer.status.to_string();
        let range = format!("{}XX", answer.status / 100);
        let response = [exact, range].iter().find_map(|key| responses.get(key));
        let Some(response) = response else {
            return vec![format!("{} is not described", answer.status)];
        };
        let kind = answer.headers["content-type"].to_str().unwrap();
        let kind = kind.split(';').next().unwrap();
        let Some(content) = response["content"].get(kind) else {
            return vec![format!("{kind} is not described")];
        };
        let mut faults = Vec::new();
        self.compare(&content["schema"], &answer.json, "", &mut faults);
        faults
    }

    fn compare(&self, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
        if let Some(reference) = schema["$ref"].as_str() {
            let target = self.0.pointer(&reference[1..]).unwrap();
            return self.compare(target, value, at, faults);
        }
        if let Some(any) = schema["oneOf"].as_array() {
            let fits = any.iter().any(|schema| {
                let mut faults = Vec::new();
                self.compare(schema, value, at, &mut faults);
                faults.is_empty()
            });
            if !fits {
                faults.push(format!("{at}: fits none"));
            }
            return;
        }
        let types: Vec<&str> = match &schema["type"] {
            Value::String(one) => vec![one],
            Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
            _ => return,
        };
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        if !types.contains(&found) {
            faults.push(format!("{at}: {found}, not {types:?}"));
            return;
        }
        if let Some(words) = schema["enum"].as_array()
            && !words.contains(value)
        {
            faults.push(format!("{at}: {value} is none of {words:?}"));
        }
        for (index, element) in value.as_array().into_iter().flatten().enumerate() {
            self.compare(&schema["items"], element, &format!("{at}/{index}"), faults);
        }
        if let Some(object) = value.as_object() {
            self.compare_members(schema, object, at, faults);
        }
    }

    fn compare_members(
        &self,
        schema: &Value,
        object: &serde_json::Map<String, Value>,
        at: &str,
        faults: &mut Vec<String>,
    ) {
        for (name, value) in object {
            let at = format!("{at}/{name}");
            match (
                schema["properties"].get(name),
                &schema["additionalProperties"],
            ) {
                (Some(schema), _) => self.compare(schema, value, &at, faults),
                (None, Value::Bool(false)) => faults.push(format!("{at}: is not described")),
                (None, other) => self.compare(other, value, &at, faults),
            }
        }
        for name in schema["required"].as_array().into_iter().flatten() {
            if !object.contains_key(name.as_str().unwrap()) {
                faults.push(format!("{at}/{name}: is missing"));
            }
        }
    }
}

#[tokio::test]
async fn every_answer_is_as_it_is_described() {
    let home = Home::new();
    enrol(&home);
    let running = home.serve().await;
    let description = Description::of(&running).await;
    let mut seen = std::collections::BTreeSet::new();
    let mut check = |method: &'static str, template: &'static str, answer: &Answer, status: u16| {
        assert_eq!(answer.status, status, "{method} {template}: {answer:?}");
        let faults = description.faults(method, template, answer);
        assert!(
            faults.is_empty(),
            "{method} {template}: {faults:#?}\n{:#}",
            answer.json
        );
        if status < 300 {
            seen.insert((template, method));
        }
    };
    for path in [
        "/livez",
        "/readyz",
        "/.well-known/hallpass",
        "/openapi.json",
        "/v1/bundle",
        "/v1/heartbeat",
    ] {
        check("get", path, &running.get(path).await, 200);
    }

    let nonce = json!({"nonce": "00112233445566778899aabbccddeeff"});
    let clock = running.http.post(running.url("/v1/clock"));
    check(
        "post",
        "/v1/clock",
        &running.send(clock.json(&nonce)).await,
        200,
    );
    let clock = running.http.post(running.url("/v1/clock"));
    check(
        "post",
        "/v1/clock",
        &running.send(clock.json(&json!({}))).await,
        400,
    );

    let labelled = with(draft(), "labels", json!({"ticket": "7"}));
    let minted = running.mint(&labelled).await;
    check("post", "/v1/tokens", &minted, 201);
    let run = minted.json["run_id"].as_str().unwrap().to_owned();
    let token = minted.json["token_id"].as_str().unwrap().to_owned();
    let renewed = running.mint(&with(draft(), "run_id", json!(run))).await;
    check("post", "/v1/tokens", &renewed, 201);
    let refused = running.mint(&with(draft(), "tools", json!(["a.b"]))).await;
    check("post", "/v1/tokens", &refused, 403);
    let malformed = running.mint(&json!([])).await;
    check("post", "/v1/tokens", &malformed, 400);
    let exchanged = running
        .http
        .post(running.url("/oauth/token"))
        .body("grant_type=x");
    let exchanged = exchanged.header("content-type", "application/x-www-form-urlencoded");
    check("post", "/oauth/token", &running.send(exchanged).await, 401);

    let admin = async |call: Call| running.as_operator(&home, "admin", &call).await;
    let (runs, tokens) = (format!("/v1/runs/{run}"), format!("/v1/tokens/{token}"));
    check(
        "get",
        "/v1/runs/{run}",
        &admin(Call::new("GET", &runs)).await,
        200,
    );
    check(
        "get",
        "/v1/tokens/{token}",
        &admin(Call::new("GET", &tokens)).await,
        200,
    );
    for (template, query) in [
        ("/v1/runs", "limit=1&active=true&tool=kb.search"),
        ("/v1/tokens", "limit=1&tenant=acme"),
        ("/v1/decisions", "limit=1&kind=minted"),
    ] {
        let call = Call::new("GET", template);
        check(
            "get",
            template,
            &admin(call.clone().query(query)).await,
            200,
        );
        let strange = admin(call.query("colour=red")).await;
        check("get", template, &strange, 400);
        assert_eq!(strange.code(), "query_malformed");
        let unsigned = running.get(template).await;
        check("get", template, &unsigned, 401);
    }
    let unknown = admin(Call::new("GET", "/v1/runs/anything")).await;
    check("get", "/v1/runs/{run}", &unknown, 404);
    let unknown = admin(Call::new("GET", "/v1/tokens/anything")).await;
    check("get", "/v1/tokens/{token}", &unknown, 404);

    let place = Call::new("POST", "/v1/stops");
    let wanted = r#"{"selector":"environment:dev","reason":"a drill"}"#;
    let placed = admin(place.clone().body(wanted)).await;
    check("post", "/v1/stops", &placed, 201);
    check(
        "post",
        "/v1/stops",
        &admin(place.clone().body(wanted)).await,
        200,
    );
    check("post", "/v1/stops", &admin(place.body("{}")).await, 400);
    let stop = placed.json["stop"]["stop_id"].as_str().unwrap().to_owned();
    let lift = format!("/v1/stops/{stop}/lift");
    let pending = admin(Call::new("POST", &lift)).await;
    check("post", "/v1/stops/{stop}/lift", &pending, 202);
    let refused = running.mint(&draft()).await;
    check("post", "/v1/tokens", &refused, 403);
    assert_eq!(refused.code(), "stopped");
    let second = running
        .as_operator(&home, "operator", &Call::new("POST", &lift))
        .await;
    check("post", "/v1/stops/{stop}/lift", &second, 200);
    let path = format!("/v1/stops/{stop}");
    check(
        "get",
        "/v1/stops/{stop}",
        &admin(Call::new("GET", &path)).await,
        200,
    );
    check(
        "get",
        "/v1/stops",
        &admin(Call::new("GET", "/v1/stops")).await,
        200,
    );
    let revoke = Call::new("POST", "/v1/revocations");
    let body = json!({"token_id": token, "reason": "leaked"}).to_string();
    check(
        "post",
        "/v1/revocations",
        &admin(revoke.body(&body)).await,
        200,
    );

    let end = format!("/v1/runs/{run}/end");
    let ended = running
        .http
        .post(running.url(&end))
        .bearer_auth(&running.basic.1);
    check(
        "post",
        "/v1/runs/{run}/end",
        &running.send(ended).await,
        200,
    );
    check(
        "get",
        "/v1/operators",
        &admin(Call::new("GET", "/v1/operators")).await,
        200,
    );
    check(
        "get",
        "/v1/policy",
        &admin(Call::new("GET", "/v1/policy")).await,
        200,
    );
    let reload = Call::new("POST", "/v1/policy/reload");
    check("post", "/v1/policy/reload", &admin(reload).await, 200);
    let secrets = "/v1/clients/demo-orchestrator/secrets";
    let added = admin(Call::new("POST", secrets).body("{\"valid_seconds\": 60}")).await;
    check("post", "/v1/clients/{client}/secrets", &added, 201);
    let path = format!("{secrets}/{}", added.json["secret_id"].as_str().unwrap());
    let retired = admin(Call::new("DELETE", &path)).await;
    check(
        "delete",
        "/v1/clients/{client}/secrets/{secret}",
        &retired,
        200,
    );
    check(
        "get",
        "/v1/clients",
        &admin(Call::new("GET", "/v1/clients")).await,
        200,
    );
    for act in ["disable", "enable"] {
        let path = format!("/v1/clients/demo-orchestrator/{act}");
        let template = if act == "disable" {
            "/v1/clients/{client}/disable"
        } else {
            "/v1/clients/{client}/enable"
        };
        check(
            "post",
            template,
            &admin(Call::new("POST", &path)).await,
            200,
        );
    }

    let keys = admin(Call::new("GET", "/v1/keys")).await;
    check("get", "/v1/keys", &keys, 200);
    home.clock.advance(Duration::from_secs(3_600));
    let rotate = Call::new("POST", "/v1/keys/rotate");
    let rotated = admin(rotate.clone().body("{\"purpose\": \"run\"}")).await;
    check("post", "/v1/keys/rotate", &rotated, 200);
    let prepared = admin(rotate.body("{\"purpose\": \"bundle\"}")).await;
    check("post", "/v1/keys/rotate", &prepared, 200);
    let path = format!("/v1/keys/{}", rotated.json["key"].as_str().unwrap());
    let retired = admin(Call::new("POST", &format!("{path}/retire"))).await;
    check("post", "/v1/keys/{key}/retire", &retired, 200);
    let path = format!("/v1/keys/{}/taint", home.report.run_key.id());
    let taint = Call::new("POST", &path).body("{\"reason\": \"lost\"}");
    check("post", "/v1/keys/{key}/taint", &admin(taint).await, 200);
    let root = String::from_utf8(roots::next(&home, &[], 1).to_json()).unwrap();
    let installed = admin(Call::new("POST", "/v1/roots").body(&root)).await;
    check("post", "/v1/roots", &installed, 200);

    let read = admin(Call::new("GET", "/v1/policy")).await;
    check("get", "/v1/policy", &read, 200);
    let reloaded = admin(Call::new("POST", "/v1/policy/reload")).await;
    check("post", "/v1/policy/reload", &reloaded, 200);

    let mut verifier = TestVerifier::new(&home, 1);
    let codes = "/v1/verifiers/codes";
    let code = admin(Call::new("POST", codes).body("{\"audience\":\"tickets\"}")).await;
    check("post", codes, &code, 201);
    let nowhere = admin(Call::new("POST", codes).body("{\"audience\":\"nowhere\"}")).await;
    check("post", codes, &nowhere, 404);
    let wish = verifier.wish(code.json["code"].as_str().unwrap());
    let enrolled = verifier.send_enrolment(&home, &running, &wish).await;
    check("post", "/v1/verifiers", &enrolled, 200);
    let reported = verifier.witness(&home, &running, 0).await;
    let report = "/v1/verifiers/{origin}/report";
    check("post", report, &reported, 200);
    let size = reported.json["ship_to"].as_u64().unwrap();
    let lines = verifier.lines(0, size);
    let shipped = verifier.ship(&home, &running, 0, &lines).await;
    let records = "/v1/verifiers/{origin}/records";
    check("post", records, &shipped, 200);
    let of_verifier = format!("verifier={}", verifier.origin());
    let decided = admin(Call::new("GET", "/v1/decisions").query(&of_verifier)).await;
    check("get", "/v1/decisions", &decided, 200);
    let decision = decided.json["decisions"][0]["decision"].as_str().unwrap();
    let decision = format!("/v1/decisions/{decision}");
    let found = admin(Call::new("GET", &decision)).await;
    check("get", "/v1/decisions/{decision}", &found, 200);
    let unknown = admin(Call::new("GET", "/v1/decisions/anything")).await;
    check("get", "/v1/decisions/{decision}", &unknown, 404);
    let listed = admin(Call::new("GET", "/v1/verifiers").query("version=8")).await;
    check("get", "/v1/verifiers", &listed, 200);
    let path = format!("/v1/verifiers/{}", verifier.origin());
    let shown = admin(Call::new("GET", &path)).await;
    check("get", "/v1/verifiers/{origin}", &shown, 200);
    let retired = admin(Call::new("POST", &format!("{path}/retire"))).await;
    check("post", "/v1/verifiers/{origin}/retire", &retired, 200);
    let unheard = verifier.witness(&home, &running, 0).await;
    check("post", report, &unheard, 401);

    // Whatever comes to the table must come here.
    let described = hallpass_authority::endpoints();
    for endpoint in described {
        let key = (endpoint.path, endpoint.method.as_str().to_ascii_lowercase());
        // An exchange needs an identity provider; measurements and events are no JSON.
        if !["/oauth/token", "/metrics", "/v1/bundle/events"].contains(&key.0) {
            assert!(
                seen.iter()
                    .any(|(path, method)| (*path, *method) == (key.0, &*key.1)),
                "{key:?} was not tried"
            );
        }
    }
    running.stop().await;
}
