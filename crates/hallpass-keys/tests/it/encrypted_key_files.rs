//! Key files under a passphrase, as we and OpenSSL see them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use hallpass_keys::key_file::{
    KeyFile, KeyFileError, MalformedKeyFile, PassphraseError, read_key_file,
    write_encrypted_key_file, write_key_file,
};
use hallpass_keys::{Purpose, SigningKey, VerifyingKey};
use tempfile::TempDir;

use crate::openssl::openssl;
use crate::{env, key};

const PASSPHRASE: &str = "correct horse battery staple";

fn written() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("operator.key");
    write_encrypted_key_file(&path, &key(Purpose::Operator, 7), PASSPHRASE).unwrap();
    (directory, path)
}

fn decrypt(path: &Path, passphrase: &str) -> Result<SigningKey, MalformedKeyFile> {
    match KeyFile::open(path).and_then(|file| file.decrypt(passphrase)) {
        Ok(key) => Ok(key),
        Err(KeyFileError::Malformed { source, .. }) => Err(source),
        Err(other) => panic!("{other:?}"),
    }
}

fn refused(path: &Path, passphrase: &str) -> MalformedKeyFile {
    decrypt(path, passphrase).map(|key| key.id()).unwrap_err()
}

const WRONG: MalformedKeyFile = MalformedKeyFile::Passphrase(PassphraseError::Wrong);

#[test]
fn what_was_written_is_read_with_its_passphrase_and_says_what_it_is_without() {
    let (_directory, path) = written();
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
        0o600
    );
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("Hallpass-Key: 1\nPurpose: operator\nEnvironment: prod\nKey-Id: "));
    assert!(text.contains("\n-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
    let file = KeyFile::open(&path).unwrap();
    assert!(file.is_encrypted());
    assert_eq!(
        (file.purpose(), file.environment(), file.id()),
        (
            Purpose::Operator,
            &env("prod"),
            key(Purpose::Operator, 7).id()
        )
    );
    let read = file.decrypt(PASSPHRASE).unwrap();
    assert_eq!(
        read.expose_secret_bytes(),
        key(Purpose::Operator, 7).expose_secret_bytes()
    );
    assert_eq!(read.purpose(), Purpose::Operator);
    // Two files of one key have nothing in common that would say so, but their heads.
    let (_other, other) = written();
    assert_ne!(fs::read_to_string(other).unwrap(), text);
}

#[test]
fn a_wrong_passphrase_is_one_clear_error() {
    let (_directory, path) = written();
    for wrong in [
        "",
        "correct horse battery stapl",
        "Correct horse battery staple",
    ] {
        assert_eq!(refused(&path, wrong), WRONG, "{wrong}");
    }
    assert_eq!(refused(&path, &"x".repeat(100_000)), WRONG);
    let error = KeyFile::open(&path).unwrap().decrypt("guess").unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "the passphrase is wrong, or the file is damaged");
    assert!(!format!("{error:?}").contains("guess"));
}

#[test]
fn whether_there_is_a_passphrase_is_never_guessed() {
    let (directory, path) = written();
    let plain = directory.path().join("plain.key");
    write_key_file(&plain, &key(Purpose::Operator, 7)).unwrap();
    assert!(!KeyFile::open(&plain).unwrap().is_encrypted());
    assert_eq!(refused(&plain, PASSPHRASE), MalformedKeyFile::NotEncrypted);
    let without = read_key_file(&path, Purpose::Operator, &env("prod")).unwrap_err();
    assert!(matches!(
        without,
        KeyFileError::Malformed {
            source: MalformedKeyFile::Encrypted,
            ..
        }
    ));
}

#[test]
fn a_key_is_not_written_under_a_passphrase_that_is_none() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("operator.key");
    let long = "x".repeat(1025);
    for unfit in ["", "elevenchars", &long] {
        let error = write_encrypted_key_file(&path, &key(Purpose::Operator, 7), unfit).unwrap_err();
        assert!(matches!(
            error,
            KeyFileError::Malformed {
                source: MalformedKeyFile::Passphrase(PassphraseError::Unfit),
                ..
            }
        ));
        assert!(!path.exists());
    }
}

#[test]
fn another_name_or_damage_is_found() {
    let (_directory, path) = written();
    let text = fs::read_to_string(&path).unwrap();
    let (ours, other) = (
        key(Purpose::Operator, 7).id().to_string(),
        key(Purpose::Operator, 8).id().to_string(),
    );
    fs::write(&path, text.replace(&ours, &other)).unwrap();
    assert_eq!(refused(&path, PASSPHRASE), MalformedKeyFile::KeyIdMismatch);
    // A bit of the last block of the ciphertext.
    let line = text.lines().rev().nth(1).unwrap();
    let damaged = format!(
        "{}{}",
        if line.starts_with('A') { "B" } else { "A" },
        &line[1..]
    );
    fs::write(&path, text.replace(line, &damaged)).unwrap();
    assert!(decrypt(&path, PASSPHRASE).is_err());
}

