//! Arguments are in no place but the service's own data: not in the journal, a log, a denial, or another file.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use hallpass_client::BaseUrl;
use hallpass_testkit::{ChildProcess, eventually};
use serde_json::{Value, json};

use crate::live::{Live, SOON};
use crate::world::{narrowed, records};

/// In every argument that must stay where it was sent. A number too, for what is no string.
const MARK: &str = "hunter2hunter2";
const MARK_NUMBER: &str = "4815162342481516";

fn send(service: &BaseUrl, request: &str) -> String {
    let url = service.to_string();
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

fn request(line: &str, token: &str, body: &str) -> String {
    format!(
        "{line} HTTP/1.1\r\nHost: t\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, found),
            false => found.push(path),
        }
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_marked_argument_is_in_no_record_log_denial_or_file() {
    let live = Live::start().await;
    let state = live.state("tickets");
    let rules = live.directory.path().join("rules.toml");
    let rule = "[[rule]]\nname = \"short-notes\"\ntools = [\"ticket.update\"]\nrequire = [\"/note length<=40\"]\n";
    std::fs::write(&rules, rule).unwrap();
    let mut command = live.command(&state);
    command.env("RUST_LOG", "trace").arg("--policy").arg(&rules);
    let mut child = ChildProcess::spawn(&mut command);
    let url = BaseUrl::new(&child.wait_for_line("listening on ", SOON)).unwrap();
    let triage = live.mint("/ops/triage", "agent:triage-1").await;
    let token = triage.token.expose().to_owned();
    let draft = live.mint("/support/draft", "agent:support-bot").await;
    let draft = draft.token.expose().to_owned();
    let words = |words: &str| narrowed(&token, words.parse().unwrap());
    let (exact, bounded, named) = (
        words("/note==\"harmless\""),
        words("/account/number<=5"),
        words("only arguments id, status"),
    );
    let update = |more: &str| format!(r#"{{"id":"T-1001","status":"open",{more}}}"#);
    let long = MARK.repeat(10);
    let post = "POST /tools/ticket.update";
    let native = [
        // Nobody named the argument, and the tool does not look at it.
        (
            200,
            &token,
            update(&format!(
                r#""note":"n","extra":{{"a":["{MARK}",{MARK_NUMBER}]}}"#
            )),
        ),
        // A caveat of the token, on its text, on a number, on names.
        (403, &exact, update(&format!(r#""note":"{MARK}""#))),
        (
            403,
            &bounded,
            update(&format!(
                r#""note":"n","account":{{"number":{MARK_NUMBER}}}"#
            )),
        ),
        (403, &named, update(&format!(r#""note":"{MARK}""#))),
        // A rule of the service.
        (403, &token, update(&format!(r#""note":"{long}""#))),
        // The tool itself.
        (
            422,
            &token,
            format!(r#"{{"id":"T-1001","status":"{MARK}","note":"n"}}"#),
        ),
        (
            422,
            &token,
            format!(r#"{{"id":"T-1001","status":["{MARK}"],"note":"n"}}"#),
        ),
        // No arguments at all.
        (
            400,
            &token,
            format!(r#"{{"note":"{MARK}","note":"{MARK}"}}"#),
        ),
        (400, &token, format!(r#"["{MARK}"]"#)),
        (400, &token, format!(r#"{{"note":{MARK}}}"#)),
        (400, &token, format!("{{\"note\":\"{MARK}\u{1}\"}}")),
        (
            400,
            &token,
            format!(r#"{{"note":{MARK_NUMBER}{MARK_NUMBER}}}"#),
        ),
        (
            413,
            &token,
            format!(
                r#"{{"note":{}"{MARK}"{}}}"#,
                "[".repeat(200),
                "]".repeat(200)
            ),
        ),
        (
            413,
            &token,
            format!(r#"{{"note":"{}"}}"#, MARK.repeat(20_000)),
        ),
        // No token that is believed.
        (
            401,
            &token[..token.len() - 8].to_owned(),
            update(&format!(r#""note":"{MARK}""#)),
        ),
    ];
    let mut answers = Vec::new();
    for (expected, token, body) in &native {
        let answer = send(&url, &request(post, token, body));
        assert_eq!(status(&answer), *expected, "{body}: {answer}");
        answers.push(answer);
    }
    for (expected, token, line, body) in [
        (
            403,
            &draft,
            "POST /tools/ticket.close",
            format!(r#"{{"id":"T-1001","reason":"{MARK}"}}"#),
        ),
        (
            400,
            &token,
            &*format!("POST /tools/ticket.update?note={MARK}"),
            "{}".to_owned(),
        ),
        (
            200,
            &token,
            &*format!("GET /tickets/T-1001?note={MARK}"),
            String::new(),
        ),
        (
            400,
            &token,
            &*format!("GET /tickets/T-1001?id={MARK}"),
            String::new(),
        ),
    ] {
        let answer = send(&url, &request(line, token, &body));
        assert_eq!(status(&answer), expected, "{line}: {answer}");
        answers.push(answer);
    }
    let decisions: BTreeSet<String> = answers
        .iter()
        .map(|answer| {
            let (_, rest) = answer.split_once("hallpass-decision: ").unwrap();
            rest.split_once('\r').unwrap().0.to_owned()
        })
        .collect();
    assert_eq!(decisions.len(), answers.len());
    let journal = state.join("journal");
    eventually(SOON, "every decision on record", || {
        let records = records(&journal);
        let on_record = |id: &String| records.iter().any(|record| record["decision"] == **id);
        decisions.iter().all(on_record)
    });

    // What is sensitive and was accepted is in the service's own data, in the answer, and nowhere else.
    let note = format!("sensitive {MARK}");
    let answer = send(
        &url,
        &request(post, &token, &update(&format!(r#""note":"{note}""#))),
    );
    assert_eq!(status(&answer), 200);
    assert!(answer.contains(&note));
    for answer in &answers {
        assert!(
            !answer.contains(MARK) && !answer.contains(MARK_NUMBER),
            "{answer}"
        );
    }
    let id = child.id().to_string();
    let told = std::process::Command::new("kill")
        .args(["-TERM", &id])
        .status();
    assert!(told.unwrap().success());
    let ended = child.finish(SOON);
    assert!(ended.stderr.len() > 1_000, "it logged: {}", ended.stderr);
    for output in [&ended.stdout, &ended.stderr] {
        assert!(
            !output.contains(MARK) && !output.contains(MARK_NUMBER),
            "{output}"
        );
    }
    let mut found = Vec::new();
    files(&state, &mut found);
    assert!(found.len() > 5, "{found:?}");
    for file in found {
        let bytes = std::fs::read(&file).unwrap();
        assert!(
            !holds(&bytes, MARK) && !holds(&bytes, MARK_NUMBER),
            "{}",
            file.display()
        );
    }
    let data = std::fs::read(state.with_extension("db")).unwrap();
    assert!(holds(&data, &note));
    // Only there is it as it was sent: the record has the ticket, and a digest.
    let records = records(&journal);
    let last = records
        .iter()
        .rfind(|record| record["kind"] == "decided" && record["verdict"] == "allow")
        .unwrap();
    assert_eq!(last["args"], json!({"/id": "T-1001"}));
    let key = last["sensitive_key"].as_u64().unwrap();
    let key = hallpass_journal::SensitiveKey::read(&journal, key)
        .unwrap()
        .unwrap();
    let decision = last["decision"].as_str().unwrap().parse().unwrap();
    let canonical = serde_json::to_vec(&Value::from(note)).unwrap();
    let digest = key.digest(decision, &"/note".parse().unwrap(), &canonical);
    assert_eq!(last["sensitive_args"], json!({"/note": digest.to_string()}));
}
