//! What of a whole disk would survive a power cut: files by number, and the names that directories hold.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::file_model::{Change, FileModel};
use crate::Random;

/// Permission bits of every file in an image.
const FILE_MODE: u32 = 0o600;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    Dir,
    File(usize),
}

/// A change of names that a power cut leaves done or undone as a whole.
#[derive(Debug)]
struct Renaming {
    dir: PathBuf,
    names: Vec<(PathBuf, Option<Entry>)>,
}

/// Names are paths from the root of the disk. The root itself is always there.
#[derive(Debug, Default)]
pub(super) struct Model {
    files: Vec<FileModel>,
    live: BTreeMap<PathBuf, Entry>,
    durable: BTreeMap<PathBuf, Entry>,
    /// Oldest first.
    pending: Vec<Renaming>,
}

impl Model {
    /// Takes everything below `root` as durable.
    pub(super) fn of(root: &Path) -> io::Result<Self> {
        let mut model = Self::default();
        let mut dirs = vec![root.to_owned()];
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(&dir)? {
                let path = entry?.path();
                let name = path.strip_prefix(root).unwrap_or(&path).to_owned();
                let entry = if path.is_dir() {
                    dirs.push(path);
                    Entry::Dir
                } else {
                    model.add(FileModel::durable(fs::read(&path)?))
                };
                model.live.insert(name.clone(), entry);
                model.durable.insert(name, entry);
            }
        }
        Ok(model)
    }

    fn add(&mut self, file: FileModel) -> Entry {
        self.files.push(file);
        Entry::File(self.files.len() - 1)
    }

    pub(super) fn create_dir(&mut self, name: &Path) {
        self.renamed(vec![(name.to_owned(), Some(Entry::Dir))]);
    }

    /// A new empty file; gives its number.
    pub(super) fn create(&mut self, name: &Path) -> usize {
        let entry = self.add(FileModel::default());
        self.renamed(vec![(name.to_owned(), Some(entry))]);
        self.files.len() - 1
    }

    /// The number of a file. One that was put there by others is taken as it is, and as durable.
    pub(super) fn number(&mut self, name: &Path, content: impl FnOnce() -> Vec<u8>) -> usize {
        if let Some(Entry::File(number)) = self.live.get(name) {
            return *number;
        }
        let entry = self.add(FileModel::durable(content()));
        self.live.insert(name.to_owned(), entry);
        self.files.len() - 1
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path, content: impl FnOnce() -> Vec<u8>) {
        let number = self.number(from, content);
        self.renamed(vec![
            (from.to_owned(), None),
            (to.to_owned(), Some(Entry::File(number))),
        ]);
    }

    pub(super) fn remove(&mut self, name: &Path) {
        self.renamed(vec![(name.to_owned(), None)]);
    }

    fn renamed(&mut self, names: Vec<(PathBuf, Option<Entry>)>) {
        apply(&names, &mut self.live);
        let dir = names
            .first()
            .and_then(|(name, _)| name.parent())
            .unwrap_or(Path::new(""))
            .to_owned();
        self.pending.push(Renaming { dir, names });
    }

    pub(super) fn sync_dir(&mut self, dir: &Path) {
        for renaming in std::mem::take(&mut self.pending) {
            if renaming.dir == dir {
                apply(&renaming.names, &mut self.durable);
            } else {
                self.pending.push(renaming);
            }
        }
    }

    pub(super) fn file(&mut self, number: usize) -> Option<&mut FileModel> {
        self.files.get_mut(number)
    }

    pub(super) fn change(&mut self, number: usize, change: Change) {
        if let Some(file) = self.file(number) {
            file.change(change);
        }
    }

    /// Writes what a power cut leaves into an empty directory: what is synced, and with a source of chance one of the
    /// things that may be left of what is not.
    pub(super) fn write_survivor(&self, to: &Path, random: Option<&mut Random>) -> io::Result<()> {
        let mut names = self.durable.clone();
        let mut contents: Vec<_> = self.files.iter().map(FileModel::synced).collect();
        if let Some(random) = random {
            self.keep_some_names(&mut names, random);
            contents = self.files.iter().map(|f| f.survivor(random)).collect();
        }
        // Sorted, so a directory comes before what is in it.
        for (name, entry) in &names {
            let parent = name.parent().unwrap_or(Path::new(""));
            if parent != Path::new("") && names.get(parent) != Some(&Entry::Dir) {
                continue;
            }
            match entry {
                Entry::Dir => fs::create_dir(to.join(name))?,
                Entry::File(number) => {
                    let mut file = fs::OpenOptions::new()
                        .write(true)
                        .create_new(true)
                        .mode(FILE_MODE)
                        .open(to.join(name))?;
                    file.write_all(contents.get(*number).map_or(&[], Vec::as_slice))?;
                }
            }
        }
        Ok(())
    }

    /// All changes of names up to some moment, or any of them.
    fn keep_some_names(&self, names: &mut BTreeMap<PathBuf, Entry>, random: &mut Random) {
        let in_order = random.flip();
        let kept = random.below(self.pending.len() as u64 + 1) as usize;
        for (position, renaming) in self.pending.iter().enumerate() {
            if if in_order {
                position < kept
            } else {
                random.flip()
            } {
                apply(&renaming.names, names);
            }
        }
    }
}

fn apply(changes: &[(PathBuf, Option<Entry>)], names: &mut BTreeMap<PathBuf, Entry>) {
    for (name, entry) in changes {
        match entry {
            Some(entry) => names.insert(name.clone(), *entry),
            None => names.remove(name),
        };
    }
}
