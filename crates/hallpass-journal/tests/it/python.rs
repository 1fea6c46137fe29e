//! The verifier in Python, which follows the page of the format, and ours: the same answer to the same files.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hallpass_journal::Journal;
use hallpass_journal::proof::{Proof, Signer, prove};
use hallpass_journal::verify::verify;
use serde_json::{Value, json};

use crate::fixture::{copy, decision, durable, open, segment, settings};
use crate::proof::{signer, written};

/// Its answers, one for each path.
fn python<P: AsRef<OsStr>>(flags: &[&str], paths: &[P]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = Command::new("python3")
        .arg("-B")
        .arg(root.join("examples/verifier-journal-python/verify_journal.py"))
        .args(flags)
        .args(paths)
        .output()
        .expect("this test needs python3, 3.9 or newer");
    let text = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<String> = text.lines().map(str::to_owned).collect();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(answers.len(), paths.len(), "{text}{errors}");
    let all_good = !answers
        .iter()
        .any(|answer| answer.starts_with("TAMPERED") || answer.starts_with("NOT PROVEN"));
    assert_eq!(output.status.code(), Some(i32::from(!all_good)), "{errors}");
    answers
}

/// Ours, in its words.
fn ours(dir: &Path) -> String {
    match verify(dir, None) {
        Ok(report) => {
            let torn = report.torn.as_ref().map_or(0, |torn| torn.dropped.bytes);
            let rest = match torn {
                0 => String::new(),
                bytes => format!(", then {bytes} bytes of an unfinished record"),
            };
            let kept = report
                .pruned_below
                .map_or_else(String::new, |below| format!(", those below {below} pruned"));
            format!(
                "intact, {} records, signed to {}{kept}{rest}",
                report.records, report.signed
            )
        }
        Err(_) => "TAMPERED".to_owned(),
    }
}

/// Many copies of a journal, each changed in one way.
pub struct Copies {
    original: PathBuf,
    room: tempfile::TempDir,
    named: Vec<(String, PathBuf)>,
}

impl Copies {
    pub fn of(original: &Path) -> Self {
        Self {
            original: original.to_owned(),
            room: tempfile::tempdir().unwrap(),
            named: Vec::new(),
        }
    }

    pub fn add(&mut self, name: impl Into<String>, change: impl FnOnce(&Path)) {
        let dir = self.room.path().join(self.named.len().to_string());
        fs::create_dir(&dir).unwrap();
        for entry in fs::read_dir(&self.original).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), dir.join(entry.file_name())).unwrap();
        }
        change(&dir);
        self.named.push((name.into(), dir));
    }

    /// Compares both on every copy; how many are intact, and how many are not.
    pub fn agree(&self) -> (usize, usize) {
        let dirs: Vec<&Path> = self.named.iter().map(|(_, dir)| dir.as_path()).collect();
        let mut intact = 0;
        for (answer, (name, dir)) in python(&[], &dirs).iter().zip(&self.named) {
            let ours = ours(dir);
            let theirs = match answer.starts_with("TAMPERED") {
                true => "TAMPERED",
                false => answer,
            };
            assert_eq!(theirs, ours, "{name}: {answer}; {:?}", verify(dir, None));
            intact += usize::from(ours != "TAMPERED");
        }
        (intact, self.named.len() - intact)
    }
}

/// A closed journal of several segments.
fn segmented() -> (tempfile::TempDir, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), settings().segment_bytes(300)).unwrap();
    // Kept for a test that puts it back; no file of a journal is called so.
    fs::copy(
        dir.path().join("checkpoint"),
        dir.path().join("first_checkpoint"),
    )
    .unwrap();
    for n in 0..10 {
        durable(&journal, n).unwrap();
    }
    journal.close().unwrap();
    let mut names: Vec<String> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".jsonl"))
        .collect();
    names.sort();
    assert!(names.len() > 3);
    (dir, names)
}

