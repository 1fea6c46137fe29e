//! Every endpoint by every kind of credential. Nothing that a client, a subject or an agent holds acts as an operator, and no
//! operator mints.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_authority::{EndpointEntry, endpoints};
use hallpass_keys::{Purpose, SigningKey};
use hallpass_vocabulary::{Clock as _, Environment};
use serde_json::{Value, json};

use crate::fixture::{Answer, Home, Running, draft};
use crate::signing::{Call, ROLES, enrol, headers, key};
use crate::verifier::TestVerifier;

/// What the grid's policy has besides the starter's.
const POLICY: &str = r#"
[clients.cluster-bot]
summary = "A client in a cluster"
actors = "agent:*"
issuer = "cluster"
subject = "system:serviceaccount:agents:bot"
claims = { "kubernetes.io/namespace" = "agents" }

[clients.gone]
summary = "A client that is disabled"
actors = "agent:*"

[clients.target]
summary = "A client that is acted upon"
actors = "agent:*"

[issuers.cluster]
issuer = "https://cluster.example"
audience = "hallpass"
jwks_file = "keys/idp.json"
algorithms = ["EdDSA"]
for = ["clients"]

[issuers.people]
issuer = "https://people.example"
audience = "hallpass"
jwks_file = "keys/idp.json"
algorithms = ["EdDSA"]
for = ["subjects"]
"#;

struct Grid {
    home: Home,
    running: Running,
    wrong_secret: String,
    disabled_secret: String,
    retired_secret: String,
    retired_id: String,
    run_token: String,
}

