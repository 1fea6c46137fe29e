//! docs/keys.md shows what the code does.

use hallpass_keys::Purpose;
use hallpass_keys::key_file::write_key_file;

use crate::key;

#[test]
fn the_page_shows_a_file_that_is_written_to_the_byte() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/keys.md"));
    let page = page.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.key");
    write_key_file(&path, &key(Purpose::Run, 7)).unwrap();
    let file = std::fs::read_to_string(&path).unwrap();
    let id = key(Purpose::Run, 7).id();
    let shown = [
        format!("```text\n{file}```"),
        format!("public key  {}\n", key(Purpose::Run, 7).verifying_key()),
        format!("key id      {id}\n"),
        format!("hint        {:#010x}\n", id.hint()),
    ];
    for text in shown {
        assert!(page.contains(&text), "docs/keys.md does not show:\n{text}");
    }
    for purpose in Purpose::ALL {
        assert!(page.contains(&format!("| `{purpose}` |")), "{purpose}");
    }
}

#[test]
fn the_page_shows_the_headers_of_a_signed_request() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/keys.md"));
    let page = page.unwrap();
    let headers = hallpass_keys::http_signature::Outgoing {
        authority: &"prod.hallpass".parse().unwrap(),
        environment: &crate::env("prod"),
        method: "POST",
        path: "/v1/clients/bot/disable",
        query: None,
        body: b"{}",
    }
    .sign(
        &key(Purpose::Operator, 7),
        hallpass_vocabulary::Timestamp::from_unix_seconds(1_795_253_400),
        &hallpass_keys::http_signature::Nonce::from_random([3; 16]),
    )
    .unwrap();
    let input = headers
        .signature_input
        .replace(";created", "\n    ;created")
        .replace(";keyid", "\n    ;keyid");
    for line in [
        format!("Hallpass-Authority: {}\n", headers.authority),
        format!("Content-Digest: {}\n", headers.content_digest),
        format!("Signature-Input: {input}\n"),
    ] {
        assert!(page.contains(&line), "docs/keys.md does not show:\n{line}");
    }
}
