//! One decision, proven without its journal.

use std::fs;
use std::path::{Path, PathBuf};

use hallpass_journal::merkle::ProofError;
use hallpass_journal::proof::{InvalidProof, Proof, ProveError, Proved, Proven, Signer, prove};
use hallpass_journal::{
    CallResult, CheckpointError, Decided, Durability, Event, Finished, Journal, Text,
};
use hallpass_keys::note::{KeyName, NoteVerifier};
use hallpass_vocabulary::{Audience, DenialCode};
use serde_json::{Value, json};

use crate::fixture::{
    PATIENCE, copy, decision, denied, durable, environment, event, open, request, segment,
};
use crate::format::fixed_identity;

fn allowed(n: u64) -> Event {
    let audience = Audience::new("tickets").unwrap();
    let mut decided = Decided::allow(decision(n), request(), environment(), audience);
    decided.tool = Some("kb.search".parse().unwrap());
    Event::Decided(Box::new(decided))
}

fn finished(n: u64) -> Event {
    Event::Finished(Finished {
        decision: decision(n),
        result: CallResult::Ok,
        result_digest: None,
        duration_ms: 12,
        error_class: None,
        spend_usd_micros: None,
        run: None,
        spent: None,
    })
}

fn append(journal: &Journal, event: &Event) {
    let _recorded = journal
        .append(event, Durability::Durable)
        .wait(PATIENCE)
        .unwrap();
}

/// A closed journal of ten records: a call that ran is 3 and 6, one that was denied 4, one without an end 5.
pub fn written() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fixed_identity(dir.path());
    let journal = open(dir.path());
    durable(&journal, 100).unwrap();
    durable(&journal, 101).unwrap();
    append(&journal, &allowed(1));
    let mut refused = denied(2, DenialCode::ToolNotGranted);
    refused.detail = Some(Text::new("`\u{1b}` is not \"granted\" \\ \u{e4}"));
    append(&journal, &Event::Decided(Box::new(refused)));
    append(&journal, &allowed(3));
    append(&journal, &finished(1));
    append(&journal, &event(102));
    append(&journal, &event(103));
    journal.close().unwrap();
    dir
}

pub fn signer(dir: &Path) -> Signer {
    let text = fs::read_to_string(dir.join("journal.vkey")).unwrap();
    Signer::Journal(text.trim().parse().unwrap())
}

/// The proof as somebody changed it, and what comes of it.
fn changed(proof: &Proof, signer: &Signer, change: impl FnOnce(&mut Value)) -> InvalidProof {
    let mut json = serde_json::to_value(proof).unwrap();
    let good = json.clone();
    change(&mut json);
    assert_ne!(json, good);
    check(json.to_string().as_bytes(), signer).unwrap_err()
}

fn check(bytes: &[u8], signer: &Signer) -> Result<Proven, InvalidProof> {
    Proof::parse(bytes)?.verify(signer)
}

#[test]
fn every_decision_under_the_checkpoint_is_proven_with_its_end() {
    let dir = written();
    let signer = signer(dir.path());
    for (n, indices) in [(1, vec![3, 6]), (2, vec![4]), (3, vec![5])] {
        let Proved { proof, left_out } = prove(dir.path(), decision(n)).unwrap();
        assert_eq!(left_out, 0);
        let bytes = serde_json::to_vec(&proof).unwrap();
        let proven = check(&bytes, &signer).unwrap();
        assert_eq!((proven.decision(), proven.signed()), (decision(n), 10));
        let records = crate::fixture::all(dir.path());
        let expected: Vec<_> = indices
            .iter()
            .map(|i: &usize| records[*i].clone())
            .collect();
        assert_eq!(proven.records(), expected);
        let Signer::Journal(verifier) = &signer else {
            unreachable!()
        };
        let bare = check(&bytes, &Signer::Key(*verifier.key())).unwrap();
        assert_eq!(bare, proven);
        assert_eq!(bare.origin(), verifier.name().as_str());
    }
    assert!(matches!(
        prove(dir.path(), decision(4)),
        Err(ProveError::Unknown { .. })
    ));
    // Named by an `abandoned` record only.
    assert!(matches!(
        prove(dir.path(), decision(100)),
        Err(ProveError::Unknown { .. })
    ));
}

