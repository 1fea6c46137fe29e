//! Every small way of changing a journal, tried in turn: how many there are, how many are found, and by what.
//!
//! `cargo test -p hallpass-journal --test it tamper_table -- --nocapture` prints the table of docs/verification.md.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use hallpass_journal::{Checkpoint, Journal, Settings};
use hallpass_testkit::SimDisk;
use tempfile::TempDir;

use crate::fixture::{copy, durable, open, relaxed, settings};
use crate::sim_storage::SimStorage;
use crate::tamper_tally::{Kept, Must, Row, Table};
use crate::tampered_copy::{Copy, renumber};

fn small_segments() -> Settings {
    settings().segment_bytes(500)
}

/// A closed journal of three segments, and copies of it as it was after each record.
fn history() -> (TempDir, Vec<TempDir>) {
    let dir = tempfile::tempdir().unwrap();
    let mut ages = Vec::new();
    for part in 0..3 {
        let journal = Journal::open(dir.path(), small_segments()).unwrap();
        relaxed(&journal, 2 * part).unwrap();
        durable(&journal, 2 * part + 1).unwrap();
        journal.close().unwrap();
        ages.push(copy(dir.path()));
    }
    (dir, ages)
}

#[test]
fn tamper_table() {
    let (dir, ages) = history();
    let journal = open(dir.path());
    let kept = Kept {
        key: *journal.verifier().key(),
        witnessed: {
            journal.close().unwrap();
            let bytes = fs::read(dir.path().join("checkpoint")).unwrap();
            Checkpoint::verify(&bytes, journal.verifier()).unwrap()
        },
    };
    drop(journal);
    let good = Copy::of(dir.path());
    let mut table = Table {
        kept,
        text: "| change | tried | found | by what |\n|---|---|---|---|\n".to_owned(),
    };
    bits(&mut table, &good);
    cuts(&mut table, &good);
    lines(&mut table, &good);
    segments(&mut table, &good);
    checkpoints(&mut table, &good, &ages);
    copies(&mut table, &good, &ages);
    crashes(&mut table);
    println!("{}", table.text);
}

/// Each file on its own is changed in place: tens of thousands of tries.
fn bits(table: &mut Table, good: &Copy) {
    for (what, names, must) in [
        (
            "one bit of the records flipped",
            good.segments(),
            Must::BeFound,
        ),
        (
            "one bit of the checkpoint flipped",
            vec!["checkpoint".to_owned()],
            Must::BeFound,
        ),
        (
            "one bit of the published key flipped",
            vec!["journal.vkey".to_owned()],
            Must::BeFoundWithoutAKey,
        ),
    ] {
        let mut row = Row::default();
        let dir = good.written();
        for name in names {
            let bytes = good.file(&name);
            // In place: a file that is cut and written anew is written to the device at once.
            let file = fs::OpenOptions::new()
                .write(true)
                .open(dir.path().join(&name))
                .unwrap();
            for (place, byte) in (0..).zip(bytes) {
                for bit in 0..8 {
                    file.write_all_at(&[byte ^ (1 << bit)], place).unwrap();
                    table.judge(dir.path(), &mut row);
                }
                file.write_all_at(&[*byte], place).unwrap();
            }
        }
        table.end(what, must, &row);
    }
}

fn cuts(table: &mut Table, good: &Copy) {
    let names = good.segments();
    let mut one = Row::default();
    let mut all = Row::default();
    for (place, name) in names.iter().enumerate() {
        let dir = good.written();
        let rest = good.written();
        for later in &names[place + 1..] {
            fs::remove_file(rest.path().join(later)).unwrap();
        }
        let cut = |dir: &TempDir, length| {
            let file = fs::OpenOptions::new()
                .write(true)
                .open(dir.path().join(name));
            file.unwrap().set_len(length).unwrap();
        };
        for length in (0..good.file(name).len() as u64).rev() {
            cut(&dir, length);
            table.judge(dir.path(), &mut one);
            cut(&rest, length);
            table.judge(rest.path(), &mut all);
        }
    }
    table.end("one segment cut at each byte", Must::BeFound, &one);
    table.end(
        "the journal cut at each byte, and nothing after it",
        Must::BeFound,
        &all,
    );
}

