//! Stops as operators place them: what one authority stops, the others on its database mint no more, and a kill forgets nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hallpass_client::{Behalf, TokenClient, TokenError, TokenRequest};
use hallpass_testkit::ChildProcess;
use tokio::task::JoinSet;

use crate::command::Answer;
use crate::wards::{BOUND, Ward, request};

/// An authority that serves, and where.
struct Seat {
    child: ChildProcess,
    url: String,
    client: TokenClient,
}

impl Seat {
    fn of(ward: &Ward, directory: &str) -> Self {
        let mut child = ward.spawn(directory);
        let url = child.wait_for_line("listening on ", BOUND);
        let client = ward.client(&url);
        Self { child, url, client }
    }

    /// As the first operator.
    fn act(&self, ward: &Ward, args: &[&str]) -> Answer {
        let signed = [
            "--authority",
            &self.url,
            "--key",
            "authority/keys/operator.key",
            "--trust-root",
            "authority/trust-root.txt",
        ];
        ward.desk.run(&[args, &signed[..]].concat())
    }

    /// Stops something; the id of the stop.
    fn stop(&self, ward: &Ward, selector: &str) -> String {
        let args = [
            "stop",
            selector,
            "--reason",
            "a test",
            "--no-wait",
            "--json",
        ];
        let answer = self.act(ward, &args).expect(0).json();
        answer["stop"]["stop_id"].as_str().unwrap().to_owned()
    }
}

fn of(subject: &str) -> TokenRequest {
    TokenRequest {
        behalf: Behalf::Asserted(subject.parse().unwrap()),
        ..request(None)
    }
}

fn is_stopped<T>(answer: &Result<T, TokenError>) -> bool {
    matches!(answer, Err(TokenError::Refused(problem)) if problem.code == "stopped")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_survives_a_kill() {
    let ward = Ward::sqlite("");
    let mut seat = Seat::of(&ward, "authority");
    let stop = seat.stop(&ward, "subject:user:alice");
    seat.child.kill();
    let seat = Seat::of(&ward, "authority");
    assert!(is_stopped(&seat.client.request(&of("user:alice")).await));
    assert!(seat.client.request(&of("user:bob")).await.is_ok());
    let shown = seat.act(&ward, &["stops", "show", &stop]).expect(0);
    assert!(shown.stdout.contains("in_force"), "{}", shown.stdout);
    let resumed = seat
        .act(&ward, &["resume", &stop, "--json"])
        .expect(0)
        .json();
    assert_eq!(resumed["stop"]["state"], "lifted");
}

/// Ten times a stop at one replica while the other mints as fast as it can.
#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_replica_stops_no_other_mints_after_its_answer() {
    let ward = Arc::new(Ward::postgres(
        "\n[limits]\nclient_mints_per_minute = 1000000\n",
    ));
    let one = Seat::of(&ward, "authority");
    let two = Seat::of(&ward, "authority-2");
    let mut minted = 0;
    for round in 0..10 {
        let subject = format!("user:{round}");
        let answered = Arc::new(AtomicBool::new(false));
        let mut callers = JoinSet::new();
        for _ in 0..3 {
            let (client, body, answered) =
                (two.client.clone(), of(&subject), Arc::clone(&answered));
            callers.spawn(async move {
                let mut minted = 0;
                // One more after the stop was answered.
                loop {
                    let last = answered.load(Ordering::SeqCst);
                    let answer = client.request(&body).await;
                    match (last, &answer) {
                        (true, _) => {
                            assert!(is_stopped(&answer), "{answer:?}");
                            return minted;
                        }
                        (false, Ok(_)) => minted += 1,
                        (false, Err(_)) => assert!(is_stopped(&answer), "{answer:?}"),
                    }
                }
            });
        }
        let (stopping, selector) = (Arc::clone(&ward), format!("subject:{subject}"));
        // Blocks; the callers go on meanwhile.
        let stop = tokio::task::block_in_place(|| one.stop(&stopping, &selector));
        answered.store(true, Ordering::SeqCst);
        while let Some(caller) = callers.join_next().await {
            minted += caller.unwrap();
        }
        // What one has stopped the other lifts, and both know.
        two.act(&ward, &["resume", &stop]).expect(0);
        tokio::time::timeout(BOUND, async {
            while is_stopped(&one.client.request(&of(&subject)).await) {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
    }
    assert!(minted > 0);
    // Its own bundle has what the other stopped, without being asked for anything.
    two.stop(&ward, "route:/support/draft");
    tokio::task::block_in_place(|| {
        hallpass_testkit::eventually(BOUND, "the other's stop is published", || {
            published(&one.url).contains("/support/draft\",\"issued")
        });
    });
    drop((one.child, two.child));
}

/// The payload of the bundle of now.
#[cfg(feature = "postgres")]
fn published(url: &str) -> String {
    use base64::Engine as _;
    use std::io::{Read as _, Write as _};
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let request =
        format!("GET /v1/bundle?format=2 HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let document: serde_json::Value = serde_json::from_str(body).unwrap();
    let payload = document["bundle"]["payload"].as_str().unwrap();
    let payload = base64::engine::general_purpose::STANDARD.decode(payload);
    String::from_utf8(payload.unwrap()).unwrap()
}
