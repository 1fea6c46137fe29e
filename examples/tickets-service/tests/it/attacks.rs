//! The service and the authority under bytes that no client library would send: none of them is read in two ways, none
//! makes a server fail, and both serve on afterwards.

use hallpass_client::ToolClient;

use crate::live::{Live, ask};
use crate::raw::{Comes, Surface};

type Case = (&'static str, Vec<u8>);

/// Served, and the connection ends with the answer: a length that contradicts the chunks would go unseen.
fn served_in_chunks(on: &Surface) -> Vec<Case> {
    let chunked = |body: &str| on.framed("Transfer-Encoding: chunked", body);
    vec![
        ("in chunks", chunked("SIZE\r\nBODY\r\n0\r\n\r\n")),
        (
            "trailers are not headers",
            chunked("SIZE\r\nBODY\r\n0\r\nAuthorization: Bearer x\r\n\r\n"),
        ),
    ]
}

fn served(on: &Surface) -> Vec<Case> {
    vec![
        (
            "as it should be",
            on.framed("Content-Length: LENGTH", "BODY"),
        ),
        (
            "a length given twice alike",
            on.framed("Content-Length: LENGTH; Content-Length: LENGTH", "BODY"),
        ),
        (
            "lines first",
            [b"\r\n\r\n".to_vec(), on.line("POST PATH HTTP/1.1")].concat(),
        ),
        (
            "absolute form",
            on.line("POST http://evil.examplePATH HTTP/1.1"),
        ),
        (
            "another method by header",
            on.headers("X-HTTP-Method-Override: DELETE\r\nX-HTTP-Method: GET"),
        ),
        (
            "another path by header",
            on.headers("X-Original-URL: /tools/ticket.close\r\nX-Rewrite-URL: /livez"),
        ),
        (
            "another host by header",
            on.headers("X-Forwarded-Host: evil.example\r\nForwarded: host=evil.example"),
        ),
        (
            "websocket",
            on.headers("Connection: Upgrade\r\nUpgrade: websocket"),
        ),
        (
            "h2c",
            on.headers(
                "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk",
            ),
        ),
        (
            "hop-by-hop authorization",
            on.headers("Connection: authorization"),
        ),
        ("a range", on.headers("Range: bytes=0-1")),
    ]
}

/// Refused by HTTP itself: the connection is closed, for nobody knows where the next request starts.
fn unframed(on: &Surface) -> Vec<Case> {
    let framed = |headers: &str| on.framed(headers, "BODY");
    vec![
        (
            "two lengths",
            framed("Content-Length: LENGTH; Content-Length: 2"),
        ),
        (
            "a list of lengths",
            framed("Content-Length: LENGTH, LENGTH"),
        ),
        ("a length with a sign", framed("Content-Length: +LENGTH")),
        ("a negative length", framed("Content-Length: -1")),
        ("a length in hex", framed("Content-Length: 0x12")),
        (
            "a length beyond 64 bits",
            framed("Content-Length: 99999999999999999999999"),
        ),
        (
            "chunked and identity",
            framed("Transfer-Encoding: chunked; Transfer-Encoding: identity"),
        ),
        (
            "identity",
            framed("Transfer-Encoding: identity; Content-Length: LENGTH"),
        ),
        (
            "xchunked",
            framed("Transfer-Encoding: xchunked; Content-Length: LENGTH"),
        ),
        (
            "a space before the colon",
            framed("Transfer-Encoding : chunked"),
        ),
        ("HTTP/0.9", b"GET /livez\r\n".to_vec()),
        ("HTTP/1.2", on.line("POST PATH HTTP/1.2")),
        ("HTTP/2.0", on.line("POST PATH HTTP/2.0")),
        (
            "TLS",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        ),
        ("no slash", on.line("POST tools/kb.search HTTP/1.1")),
        ("a space in the target", on.line("POST PATH x HTTP/1.1")),
        ("two spaces", on.line("POST  PATH HTTP/1.1")),
        ("tabs", on.line("POST\tPATH\tHTTP/1.1")),
        ("a folded header", on.headers("X-A: b\r\n c")),
        ("NUL in a header", on.headers("X-A: b\0c")),
        ("CR in a header", on.headers("X-A: b\rc")),
        ("no colon", on.headers("XA")),
        ("no name", on.headers(": x")),
        ("a space in a name", on.headers("X A: x")),
        (
            "noise",
            (0..4_000_u32)
                .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[1])
                .collect(),
        ),
    ]
}

