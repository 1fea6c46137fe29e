//! Calling a service: what its answers become. The service here answers what it is told to, byte by byte.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;

use crate::command::{Desk, transcripts};
use crate::journal::decision;

/// Answers one request with this, and gives back what was asked.
fn service(status: &str, content_type: &str, body: &str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nHallpass-Decision: {}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        decision(1),
        body.len()
    );
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = Vec::new();
        let mut part = [0; 4096];
        while !asked.ends_with(b"}") {
            let count = stream.read(&mut part).unwrap();
            assert_ne!(count, 0);
            asked.extend_from_slice(&part[..count]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(asked).unwrap()
    });
    (url, serving)
}

fn problem(code: &str) -> String {
    format!(
        r#"{{"code":"{code}","title":"No.","detail":"a\u001b[2Jb","instance":"{}"}}"#,
        decision(1)
    )
}

/// What a service says that discloses details.
fn caveat_failed() -> String {
    format!(
        r#"{{"code":"caveat_failed","title":"No.","detail":"block 1 of the token says `/limit<=10`, and the argument `/limit` is not what it allows\u202e","instance":"{}"}}"#,
        decision(1)
    )
}

const CALL: [&str; 4] = ["call", "tickets", "kb.search", r#"{"query":"refund"}"#];

#[test]
fn answers_become_words_and_exit_statuses() {
    let mut shown = String::new();
    for (status, content_type, body, extra, exit) in [
        (
            "200 OK",
            "application/json",
            "{\"hits\":\n[12345678901234567890123]}".to_owned(),
            &[][..],
            0,
        ),
        (
            "200 OK",
            "application/json",
            "{\"hits\":\n[12345678901234567890123]}".to_owned(),
            &["--json"],
            0,
        ),
        (
            "403 Forbidden",
            "application/problem+json",
            problem("tool_not_granted"),
            &[],
            1,
        ),
        (
            "403 Forbidden",
            "application/problem+json",
            problem("tool_not_granted"),
            &["--json"],
            1,
        ),
        (
            "403 Forbidden",
            "application/problem+json",
            caveat_failed(),
            &[],
            1,
        ),
        (
            "403 Forbidden",
            "application/problem+json",
            caveat_failed(),
            &["--json"],
            1,
        ),
        (
            "500 Oops",
            "application/problem+json",
            problem("tool_failed"),
            &[],
            2,
        ),
        ("502 Bad Gateway", "text/html", "<html>".to_owned(), &[], 2),
        ("200 OK", "text/plain", "not json".to_owned(), &[], 2),
    ] {
        let mut desk = Desk::new();
        desk.write("token", "hp1.abc\n");
        let (url, serving) = service(status, content_type, &body);
        desk.set("HALLPASS_SERVICE_TICKETS", &url);
        let answer = desk
            .run(&[&CALL[..], &["--token", "@token"], extra].concat())
            .expect(exit);
        let asked = serving.join().unwrap();
        assert!(
            asked.starts_with("POST /tools/kb.search HTTP/1.1\r\n"),
            "{asked}"
        );
        assert!(
            asked
                .to_ascii_lowercase()
                .contains("\r\nauthorization: bearer hp1.abc\r\n"),
            "{asked}"
        );
        assert!(asked.ends_with(r#"{"query":"refund"}"#), "{asked}");
        assert!(!answer.stdout.contains("hp1.abc") && !answer.stderr.contains("hp1.abc"));
        shown.push_str(&format!(
            "# {status}\n{}\n",
            answer.transcript().replace(&url, "URL")
        ));
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn what_is_missing_is_said_before_anything_is_sent() {
    let mut desk = Desk::new();
    let nowhere = desk.run(&CALL).expect(2);
    desk.set("HALLPASS_URL", "http://127.0.0.1:9");
    let no_token = desk.run(&CALL).expect(2);
    let no_object = desk.run(&["call", "tickets", "kb.search", "[1]"]).expect(2);
    let both = desk
        .run(&["call", "tickets", "kb.search", "-", "--token", "-"])
        .expect(2);
    let absent = desk
        .run(&["call", "tickets", "kb.search", "@absent"])
        .expect(2);
    desk.write("latin", b"{\"query\":\"\xe9\"}");
    let latin = desk
        .run(&["call", "tickets", "kb.search", "@latin"])
        .expect(2);
    insta::assert_snapshot!(transcripts(&[
        nowhere, no_token, no_object, both, absent, latin
    ]));
}

#[test]
fn arguments_come_from_a_file_as_they_were_written() {
    let mut desk = Desk::new();
    desk.write("token", "hp1.abc\n");
    let written = r#"{ "query":"refund", "limit":9007199254740991}"#;
    desk.write("call.json", written);
    let (url, serving) = service("200 OK", "application/json", "{}");
    desk.set("HALLPASS_URL", &url);
    desk.run(&[
        "call",
        "tickets",
        "kb.search",
        "@call.json",
        "--token",
        "@token",
    ])
    .expect(0);
    assert!(serving.join().unwrap().ends_with(written));
}
