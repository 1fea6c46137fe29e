use std::fs;
use std::io::Write as _;

use hallpass_journal::verify::verify;
use hallpass_journal::{
    Durability, Event, IdentityError, Journal, JournalName, OpenError, Recovery, Settings,
    TornBecause,
};
use hallpass_keys::Digest;
use hallpass_vocabulary::Environment;

use crate::fixture::{
    PATIENCE, TestClock, all, copy, crashed, durable, environment, event, kinds, numbers, open,
    relaxed, segment, settings, settings_with,
};

fn append_bytes(path: &std::path::Path, bytes: &[u8]) {
    let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

#[test]
fn a_torn_tail_is_cut_and_the_record_of_it_has_its_length_and_digest() {
    let torn: [(&[u8], TornBecause, u64); 4] = [
        (b"{\"v\":1,\"index\":2,\"ti", TornBecause::NoLineEnd, 0),
        (b"\0\0\0\0\0\0\0\0", TornBecause::NoLineEnd, 0),
        (b"{\"v\":1}\nrest\nmore", TornBecause::BadLine, 2),
        (&[b'x'; 40_000], TornBecause::BadLine, 0),
    ];
    for (bytes, why, lines) in torn {
        let dir = tempfile::tempdir().unwrap();
        let journal = open(dir.path());
        durable(&journal, 1).unwrap();
        let crashed = crashed(&journal);
        append_bytes(&segment(crashed.path()), bytes);
        let report = verify(crashed.path(), None).unwrap();
        let dropped = Recovery {
            bytes: bytes.len() as u64,
            lines,
            digest: Digest::of(bytes),
            why,
        };
        assert_eq!(report.torn.unwrap().dropped, dropped);
        let again = open(crashed.path());
        durable(&again, 2).unwrap();
        again.close().unwrap();
        assert_eq!(
            kinds(crashed.path()),
            [
                "opened",
                "abandoned",
                "opened",
                "recovered",
                "abandoned",
                "closed"
            ]
        );
        assert_eq!(
            all(crashed.path())[3].event().unwrap(),
            Event::Recovered(dropped)
        );
        assert_eq!(verify(crashed.path(), None).unwrap().torn, None);
    }
}

#[test]
fn a_wrong_index_at_the_end_is_a_torn_tail_too() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    durable(&journal, 1).unwrap();
    let crashed = crashed(&journal);
    let line = format!("{}\n", all(dir.path())[1].line());
    append_bytes(&segment(crashed.path()), line.as_bytes());
    open(crashed.path()).close().unwrap();
    assert_eq!(
        kinds(crashed.path()),
        ["opened", "abandoned", "opened", "recovered", "closed"]
    );
}

#[test]
fn records_above_the_checkpoint_survive_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    for n in 0..50 {
        relaxed(&journal, n).unwrap();
    }
    let crashed = crashed(&journal);
    let report = verify(crashed.path(), None).unwrap();
    assert_eq!(report.records, 51);
    open(crashed.path()).close().unwrap();
    assert_eq!(numbers(crashed.path()), (0..50).collect::<Vec<_>>());
    assert_eq!(verify(crashed.path(), None).unwrap().unsigned(), 0);
}

#[test]
fn after_a_restart_of_the_machine_a_possible_loss_is_on_record_and_only_then() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    relaxed(&journal, 1).unwrap();
    let (same_boot, other_boot, unknown_boot) =
        (crashed(&journal), crashed(&journal), crashed(&journal));
    journal.close().unwrap();
    let closed = copy(dir.path());
    for (dir, boot, expected) in [
        (&same_boot, Some("boot-1"), false),
        (&other_boot, Some("boot-2"), true),
        (&unknown_boot, None, true),
        (&closed, Some("boot-2"), false),
    ] {
        Journal::open(dir.path(), settings().boot(boot))
            .unwrap()
            .close()
            .unwrap();
        let said = kinds(dir.path()).contains(&"possible_loss".to_owned());
        assert_eq!(said, expected, "{boot:?}");
    }
}

#[test]
fn a_missing_signed_tail_is_never_repaired() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    durable(&journal, 1).unwrap();
    journal.close().unwrap();
    let bytes = fs::read(segment(dir.path())).unwrap();
    fs::write(segment(dir.path()), &bytes[..bytes.len() - 1]).unwrap();
    let error = Journal::open(dir.path(), settings()).unwrap_err();
    assert!(
        matches!(
            error,
            OpenError::SignedTailMissing {
                signed: 3,
                found: 2
            }
        ),
        "{error:?}"
    );
    assert!(error.to_string().contains("restore"));
    assert_eq!(
        fs::read(segment(dir.path())).unwrap().len(),
        bytes.len() - 1
    );
}

