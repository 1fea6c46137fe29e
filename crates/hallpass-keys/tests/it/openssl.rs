//! Our key files as OpenSSL sees them, and the other way round.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use hallpass_keys::Purpose;
use hallpass_keys::key_file::{read_key_file, write_key_file};

use crate::{env, key};

/// The output of `openssl`, or `None` where it is not installed.
pub fn openssl(arguments: &[&str]) -> Option<Vec<u8>> {
    match Command::new("openssl").args(arguments).output() {
        Ok(output) => {
            assert!(
                output.status.success(),
                "openssl {arguments:?}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            Some(output.stdout)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            println!("not run: `openssl` is not installed");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// The raw public key that OpenSSL finds in a file: the last 32 bytes of the SubjectPublicKeyInfo (RFC 8410).
pub fn public_key(path: &Path) -> Option<[u8; 32]> {
    let der = openssl(&[
        "pkey",
        "-in",
        path.to_str().unwrap(),
        "-pubout",
        "-outform",
        "DER",
    ])?;
    Some(der[der.len() - 32..].try_into().unwrap())
}

#[test]
fn openssl_reads_our_file_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.key");
    write_key_file(&path, &key(Purpose::Run, 7)).unwrap();
    let Some(public) = public_key(&path) else {
        return;
    };
    assert_eq!(&public, key(Purpose::Run, 7).verifying_key().as_bytes());
}

#[test]
fn a_key_made_by_openssl_loads_under_our_lines() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.key");
    let Some(pem) = openssl(&["genpkey", "-algorithm", "ed25519"]) else {
        return;
    };
    fs::write(&path, &pem).unwrap();
    let public = public_key(&path).unwrap();
    let id = hallpass_keys::VerifyingKey::from_bytes(&public)
        .unwrap()
        .id();
    let pem = String::from_utf8(pem).unwrap();
    let text = format!("Hallpass-Key: 1\nPurpose: run\nEnvironment: prod\nKey-Id: {id}\n{pem}");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let read = read_key_file(&path, Purpose::Run, &env("prod")).unwrap();
    assert_eq!(read.verifying_key().as_bytes(), &public);
}
