//! Bytes on the wire that are no request, or two at once: each is refused cleanly, and the next caller is answered.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fixture::{Home, Running, draft};

/// Longer than the longest bound of a head or a body.
const PATIENCE: Duration = Duration::from_secs(40);

/// What must come of it.
#[derive(Debug, Clone, Copy)]
enum Outcome {
    /// One answer with this status, and nothing after it but the end.
    Answer(u16),
    /// The end, without an answer: nobody there speaks HTTP.
    End,
    /// Two answers with these.
    Two(u16, u16),
}
use Outcome::{Answer, End, Two};

/// A case of the corpus. `\n` in a text is CR LF where it stands for the end of a line.
struct Case {
    name: &'static str,
    bytes: Vec<u8>,
    outcome: Outcome,
}

fn case(name: &'static str, text: &str, outcome: Outcome) -> Case {
    raw(name, text.replace('\n', "\r\n").as_bytes(), outcome)
}

fn raw(name: &'static str, bytes: &[u8], outcome: Outcome) -> Case {
    Case {
        name,
        bytes: bytes.to_vec(),
        outcome,
    }
}

const LIVE: &str = "GET /livez HTTP/1.1\nHost: a\nConnection: close\n\n";

#[rustfmt::skip]
fn framing(secret: &str) -> Vec<Case> {
    let mint = |head: &str, body: &str| {
        format!("POST /v1/tokens HTTP/1.1\nHost: a\nAuthorization: Bearer {secret}\nContent-Type: application/json\n{head}\n{body}")
    };
    vec![
        case("a plain request", LIVE, Answer(200)),
        case("two lengths", &mint("Connection: close\nContent-Length: 2\nContent-Length: 3\n", "{} "), Answer(400)),
        case("two equal lengths in one", &mint("Connection: close\nContent-Length: 2, 2\n", "{}"), Answer(400)),
        case("a length with a sign", &mint("Connection: close\nContent-Length: +2\n", "{}"), Answer(400)),
        case("a negative length", &mint("Connection: close\nContent-Length: -1\n", "{}"), Answer(400)),
        case("a length in hex", &mint("Connection: close\nContent-Length: 0x2\n", "{}"), Answer(400)),
        case("a length beyond all numbers", &mint("Connection: close\nContent-Length: 99999999999999999999999\n", "{}"), Answer(400)),
        case("a length with a space before the colon", &mint("Connection: close\nContent-Length : 2\n", "{}"), Answer(400)),
        case("a length and chunks", &mint("Connection: close\nContent-Length: 4\nTransfer-Encoding: chunked\n", "0\n\n"), Answer(400)),
        case("chunks and a length", &mint("Transfer-Encoding: chunked\nContent-Length: 4\n", "0\n\n"), Answer(400)),
        case("chunked twice", &mint("Transfer-Encoding: chunked\nTransfer-Encoding: chunked\n", "0\n\n"), Answer(501)),
        case("chunked under gzip", &mint("Transfer-Encoding: gzip, chunked\n", "0\n\n"), Answer(501)),
        case("chunked and then identity", &mint("Transfer-Encoding: chunked, identity\n", "0\n\n"), Answer(400)),
        case("a coding nobody knows", &mint("Transfer-Encoding: xchunked\n", "0\n\n"), Answer(400)),
        case("a coding behind a vertical tab", &mint("Transfer-Encoding:\u{b}chunked\n", "0\n\n"), Answer(400)),
        case("a coding in HTTP/1.0", "POST /v1/tokens HTTP/1.0\nHost: a\nTransfer-Encoding: chunked\n\n0\n\n", Answer(400)),
        case("a chunk size that is none", &mint("Transfer-Encoding: chunked\n", "zz\n{}\n0\n\n"), Answer(400)),
        case("a chunk size beyond all numbers", &mint("Transfer-Encoding: chunked\n", "ffffffffffffffffff\n{}\n0\n\n"), Answer(400)),
        case("a chunk without its end", &mint("Transfer-Encoding: chunked\n", "2\n{}0\n\n"), Answer(400)),
        case("a chunk with a long extension", &mint("Transfer-Encoding: chunked\n", &format!("2;{}\n{{}}\n0\n\n", "x".repeat(20_000))), Answer(400)),
        case("no host", "GET /livez HTTP/1.1\nConnection: close\n\n", Answer(400)),
        case("two hosts", "GET /livez HTTP/1.1\nHost: a\nHost: b\nConnection: close\n\n", Answer(400)),
        case("a header folded over two lines", "GET /livez HTTP/1.1\nHost: a\nX: a\n b\nConnection: close\n\n", Answer(400)),
        case("a header without a colon", "GET /livez HTTP/1.1\nHost: a\nX\nConnection: close\n\n", Answer(400)),
        case("a header without a name", "GET /livez HTTP/1.1\nHost: a\n: x\nConnection: close\n\n", Answer(400)),
        case("a name with a space", "GET /livez HTTP/1.1\nHost: a\nX Y: x\nConnection: close\n\n", Answer(400)),
        raw("NUL in a value", b"GET /livez HTTP/1.1\r\nHost: a\r\nX: \0\r\nConnection: close\r\n\r\n", Answer(400)),
        raw("NUL in a path", b"GET /li\0vez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", Answer(400)),
        raw("NUL in a name", b"GET /livez HTTP/1.1\r\nHost: a\r\nX\0: x\r\nConnection: close\r\n\r\n", Answer(400)),
        raw("CR alone in a value", b"GET /livez HTTP/1.1\r\nHost: a\r\nX: a\rb\r\nConnection: close\r\n\r\n", Answer(400)),
        raw("CR alone at the end of lines", b"GET /livez HTTP/1.1\rHost: a\rConnection: close\r\r", Answer(400)),
        raw("LF alone at the end of lines", b"GET /livez HTTP/1.1\nHost: a\nConnection: close\n\n", Answer(200)),
        raw("a name that is not ASCII", "GET /livez HTTP/1.1\r\nHost: a\r\nÄ: x\r\nConnection: close\r\n\r\n".as_bytes(), Answer(400)),
        raw("a path that is not ASCII", "GET /livéz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".as_bytes(), Answer(404)),
        raw("a method that is not ASCII", "GÉT /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".as_bytes(), Answer(400)),
        raw("a TLS handshake", b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", Answer(400)),
        raw("a request of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", End),
        raw("nothing but line ends", b"\r\n\r\n\r\n\r\n", End),
        raw("random bytes", &[0x80, 0xff, 0x00, 0x13, 0x37, 0xc3, 0x28, b'\r', b'\n', b'\r', b'\n'], Answer(400)),
    ]
}

#[rustfmt::skip]
fn forms() -> Vec<Case> {
    vec![
        raw("HTTP/0.9", b"GET /livez\r\n", Answer(400)),
        case("HTTP/0.9 with a version", "GET /livez HTTP/0.9\n\n", Answer(400)),
        case("a version to come", "GET /livez HTTP/3.0\nHost: a\n\n", Answer(400)),
        case("the absolute form of another host", "GET http://elsewhere/livez HTTP/1.1\nHost: a\nConnection: close\n\n", Answer(200)),
        case("a request to be a proxy", "CONNECT elsewhere:443 HTTP/1.1\nHost: elsewhere\nConnection: close\n\n", Answer(404)),
        case("an upgrade", "GET /livez HTTP/1.1\nHost: a\nConnection: upgrade, close\nUpgrade: h2c\n\n", Answer(200)),
        case("a trace", "TRACE /livez HTTP/1.1\nHost: a\nConnection: close\n\n", Answer(405)),
        case("a method nobody knows", "MINT /v1/tokens HTTP/1.1\nHost: a\nConnection: close\n\n", Answer(405)),
        case("the asterisk", "OPTIONS * HTTP/1.1\nHost: a\nConnection: close\n\n", Answer(404)),
        case("a path out of the tree", "GET /v1/../livez HTTP/1.1\nHost: a\nConnection: close\n\n", Answer(404)),
        case("a path with an encoded slash", "GET /v1%2ftokens HTTP/1.1\nHost: a\nConnection: close\n\n", Answer(404)),
        case("a path with two slashes", "GET //livez HTTP/1.1\nHost: a\nConnection: close\n\n", Answer(404)),
        case("a body where none belongs", "GET /livez HTTP/1.1\nHost: a\nConnection: close\nContent-Length: 2\n\n{}", Answer(413)),
        case("an expectation of no body", "POST /v1/tokens HTTP/1.1\nHost: a\nExpect: 100-continue\nConnection: close\nContent-Length: 2\n\n", Answer(401)),
        case("an expectation nobody knows", "GET /livez HTTP/1.1\nHost: a\nExpect: miracles\nConnection: close\n\n", Answer(200)),
        case("two requests at once", &format!("GET /livez HTTP/1.1\nHost: a\n\n{LIVE}"), Two(200, 200)),
        case("a request in the body of another", &format!("POST /v1/tokens HTTP/1.1\nHost: a\nConnection: close\nContent-Length: 53\n\n{LIVE}"), Answer(401)),
        case("a request behind chunks and a length", &format!("POST /v1/tokens HTTP/1.1\nHost: a\nContent-Length: 4\nTransfer-Encoding: chunked\n\n0\n\n{LIVE}"), Answer(401)),
        case("a request behind a length and chunks", &format!("POST /v1/tokens HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\nContent-Length: 5\n\n0\n\n{LIVE}"), Answer(401)),
        case("two credentials", "POST /v1/tokens HTTP/1.1\nHost: a\nAuthorization: Bearer a\nAuthorization: Bearer b\nConnection: close\nContent-Length: 0\n\n", Answer(401)),
        case("more headers than anybody sends", &format!("GET /livez HTTP/1.1\nHost: a\n{}Connection: close\n\n", "X: x\n".repeat(2_000)), Answer(431)),
        case("a head that is too large", &format!("GET /livez HTTP/1.1\nHost: a\nX: {}\nConnection: close\n\n", "x".repeat(64 * 1024)), Answer(431)),
        case("a path that is too long", &format!("GET /{} HTTP/1.1\nHost: a\nConnection: close\n\n", "x".repeat(64 * 1024)), Answer(431)),
        case("a body that is declared too large", "POST /v1/tokens HTTP/1.1\nHost: a\nConnection: close\nContent-Length: 17000\n\n", Answer(413)),
        case("a body that is endless", "POST /v1/tokens HTTP/1.1\nHost: a\nConnection: close\nContent-Length: 9223372036854775807\n\n", Answer(413)),
    ]
}

/// Everything the other end says until it ends the connection.
async fn exchange(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // It may end before it has read everything.
    let _ = stream.write_all(bytes).await;
    read_to_end(&mut stream).await
}

async fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer))
        .await
        .expect("the connection stays open");
    answer
}