#[test]
fn an_altered_signed_record_is_never_built_upon() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).close().unwrap();
    let text = fs::read_to_string(segment(dir.path())).unwrap();
    fs::write(segment(dir.path()), text.replace("test/1", "test/2")).unwrap();
    // With a snapshot nothing below it is read, and verifying finds it: see there.
    fs::remove_file(dir.path().join("snapshot")).unwrap();
    assert!(matches!(
        Journal::open(dir.path(), settings()),
        Err(OpenError::Damaged(_))
    ));
}

#[test]
fn a_half_written_checkpoint_is_ignored_and_a_missing_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).close().unwrap();
    fs::write(dir.path().join("checkpoint.tmp"), "hallpass/te").unwrap();
    verify(dir.path(), None).unwrap();
    open(dir.path()).close().unwrap();
    fs::remove_file(dir.path().join("checkpoint")).unwrap();
    assert!(matches!(
        Journal::open(dir.path(), settings()),
        Err(OpenError::CheckpointMissing { records: 4 })
    ));
    assert!(verify(dir.path(), None).is_err());
}

#[test]
fn every_step_of_creation_can_be_the_last_one() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).close().unwrap();
    let first_line = format!("{}\n", all(dir.path())[0].line());
    // In the order in which they appear.
    let steps = ["lock", "journal.key", "digest.key", "journal.vkey"];
    for count in 0..=steps.len() {
        let partial = tempfile::tempdir().unwrap();
        for name in &steps[..count] {
            fs::copy(dir.path().join(name), partial.path().join(name)).unwrap();
        }
        fs::write(partial.path().join("journal.key.tmp"), "half").unwrap();
        open(partial.path()).close().unwrap();
        verify(partial.path(), None).unwrap();
    }
    for segment_bytes in [0, 1, first_line.len() - 1, first_line.len()] {
        let partial = tempfile::tempdir().unwrap();
        for name in steps {
            fs::copy(dir.path().join(name), partial.path().join(name)).unwrap();
        }
        fs::write(segment(partial.path()), &first_line[..segment_bytes]).unwrap();
        open(partial.path()).close().unwrap();
        verify(partial.path(), None).unwrap();
    }
}

#[test]
fn a_journal_without_its_keys_or_under_another_name_is_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).close().unwrap();
    for name in ["journal.key", "digest.key", "journal.vkey"] {
        let partial = copy(dir.path());
        fs::remove_file(partial.path().join(name)).unwrap();
        assert!(
            matches!(
                Journal::open(partial.path(), settings()),
                Err(OpenError::Identity(_))
            ),
            "{name}"
        );
    }
    let clock = TestClock::new();
    let other_name = Settings::new(
        environment(),
        JournalName::new("other").unwrap(),
        clock.clone(),
    );
    assert!(matches!(
        Journal::open(dir.path(), other_name),
        Err(OpenError::Identity(IdentityError::Origin { .. }))
    ));
    let other_env = Settings::new(
        Environment::new("prod").unwrap(),
        JournalName::new("tickets").unwrap(),
        clock,
    );
    assert!(matches!(
        Journal::open(dir.path(), other_env),
        Err(OpenError::Identity(IdentityError::Key(_)))
    ));
}

#[test]
fn digests_are_keyed_per_journal_and_stay_the_same_across_restarts() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let journal = open(one.path());
    let digest = journal.digest(b"{}");
    assert_ne!(digest, open(other.path()).digest(b"{}"));
    journal.close().unwrap();
    assert_eq!(open(one.path()).digest(b"{}"), digest);
}

#[test]
fn every_file_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let journal = open(&dir.path().join("new"));
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(journal.dir()), 0o700);
    for entry in fs::read_dir(journal.dir()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn a_closed_journal_answers_at_once_and_closing_twice_is_fine() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    let clone = journal.clone();
    journal.close().unwrap();
    journal.close().unwrap();
    let answer = clone.append(&event(1), Durability::Durable).wait(PATIENCE);
    assert_eq!(answer, Err(hallpass_journal::AppendError::Closed));
}

#[test]
fn a_clock_that_steps_back_harms_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::new();
    let journal = Journal::open(dir.path(), settings_with(clock.clone())).unwrap();
    durable(&journal, 1).unwrap();
    clock.advance_ms(-86_400_000);
    durable(&journal, 2).unwrap();
    clock.advance_ms(i64::MIN / 2);
    durable(&journal, 3).unwrap();
    journal.close().unwrap();
    assert_eq!(numbers(dir.path()), [1, 2, 3]);
    verify(dir.path(), None).unwrap();
}