/// Framed by one rule and nothing in it is a call: the body does not arrive whole.
fn broken_bodies(on: &Surface) -> Vec<Case> {
    let chunked = |body: &str| on.framed("Transfer-Encoding: chunked", body);
    vec![
        (
            "a chunk size that is none",
            chunked("zz\r\nBODY\r\n0\r\n\r\n"),
        ),
        (
            "a chunk size beyond 64 bits",
            chunked("fffffffffffffffff\r\nx"),
        ),
        ("a negative chunk size", chunked("-1\r\nx")),
        (
            "a chunk larger than its size",
            chunked("5\r\nBODY\r\n0\r\n\r\n"),
        ),
        ("chunks ended by LF", chunked("SIZE\nBODY\n0\n\n")),
        (
            "a long chunk extension",
            chunked(&format!(
                "SIZE;{}\r\nBODY\r\n0\r\n\r\n",
                "e".repeat(100_000)
            )),
        ),
        (
            "long trailers",
            chunked(&format!(
                "SIZE\r\nBODY\r\n0\r\n{}\r\n",
                "X-A: b\r\n".repeat(4_000)
            )),
        ),
    ]
}

/// Heads that are too large.
fn large_heads(on: &Surface) -> Vec<Case> {
    let many: String = (0..200)
        .map(|number| format!("X-{number}: y\r\n"))
        .collect();
    vec![
        ("200 headers", on.headers(many.trim_end())),
        (
            "a header of 1 MB",
            on.headers(&format!("X-A: {}", "h".repeat(1_000_000))),
        ),
    ]
}

/// Paths that are not the one they resemble.
fn other_paths(on: &Surface) -> Vec<Case> {
    vec![
        ("dot segments", on.line("POST /x/..PATH HTTP/1.1")),
        ("two slashes", on.line("POST /PATH HTTP/1.1")),
        ("a slash at the end", on.line("POST PATH/ HTTP/1.1")),
        ("a backslash", on.line("POST /tools\\kb.search HTTP/1.1")),
        (
            "the authority form",
            on.line("CONNECT evil.example:443 HTTP/1.1"),
        ),
        ("an asterisk", on.line("OPTIONS * HTTP/1.1")),
    ]
}

/// What only a tool path can make of a name; the authority has nothing there.
fn odd_names(on: &Surface) -> Vec<Case> {
    vec![
        (
            "dots and an encoded slash",
            on.line("POST /tools/..%2fkb.search HTTP/1.1"),
        ),
        (
            "letters of another script",
            on.line("POST /tools/kb.séarch HTTP/1.1"),
        ),
        ("a parameter", on.line("POST /tools/kb.search;v=1 HTTP/1.1")),
        (
            "half an escape",
            on.line("POST /tools/kb.search%zz HTTP/1.1"),
        ),
        (
            "an escaped line end",
            on.line("POST /tools/kb.search%0d%0aX:y HTTP/1.1"),
        ),
    ]
}

fn other_methods(on: &Surface) -> Vec<Case> {
    vec![
        ("small letters", on.line("post PATH HTTP/1.1")),
        (
            "a method of 5 KB",
            on.line(&format!("{} PATH HTTP/1.1", "M".repeat(5_000))),
        ),
        ("TRACE", on.line("TRACE PATH HTTP/1.1")),
    ]
}

