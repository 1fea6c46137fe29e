//! Minting over HTTP, durable, from 64 connections: on the embedded store, and on PostgreSQL beside it.
//!
//! `cargo bench -p hallpass-cli --features full --bench mint`. Load generator, authority and PostgreSQL share one machine.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench fails by panicking"
)]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use hallpass_keys::{Purpose, SigningKey};
use hallpass_testkit::ChildProcess;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const CONNECTIONS: usize = 64;
const WARM_UP: Duration = Duration::from_secs(2);
const MEASURED: Duration = Duration::from_secs(10);
const BOUND: Duration = Duration::from_secs(60);

/// Of Linux, for what `/proc/PID/stat` counts in.
const TICKS_PER_SECOND: f64 = 100.0;

const LIMITS: &str = "
[limits]
client_mints_per_minute = 1000000
tenant_mints_per_minute = 1000000
";

/// What is asked for.
#[derive(Clone, Copy)]
enum Ask {
    Keyed,
    Plain,
    Renewals,
}

fn main() {
    println!("| store | asked | mints/s | p50 | p99 | CPU of the authority a mint | failed |");
    println!("|---|---|---|---|---|---|---|");
    for ask in [Ask::Plain, Ask::Keyed, Ask::Renewals] {
        row("SQLite", "", ask);
    }
    #[cfg(feature = "postgres")]
    {
        let server = hallpass_testkit::PostgresServer::start_with(&[]);
        for ask in [Ask::Plain, Ask::Keyed, Ask::Renewals] {
            let database = server.database();
            let store = format!(
                "\n[store]\npostgres = \"{}\"\npassfile = \"{}\"\n",
                database.connection,
                database.passfile.display()
            );
            row("PostgreSQL", &store, ask);
        }
    }
}

fn row(name: &str, store: &str, ask: Ask) {
    let directory = hallpass_testkit::temp_dir();
    let home = directory.path().join("authority");
    let made = hallpass(&["init", home.to_str().unwrap(), "--json", "--no-passphrase"])
        .output()
        .unwrap();
    let made: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    append(&home.join("policy/starter.toml"), LIMITS);
    append(&home.join("authority.toml"), store);
    let mut serve = hallpass(&[
        "serve",
        "--dir",
        home.to_str().unwrap(),
        "--listen",
        "127.0.0.1:0",
    ]);
    let mut child = ChildProcess::spawn(serve.env("HALLPASS_LOG", "warn"));
    let address = child.wait_for_line("listening on http://", BOUND);
    let secret = format!(
        "demo-orchestrator:{}",
        made["client_secret"].as_str().unwrap()
    );
    let basic = base64::engine::general_purpose::STANDARD.encode(secret);

    let before = unit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (mut latencies, failed, spent) = runtime.block_on(load(&address, &basic, ask, child.id()));
    let unit = (before + unit()) / 2.0;
    child.kill();
    latencies.sort_unstable();
    let at = |share: f64| {
        let place = (latencies.len() as f64 * share) as usize;
        latencies[place.min(latencies.len() - 1)].as_secs_f64() * 1000.0
    };
    println!(
        "| {name} | {} | {:.0} | {:.1} ms | {:.1} ms | {:.2} U | {failed} |",
        match ask {
            Ask::Keyed => "a new run, with a key",
            Ask::Plain => "a new run",
            Ask::Renewals => "renewals",
        },
        latencies.len() as f64 / MEASURED.as_secs_f64(),
        at(0.5),
        at(0.99),
        spent / latencies.len() as f64 / unit,
    );
}