/// As a crash leaves it: three records under the checkpoint, and this text after them.
fn with_tail(tail: &[u8]) -> impl FnOnce(&Path) {
    move |dir: &Path| {
        let mut bytes = fs::read(segment(dir)).unwrap();
        bytes.extend_from_slice(tail);
        fs::write(segment(dir), bytes).unwrap();
    }
}

#[test]
fn the_verifier_in_python_agrees_on_intact_and_tampered_journals() {
    let (dir, names) = segmented();
    let mut copies = Copies::of(dir.path());
    copies.add("untouched", |_| ());
    for (position, name) in names.iter().enumerate() {
        copies.add(format!("without {name}"), |dir| {
            fs::remove_file(dir.join(name)).unwrap();
        });
        copies.add(format!("{name} cut by one byte"), |dir| {
            let bytes = fs::read(dir.join(name)).unwrap();
            fs::write(dir.join(name), &bytes[..bytes.len() - 1]).unwrap();
        });
        copies.add(format!("{name} empty"), |dir| {
            fs::write(dir.join(name), "").unwrap();
        });
        copies.add(format!("{name} moved"), |dir| {
            let to = format!("{:020}.jsonl", 100 + position);
            fs::rename(dir.join(name), dir.join(to)).unwrap();
        });
    }
    // Above the signed size a defect is a torn tail in the last segment, and damage in any other.
    for (position, name) in names.iter().enumerate() {
        copies.add(format!("{name} torn above the signed size"), |dir| {
            fs::rename(dir.join("first_checkpoint"), dir.join("checkpoint")).unwrap();
            let mut bytes = fs::read(dir.join(name)).unwrap();
            bytes.extend_from_slice(b"{\"v\":1\n");
            fs::write(dir.join(name), bytes).unwrap();
        });
        let torn = ours(&copies.named.last().unwrap().1);
        let is_last = position + 1 == names.len();
        assert_eq!(
            torn.ends_with("then 7 bytes of an unfinished record"),
            is_last
        );
    }
    copies.add("a file of another name", |dir| {
        fs::write(dir.join("7.jsonl"), "").unwrap();
    });
    copies.add("no checkpoint", |dir| {
        fs::remove_file(dir.join("checkpoint")).unwrap();
    });
    copies.add("no vkey", |dir| {
        fs::remove_file(dir.join("journal.vkey")).unwrap();
    });
    for name in ["checkpoint", "journal.vkey"] {
        let (other, _) = segmented();
        copies.add(format!("{name} of another journal"), |dir| {
            fs::copy(other.path().join(name), dir.join(name)).unwrap();
        });
    }
    let (intact, tampered) = copies.agree();
    assert_eq!(intact, 2);
    assert!(tampered > 20, "{tampered}");
}

