//! Somebody who listens to what is published.

use std::time::Duration;

use serde_json::Value;

use crate::fixture::{Running, SOON};

/// An open stream of events.
pub struct Listener {
    response: reqwest::Response,
    text: String,
}

/// One event.
#[derive(Debug)]
pub struct Event {
    pub name: String,
    pub data: Vec<u8>,
}

impl Event {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.data).unwrap()
    }

    /// The number of the bundle that the heartbeat of this event names.
    pub fn version(&self) -> u64 {
        let json = self.json();
        let heartbeat = json.get("heartbeat").unwrap_or(&json);
        payload(heartbeat)["bundle_version"].as_u64().unwrap()
    }
}

/// What an envelope holds, whoever signed it.
pub fn payload(envelope: &Value) -> Value {
    use base64::Engine as _;
    let payload = envelope["payload"].as_str().unwrap();
    let payload = base64::engine::general_purpose::STANDARD
        .decode(payload)
        .unwrap();
    serde_json::from_slice(&payload).unwrap()
}

impl Listener {
    pub async fn start(running: &Running) -> Self {
        let request = running.http.get(running.url("/v1/bundle/events"));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            response,
            text: String::new(),
        }
    }

    /// The next event; nothing when the stream is over.
    pub async fn next(&mut self) -> Option<Event> {
        tokio::time::timeout(SOON, self.read()).await.unwrap()
    }

    /// The next event that tells of another bundle, and how long it took to come.
    pub async fn next_bundle(&mut self, before: u64) -> (Event, Duration) {
        let started = std::time::Instant::now();
        loop {
            let event = self.next().await.unwrap();
            if event.version() != before {
                return (event, started.elapsed());
            }
        }
    }

    async fn read(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (name, data) = event.split_once('\n').unwrap();
                let event = Event {
                    name: name.strip_prefix("event: ").unwrap().to_owned(),
                    data: data.strip_prefix("data: ").unwrap().as_bytes().to_vec(),
                };
                self.text = rest.to_owned();
                return Some(event);
            }
            let chunk = self.response.chunk().await.ok().flatten()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}