/// Latencies of the measured time, failures, and the seconds of processor time the authority took in it.
async fn load(address: &str, basic: &str, ask: Ask, process: u32) -> (Vec<Duration>, u64, f64) {
    let counting = Arc::new(AtomicBool::new(false));
    let stopped = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..CONNECTIONS)
        .map(|number| {
            let (address, basic) = (address.to_owned(), basic.to_owned());
            let (counting, stopped) = (Arc::clone(&counting), Arc::clone(&stopped));
            tokio::spawn(caller(address, basic, ask, number, counting, stopped))
        })
        .collect();
    tokio::time::sleep(WARM_UP).await;
    let before = processor_seconds(process);
    counting.store(true, Ordering::Relaxed);
    tokio::time::sleep(MEASURED).await;
    counting.store(false, Ordering::Relaxed);
    let spent = processor_seconds(process) - before;
    stopped.store(true, Ordering::Relaxed);
    let (mut latencies, mut failed) = (Vec::new(), 0);
    for caller in callers {
        let (theirs, missed) = caller.await.unwrap();
        latencies.extend(theirs);
        failed += missed;
    }
    (latencies, failed, spent)
}

async fn caller(
    address: String,
    basic: String,
    ask: Ask,
    number: usize,
    counting: Arc<AtomicBool>,
    stopped: Arc<AtomicBool>,
) -> (Vec<Duration>, u64) {
    let mut stream = TcpStream::connect(&address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut latencies, mut failed, mut run, mut asked) = (Vec::new(), 0, String::new(), 0_u64);
    let mut buffer = Vec::new();
    while !stopped.load(Ordering::Relaxed) {
        asked += 1;
        let key = match ask {
            Ask::Keyed => format!("idempotency-key: {number}-{asked}\r\n"),
            Ask::Plain | Ask::Renewals => String::new(),
        };
        let body = format!(
            r#"{{"route":"/support/draft","tenant":"acme","subject":"user:alice","actor":"agent:support-bot"{run}}}"#
        );
        let request = format!(
            "POST /v1/tokens HTTP/1.1\r\nhost: {address}\r\nauthorization: Basic {basic}\r\n{key}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let began = Instant::now();
        stream.write_all(request.as_bytes()).await.unwrap();
        let granted = answer(&mut stream, &mut buffer).await;
        if counting.load(Ordering::Relaxed) {
            match granted {
                true => latencies.push(began.elapsed()),
                false => failed += 1,
            }
        }
        if matches!(ask, Ask::Renewals) && run.is_empty() && granted {
            let text = String::from_utf8_lossy(&buffer);
            let (_, rest) = text.split_once(r#""run_id":""#).unwrap();
            let id = rest.split('"').next().unwrap();
            run = format!(r#","run_id":"{id}""#);
        }
    }
    (latencies, failed)
}

/// Reads one answer into the buffer; whether it is a token.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> bool {
    buffer.clear();
    loop {
        let read = stream.read_buf(buffer).await.unwrap();
        assert!(read > 0, "the authority hung up");
        let Some(head) = buffer.windows(4).position(|it| it == b"\r\n\r\n") else {
            continue;
        };
        let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
        let (_, length) = text.split_once("content-length: ").unwrap();
        let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
        if buffer.len() >= head + 4 + length {
            return buffer.starts_with(b"HTTP/1.1 201");
        }
    }
}

/// Seconds of one verification of 256 bytes: the median of many.
fn unit() -> f64 {
    let key = SigningKey::from_seed(Purpose::Run, "dev".parse().unwrap(), [7; 32]);
    let (message, public) = ([7; 256], key.verifying_key());
    let signature = key.sign(&message);
    let mut times: Vec<f64> = (0..2_001)
        .map(|_| {
            let began = Instant::now();
            assert!(
                std::hint::black_box(&public)
                    .verify(&message, &signature)
                    .is_ok()
            );
            began.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Processor time of a process so far.
fn processor_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let fields: Vec<&str> = fields.split(' ').collect();
    let ticks = |place: usize| fields[place].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / TICKS_PER_SECOND
}

fn hallpass(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hallpass"));
    command.args(arguments);
    command
}

fn append(path: &Path, text: &str) {
    let before = std::fs::read_to_string(path).unwrap();
    std::fs::write(path, before + text).unwrap();
}