fn lines(table: &mut Table, good: &Copy) {
    let count = good.lines().len();
    let singles: Vec<_> = (0..count).map(|n| (n, n)).collect();
    let pairs: Vec<_> = (0..count)
        .flat_map(|a| (a + 1..count).map(move |b| (a, b)))
        .collect();
    let mut row =
        |what: &str, places: &[(usize, usize)], change: &dyn Fn(&mut Vec<String>, usize, usize)| {
            for numbers in ["", ", the numbers put right"] {
                let changed = places.iter().map(|(a, b)| {
                    good.with_lines(|lines| {
                        change(lines, *a, *b);
                        if !numbers.is_empty() {
                            renumber(lines);
                        }
                    })
                });
                // Two lines may differ in their numbers alone: then nothing was changed.
                let changed = changed.filter(|copy| copy != good);
                table.row(
                    &format!("{what}{numbers}"),
                    Must::BeFound,
                    changed.map(|copy| copy.written()),
                );
            }
        };
    row("two lines swapped", &pairs, &|lines, a, b| lines.swap(a, b));
    // The last line doubled is a line added at the end: see there.
    row("a line doubled", &singles[1..], &|lines, n, _| {
        lines.insert(n - 1, lines[n - 1].clone());
    });
    row("a line left out", &singles, &|lines, n, _| {
        drop(lines.remove(n))
    });
    row("a line put in", &singles, &|lines, n, _| {
        lines.insert(n, crate::tampered_copy::forged(n));
    });
    row(
        "a line put in place of another",
        &singles,
        &|lines, n, _| {
            lines[n] = crate::tampered_copy::forged(n);
        },
    );
    let added = good.with_lines(|lines| lines.push(crate::tampered_copy::forged(count)));
    table.row(
        "a line added at the end, above the signed size",
        Must::BeSaid,
        [added.written()],
    );
}

fn segments(table: &mut Table, good: &Copy) {
    let names = good.segments();
    let removed = names.iter().map(|name| {
        let dir = good.written();
        fs::remove_file(dir.path().join(name)).unwrap();
        dir
    });
    table.row("a segment removed", Must::BeFound, removed);
    let renamed = names.iter().flat_map(|name| {
        ["00000000000000000099.jsonl", "1.jsonl", "kept.bak"].map(|other| {
            let dir = good.written();
            fs::rename(dir.path().join(name), dir.path().join(other)).unwrap();
            dir
        })
    });
    table.row("a segment renamed", Must::BeFound, renamed);
    let swapped = (0..names.len())
        .flat_map(|a| (0..a).map(move |b| (a, b)))
        .map(|(a, b)| {
            let dir = good.written();
            fs::write(dir.path().join(&names[a]), good.file(&names[b])).unwrap();
            fs::write(dir.path().join(&names[b]), good.file(&names[a])).unwrap();
            dir
        });
    table.row("two segments exchanged", Must::BeFound, swapped);
}

fn checkpoints(table: &mut Table, good: &Copy, ages: &[TempDir]) {
    let foreign = (0..3).map(|_| {
        let other = tempfile::tempdir().unwrap();
        open(other.path()).close().unwrap();
        let dir = good.written();
        fs::copy(
            other.path().join("checkpoint"),
            dir.path().join("checkpoint"),
        )
        .unwrap();
        dir
    });
    table.row("the checkpoint of another journal", Must::BeFound, foreign);
    for (what, name, must) in [
        ("the checkpoint removed", "checkpoint", Must::BeFound),
        (
            "the published key removed",
            "journal.vkey",
            Must::BeFoundWithoutAKey,
        ),
    ] {
        let dir = good.written();
        fs::remove_file(dir.path().join(name)).unwrap();
        table.row(what, must, [dir]);
    }
    // The records above an older checkpoint are signed by nothing any more.
    let older = ages.iter().flat_map(|age| {
        let signed = crate::fixture::all(age.path()).len();
        (signed..good.lines().len() - 1).map(move |n| {
            let checkpoint = fs::read(age.path().join("checkpoint")).unwrap();
            let copy = good.with_lines(|lines| {
                lines.remove(n);
                renumber(lines);
            });
            copy.with("checkpoint", &checkpoint).written()
        })
    });
    table.row(
        "an older checkpoint of the same journal put back, and a line above it left out",
        Must::NeedAWitness,
        older,
    );
}