#[test]
fn the_verifier_in_python_agrees_on_what_is_a_note() {
    let dir = written();
    let mut copies = Copies::of(dir.path());
    let good = fs::read_to_string(dir.path().join("checkpoint")).unwrap();
    let (text, ours) = good.split_once("\n\n").unwrap();
    // A key hash and a signature of some other type.
    let witness = "\u{2014} witness.example/1 AAAAAAAAAAA=\n";
    // By its name and key hash ours, and no signature of it.
    let (ours_by_name, signature) = ours.trim_end().rsplit_once(' ').unwrap();
    let forged = format!("{ours_by_name} {}{}\n", &signature[..8], "A".repeat(84));
    let broken = |from: &str, to: &str| good.replacen(from, to, 1);
    let fine = [
        format!("{good}{witness}"),
        format!("{text}\n\n{witness}{ours}"),
        format!("{good}{ours}"),
        format!("{good}{}", witness.repeat(99)),
    ];
    let bad = [
        format!("{good}{}", witness.repeat(100)),
        format!("{good}\n"),
        format!("{good}{}", witness.trim_end()),
        format!("{text}\n\n{witness}"),
        format!("{good}{forged}"),
        format!("{good}{}", witness.replace("AAAAAAAAAAA=", "AAAAAAAAAAB=")),
        format!("{good}{}", witness.replace("AAAAAAAAAAA=", "AAAAAAAAAAA")),
        format!("{good}{}", witness.replace("AAAAAAAAAAA=", "AAAAAA==")),
        format!("{good}{}", witness.replace("AAAAAAAAAAA=", "AAAA AAA")),
        format!("{good}{}", witness.replace("example/1", "exam+ple")),
        format!("{good}{}", witness.replace("example/1", "exam\u{a0}ple")),
        format!("{good}{}", witness.replace("example/1", "exam\u{85}ple")),
        format!("{good}{}", witness.replace("witness.example/1", "")),
        format!("{good}{}", witness.replace("example/1", &"x".repeat(250))),
        format!("{good}{}", witness.replace('\u{2014}', "-")),
        format!("{good}{}", witness.replace('\u{2014}', "\u{2014} ")),
        broken("\n\n", "\n"),
        broken("\n", "\r\n"),
        broken("\n10\n", "\n010\n"),
        broken("\n10\n", "\n+10\n"),
        broken("\n\n", "\nmore\n\n"),
        format!("\u{feff}{good}"),
        String::new(),
        "x".repeat(70_000),
    ];
    for text in fine.iter().chain(&bad) {
        copies.add(text.clone(), |dir| {
            fs::write(dir.join("checkpoint"), text).unwrap();
        });
    }
    assert_eq!(copies.agree(), (fine.len(), bad.len()));
    let mut copies = Copies::of(dir.path());
    let good = fs::read_to_string(dir.path().join("journal.vkey")).unwrap();
    for text in [
        good.trim_end().to_owned(),
        format!("{good}\n"),
        format!(" {good}"),
    ] {
        copies.add(text.clone(), |dir| {
            fs::write(dir.join("journal.vkey"), text).unwrap();
        });
    }
    assert_eq!(copies.agree(), (1, 2));
}

#[test]
fn the_verifier_in_python_agrees_on_flipped_bits_and_cuts() {
    let dir = written();
    let mut copies = Copies::of(dir.path());
    for path in [
        segment(Path::new("")),
        "checkpoint".into(),
        "journal.vkey".into(),
    ] {
        let good = fs::read(dir.path().join(&path)).unwrap();
        for position in (0..good.len()).step_by(7) {
            let mut bad = good.clone();
            bad[position] ^= 1 << (position % 8);
            copies.add(format!("{} flipped at {position}", path.display()), |dir| {
                fs::write(dir.join(&path), bad).unwrap();
            });
            if position % 5 == 0 {
                copies.add(format!("{} cut at {position}", path.display()), |dir| {
                    fs::write(dir.join(&path), &good[..position]).unwrap();
                });
            }
        }
    }
    let (intact, tampered) = copies.agree();
    assert_eq!(intact, 0);
    assert!(tampered > 300, "{tampered}");
}