#[test]
fn every_changed_byte_is_refused_or_proves_the_same_lines() {
    let dir = written();
    let signer = signer(dir.path());
    let proof = prove(dir.path(), decision(1)).unwrap().proof;
    let good = serde_json::to_vec(&proof).unwrap();
    let proven = check(&good, &signer).unwrap();
    let (mut refused, mut bad) = (0, good.clone());
    for position in 0..good.len() {
        for bit in 0..8 {
            bad[position] = good[position] ^ (1 << bit);
            match check(&bad, &signer) {
                Ok(found) => assert_eq!(found, proven, "byte {position}, bit {bit}"),
                Err(_) => refused += 1,
            }
        }
        bad[position] = good[position];
        let shorter = [&good[..position], &good[position + 1..]].concat();
        if let Ok(found) = check(&shorter, &signer) {
            assert_eq!(found, proven, "byte {position} left out");
        }
        assert!(
            check(&good[..position], &signer).is_err(),
            "cut at {position}"
        );
    }
    assert!(refused > 7 * good.len(), "{refused} of {}", 8 * good.len());
}

#[test]
fn each_change_is_refused_for_its_reason() {
    let dir = written();
    let signer = signer(dir.path());
    let proof = prove(dir.path(), decision(1)).unwrap().proof;
    let refused = |change: fn(&mut Value)| changed(&proof, &signer, change);
    assert!(matches!(
        refused(|p| p["format"] = json!("hallpass-proof/2")),
        InvalidProof::Format
    ));
    assert!(matches!(
        refused(|p| p["more"] = json!(1)),
        InvalidProof::NotAProof(_)
    ));
    assert!(matches!(
        refused(|p| p["records"] = json!([])),
        InvalidProof::RecordCount
    ));
    let replaced = |p: &mut Value, from: &str, to: &str| {
        let line = p["records"][0]["line"].as_str().unwrap().to_owned();
        p["records"][0]["line"] = json!(line.replacen(from, to, 1));
    };
    assert!(matches!(
        changed(&proof, &signer, |p| replaced(p, "allow", "deny")),
        InvalidProof::Path {
            index: 3,
            source: ProofError::Root
        }
    ));
    assert!(matches!(
        changed(&proof, &signer, |p| replaced(p, "}", " }")),
        InvalidProof::Path { .. }
    ));
    assert!(matches!(
        changed(&proof, &signer, |p| replaced(p, "{\"v\"", "{ \"v\"")),
        InvalidProof::Line { index: 3, .. }
    ));
    assert!(matches!(
        refused(|p| p["records"][0]["index"] = json!(2)),
        InvalidProof::Index {
            claimed: 2,
            found: 3
        }
    ));
    // The line and the proof agree on an index that is not the one it was signed at.
    assert!(matches!(
        changed(&proof, &signer, |p| {
            replaced(p, "\"index\":3", "\"index\":2");
            p["records"][0]["index"] = json!(2);
        }),
        InvalidProof::Path {
            index: 2,
            source: ProofError::Root
        }
    ));
    assert!(matches!(
        refused(|p| p["records"][0]["index"] = json!(10)),
        InvalidProof::NotSigned {
            index: 10,
            signed: 10
        }
    ));
    assert!(matches!(
        refused(|p| drop(p["records"][0]["path"].as_array_mut().unwrap().pop())),
        InvalidProof::Path {
            source: ProofError::Length,
            ..
        }
    ));
    assert!(matches!(
        refused(|p| {
            let path = p["records"][0]["path"].as_array_mut().unwrap();
            path.push(path[0].clone());
        }),
        InvalidProof::Path {
            source: ProofError::Length,
            ..
        }
    ));
    assert!(matches!(
        refused(|p| p["records"].as_array_mut().unwrap().swap(0, 1)),
        InvalidProof::Decision { index: 6 }
    ));
    assert!(matches!(
        refused(|p| drop(p["records"].as_array_mut().unwrap().remove(0))),
        InvalidProof::Decision { index: 6 }
    ));
    // The outcome of one decision under another.
    let other = prove(dir.path(), decision(2)).unwrap().proof;
    let other = serde_json::to_value(other).unwrap();
    assert!(matches!(
        changed(&proof, &signer, |p| p["records"][1] =
            other["records"][0].clone()),
        InvalidProof::Decision { index: 4 }
    ));
    let member_list = serde_json::to_vec(&json!(["hallpass-proof/1", "", []])).unwrap();
    assert!(matches!(
        check(&member_list, &signer),
        Err(InvalidProof::NotAProof(_))
    ));
}

