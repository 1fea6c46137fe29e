use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use hallpass_keys::key_file::{
    KEY_FILE_BYTES_MAX, KeyFileError, MalformedKeyFile, read_key_file, write_key_file,
};
use hallpass_keys::{Purpose, SigningKey};
use tempfile::TempDir;

use crate::{env, key};

fn written(key: &SigningKey) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.key");
    write_key_file(&path, key).unwrap();
    (directory, path)
}

fn read(path: &Path) -> Result<SigningKey, KeyFileError> {
    read_key_file(path, Purpose::Run, &env("prod"))
}

fn malformed(path: &Path) -> MalformedKeyFile {
    match read(path) {
        Err(KeyFileError::Malformed { source, .. }) => source,
        other => panic!("{other:?}"),
    }
}

/// Replaces the text of the file, keeping its mode.
fn rewrite(path: &Path, change: impl Fn(&str) -> String) {
    let text = fs::read_to_string(path).unwrap();
    let changed = change(&text);
    assert_ne!(changed, text);
    fs::write(path, changed).unwrap();
}

#[test]
fn what_was_written_is_read() {
    let (_directory, path) = written(&key(Purpose::Run, 7));
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    let read = read(&path).unwrap();
    assert_eq!(read.id(), key(Purpose::Run, 7).id());
    assert_eq!(
        (read.purpose(), read.environment()),
        (Purpose::Run, &env("prod"))
    );
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("Hallpass-Key: 1\nPurpose: run\nEnvironment: prod\nKey-Id: "));
    assert!(text.len() < KEY_FILE_BYTES_MAX / 8);
}

#[test]
fn a_missing_directory_is_not_made() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("missing/run.key");
    let error = write_key_file(&path, &key(Purpose::Run, 7)).unwrap_err();
    assert!(matches!(
        error,
        KeyFileError::Io {
            action: "create",
            ..
        }
    ));
}

