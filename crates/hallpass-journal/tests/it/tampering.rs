use std::fs;
use std::os::unix::fs::FileExt as _;

use hallpass_journal::verify::{VerifyError, verify};
use hallpass_journal::{Damage, Journal, LineDefect};
use hallpass_keys::{Purpose, SigningKey};

use crate::fixture::{copy, durable, environment, open, segment, settings};

/// A small closed journal of five records.
fn small() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    for n in 0..3 {
        durable(&journal, n).unwrap();
    }
    journal.close().unwrap();
    assert_eq!(verify(dir.path(), None).unwrap().signed, 5);
    dir
}

fn lines(dir: &std::path::Path) -> Vec<String> {
    let text = fs::read_to_string(segment(dir)).unwrap();
    text.split_inclusive('\n').map(str::to_owned).collect()
}

#[test]
fn every_flipped_bit_of_the_records_and_of_the_checkpoint_is_found() {
    let dir = small();
    let key = *open(dir.path()).verifier().key();
    for path in [segment(dir.path()), dir.path().join("checkpoint")] {
        let good = fs::read(&path).unwrap();
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        for (position, byte) in good.iter().enumerate() {
            for bit in 0..8 {
                file.write_all_at(&[byte ^ (1 << bit)], position as u64)
                    .unwrap();
                let found = verify(dir.path(), Some(key));
                assert!(
                    found.is_err(),
                    "{}: byte {position}, bit {bit}",
                    path.display()
                );
            }
            file.write_all_at(&[*byte], position as u64).unwrap();
        }
    }
    verify(dir.path(), Some(key)).unwrap();
}

#[test]
fn every_truncation_below_the_signed_size_is_a_missing_tail() {
    let dir = small();
    let good = fs::read(segment(dir.path())).unwrap();
    let file = fs::OpenOptions::new()
        .write(true)
        .open(segment(dir.path()))
        .unwrap();
    for length in (0..good.len()).rev() {
        file.set_len(length as u64).unwrap();
        let found = verify(dir.path(), None);
        assert!(
            matches!(
                found,
                Err(VerifyError::Damaged(Damage::SignedTailMissing {
                    signed: 5,
                    ..
                }))
            ),
            "{length}: {found:?}"
        );
    }
}

#[test]
fn no_truncation_above_the_signed_size_is_a_false_alarm() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    // The files as a crash leaves them: a checkpoint of one record, and three more above it.
    let signed = copy(journal.dir());
    for n in 0..3 {
        durable(&journal, n).unwrap();
    }
    fs::copy(segment(dir.path()), segment(signed.path())).unwrap();
    let whole = verify(signed.path(), None).unwrap();
    assert_eq!((whole.records, whole.signed), (4, 1));
    let good = fs::read(segment(signed.path())).unwrap();
    let signed_bytes = lines(signed.path())[0].len();
    let file = fs::OpenOptions::new()
        .write(true)
        .open(segment(signed.path()))
        .unwrap();
    for length in (signed_bytes..=good.len()).rev() {
        file.set_len(length as u64).unwrap();
        let report = verify(signed.path(), None).unwrap();
        let torn = !good[..length].ends_with(b"\n");
        assert_eq!(report.torn.is_some(), torn, "{length}");
        if length % 7 == 0 {
            let crashed = copy(signed.path());
            open(crashed.path()).close().unwrap();
            let again = verify(crashed.path(), None).unwrap();
            assert_eq!(again.records, report.records + 2 + u64::from(torn));
        }
    }
}