#[test]
fn the_verifier_in_python_agrees_on_what_is_a_line_above_the_signed_size() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    for n in 0..2 {
        durable(&journal, n).unwrap();
    }
    journal.close().unwrap();
    let mut copies = Copies::of(dir.path());
    let good = r#"{"v":1,"index":4,"time":"2025-11-21T11:30:00.007Z","kind":"x","a":[{"b":1}]}"#;
    let opened = fs::read_to_string(segment(dir.path())).unwrap();
    let opened = opened.lines().next().unwrap().replacen(":0,", ":4,", 1);
    let key_at = opened.find("\"public_key\":\"").unwrap() + "\"public_key\":\"".len();
    let upper = format!(
        "{}{}{}",
        &opened[..key_at],
        opened[key_at..key_at + 64].to_uppercase(),
        &opened[key_at + 64..]
    );
    let nested = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        good.replacen("[{\"b\":1}]", &format!("{open}{close}"), 1)
    };
    let fill = |bytes: usize| {
        let text = "x".repeat(bytes - good.len() + 1);
        good.replacen(":1}", &format!(":\"{}\"}}", &text[2..]), 1)
    };
    let whole = [good.to_owned(), opened.clone(), nested(126), fill(16_384)];
    let changes = [
        ("\"v\":1", "\"v\":2"),
        ("{\"v\"", "{ \"v\""),
        (":4,", ":5,"),
        (":4,", ":04,"),
        (":4,", ":+4,"),
        (":4,", ":99999999999999999999,"),
        ("007Z", "007+"),
        ("007Z", "0070Z"),
        ("11-21", "11-31"),
        ("2025-11-21", "2024-02-29"),
        ("2025-11-21", "2025-02-29"),
        ("2025-11-21", "0000-01-01"),
        ("2025-11-21", "2025-00-10"),
        ("T11:30:00", "T24:00:00"),
        ("T11:30:00", "T11:60:00"),
        ("T11:30:00", "T23:59:60"),
        ("2025-11-21T11:30:00", "2025-12-31T23:59:60"),
        ("T11:30:00", "T11:30:60"),
        ("T11", "t11"),
        ("\"x\"", "\"x\" "),
        ("\"x\"", "\"X\""),
        ("\"x\"", "\"\""),
        ("}]}", "}]} "),
        ("}]}", "}]}\r"),
        ("}]}", "}]}{}"),
        ("}]}", "}}"),
        ("}]}", "}]"),
        ("}]}", "}],}"),
        ("\"a\":", "\"kind\":"),
        ("\"a\":", " \t\"a\" : "),
        ("\"a\":", "\"\\u00e4\":"),
        ("\"b\":1", "\"b\":1,\"\\u0062\":2"),
        ("\"b\":1", "\"b\":01"),
        ("\"b\":1", "\"b\":1.5e300"),
        ("\"b\":1", "\"b\":1e400"),
        ("\"b\":1", "\"b\":-1e400"),
        ("\"b\":1", "\"b\":1e-400"),
        ("\"b\":1", "\"b\":-0"),
        ("\"b\":1", "\"b\":NaN"),
        ("\"b\":1", "\"b\":Infinity"),
        ("\"b\":1", "\"b\":\"\\ud800\""),
        ("\"b\":1", "\"b\":\"\\ud83d\\ude00\""),
        ("\"b\":1", "\"b\":\"\\ude00\\ud83d\""),
        ("\"b\":1", "\"b\":\"\t\""),
        ("\"b\":1", "\"b\":\"\u{7f}\u{202e}\""),
        ("\"b\":1", "\"b\":\"\\x\""),
        ("\"b\":1", "\"b\":'1'"),
        ("\"b\":1", "\"\\ud800\":1"),
        ("}]}", "}],\"n\":null}"),
    ];
    let lines = whole.into_iter().chain(changes.iter().map(|(from, to)| {
        let changed = good.replacen(from, to, 1);
        assert_ne!(changed, good);
        changed
    }));
    let mut lines: Vec<Vec<u8>> = lines.map(String::into_bytes).collect();
    lines.extend([
        good.replacen(":1}", &format!(":{}}}", "9".repeat(308)), 1)
            .into_bytes(),
        good.replacen(":1}", &format!(":{}}}", "9".repeat(310)), 1)
            .into_bytes(),
        good.replacen(":1}", &format!(":{}}}", "9".repeat(5_000)), 1)
            .into_bytes(),
        nested(127).into_bytes(),
        nested(5_000).into_bytes(),
        fill(16_385).into_bytes(),
        opened.replacen("hallpass/", "elsewhere/", 1).into_bytes(),
        opened.replacen("\"software\"", "\"more\"", 1).into_bytes(),
        upper.into_bytes(),
        good.replacen("\"b\"", "\"\u{ff}\"", 1).into_bytes(),
        [&good.as_bytes()[..70], b"\xff", &good.as_bytes()[70..]].concat(),
        [b"\xef\xbb\xbf", good.as_bytes()].concat(),
        Vec::new(),
    ]);
    for line in &lines {
        let shown = String::from_utf8_lossy(&line[..line.len().min(200)]).into_owned();
        copies.add(shown, with_tail(&[line, &b"\n"[..]].concat()));
    }
    copies.add("no line end", with_tail(good.as_bytes()));
    copies.add("zeros", with_tail(&[0; 40]));
    copies.add("twice", with_tail(format!("{good}\n{good}\n").as_bytes()));
    let (intact, _) = copies.agree();
    assert!(intact > 40, "{intact}");
}