/// Puts a PEM block of OpenSSL's under our lines, and answers its file and its key.
fn adopted(arguments: &[&str]) -> Option<(TempDir, PathBuf, VerifyingKey)> {
    let directory = tempfile::tempdir().unwrap();
    let plain = directory.path().join("plain.pem");
    let der = directory.path().join("public.der");
    let path = directory.path().join("operator.key");
    let (plain_text, der_text) = (plain.to_str().unwrap(), der.to_str().unwrap());
    openssl(&["genpkey", "-algorithm", "ed25519", "-out", plain_text])?;
    openssl(&[
        "pkey", "-in", plain_text, "-pubout", "-outform", "DER", "-out", der_text,
    ])?;
    let der = fs::read(der).unwrap();
    let public = VerifyingKey::from_bytes(der[der.len() - 32..].try_into().unwrap()).unwrap();
    let pass = format!("pass:{PASSPHRASE}");
    let mut all = vec!["pkcs8", "-topk8", "-in", plain_text, "-passout", &pass];
    all.extend(arguments);
    let pem = String::from_utf8(openssl(&all)?).unwrap();
    let id = public.id();
    let text =
        format!("Hallpass-Key: 1\nPurpose: operator\nEnvironment: prod\nKey-Id: {id}\n{pem}");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    Some((directory, path, public))
}

#[test]
fn a_key_encrypted_by_openssl_loads() {
    for arguments in [
        &["-scrypt"][..],
        &["-v2", "aes-256-cbc"],
        &["-v2", "aes-128-cbc", "-iter", "100000"],
        &[
            "-scrypt",
            "-scrypt_N",
            "1024",
            "-scrypt_r",
            "4",
            "-scrypt_p",
            "2",
        ],
    ] {
        let Some((_directory, path, public)) = adopted(arguments) else {
            return;
        };
        let read = decrypt(&path, PASSPHRASE).unwrap();
        assert_eq!(read.verifying_key(), public, "{arguments:?}");
        assert_eq!(refused(&path, "another passphrase"), WRONG);
    }
}

#[test]
fn openssl_opens_ours() {
    let (_directory, path) = written();
    let pass = format!("pass:{PASSPHRASE}");
    let path = path.to_str().unwrap();
    let read = openssl(&[
        "pkey", "-in", path, "-passin", &pass, "-pubout", "-outform", "DER",
    ]);
    let Some(der) = read else { return };
    let public: [u8; 32] = der[der.len() - 32..].try_into().unwrap();
    assert_eq!(
        &public,
        key(Purpose::Operator, 7).verifying_key().as_bytes()
    );
}

#[test]
fn a_hostile_file_costs_nothing() {
    // What OpenSSL writes, with other numbers in it: `N`, `r` and `p` of scrypt, or the rounds of PBKDF2.
    let Some((_directory, path, _)) = adopted(&["-scrypt"]) else {
        return;
    };
    let text = fs::read_to_string(&path).unwrap();
    // INTEGER 16384, INTEGER 8, INTEGER 1 in DER.
    let cost = [0x02, 0x02, 0x40, 0x00, 0x02, 0x01, 0x08, 0x02, 0x01, 0x01];
    for (hostile, why) in [
        (
            [0x02, 0x02, 0x40, 0x00, 0x02, 0x01, 0x08, 0x02, 0x01, 0x7f],
            PassphraseError::Cost,
        ),
        (
            [0x02, 0x02, 0x40, 0x00, 0x02, 0x01, 0x7f, 0x02, 0x01, 0x01],
            PassphraseError::Cost,
        ),
        (
            [0x02, 0x05, 0x7f, 0x00, 0x00, 0x00, 0x00, 0x02, 0x01, 0x01],
            PassphraseError::NotAKey,
        ),
    ] {
        rewrite(&path, &text, &cost, &hostile);
        assert_eq!(
            refused(&path, PASSPHRASE),
            MalformedKeyFile::Passphrase(why),
            "{hostile:02x?}"
        );
    }
    let Some((_directory, path, _)) = adopted(&["-v2", "aes-256-cbc", "-iter", "70000"]) else {
        return;
    };
    let text = fs::read_to_string(&path).unwrap();
    // INTEGER 70000, and 8388607.
    let (rounds, many) = (
        [0x02, 0x03, 0x01, 0x11, 0x70],
        [0x02, 0x03, 0x7f, 0xff, 0xff],
    );
    rewrite(&path, &text, &rounds, &many);
    assert_eq!(
        refused(&path, PASSPHRASE),
        MalformedKeyFile::Passphrase(PassphraseError::Cost)
    );
}

/// Writes the file with these bytes of its DER replaced.
fn rewrite(path: &Path, text: &str, from: &[u8], to: &[u8]) {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let begin = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n";
    let (head, rest) = text.split_once(begin).unwrap();
    let (block, _) = rest.split_once("-----END").unwrap();
    let mut der = STANDARD.decode(block.replace('\n', "")).unwrap();
    let place = der
        .windows(from.len())
        .position(|window| window == from)
        .unwrap();
    der[place..place + to.len()].copy_from_slice(to);
    let encoded = STANDARD.encode(der);
    let lines: Vec<&str> = encoded
        .as_bytes()
        .chunks(64)
        .map(|chunk| std::str::from_utf8(chunk).unwrap())
        .collect();
    let block = lines.join("\n");
    fs::write(
        path,
        format!("{head}{begin}{block}\n-----END ENCRYPTED PRIVATE KEY-----\n"),
    )
    .unwrap();
}
