//! Copies of a journal with something changed in them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use hallpass_journal::merkle::{Tree, leaf_hash};
use hallpass_keys::note::{NoteSigner, NoteVerifier};
use hallpass_keys::{Purpose, SigningKey};
use tempfile::TempDir;

use crate::fixture::{decision, environment};

/// The files of a journal, in memory.
#[derive(Clone, PartialEq, Eq)]
pub struct Copy(BTreeMap<String, Vec<u8>>);

impl Copy {
    pub fn of(dir: &Path) -> Self {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            files.insert(name, fs::read(entry.path()).unwrap());
        }
        Self(files)
    }

    pub fn file(&self, name: &str) -> &[u8] {
        &self.0[name]
    }

    pub fn segments(&self) -> Vec<String> {
        let names = self.0.keys().filter(|name| name.ends_with(".jsonl"));
        names.cloned().collect()
    }

    /// All lines of all segments, each with its end.
    pub fn lines(&self) -> Vec<String> {
        let segments = self.segments();
        let texts = segments.iter().map(|name| self.file(name));
        texts
            .flat_map(|text| std::str::from_utf8(text).unwrap().split_inclusive('\n'))
            .map(str::to_owned)
            .collect()
    }

    /// The same with another content of one file.
    pub fn with(&self, name: &str, bytes: &[u8]) -> Self {
        let mut files = self.0.clone();
        files.insert(name.to_owned(), bytes.to_vec());
        Self(files)
    }

    /// A directory with these files.
    pub fn written(&self) -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in &self.0 {
            let path = dir.path().join(name);
            let mut options = fs::OpenOptions::new();
            let file = options.write(true).create_new(true).mode(0o600).open(path);
            file.unwrap().write_all(bytes).unwrap();
        }
        dir
    }

    /// Other lines: each segment has as many as before, the last one the rest.
    pub fn with_lines(&self, change: impl FnOnce(&mut Vec<String>)) -> Self {
        let mut lines = self.lines();
        change(&mut lines);
        let mut copy = self.clone();
        let segments = self.segments();
        let mut left = lines.as_slice();
        for (place, name) in segments.iter().enumerate() {
            let count = self.file(name).iter().filter(|b| **b == b'\n').count();
            let is_last = place + 1 == segments.len();
            let count = if is_last {
                left.len()
            } else {
                count.min(left.len())
            };
            let (these, rest) = left.split_at(count);
            copy = copy.with(name, these.concat().as_bytes());
            left = rest;
        }
        copy
    }

    /// A journal that verifies by itself: the same name, another key, one record altered where the seed is odd.
    pub fn under_another_key(&self, seed: u8) -> Self {
        let vkey = std::str::from_utf8(self.file("journal.vkey")).unwrap();
        let old: NoteVerifier = vkey.trim_end().parse().unwrap();
        let key = SigningKey::from_seed(Purpose::Journal, environment(), [seed; 32]);
        let signer = NoteSigner::new(old.name().clone(), key);
        let public = |verifier: &NoteVerifier| hex::encode(verifier.key().as_bytes());
        let copy = self.with_lines(|lines| {
            for line in lines.iter_mut() {
                *line = line.replace(&public(&old), &public(&signer.verifier()));
            }
            if seed % 2 == 1 {
                lines[1] = forged(1);
            }
        });
        let mut tree = Tree::new();
        for line in copy.lines() {
            tree.push(leaf_hash(line.trim_end_matches('\n').as_bytes()));
        }
        let root = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, tree.root());
        let text = format!("{}\n{}\n{root}\n", old.name().as_str(), tree.size());
        let note = signer.sign(&text).unwrap().to_string();
        let vkey = format!("{}\n", signer.verifier());
        copy.with("checkpoint", note.as_bytes())
            .with("journal.vkey", vkey.as_bytes())
    }
}

/// A well-formed record that was never written.
pub fn forged(index: usize) -> String {
    let decision = decision(666);
    format!(
        "{{\"v\":1,\"index\":{index},\"time\":\"2026-11-21T09:30:00.000Z\",\"kind\":\"abandoned\",\"decision\":\"{decision}\"}}\n"
    )
}

/// Gives each line the number of its place.
pub fn renumber(lines: &mut [String]) {
    for (index, line) in lines.iter_mut().enumerate() {
        let (head, rest) = line.split_once(",\"time\"").unwrap();
        assert!(head.starts_with("{\"v\":1,\"index\":"));
        *line = format!("{{\"v\":1,\"index\":{index},\"time\"{rest}");
    }
}