#[test]
fn the_verifier_in_python_agrees_on_proofs() {
    let dir = written();
    let signer = signer(dir.path());
    let room = tempfile::tempdir().unwrap();
    let proof = prove(dir.path(), decision(1)).unwrap().proof;
    let proof = serde_json::to_value(proof).unwrap();
    let mut texts: Vec<Vec<u8>> = Vec::new();
    let mut change = |change: &dyn Fn(&mut Value)| {
        let mut changed = proof.clone();
        change(&mut changed);
        texts.push(changed.to_string().into_bytes());
    };
    change(&|_| ());
    change(&|p| p["format"] = json!("hallpass-proof/2"));
    change(&|p| p["more"] = json!(1));
    change(&|p| p["records"] = json!([]));
    change(&|p| p["records"][0]["index"] = json!(2));
    change(&|p| p["records"][0]["index"] = json!(3.0));
    change(&|p| p["records"][0]["index"] = json!(10));
    change(&|p| p["records"][0]["path"] = json!([]));
    change(&|p| p["records"][0]["path"][0] = json!("AAAA"));
    change(&|p| p["records"].as_array_mut().unwrap().swap(0, 1));
    change(&|p| drop(p["records"].as_array_mut().unwrap().remove(0)));
    change(&|p| drop(p["records"].as_array_mut().unwrap().remove(1)));
    change(&|p| p["records"][1] = p["records"][0].clone());
    change(&|p| *p = json!([p["format"], p["checkpoint"], p["records"]]));
    texts.push(serde_json::to_vec_pretty(&proof).unwrap());
    let good = texts[0].clone();
    for position in (0..good.len()).step_by(5) {
        let mut bad = good.clone();
        bad[position] ^= 1 << (position % 8);
        texts.push(bad);
        texts.push([&good[..position], &good[position + 1..]].concat());
    }
    let paths: Vec<PathBuf> = (0..texts.len())
        .map(|n| room.path().join(format!("{n}.json")))
        .collect();
    for (path, text) in paths.iter().zip(&texts) {
        fs::write(path, text).unwrap();
    }
    let Signer::Journal(verifier) = &signer else {
        unreachable!()
    };
    let vkey = verifier.to_string();
    let mut proven = 0;
    for (answer, text) in python(&["--proof", "--key", &vkey], &paths)
        .iter()
        .zip(&texts)
    {
        let ours = Proof::parse(text).and_then(|proof| proof.verify(&signer));
        let theirs = answer.starts_with("proven");
        let shown = String::from_utf8_lossy(text);
        assert_eq!(theirs, ours.is_ok(), "{answer}; {ours:?}; {shown}");
        proven += usize::from(theirs);
    }
    assert!((3..10).contains(&proven), "{proven}");
    let other = copy(segmented().0.path());
    let key = fs::read_to_string(other.path().join("journal.vkey")).unwrap();
    let answers = python(&["--proof", "--key", key.trim()], &paths[..1]);
    assert!(answers[0].starts_with("NOT PROVEN"), "{answers:?}");
}