impl Grid {
    async fn start() -> Self {
        let home = Home::new();
        enrol(&home);
        std::fs::write(home.path("policy/grid.toml"), POLICY).unwrap();
        let x = URL_SAFE_NO_PAD.encode(identity_provider().verifying_key().as_bytes());
        let keys = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "a"}]});
        std::fs::write(home.path("keys/idp.json"), keys.to_string()).unwrap();
        let running = home.serve().await;
        let admin = async |call: Call| running.as_operator(&home, "admin", &call).await;

        let added = admin(Call::new("POST", "/v1/clients/gone/secrets")).await;
        assert_eq!(added.status, 201, "{added:?}");
        let disabled = admin(Call::new("POST", "/v1/clients/gone/disable")).await;
        assert_eq!(disabled.status, 200, "{disabled:?}");
        let second = admin(Call::new("POST", "/v1/clients/demo-orchestrator/secrets")).await;
        let retired_id = second.json["secret_id"].as_str().unwrap().to_owned();
        let path = format!("/v1/clients/demo-orchestrator/secrets/{retired_id}");
        let retired = admin(Call::new("DELETE", &path)).await;
        assert_eq!(retired.status, 200, "{retired:?}");
        let minted = running.mint(&draft()).await;
        let text = |answer: &Answer, member: &str| answer.json[member].as_str().unwrap().to_owned();
        Self {
            wrong_secret: format!("hps_{}", "A".repeat(43)),
            disabled_secret: text(&added, "secret"),
            retired_secret: text(&second, "secret"),
            run_token: text(&minted, "token"),
            retired_id,
            home,
            running,
        }
    }

    /// The call an endpoint is tried with: one that would be carried out, or told that there is no such thing.
    fn call(&self, endpoint: &EndpointEntry) -> Call {
        let path = endpoint
            .path
            .replace("{client}", "target")
            .replace("{key}", &"0".repeat(64))
            .replace("{secret}", &self.retired_id)
            .replace("{run}", "run_018f3c1e5b7a7000800000000000002a")
            .replace("{decision}", "dec_018f3c1e5b7a7000800000000000002a")
            .replace("{origin}", "0011223344556677")
            .replace("{stop}", "stop_018f3c1e5b7a7000800000000000002a")
            .replace("{token}", "tok_018f3c1e5b7a7000800000000000002a");
        let method = match endpoint.method.as_str() {
            "DELETE" => "DELETE",
            "GET" => "GET",
            "POST" => "POST",
            other => panic!("{other}"),
        };
        let call = Call::new(method, &path);
        match (method, endpoint.path) {
            ("POST", "/v1/tokens") => call.body(&draft().to_string()),
            ("POST", "/oauth/token") => call.body(&format!(
                "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token={}\
                 &subject_token_type=urn:ietf:params:oauth:token-type:jwt\
                 &route=/support/draft&tenant=acme&actor=agent:support-bot",
                jwt(&claims("https://people.example", "alice"))
            )),
            ("POST", "/v1/verifiers") => call.body(
                &TestVerifier::new(&self.home, 1)
                    .wish("hpe_AAAA")
                    .to_string(),
            ),
            ("POST", "/v1/verifiers/codes") => call.body("{\"audience\":\"tickets\"}"),
            ("POST", "/v1/verifiers/{origin}/records") => call.query("from=0").body("{}"),
            ("POST", "/v1/clock") => call.body("{\"nonce\":\"00112233445566778899aabbccddeeff\"}"),
            ("POST", _) => call.body("{}"),
            _ => call,
        }
    }

    async fn bearer(&self, call: &Call, credential: &str) -> Answer {
        self.running
            .send(self.running.call(call).bearer_auth(credential))
            .await
    }

    /// What an endpoint answers to every kind of credential.
    async fn answers(&self, endpoint: &EndpointEntry) -> Vec<(String, Answer)> {
        let call = self.call(endpoint);
        let secret = self.home.report.client_secret.expose();
        let good = claims(
            "https://cluster.example",
            "system:serviceaccount:agents:bot",
        );
        let mut answers: Vec<(String, Answer)> = Vec::new();
        let mut note = |what: &str, answer: Answer| answers.push((what.to_owned(), answer));

        note("nothing", self.running.send(self.running.call(&call)).await);
        let garbage = self
            .running
            .call(&call)
            .header("authorization", "Bearer \u{ff}");
        note("garbage", self.running.send(garbage).await);
        note("client secret", self.bearer(&call, secret).await);
        let basic = self
            .running
            .call(&call)
            .basic_auth("demo-orchestrator", Some(secret));
        note("client secret, Basic", self.running.send(basic).await);
        note("wrong secret", self.bearer(&call, &self.wrong_secret).await);
        note(
            "secret of a disabled client",
            self.bearer(&call, &self.disabled_secret).await,
        );
        note(
            "retired secret",
            self.bearer(&call, &self.retired_secret).await,
        );
        note("workload token", self.bearer(&call, &jwt(&good)).await);
        let expired = with(&good, "exp", json!(self.seconds() - 60));
        note(
            "workload token, expired",
            self.bearer(&call, &jwt(&expired)).await,
        );
        let other = with(&good, "aud", json!("billing"));
        note(
            "workload token, other audience",
            self.bearer(&call, &jwt(&other)).await,
        );
        let nobody = with(&good, "sub", json!("system:serviceaccount:agents:other"));
        note(
            "workload token, no client",
            self.bearer(&call, &jwt(&nobody)).await,
        );
        let subject = jwt(&claims("https://people.example", "alice"));
        note("subject's token", self.bearer(&call, &subject).await);
        note("run token", self.bearer(&call, &self.run_token).await);

        let now = self.home.clock.now();
        for role in ROLES {
            note(
                role,
                self.running.as_operator(&self.home, role, &call).await,
            );
        }
        let signed = headers(&call, &key("admin"), now);
        let first = self
            .running
            .send(self.running.with_headers(&call, &signed))
            .await;
        drop(first);
        note(
            "admin, replayed",
            self.running
                .send(self.running.with_headers(&call, &signed))
                .await,
        );
        let early = hallpass_vocabulary::Timestamp::from_unix_seconds(self.seconds() - 61);
        let stale = headers(&call, &key("admin"), early);
        note(
            "admin, stale",
            self.running
                .send(self.running.with_headers(&call, &stale))
                .await,
        );
        let late = now.after(Duration::from_secs(62));
        let ahead = headers(&call, &key("admin"), late);
        note(
            "admin, from the future",
            self.running
                .send(self.running.with_headers(&call, &ahead))
                .await,
        );
        let stranger = headers(&call, &key("nobody"), now);
        note(
            "a key nobody enrolled",
            self.running
                .send(self.running.with_headers(&call, &stranger))
                .await,
        );

        let fresh = || headers(&call, &key("admin"), now);
        let mut elsewhere = fresh();
        elsewhere.authority = "hallpass.test/prod".to_owned();
        note(
            "admin, other authority",
            self.running
                .send(self.running.with_headers(&call, &elsewhere))
                .await,
        );
        let mut body = call.clone();
        body.body = b"{\"valid_seconds\":1}".to_vec();
        note(
            "admin, other body",
            self.running
                .send(self.running.with_headers(&body, &fresh()))
                .await,
        );
        let mut query = call.clone();
        query.query = Some("after_seconds=1".to_owned());
        note(
            "admin, other query",
            self.running
                .send(self.running.with_headers(&query, &fresh()))
                .await,
        );
        let mut path = call.clone();
        path.path = format!("{}%2f", call.path);
        let elsewhere = headers(&path, &key("admin"), now);
        note(
            "admin, other path",
            self.running
                .send(self.running.with_headers(&call, &elsewhere))
                .await,
        );
        let mut method = call.clone();
        method.method = if call.method == "GET" { "POST" } else { "GET" };
        let elsewhere = headers(&method, &key("admin"), now);
        note(
            "admin, other method",
            self.running
                .send(self.running.with_headers(&call, &elsewhere))
                .await,
        );
        for unsigned in [
            "hallpass-authority",
            "content-digest",
            "signature-input",
            "signature",
        ] {
            let headers = fresh();
            let mut request = self.running.call(&call);
            for (name, value) in [
                ("hallpass-authority", headers.authority),
                ("content-digest", headers.content_digest),
                ("signature-input", headers.signature_input),
                ("signature", headers.signature),
            ] {
                if name != unsigned {
                    request = request.header(name, value);
                }
            }
            note(
                &format!("admin, no {unsigned}"),
                self.running.send(request).await,
            );
        }
        let twice = self
            .running
            .with_headers(&call, &fresh())
            .header("signature", "hallpass=:AA==:");
        note("admin, two signatures", self.running.send(twice).await);
        answers
    }

    fn seconds(&self) -> i64 {
        self.home.clock.now().unix_seconds()
    }
}