#[test]
fn lines_swapped_dropped_doubled_or_put_in_are_found_and_located() {
    let dir = small();
    let good = lines(dir.path());
    let tamper = |edit: &dyn Fn(&mut Vec<String>)| {
        let mut bad = good.clone();
        edit(&mut bad);
        fs::write(segment(dir.path()), bad.concat()).unwrap();
        verify(dir.path(), None).unwrap_err()
    };
    let at = |error: VerifyError| match error {
        VerifyError::Damaged(Damage::BadLine {
            file, line, index, ..
        }) => {
            assert_eq!(file, "00000000000000000000.jsonl");
            (line, index)
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(at(tamper(&|l| l.swap(1, 2))), (2, 1));
    assert_eq!(at(tamper(&|l| drop(l.remove(2)))), (3, 2));
    assert_eq!(at(tamper(&|l| l.insert(3, l[2].clone()))), (4, 3));
    assert_eq!(at(tamper(&|l| l.insert(1, "\n".to_owned()))), (2, 1));
    let renumbered = tamper(&|l| {
        l.remove(1);
        for (i, line) in l.iter_mut().enumerate().skip(1) {
            *line = line.replace(&format!("\"index\":{}", i + 1), &format!("\"index\":{i}"));
        }
    });
    assert!(matches!(
        renumbered,
        VerifyError::Damaged(Damage::SignedTailMissing {
            signed: 5,
            found: 4
        })
    ));
    let spaced = tamper(&|l| l[2] = l[2].replace("\"kind\"", " \"kind\""));
    assert!(matches!(
        spaced,
        VerifyError::Damaged(Damage::BadLine {
            defect: LineDefect::Head,
            ..
        })
    ));
}

#[test]
fn a_missing_or_misnamed_segment_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), settings().segment_bytes(300)).unwrap();
    for n in 0..10 {
        durable(&journal, n).unwrap();
    }
    journal.close().unwrap();
    let mut segments: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "jsonl"))
        .collect();
    segments.sort();
    assert!(segments.len() > 3);
    for path in &segments {
        let bytes = fs::read(path).unwrap();
        fs::remove_file(path).unwrap();
        let found = verify(dir.path(), None);
        assert!(matches!(found, Err(VerifyError::Damaged(_))), "{found:?}");
        fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
        let found = verify(dir.path(), None);
        assert!(matches!(found, Err(VerifyError::Damaged(_))), "{found:?}");
        fs::write(path, bytes).unwrap();
    }
    fs::write(dir.path().join("7.jsonl"), "").unwrap();
    assert!(matches!(
        verify(dir.path(), None),
        Err(VerifyError::Damaged(Damage::SegmentName { .. }))
    ));
}

#[test]
fn a_segment_whose_name_is_no_text_is_not_overlooked() {
    use std::os::unix::ffi::OsStrExt as _;
    let dir = small();
    let name = std::ffi::OsStr::from_bytes(b"\xff.jsonl");
    fs::write(dir.path().join(name), "").unwrap();
    assert!(matches!(
        verify(dir.path(), None),
        Err(VerifyError::Damaged(Damage::SegmentName { .. }))
    ));
}

#[test]
fn what_never_ends_is_not_read() {
    let dir = small();
    let next = dir.path().join("00000000000000000005.jsonl");
    std::os::unix::fs::symlink("/dev/zero", &next).unwrap();
    assert!(matches!(
        verify(dir.path(), None),
        Err(VerifyError::Damaged(Damage::Io { .. }))
    ));
    let found = hallpass_journal::read::records(dir.path()).unwrap().last();
    assert!(matches!(
        found,
        Some(Err(hallpass_journal::read::ReadError::Io { .. }))
    ));
    fs::remove_file(&next).unwrap();
    let checkpoint = dir.path().join("checkpoint");
    fs::remove_file(&checkpoint).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &checkpoint).unwrap();
    assert!(matches!(
        verify(dir.path(), None),
        Err(VerifyError::Io { .. })
    ));
}

#[test]
fn a_journal_written_anew_by_another_key_is_found_with_the_key_kept_elsewhere() {
    let dir = small();
    let forged = small();
    let key = *open(dir.path()).verifier().key();
    assert!(matches!(
        verify(forged.path(), Some(key)),
        Err(VerifyError::OtherKey { .. })
    ));
    fs::remove_file(forged.path().join("journal.vkey")).unwrap();
    assert!(matches!(
        verify(forged.path(), Some(key)),
        Err(VerifyError::Checkpoint(_))
    ));
    fs::remove_file(dir.path().join("journal.vkey")).unwrap();
    assert!(verify(dir.path(), Some(key)).unwrap().key_was_given);
    assert!(matches!(
        verify(dir.path(), None),
        Err(VerifyError::VerifierKeyMissing { .. })
    ));
    let other = SigningKey::from_seed(Purpose::Journal, environment(), [5; 32]).verifying_key();
    assert!(verify(dir.path(), Some(other)).is_err());
}

#[test]
fn a_checkpoint_of_another_journal_is_found() {
    let dir = small();
    let other = small();
    fs::copy(
        other.path().join("checkpoint"),
        dir.path().join("checkpoint"),
    )
    .unwrap();
    assert!(matches!(
        verify(dir.path(), None),
        Err(VerifyError::Checkpoint(_))
    ));
}
