//! The published example, to the byte. A deliberate change of the format writes it anew with `HALLPASS_WRITE_VECTORS=1`.

use std::fs;
use std::path::PathBuf;

use hallpass_bundle::accept;

use crate::authority::{Authority, NOW};

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/vectors")
        .join(name)
}

fn doc(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(name);
    fs::read_to_string(path).unwrap()
}

#[test]
fn the_example_is_what_these_keys_make() {
    let authority = Authority::new();
    let json = authority.published(NOW).to_json().unwrap();
    let pin = authority.pinned();
    if std::env::var_os("HALLPASS_WRITE_VECTORS").is_some() {
        fs::create_dir_all(file("")).unwrap();
        fs::write(file("published.json"), &json).unwrap();
        fs::write(file("trust-root.txt"), pin.to_string()).unwrap();
    }
    assert_eq!(fs::read(file("published.json")).unwrap(), json);
    assert_eq!(
        fs::read_to_string(file("trust-root.txt")).unwrap(),
        pin.to_string()
    );
}

#[test]
fn the_example_is_believed() {
    let pin = fs::read_to_string(file("trust-root.txt"))
        .unwrap()
        .parse()
        .unwrap();
    let json = fs::read(file("published.json")).unwrap();
    let snapshot = accept(&json, &pin, None, NOW).unwrap();
    assert_eq!(snapshot.environment().as_str(), "prod");
}

#[test]
fn the_page_shows_the_example() {
    let page = doc("bundle-format.md");
    let published = Authority::new().published(NOW);
    for envelope in [&published.roots[0], &published.bundle, &published.heartbeat] {
        let payload = String::from_utf8(envelope.unverified_payload().to_vec()).unwrap();
        // The page breaks lines between members; the bytes have no white space.
        let shown = page.split_whitespace().collect::<String>();
        assert!(shown.contains(&payload), "{payload}");
    }
    let pin = Authority::new().pinned();
    assert!(page.contains(&pin.to_string()) && page.contains(&pin.digest.fingerprint()));
}