/// The key of both identity providers.
fn identity_provider() -> SigningKey {
    SigningKey::from_seed(
        Purpose::Operator,
        Environment::new("dev").unwrap(),
        [0x77; 32],
    )
}

fn claims(issuer: &str, subject: &str) -> Value {
    let now = 1_800_000_000;
    json!({
        "iss": issuer, "sub": subject, "aud": ["hallpass"], "iat": now, "exp": now + 3_600,
        "kubernetes.io": {"namespace": "agents"},
    })
}

fn with(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    claims[name] = value;
    claims
}

fn jwt(claims: &Value) -> String {
    let encode = |text: String| URL_SAFE_NO_PAD.encode(text);
    let header = encode(json!({"alg": "EdDSA", "kid": "a"}).to_string());
    let signed = format!("{header}.{}", encode(claims.to_string()));
    let signature = identity_provider().sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_bytes()))
}

/// Whether a role is one of those the table names.
fn has_role(access: &str, role: &str) -> bool {
    let (_, roles) = access.rsplit_once("role ").unwrap_or_default();
    roles.split(" or ").any(|named| named == role)
}

fn shown(answer: &Answer) -> String {
    match answer.code() {
        // What is granted may have a `code` of its own, which is a secret.
        _ if answer.status < 300 => answer.status.to_string(),
        "none" => answer.status.to_string(),
        code => format!("{} {code}", answer.status),
    }
}

#[tokio::test]
async fn every_endpoint_by_every_credential() {
    let grid = Grid::start().await;
    let mut page = String::new();
    for endpoint in endpoints() {
        page.push_str(&format!(
            "{} {}: {}\n",
            endpoint.method, endpoint.path, endpoint.access
        ));
        let mut outcomes: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (credential, answer) in grid.answers(&endpoint).await {
            // A body where none is taken is refused before anybody is asked who they are.
            if endpoint.access == "anyone" && answer.status == 413 {
                continue;
            }
            let signed = credential.starts_with("admin") || ROLES.contains(&credential.as_str());
            let flawed = credential.starts_with("admin, ") || credential.starts_with("a key");
            let admitted = !matches!(answer.status, 401 | 403);
            let label = format!(
                "{} {} by {credential}: {answer:?}",
                endpoint.method, endpoint.path
            );
            match endpoint.access.as_str() {
                // What is open takes no body at all, but for a question.
                "anyone" if endpoint.path != "/v1/clock" && credential == "admin, other body" => {
                    assert_eq!(answer.status, 413, "{label}");
                }
                "anyone" => assert!(admitted, "{label}"),
                // Only a verifier's own key signs for it.
                "verifier" if credential == "admin, other body" => {
                    assert!(matches!(answer.status, 400 | 401), "{label}");
                }
                "verifier" => assert_eq!(answer.status, 401, "{label}"),
                "client" => assert!(!(signed && answer.status < 300), "{label}"),
                access if access.starts_with("client; ") => {
                    let may = has_role(access, &credential);
                    assert!(!(signed && !may && admitted), "{label}");
                }
                access => {
                    assert!(!(admitted && (!signed || flawed)), "{label}");
                    let may = access.ends_with("any role") || has_role(access, &credential);
                    assert_eq!(admitted, may && signed && !flawed, "{label}");
                }
            }
            outcomes.entry(shown(&answer)).or_default().push(credential);
        }
        let all_alike = outcomes.len() == 1;
        for (outcome, mut credentials) in outcomes {
            if all_alike {
                credentials = vec!["every one of them".to_owned()];
            }
            page.push_str(&format!("  {outcome}\n"));
            for credential in credentials {
                page.push_str(&format!("    {credential}\n"));
            }
        }
    }
    insta::assert_snapshot!(page);
    // No refusal and no act left a secret or a signature behind.
    let home = grid.home;
    grid.running.stop().await;
    let records = serde_json::to_string(&home.records()).unwrap();
    for secret in [
        &grid.disabled_secret,
        &grid.retired_secret,
        &grid.wrong_secret,
        &grid.run_token,
    ] {
        assert!(!records.contains(secret.as_str()));
    }
    assert!(!records.contains("hallpass=:") && !records.contains("eyJ"));
}