impl Surface {
    /// Every attack, with what must come of it.
    fn attacks(&self, tools: bool) -> Vec<(Case, Comes)> {
        let all = |cases: Vec<Case>, comes: Comes| {
            cases.into_iter().map(move |case| (case, comes.clone()))
        };
        let served_status = self.served;
        let (name, method) = if tools { (400, 400) } else { (404, 405) };
        let both = "Transfer-Encoding: chunked; Content-Length: 5";
        // RFC 9112 section 6.3: the chunks count, and the connection is closed behind them.
        let smuggled = format!(
            "SIZE\r\nBODY\r\n0\r\n\r\n{}",
            "GET /livez HTTP/1.1\r\nHost: t\r\n\r\n"
        );
        let twice = [
            self.line("POST PATH HTTP/1.1"),
            self.line("POST PATH HTTP/1.1"),
        ]
        .concat();
        let then_noise = [self.line("POST PATH HTTP/1.1"), b"noise\r\n\r\n".to_vec()].concat();
        let two_tokens = self.headers(&format!("AUTHORIZATION: {}", self.authorization));
        let unannounced = self.framed("X-A: b", "BODY");
        let (doubled, unread) = if tools { (400, 400) } else { (401, 400) };
        [
            (
                ("two framings", self.framed(both, &smuggled)),
                Comes::Closed(vec![served_status]),
            ),
            (
                ("two at once", twice),
                Comes::Open(vec![served_status, served_status]),
            ),
            (
                ("one and noise", then_noise),
                Comes::Closed(vec![served_status, 400]),
            ),
            (
                ("HTTP/1.0", self.line("POST PATH HTTP/1.0")),
                Comes::Closed(vec![served_status]),
            ),
            (
                ("two authorizations", two_tokens),
                Comes::Open(vec![doubled]),
            ),
            (
                ("a body nobody announced", unannounced),
                Comes::Closed(vec![unread, 400]),
            ),
        ]
        .into_iter()
        .chain(all(served(self), Comes::Open(vec![served_status])))
        .chain(all(
            served_in_chunks(self),
            Comes::Closed(vec![served_status]),
        ))
        .chain(all(unframed(self), Comes::Closed(vec![400])))
        .chain(all(broken_bodies(self), Comes::Closed(vec![400])))
        .chain(all(large_heads(self), Comes::Closed(vec![431])))
        .chain(all(other_paths(self), Comes::Open(vec![404])))
        .chain(all(odd_names(self), Comes::Open(vec![name])))
        .chain(all(other_methods(self), Comes::Open(vec![method])))
        .collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_bytes_confuse_a_server_or_break_it() {
    let live = Live::start().await;
    let service = live.service(&live.state("tickets")).await;
    let token = live.mint("/support/draft", "agent:support-bot").await;
    let tools = Surface {
        url: service.url.clone(),
        path: "/tools/kb.search",
        authorization: format!("Bearer {}", token.token.expose()),
        body: r#"{"query":"refund"}"#,
        served: 200,
    };
    let authority = Surface {
        url: live.authority.clone(),
        path: "/v1/tokens",
        authorization: format!("Bearer {}", live.secret()),
        body: r#"{"route":"/research","tenant":"acme","subject":"user:alice","actor":"agent:a"}"#,
        served: 201,
    };
    let mut wrong = Vec::new();
    for (who, surface) in [("service", &tools), ("authority", &authority)] {
        for ((name, bytes), comes) in surface.attacks(who == "service") {
            let came = surface.exchange(&bytes).await;
            if came != comes {
                wrong.push(format!("{who}, {name}: {came:?}, not {comes:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // Both still serve, and the journal is whole.
    live.mint("/research", "agent:a").await;
    let alive = ask(
        &ToolClient::new().unwrap(),
        &service.url,
        &token,
        ("kb.search", tools.body),
    )
    .await;
    assert_eq!(alive.unwrap().status, 200);
    let journal = service.journal.clone();
    service.stop().await;
    hallpass_journal::verify::verify(&journal, None).unwrap();
}
