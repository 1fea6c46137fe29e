//! Garbage in bulk, over kept-alive connections: no valid call is denied, and the journal grows by a bounded amount.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hallpass_client::ToolClient;
use hallpass_journal::UNSIGNED_SINGLES_PER_SECOND;
use hallpass_journal::verify::verify;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::live::{Live, SOON, ask};
use crate::world::records;

/// How many garbage tokens when the variable below does not say. The long form is in docs/verification.md.
const GARBAGE_DEFAULT: usize = 20_000;
const VARIABLE: &str = "HALLPASS_FLOOD";
const CONNECTIONS: usize = 8;
/// Requests sent before their answers are read.
const PIPELINED: usize = 50;
/// The rest between two valid calls.
const VALID_CALL_PAUSE: Duration = Duration::from_millis(10);
/// The largest record of a refusal of garbage, in bytes. Measured: about 500.
const RECORD_BYTES_MAX: u64 = 1_024;
/// Kinds of garbage below; each is counted on its own once a second.
const CODES: u64 = 5;

const SEARCH: (&str, &str) = ("kb.search", r#"{"query":"refund"}"#);

/// A request with a token that is none, each in another way.
fn garbage(number: usize, genuine: &str) -> String {
    let token = match number % 5 {
        0 => format!("Bearer hp1.{number:040}"),
        1 => format!("Bearer {number}"),
        // Signed by the authority's key, and changed since.
        2 => {
            let place = genuine.len() / 2 + number % 40;
            let other = if genuine.as_bytes()[place] == b'A' {
                "B"
            } else {
                "A"
            };
            format!(
                "Bearer {}{other}{}",
                &genuine[..place],
                &genuine[place + 1..]
            )
        }
        3 => format!("Bearer hp1.{}", "A".repeat(11_500 + number % 7)),
        _ => "Basic Zm9vOmJhcg==".to_owned(),
    };
    format!(
        "POST /tools/kb.search HTTP/1.1\r\nhost: tickets\r\nauthorization: {token}\r\n\
         content-type: application/json\r\ncontent-length: 18\r\n\r\n{{\"query\":\"refund\"}}"
    )
}

/// Sends its share of garbage and counts the answers; every one must be a refusal by status 400 or 401.
async fn pour(address: String, genuine: Arc<String>, numbers: std::ops::Range<usize>) -> usize {
    let mut stream = TcpStream::connect(&address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut refused = 0;
    let numbers: Vec<_> = numbers.collect();
    for some in numbers.chunks(PIPELINED) {
        let requests: String = some
            .iter()
            .map(|number| garbage(*number, &genuine))
            .collect();
        let mut answers = String::new();
        let (mut reader, mut writer) = stream.split();
        let send = async { writer.write_all(requests.as_bytes()).await.unwrap() };
        let receive = async {
            let mut buffer = vec![0; 64 * 1024];
            // Every problem document ends with this member or has it once.
            while answers.matches("urn:hallpass:denial:").count() < some.len() {
                let read = tokio::time::timeout(SOON, reader.read(&mut buffer))
                    .await
                    .unwrap()
                    .unwrap();
                assert!(read > 0, "the connection was closed");
                answers.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
            }
            // The last document may not have arrived whole.
            while !answers.ends_with('}') {
                let read = tokio::time::timeout(SOON, reader.read(&mut buffer))
                    .await
                    .unwrap()
                    .unwrap();
                answers.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
            }
        };
        tokio::join!(send, receive);
        refused +=
            answers.matches("HTTP/1.1 401 ").count() + answers.matches("HTTP/1.1 400 ").count();
    }
    refused
}

/// The bytes of the records: what else is there, such as the reserve for a full disk, does not grow with them.
fn bytes(journal: &Path) -> u64 {
    fs::read_dir(journal)
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.path().extension() == Some("jsonl".as_ref()))
        .map(|entry| entry.metadata().unwrap().len())
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_denies_no_valid_call_and_fills_no_disk() {
    let total: usize =
        std::env::var(VARIABLE).map_or(GARBAGE_DEFAULT, |text| text.parse().unwrap());
    let live = Live::start().await;
    let service = live.service(&live.state("tickets")).await;
    let token = live.mint("/support/draft", "agent:support-bot").await;
    let genuine = Arc::new(token.token.expose().to_owned());
    let address = service
        .url
        .to_string()
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .to_owned();
    let before = bytes(&service.journal);
    let started = Instant::now();

    let mut pouring = JoinSet::new();
    let share = total / CONNECTIONS;
    for connection in 0..CONNECTIONS {
        let first = connection * share;
        pouring.spawn(pour(
            address.clone(),
            Arc::clone(&genuine),
            first..first + share,
        ));
    }
    // The tokens of a long flood expire under it; a run renews.
    let tools = ToolClient::new().unwrap();
    let (mut token, mut minted) = (token, Instant::now());
    let (mut valid, mut slowest) = (0_u64, Duration::ZERO);
    let mut refused = 0;
    loop {
        if minted.elapsed() > Duration::from_secs(300) {
            (token, minted) = (
                live.mint("/support/draft", "agent:support-bot").await,
                Instant::now(),
            );
        }
        let asked = Instant::now();
        let answer = ask(&tools, &service.url, &token, SEARCH)
            .await
            .expect("an answer");
        assert_eq!(
            answer.status, 200,
            "a valid call under the flood: {answer:?}"
        );
        slowest = slowest.max(asked.elapsed());
        valid += 1;
        match tokio::time::timeout(VALID_CALL_PAUSE, pouring.join_next()).await {
            Ok(Some(poured)) => refused += poured.unwrap(),
            Ok(None) => break,
            // Still pouring: time for the next valid call.
            Err(_) => {}
        }
    }
    assert_eq!(
        refused,
        share * CONNECTIONS,
        "each was refused, none in another way"
    );
    let took = started.elapsed();
    let journal = service.journal.clone();
    service.stop().await;

    let report = verify(&journal, None).unwrap();
    let (mut single, mut counted) = (0, 0);
    for record in records(&journal) {
        match record["kind"].as_str().unwrap() {
            "decided" if record["verdict"] == "deny" => single += 1,
            "refused" => counted += record["count"].as_u64().unwrap(),
            _ => {}
        }
    }
    assert_eq!(
        single + counted,
        u64::try_from(refused).unwrap(),
        "every refusal is accounted for"
    );
    // By time, never by number: so many single records a second and one count for each code. Two records for each
    // valid call.
    let seconds = took.as_secs() + 2;
    let records_max = seconds * (u64::from(UNSIGNED_SINGLES_PER_SECOND) + CODES) + 2 * valid + 10;
    let grown = bytes(&journal) - before;
    assert!(
        grown <= records_max * RECORD_BYTES_MAX,
        "{grown} bytes for {records_max} records"
    );
    println!(
        "{refused} garbage tokens in {took:.1?}, all refused; {valid} valid calls meanwhile, all allowed, the slowest in \
         {slowest:.1?}; journal grew by {grown} bytes to {} records ({single} refusals singly, {counted} counted), intact",
        report.records
    );
}
