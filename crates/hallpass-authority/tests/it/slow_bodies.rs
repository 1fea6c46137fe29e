//! What is taken away while a request is still arriving is taken away from that request too.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fixture::{Home, Running, draft};
use crate::signing::{Call, enrol, headers, key};
use hallpass_vocabulary::Clock as _;

/// A request whose head is there and whose body is awaited: whoever sent it was let in by what stood then.
struct Arriving(TcpStream);

impl Arriving {
    async fn start(running: &Running, head: &str, body: &[u8]) -> Self {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        let head = format!(
            "{head}Host: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // The server says so when it begins to read the body.
        let mut word = [0; 25];
        stream.read_exact(&mut word).await.unwrap();
        assert_eq!(&word, b"HTTP/1.1 100 Continue\r\n\r\n");
        Self(stream)
    }

    async fn finish(mut self, body: &[u8]) -> String {
        self.0.write_all(body).await.unwrap();
        let mut answer = String::new();
        self.0.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

fn authorization(request: reqwest::RequestBuilder) -> String {
    let request = request.build().unwrap();
    request.headers()["authorization"]
        .to_str()
        .unwrap()
        .to_owned()
}

/// A request of the client.
async fn started(running: &Running, path: &str, body: &[u8]) -> Arriving {
    let value = authorization(running.tokens());
    let head = format!("POST {path} HTTP/1.1\r\nAuthorization: {value}\r\n");
    Arriving::start(running, &head, body).await
}

#[tokio::test]
async fn a_client_that_is_disabled_while_its_request_arrives_gets_no_token() {
    let home = Home::new();
    enrol(&home);
    let running = home.serve().await;
    let body = draft().to_string().into_bytes();
    let arriving = started(&running, "/v1/tokens", &body).await;
    let disable = Call::new("POST", "/v1/clients/demo-orchestrator/disable");
    let disabled = running.as_operator(&home, "admin", &disable).await;
    assert_eq!(disabled.status, 200, "{disabled:?}");
    let answer = arriving.finish(&body).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    running.stop().await;
    assert!(home.records_of("minted").is_empty());
    assert_eq!(
        home.records_of("mint_refused")[0]["code"],
        "client_disabled"
    );
}

#[tokio::test]
async fn a_secret_that_is_retired_while_a_request_arrives_gets_no_token_and_ends_no_run() {
    let home = Home::new();
    enrol(&home);
    let running = home.serve().await;
    let run = running.mint(&draft()).await.json["run_id"].clone();
    let body = draft().to_string().into_bytes();
    let minting = started(&running, "/v1/tokens", &body).await;
    let path = format!("/v1/runs/{}/end", run.as_str().unwrap());
    let ending = started(&running, &path, b"{}").await;
    let listed = running
        .as_operator(&home, "admin", &Call::new("GET", "/v1/clients"))
        .await;
    let secret = listed.json["clients"][0]["secrets"][0]["secret_id"].clone();
    let secrets = "/v1/clients/demo-orchestrator/secrets";
    let retire = Call::new("DELETE", &format!("{secrets}/{}", secret.as_str().unwrap()));
    let retired = running.as_operator(&home, "admin", &retire).await;
    assert_eq!(retired.status, 200, "{retired:?}");
    for answer in [minting.finish(&body).await, ending.finish(b"{}").await] {
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    }
    running.stop().await;
    assert_eq!(home.records_of("minted").len(), 1);
    assert!(home.records_of("run_ended").is_empty());
}

#[tokio::test]
async fn a_client_with_many_slow_requests_keeps_no_operator_from_disabling_it() {
    let home = Home::new();
    enrol(&home);
    let running = home.serve().await;
    let run = running.mint(&draft()).await.json["run_id"].clone();
    let path = format!("/v1/runs/{}/end", run.as_str().unwrap());
    let mut arriving = Vec::new();
    for _ in 0..32 {
        arriving.push(started(&running, &path, b"{}").await);
    }
    let disable = Call::new("POST", "/v1/clients/demo-orchestrator/disable");
    let disabled = running.as_operator(&home, "admin", &disable).await;
    assert_eq!(disabled.status, 200, "{disabled:?}");
    for one in arriving {
        let answer = one.finish(b"{}").await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    }
    running.stop().await;
}

#[tokio::test]
async fn an_operator_who_is_removed_while_a_request_arrives_does_nothing() {
    let home = Home::new();
    enrol(&home);
    let running = home.serve().await;
    let call = Call::new("POST", "/v1/clients/demo-orchestrator/disable").body("{}");
    let signed = headers(&call, &key("admin"), home.clock.now());
    let head = format!(
        "POST {} HTTP/1.1\r\nHallpass-Authority: {}\r\nContent-Digest: {}\r\nSignature-Input: {}\r\nSignature: {}\r\n",
        call.path,
        signed.authority,
        signed.content_digest,
        signed.signature_input,
        signed.signature
    );
    let arriving = Arriving::start(&running, &head, &call.body).await;
    let file = home.path("policy/operators.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let (_, others) = text.split_once("[operators.\"op:approver\"]").unwrap();
    std::fs::write(&file, format!("[operators.\"op:approver\"]{others}")).unwrap();
    assert!(running.reloader.reload(None).await.unwrap().changed);
    let answer = arriving.finish(&call.body).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert_eq!(running.mint(&draft()).await.status, 201);
    running.stop().await;
    assert!(
        home.records_of("client_changed")
            .iter()
            .all(|it| it["change"] != "disabled")
    );
    let refused = home.records_of("operator_refused");
    assert_eq!(refused[0]["code"], "operator_key_unknown");
}
