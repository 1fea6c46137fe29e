use super::*;

fn read(dir: &TempDir, name: &str) -> Option<Vec<u8>> {
    fs::read(dir.path().join(name)).ok()
}

/// A disk with one durable file and a directory.
fn disk() -> (SimDisk, SimFile) {
    let disk = SimDisk::new();
    let file = disk.create_new(&disk.path().join("a")).unwrap();
    file.write_at(b"1234", 0).unwrap();
    file.sync_data().unwrap();
    disk.sync_dir(disk.path()).unwrap();
    (disk, file)
}

#[test]
fn a_synced_file_without_a_synced_name_is_gone() {
    let (disk, _) = disk();
    let file = disk.create_new(&disk.path().join("b")).unwrap();
    file.write_at(b"x", 0).unwrap();
    file.sync_data().unwrap();
    let left = disk.image(Left::Synced);
    assert_eq!(read(&left, "a").unwrap(), b"1234");
    assert_eq!(read(&left, "b"), None);
    assert_eq!(read(&disk.image(Left::Written), "b").unwrap(), b"x");
    disk.sync_dir(disk.path()).unwrap();
    assert_eq!(read(&disk.image(Left::Synced), "b").unwrap(), b"x");
}

#[test]
fn a_directory_without_a_synced_name_is_gone_with_all_that_is_in_it() {
    let disk = SimDisk::new();
    let dir = disk.path().join("d");
    disk.create_dir(&dir).unwrap();
    disk.create_new(&dir.join("a")).unwrap();
    disk.sync_dir(&dir).unwrap();
    assert_eq!(read(&disk.image(Left::Synced), "d/a"), None);
    disk.sync_dir(disk.path()).unwrap();
    assert_eq!(read(&disk.image(Left::Synced), "d/a").unwrap(), b"");
}

#[test]
fn a_rename_is_there_or_not_and_the_file_keeps_its_bytes() {
    let (disk, _) = disk();
    let path = disk.path();
    fs::write(path.join("from elsewhere"), "e").unwrap();
    disk.rename(&path.join("from elsewhere"), &path.join("e"))
        .unwrap();
    disk.rename(&path.join("a"), &path.join("b")).unwrap();
    let mut seen = [false; 2];
    for seed in 0..50 {
        let left = disk.image(Left::Some(seed));
        let (a, b) = (read(&left, "a"), read(&left, "b"));
        assert_ne!(a.is_some(), b.is_some());
        assert_eq!(a.clone().or(b).unwrap(), b"1234");
        seen[usize::from(a.is_some())] = true;
    }
    assert_eq!(seen, [true; 2]);
    disk.sync_dir(path).unwrap();
    let left = disk.image(Left::Synced);
    assert_eq!(read(&left, "e").unwrap(), b"e");
    assert_eq!(read(&left, "b").unwrap(), b"1234");
}

#[test]
fn each_fault_does_what_it_says() {
    let errno = |result: io::Result<usize>| result.unwrap_err().raw_os_error();
    let write = |fault| {
        let (disk, file) = disk();
        disk.fail_at(disk.operations(), fault);
        let first = file.write_at(b"abcd", 4);
        let second = file.write_at(b"efgh", 8);
        assert!(disk.has_failed());
        (disk, file, first, second)
    };
    let (.., first, second) = write(Fault::Error(EIO));
    assert_eq!((errno(first), second.unwrap()), (Some(EIO), 4));

    let (disk, file, first, second) = write(Fault::Errors(EROFS));
    assert_eq!((errno(first), errno(second)), (Some(EROFS), Some(EROFS)));
    disk.heal();
    file.write_at(b"x", 0).unwrap();

    let (disk, file, first, _) = write(Fault::Full);
    assert_eq!(errno(first), Some(ENOSPC));
    file.sync_data().unwrap();
    file.set_len(2).unwrap();
    assert!(disk.create_new(&disk.path().join("b")).is_err());

    let (disk, _, first, second) = write(Fault::HalfWrite(ENOSPC));
    assert_eq!((errno(first), second.unwrap()), (Some(ENOSPC), 4));
    let left = disk.image(Left::Written);
    assert_eq!(read(&left, "a").unwrap(), b"1234ab\0\0efgh");

    let (.., first, second) = write(Fault::ShortWrite);
    assert_eq!((first.unwrap(), second.unwrap()), (2, 4));

    let (.., first, second) = write(Fault::ShortWriteThen(EIO));
    assert_eq!((first.unwrap(), errno(second)), (2, Some(EIO)));

    for (part, expected) in [
        (Part::Nothing, "1234"),
        (Part::Half, "1234ab"),
        (Part::All, "1234abcd"),
    ] {
        let (disk, _, first, second) = write(Fault::Stop(part));
        assert!(first.is_err() && second.is_err() && disk.reading().is_err());
        let left = disk.image(Left::Written);
        assert_eq!(read(&left, "a").unwrap(), expected.as_bytes());
        assert_eq!(read(&disk.image(Left::Synced), "a").unwrap(), b"1234");
    }
}

#[test]
fn an_image_can_be_a_disk_again() {
    let (disk, _) = disk();
    let again = SimDisk::on(disk.image(Left::Synced));
    let file = again.open(&again.path().join("a")).unwrap();
    file.write_at(b"5", 4).unwrap();
    assert_eq!(read(&again.image(Left::Synced), "a").unwrap(), b"1234");
    file.sync_data().unwrap();
    assert_eq!(read(&again.image(Left::Synced), "a").unwrap(), b"12345");
    let log: Vec<_> = again.log().into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(log, [Operation::Open, Operation::Write, Operation::Sync]);
}

#[test]
fn what_a_dead_process_wrote_is_not_synced_by_its_successor() {
    let (disk, file) = disk();
    file.write_at(b"5", 4).unwrap();
    disk.stop();
    disk.restart();
    let file = disk.open(&disk.path().join("a")).unwrap();
    assert_eq!(read(&disk.image(Left::Written), "a").unwrap(), b"12345");
    assert_eq!(read(&disk.image(Left::Synced), "a").unwrap(), b"1234");
    file.sync_data().unwrap();
    assert_eq!(read(&disk.image(Left::Synced), "a").unwrap(), b"12345");
}