fn copies(table: &mut Table, good: &Copy, ages: &[TempDir]) {
    table.row(
        "the whole directory as it was earlier",
        Must::NeedAWitness,
        ages.iter().map(|age| copy(age.path())),
    );
    let forks = ages.iter().map(|age| {
        let dir = copy(age.path());
        let journal = Journal::open(dir.path(), small_segments()).unwrap();
        for n in 0..12 {
            durable(&journal, 100 + n).unwrap();
        }
        journal.close().unwrap();
        dir
    });
    table.row(
        "an earlier copy, continued by the real writer with other records",
        Must::NeedAWitness,
        forks,
    );
    let replaced = (0..3).map(|seed| good.under_another_key(seed).written());
    table.row(
        "every record kept or altered, and signed anew by another key under the same name",
        Must::BeFoundWithTheKey,
        replaced,
    );
    let left_over = [
        ("checkpoint.tmp", "hallp"),
        ("notes.txt", "mine"),
        ("journal.vkey.tmp", ""),
    ];
    let left_over = left_over.map(|(name, text)| {
        let dir = good.written();
        fs::write(dir.path().join(name), text).unwrap();
        dir
    });
    table.row(
        "a file left over that is none of the journal's",
        Must::BeQuiet,
        left_over,
    );
}

/// A crash leaves anything above the signed size in the last segment: no alarm, and the journal goes on.
fn crashes(table: &mut Table) {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    let signed = copy(dir.path());
    for n in 0..4 {
        durable(&journal, n).unwrap();
    }
    journal.close().unwrap();
    let good = Copy::of(dir.path());
    let name = good.segments().remove(0);
    let bytes = good.file(&name).to_vec();
    let start = fs::metadata(signed.path().join(&name)).unwrap().len();
    let start = usize::try_from(start).unwrap();
    let checkpoint = fs::read(signed.path().join("checkpoint")).unwrap();
    let bytes_of_key = fs::read(dir.path().join("journal.vkey")).unwrap();
    let key = String::from_utf8(bytes_of_key).unwrap();
    let verifier: hallpass_keys::note::NoteVerifier = key.trim_end().parse().unwrap();
    // What was witnessed is what was signed before the crash.
    let mut table_of_crashes = Table {
        kept: Kept {
            key: *verifier.key(),
            witnessed: Checkpoint::verify(&checkpoint, &verifier).unwrap(),
        },
        text: std::mem::take(&mut table.text),
    };
    let crashed = |tail: &[u8]| {
        let copy = good.with("checkpoint", &checkpoint).with(&name, tail);
        copy.written()
    };
    let cut = (start..=bytes.len()).map(|length| crashed(&bytes[..length]));
    table_of_crashes.row(
        "a crash: cut at each byte above the signed size",
        Must::BeQuiet,
        cut,
    );
    let zeros = (start..bytes.len()).map(|from| {
        let mut bytes = bytes.clone();
        bytes[from..].fill(0);
        crashed(&bytes)
    });
    table_of_crashes.row(
        "a crash: zeros from each byte above the signed size",
        Must::BeQuiet,
        zeros,
    );
    let garbage = (start..bytes.len()).map(|from| {
        let mut bytes = bytes[..from].to_vec();
        bytes.extend_from_slice(&[0xff, b'\n', b'{', b'\n']);
        crashed(&bytes)
    });
    table_of_crashes.row(
        "a crash: garbage after each byte above the signed size",
        Must::BeQuiet,
        garbage,
    );
    let mut reopened = Row::default();
    for length in (start..=bytes.len()).step_by(3) {
        let dir = crashed(&bytes[..length]);
        // Only to be quick: nothing is synced for real.
        let disk = SimDisk::on(dir);
        let settings = settings().storage(Arc::new(SimStorage::new(&disk)));
        Journal::open(disk.path(), settings)
            .unwrap()
            .close()
            .unwrap();
        table_of_crashes.judge(disk.path(), &mut reopened);
    }
    table_of_crashes.end(
        "every third of the cuts, opened again by the writer and closed",
        Must::BeQuiet,
        &reopened,
    );
    table.text = table_of_crashes.text;
}