#[test]
fn never_overwrites() {
    let (_directory, path) = written(&key(Purpose::Run, 7));
    let before = fs::read(&path).unwrap();
    let error = write_key_file(&path, &key(Purpose::Run, 8)).unwrap_err();
    assert!(matches!(error, KeyFileError::Exists { .. }));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn refuses_a_file_others_can_read_and_says_what_to_type() {
    let (_directory, path) = written(&key(Purpose::Run, 7));
    for mode in [0o640, 0o604, 0o620, 0o602, 0o610, 0o666] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = read(&path).unwrap_err();
        assert!(matches!(error, KeyFileError::TooOpen { .. }), "{mode:o}");
        let said = error.to_string();
        assert!(said.contains(&format!("{mode:04o}")), "{said}");
        assert!(
            said.contains(&format!("`chmod 600 {}`", path.display())),
            "{said}"
        );
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    assert!(read(&path).is_ok());
}

#[test]
fn refuses_another_purpose_and_another_environment() {
    let (_directory, path) = written(&key(Purpose::Bundle, 7));
    assert!(matches!(
        read(&path).unwrap_err(),
        KeyFileError::WrongPurpose {
            expected: Purpose::Run,
            found: Purpose::Bundle,
            ..
        }
    ));
    let error = read_key_file(&path, Purpose::Bundle, &env("dev")).unwrap_err();
    assert!(matches!(error, KeyFileError::WrongEnvironment { .. }));
    assert!(error.to_string().contains("`prod`, not `dev`"));
}

#[test]
fn refuses_a_key_under_a_wrong_name() {
    let (_directory, path) = written(&key(Purpose::Run, 7));
    let (ours, other) = (key(Purpose::Run, 7).id(), key(Purpose::Run, 8).id());
    rewrite(&path, |text| {
        text.replace(&ours.to_string(), &other.to_string())
    });
    assert_eq!(malformed(&path), MalformedKeyFile::KeyIdMismatch);
}

#[test]
fn refuses_every_other_form() {
    type Change = fn(&str) -> String;
    let header = |line, expected| MalformedKeyFile::Header { line, expected };
    let cases: [(Change, MalformedKeyFile); 12] = [
        (|t| format!("{t}\n"), MalformedKeyFile::TrailingData),
        (|t| format!("{t}{t}"), MalformedKeyFile::TrailingData),
        (
            |t| format!("{t}{}", &t[t.find("-----BEGIN").unwrap()..]),
            MalformedKeyFile::TrailingData,
        ),
        (
            |t| t.replace("Key: 1", "Key: 2"),
            header(1, "Hallpass-Key: 1"),
        ),
        (
            |t| t.replace("Key: 1", "Key: 11"),
            header(1, "Hallpass-Key: 1"),
        ),
        (|t| t.replace("Purpose: run\n", ""), header(2, "Purpose: ")),
        (|t| format!("comment\n{t}"), header(1, "Hallpass-Key: 1")),
        (
            |t| t.replace("-----BEGIN", "Comment: x\n-----BEGIN"),
            header(5, "-----BEGIN PRIVATE KEY-----"),
        ),
        (
            |t| t.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"),
            MalformedKeyFile::Encrypted,
        ),
        (
            |t| t[..t.len() - 5].to_owned(),
            MalformedKeyFile::Unterminated,
        ),
        (|t| t.replace("MC4C", "MC4D"), MalformedKeyFile::NotAKey),
        (
            |t| {
                t.replace(
                    "-----BEGIN PRIVATE KEY-----\n",
                    "-----BEGIN PRIVATE KEY-----\nAAAA\n",
                )
            },
            MalformedKeyFile::NotAKey,
        ),
    ];
    for (number, (change, expected)) in cases.into_iter().enumerate() {
        let (_directory, path) = written(&key(Purpose::Run, 7));
        rewrite(&path, change);
        assert_eq!(malformed(&path), expected, "case {number}");
    }
    let words: [Change; 3] = [
        |t| t.replace("Purpose: run", "Purpose: runs"),
        |t| t.replace("Environment: prod", "Environment: PROD"),
        |t| t.replace("Key-Id: ", "Key-Id: x"),
    ];
    for change in words {
        let (_directory, path) = written(&key(Purpose::Run, 7));
        rewrite(&path, change);
        assert!(matches!(
            malformed(&path),
            MalformedKeyFile::Purpose(_)
                | MalformedKeyFile::Environment(_)
                | MalformedKeyFile::KeyId(_)
        ));
    }
}

#[test]
fn refuses_what_is_no_small_file_of_text() {
    let (directory, path) = written(&key(Purpose::Run, 7));
    rewrite(&path, |text| {
        format!("{text}{}", "x".repeat(KEY_FILE_BYTES_MAX))
    });
    assert!(matches!(
        read(&path).unwrap_err(),
        KeyFileError::TooLarge { .. }
    ));
    fs::write(&path, b"\xff").unwrap();
    assert_eq!(malformed(&path), MalformedKeyFile::NotText);
    fs::write(&path, b"").unwrap();
    assert!(matches!(
        malformed(&path),
        MalformedKeyFile::Header { line: 1, .. }
    ));
    assert!(matches!(
        read(directory.path()).unwrap_err(),
        KeyFileError::NotAFile { .. }
    ));
    let missing = directory.path().join("missing");
    assert!(matches!(
        read(&missing).unwrap_err(),
        KeyFileError::Io { action: "open", .. }
    ));
}

#[test]
fn a_link_is_followed_and_its_target_judged() {
    let (directory, path) = written(&key(Purpose::Run, 7));
    let link = directory.path().join("link");
    symlink(&path, &link).unwrap();
    assert!(read(&link).is_ok());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(
        read(&link).unwrap_err(),
        KeyFileError::TooOpen { .. }
    ));
}

#[test]
fn no_error_repeats_the_secret() {
    let secret = "MC4CAQAwBQYDK2VwBCIEIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH";
    let (_directory, path) = written(&key(Purpose::Run, 7));
    assert!(fs::read_to_string(&path).unwrap().contains(secret));
    rewrite(&path, |text| format!("{text}x"));
    let error = read(&path).unwrap_err();
    assert!(!format!("{error:?} {error}").contains("BwcH"));
}