#[test]
fn another_journal_and_another_key_are_refused() {
    let ours = written();
    let theirs = tempfile::tempdir().unwrap();
    let journal = open(theirs.path());
    append(&journal, &allowed(1));
    journal.close().unwrap();
    let signers = [signer(ours.path()), signer(theirs.path())];
    let proof = prove(ours.path(), decision(1)).unwrap().proof;
    assert!(matches!(
        proof.verify(&signers[1]),
        Err(InvalidProof::Checkpoint(CheckpointError::Note(_)))
    ));
    let foreign = fs::read_to_string(theirs.path().join("checkpoint")).unwrap();
    for signer in &signers {
        let found = changed(&proof, signer, |p| p["checkpoint"] = json!(foreign));
        let by_theirs = matches!(
            found,
            InvalidProof::NotSigned { .. } | InvalidProof::Path { .. }
        );
        let by_ours = matches!(found, InvalidProof::Checkpoint(_));
        assert!(by_theirs || by_ours, "{found:?}");
        assert_eq!(by_ours, *signer == signers[0]);
    }
    // The right key under another journal's name.
    let Signer::Journal(verifier) = &signers[0] else {
        unreachable!()
    };
    let renamed = NoteVerifier::new(
        KeyName::new("hallpass/test/other/0").unwrap(),
        *verifier.key(),
    );
    assert!(proof.verify(&Signer::Journal(renamed)).is_err());
}

#[test]
fn what_is_not_signed_yet_is_not_proven_and_left_out() {
    let dir = written();
    // As a crash leaves it: the last checkpoint is the one before these two.
    let journal = open(dir.path());
    let signed = copy(journal.dir());
    append(&journal, &finished(3));
    append(&journal, &allowed(4));
    fs::copy(segment(dir.path()), segment(signed.path())).unwrap();
    let Proved { proof, left_out } = prove(signed.path(), decision(3)).unwrap();
    assert_eq!(left_out, 1);
    let proven = proof.verify(&signer(dir.path())).unwrap();
    assert_eq!(proven.records().len(), 1);
    assert!(matches!(
        prove(signed.path(), decision(4)),
        Err(ProveError::NotSigned { index, signed }) if index >= signed
    ));
    journal.close().unwrap();
    assert_eq!(prove(dir.path(), decision(3)).unwrap().left_out, 0);
    assert!(prove(dir.path(), decision(4)).is_ok());
}

#[test]
fn a_journal_that_was_altered_proves_nothing() {
    let dir = written();
    let text = fs::read_to_string(segment(dir.path())).unwrap();
    fs::write(segment(dir.path()), text.replacen("allow", "deny!", 1)).unwrap();
    assert!(matches!(
        prove(dir.path(), decision(2)),
        Err(ProveError::Journal(_))
    ));
}

fn vector() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/vectors/journal-proof")
}

/// The text of `proof.json` and of `journal.vkey`.
fn vector_files() -> [(&'static str, String); 2] {
    let dir = written();
    let proof = prove(dir.path(), decision(1)).unwrap().proof;
    let vkey = fs::read_to_string(dir.path().join("journal.vkey")).unwrap();
    let text = serde_json::to_string(&proof).unwrap();
    [("proof.json", format!("{text}\n")), ("journal.vkey", vkey)]
}

#[test]
fn the_vector_is_the_proof_of_this_journal() {
    for (name, text) in vector_files() {
        assert_eq!(fs::read_to_string(vector().join(name)).unwrap(), text);
    }
    let bytes = fs::read(vector().join("proof.json")).unwrap();
    let proven = check(&bytes, &signer(&vector())).unwrap();
    assert_eq!((proven.records().len(), proven.signed()), (2, 10));
    // The page shows the beginning of these very bytes.
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/journal-format.md");
    let page = fs::read_to_string(page).unwrap();
    let shown = page
        .lines()
        .find(|line| line.starts_with("{\"format\":\"hallpass-proof"));
    let shown = shown.unwrap().strip_suffix('…').unwrap();
    assert!(std::str::from_utf8(&bytes).unwrap().starts_with(shown));
}

#[test]
#[ignore = "writes testdata/vectors/journal-proof"]
fn write_vector() {
    fs::create_dir_all(vector()).unwrap();
    for (name, text) in vector_files() {
        fs::write(vector().join(name), text).unwrap();
    }
}