/// The statuses of the answers in a stream of bytes, interim ones left out.
fn statuses(answer: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(answer);
    text.match_indices("HTTP/1.")
        .map(|(at, _)| text[at..].split(' ').nth(1).unwrap().parse().unwrap())
        .filter(|status| *status != 100)
        .collect()
}

fn is_as_expected(found: &[u16], outcome: Outcome) -> bool {
    match (outcome, found) {
        (Answer(expected), [status]) => *status == expected,
        (End, []) => true,
        (Two(one, two), found) => found == [one, two],
        _ => false,
    }
}

async fn play(running: &Running, cases: Vec<Case>) {
    let mut wrong = Vec::new();
    for Case {
        name,
        bytes,
        outcome,
    } in cases
    {
        let answer = exchange(running.address, &bytes).await;
        let found = statuses(&answer);
        if !is_as_expected(&found, outcome) {
            wrong.push(format!("{name}: {found:?}, not {outcome:?}"));
        }
        assert_eq!(running.get("/livez").await.status, 200, "after {name}");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(running.mint(&draft()).await.status, 201);
}

#[tokio::test]
async fn what_two_readers_could_understand_differently_is_refused() {
    let home = Home::new();
    let running = home.serve().await;
    play(&running, framing(&running.basic.1)).await;
    running.stop().await;
    // None of it became a record of a token.
    assert_eq!(home.records_of("minted").len(), 1);
}

#[tokio::test]
async fn strange_forms_of_requests_are_answered_or_refused() {
    let home = Home::new();
    let running = home.serve().await;
    play(&running, forms()).await;
    running.stop().await;
    assert_eq!(home.records_of("minted").len(), 1);
}

#[tokio::test]
async fn what_comes_too_slowly_is_not_waited_for() {
    let home = Home::new();
    let running = home.serve().await;
    let head = format!(
        "POST /v1/tokens HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n",
        running.basic.1
    );
    let declared = format!("{head}Content-Length: 100\r\n\r\n{{");
    let in_chunks = format!("{head}Transfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n");
    let expecting = format!("{head}Expect: 100-continue\r\nContent-Length: 100\r\n\r\n");
    let half_a_head = "GET /livez HTTP/1.1\r\nHost: a\r\nX: ";
    let ask = async |text: &str| exchange(running.address, text.as_bytes()).await;
    let (declared, in_chunks, expecting, half_a_head) = tokio::join!(
        ask(&declared),
        ask(&in_chunks),
        ask(&expecting),
        ask(half_a_head)
    );
    assert_eq!(statuses(&declared), [408]);
    assert_eq!(statuses(&in_chunks), [408]);
    assert!(expecting.starts_with(b"HTTP/1.1 100 Continue"));
    assert_eq!(statuses(&expecting), [408]);
    assert!(half_a_head.is_empty(), "{half_a_head:?}");
    assert_eq!(running.mint(&draft()).await.status, 201);
    running.stop().await;
}

#[tokio::test]
async fn a_body_that_never_ends_is_cut_off_where_it_is_too_large() {
    let home = Home::new();
    let running = home.serve().await;
    let head = format!(
        "POST /v1/tokens HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
        running.basic.1
    );
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    // Until the other end has had enough.
    let mut sent = 0;
    while stream.write_all(chunk.as_bytes()).await.is_ok() && sent < 64 * 1024 * 1024 {
        sent += chunk.len();
    }
    assert!(sent < 64 * 1024 * 1024, "it takes everything");
    assert_eq!(running.mint(&draft()).await.status, 201);
    running.stop().await;
}
