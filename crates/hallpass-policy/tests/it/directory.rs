//! A policy on disk.

use hallpass_policy::{
    DirectoryError, POLICY_FILE_BYTES_MAX, POLICY_FILES_MAX, Policy, PolicyFiles, starter,
};

fn directory(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(directory.path().join(name), bytes).unwrap();
    }
    directory
}

fn read(files: &[(&str, &[u8])]) -> Result<Vec<String>, DirectoryError> {
    let files = PolicyFiles::read(directory(files).path())?;
    Ok(files.iter().map(|(name, _)| name.to_owned()).collect())
}

#[test]
fn every_toml_and_json_is_read_in_order_and_nothing_else() {
    let names = read(&[
        ("b.toml", b""),
        ("a.json", b"{}"),
        ("B.toml", b""),
        ("readme.md", b"no"),
        ("toml", b"no"),
        ("b.toml~", b"no"),
        ("b.TOML", b"no"),
    ]);
    assert_eq!(names.unwrap(), ["B.toml", "a.json", "b.toml"]);
}

#[test]
fn a_hidden_file_is_read_and_then_refused_by_name() {
    let home = directory(&[("a.toml", starter().as_bytes()), (".b.toml", b"")]);
    let files = PolicyFiles::read(home.path()).unwrap();
    let said = Policy::parse(&files).unwrap_err().to_string();
    assert!(
        said.starts_with(".b.toml:1: the name of a policy file"),
        "{said}"
    );
}

#[test]
fn no_policy_and_too_many_files_are_refused() {
    let schemas_only: &[(&str, &[u8])] = &[("a.json", b"{}")];
    for files in [&[][..], schemas_only] {
        assert!(matches!(read(files), Err(DirectoryError::Files { .. })));
    }
    let names: Vec<String> = (0..=POLICY_FILES_MAX)
        .map(|n| format!("{n}.toml"))
        .collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (&**name, &b""[..])).collect();
    assert!(read(&files[1..]).is_ok());
    assert!(matches!(read(&files), Err(DirectoryError::Files { .. })));
}

#[test]
fn a_file_that_is_too_large_is_not_read_to_its_end_and_refused_by_its_name() {
    // A character of two bytes stands where it is cut.
    let mut large = vec![b'#'; POLICY_FILE_BYTES_MAX];
    large.extend("\u{e4}\u{e4}".as_bytes());
    let home = directory(&[("large.toml", &large)]);
    let files = PolicyFiles::read(home.path()).unwrap();
    assert!(
        files
            .iter()
            .all(|(_, text)| text.len() < POLICY_FILE_BYTES_MAX + 8)
    );
    let said = Policy::parse(&files).unwrap_err().to_string();
    assert_eq!(said, "large.toml:1: the file is larger than 1048576 bytes");
}

#[test]
fn what_cannot_be_read_is_named() {
    let no_text = read(&[("a.toml", b"\xff")]).unwrap_err();
    assert!(no_text.to_string().contains("a.toml"), "{no_text}");
    let home = directory(&[("a.toml", b"")]);
    std::fs::create_dir(home.path().join("below.toml")).unwrap();
    let error = PolicyFiles::read(home.path()).unwrap_err();
    assert!(error.to_string().contains("below.toml"), "{error}");
    let absent = PolicyFiles::read(&home.path().join("absent")).unwrap_err();
    assert!(absent.to_string().contains("absent"), "{absent}");
}

#[test]
fn the_names_alone_are_printed() {
    let files = PolicyFiles::from([("a.toml", "# words nobody wants in a log")]);
    assert_eq!(format!("{files:?}"), "[\"a.toml\"]");
}
