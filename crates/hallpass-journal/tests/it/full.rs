//! A device without space: what each mode is told, what the reserve is for, and that service resumes by itself.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hallpass_journal::verify::verify;
use hallpass_journal::{
    AppendError, Durability, Event, Journal, OpenError, RefusalRecord, Settings,
};
use hallpass_vocabulary::DenialCode;

use crate::fixture::{
    PATIENCE, all, crashed, denied, durable, event, numbers, relaxed, settings, until,
};
use crate::small_device::SmallDevice;

const RESERVE_BYTES: u64 = 512 * 1024;
/// In what time a record is refused (DESIGN section 6).
const REFUSED_WITHIN: Duration = Duration::from_millis(250);
/// In what time service resumes when there is space.
const RESUMED_WITHIN: Duration = Duration::from_secs(5);

fn with_reserve(device: &SmallDevice) -> Settings {
    settings()
        .reserve_bytes(RESERVE_BYTES)
        .storage(Arc::new(device.clone()))
}

/// A journal with a whole reserve, on a device with no space left.
fn full(dir: &Path) -> (Journal, SmallDevice) {
    let device = SmallDevice::new(dir);
    let journal = Journal::open(dir, with_reserve(&device)).unwrap();
    until("the reserve is whole", || {
        journal.status().reserve_bytes == RESERVE_BYTES
    });
    relaxed(&journal, 0).unwrap();
    until("it is signed", || journal.status().signed == 2);
    device.leave(0);
    (journal, device)
}

fn refused_at_once(journal: &Journal, n: u64, durability: Durability) {
    let start = Instant::now();
    let answer = journal.append(&event(n), durability).wait(PATIENCE);
    assert_eq!(answer, Err(AppendError::Full));
    assert!(start.elapsed() < REFUSED_WITHIN, "{:?}", start.elapsed());
}

#[test]
fn the_end_of_what_has_happened_is_durable_from_the_reserve() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _device) = full(dir.path());
    let told = |n| {
        let append = journal.append(&event(n), Durability::Outcome);
        append.wait(PATIENCE).unwrap()
    };
    // The first to meet the full device, and one that comes when it is known.
    told(1);
    refused_at_once(&journal, 2, Durability::Durable);
    let last = told(3).index();
    assert!(journal.status().low);
    drop(journal.append(&event(4), Durability::Relaxed));
    let image = crashed(&journal);
    assert_eq!(numbers(image.path()), [0, 1, 3, 4]);
    assert_eq!(last, Some(3));
}

#[test]
fn writes_are_denied_and_reads_go_on_from_the_reserve_until_it_is_used_up() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, device) = full(dir.path());
    refused_at_once(&journal, 1, Durability::Durable);
    assert!(journal.status().low);
    assert_eq!(journal.status().broken, None);
    let mut read = vec![0];
    while journal
        .append(&event(2), Durability::Relaxed)
        .wait(PATIENCE)
        .is_ok()
    {
        read.push(2);
        assert!(read.len() as u64 * 100 < RESERVE_BYTES);
    }
    refused_at_once(&journal, 3, Durability::Relaxed);
    refused_at_once(&journal, 4, Durability::Durable);
    // The reserve became records, but for the eighth that is for their checkpoint.
    let bytes: usize = all(dir.path()).iter().map(|r| r.line().len() + 1).sum();
    assert!(bytes as u64 > RESERVE_BYTES * 8 / 10, "{bytes}");
    assert!(journal.status().reserve_bytes < RESERVE_BYTES / 4);
    until("all of them are signed", || {
        journal.status().signed == journal.status().written
    });

    device.leave(u64::MAX / 2);
    let start = Instant::now();
    until("service has resumed", || !journal.status().low);
    assert!(start.elapsed() < RESUMED_WITHIN, "{:?}", start.elapsed());
    assert_eq!(journal.status().reserve_bytes, RESERVE_BYTES);
    durable(&journal, 5).unwrap();
    journal.close().unwrap();
    read.push(5);
    assert_eq!(numbers(dir.path()), read);
    assert_eq!(verify(dir.path(), None).unwrap().unsigned(), 0);
}

#[test]
fn the_reserve_alone_is_no_reason_to_resume() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, device) = full(dir.path());
    refused_at_once(&journal, 1, Durability::Durable);
    relaxed(&journal, 2).unwrap();
    // Space for the reserve, and for no write besides.
    device.leave(RESERVE_BYTES - journal.status().reserve_bytes);
    until("the reserve is whole", || {
        journal.status().reserve_bytes >= RESERVE_BYTES
    });
    refused_at_once(&journal, 3, Durability::Durable);
    assert!(journal.status().low);
    journal.close().unwrap();
    assert_eq!(numbers(dir.path()), [0, 2]);
    verify(dir.path(), None).unwrap();
}

#[test]
fn in_one_batch_the_reads_are_recorded_and_the_writes_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _device) = full(dir.path());
    std::thread::scope(|scope| {
        for thread in 0..8_u64 {
            let journal = journal.clone();
            scope.spawn(move || {
                for n in 0..50 {
                    let durability = match n % 2 {
                        0 => Durability::Relaxed,
                        _ => Durability::Durable,
                    };
                    let number = 1 + thread * 50 + n;
                    let answer = journal.append(&event(number), durability).wait(PATIENCE);
                    assert_eq!(
                        answer.is_ok(),
                        durability == Durability::Relaxed,
                        "{answer:?}"
                    );
                }
            });
        }
    });
    journal.close().unwrap();
    assert_eq!(numbers(dir.path()).len(), 1 + 8 * 25);
    assert_eq!(verify(dir.path(), None).unwrap().unsigned(), 0);
}

#[test]
fn refusals_never_use_the_reserve_and_are_counted_instead() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, device) = full(dir.path());
    refused_at_once(&journal, 1, Durability::Durable);
    for n in 0..1_000 {
        let refused = journal.refuse(denied(n, DenialCode::SignatureInvalid));
        assert_eq!(refused, RefusalRecord::Counted);
    }
    assert_eq!(journal.status().written, 2);
    device.leave(u64::MAX / 2);
    until("service has resumed", || !journal.status().low);
    journal.close().unwrap();
    let counted: u64 = all(dir.path())
        .iter()
        .filter_map(|record| match record.event().unwrap() {
            Event::Refused(refused) => Some(refused.count),
            _ => None,
        })
        .sum();
    assert_eq!(counted, 1_000);
}

#[test]
fn where_there_is_no_space_for_another_segment_the_old_one_goes_on() {
    type Set = fn(&SmallDevice, bool);
    let none: Set = SmallDevice::no_more_segments;
    let half: Set = SmallDevice::half_segments;
    for set in [none, half] {
        let dir = tempfile::tempdir().unwrap();
        let device = SmallDevice::new(dir.path());
        let small = with_reserve(&device).segment_bytes(600);
        let journal = Journal::open(dir.path(), small).unwrap();
        set(&device, true);
        for n in 0..30 {
            durable(&journal, n).unwrap();
        }
        let segments = || {
            std::fs::read_dir(dir.path())
                .unwrap()
                .filter(|e| e.as_ref().unwrap().path().extension() == Some("jsonl".as_ref()))
                .count()
        };
        assert_eq!(segments(), 1, "what could not be made is not left behind");
        verify(crashed(&journal).path(), None).unwrap();
        set(&device, false);
        until("segments are made again", || {
            relaxed(&journal, 99).unwrap();
            segments() > 3
        });
        journal.close().unwrap();
        let expected: Vec<_> = (0..30).collect();
        assert!(numbers(dir.path()).starts_with(&expected));
        verify(dir.path(), None).unwrap();
    }
}

#[test]
fn a_full_device_is_no_reason_not_to_start_while_the_reserve_lasts() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _device) = full(dir.path());
    let left = crashed(&journal);
    let device = SmallDevice::new(left.path());
    device.leave(0);
    let again = Journal::open(left.path(), with_reserve(&device)).unwrap();
    until("it is known that the device is full", || again.status().low);
    refused_at_once(&again, 1, Durability::Durable);
    relaxed(&again, 2).unwrap();
    again.close().unwrap();
    verify(left.path(), None).unwrap();

    std::fs::remove_file(left.path().join("reserve")).unwrap();
    device.leave(0);
    let refused = Journal::open(left.path(), with_reserve(&device)).unwrap_err();
    let OpenError::Io { source, .. } = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
    // And harms nothing.
    verify(left.path(), None).unwrap();
}

#[test]
fn a_smaller_reserve_gives_space_back_and_none_refuses_everybody_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, device) = full(dir.path());
    device.leave(u64::MAX / 2);
    journal.close().unwrap();
    let none = with_reserve(&device).reserve_bytes(0);
    let journal = Journal::open(dir.path(), none).unwrap();
    assert_eq!(journal.status().reserve_bytes, 0);
    until("it is signed", || {
        let status = journal.status();
        status.signed == status.written
    });
    device.leave(0);
    refused_at_once(&journal, 1, Durability::Relaxed);
    refused_at_once(&journal, 2, Durability::Durable);
    device.leave(u64::MAX / 2);
    until("service has resumed", || durable(&journal, 3).is_ok());
    journal.close().unwrap();
    verify(dir.path(), None).unwrap();
}

#[test]
fn a_device_that_fills_up_again_and_again_loses_nothing_that_was_acknowledged() {
    const ROUNDS: u64 = 200;
    let dir = tempfile::tempdir().unwrap();
    let device = SmallDevice::new(dir.path());
    let small = with_reserve(&device)
        .reserve_bytes(8 * 1024)
        .segment_bytes(4_000);
    let journal = Journal::open(dir.path(), small).unwrap();
    let acknowledged = std::sync::Mutex::new(Vec::new());
    let (done, next) = (AtomicBool::new(false), AtomicU64::new(0));
    let refused = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let (journal, acknowledged, done, next, refused) =
                (&journal, &acknowledged, &done, &next, &refused);
            scope.spawn(move || {
                while !done.load(Ordering::SeqCst) {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let durability = match (number + thread) % 3 {
                        0 => Durability::Durable,
                        _ => Durability::Relaxed,
                    };
                    let answer = journal.append(&event(number), durability).wait(PATIENCE);
                    match answer {
                        Ok(recorded) => {
                            let index = recorded.index().unwrap();
                            acknowledged.lock().unwrap().push((index, number));
                        }
                        Err(AppendError::Full) => {
                            refused.fetch_add(1, Ordering::SeqCst);
                            std::thread::yield_now();
                        }
                        Err(other) => panic!("{other:?}"),
                    }
                }
            });
        }
        for round in 0..ROUNDS {
            // From none to two records short of a segment, by a fixed pattern.
            device.leave((round * 7_919) % 3_800);
            device.no_more_segments(round % 5 == 0);
            let before = next.load(Ordering::SeqCst);
            until("the threads have met it", || {
                next.load(Ordering::SeqCst) > before + 20
            });
        }
        done.store(true, Ordering::SeqCst);
    });
    device.leave(u64::MAX / 2);
    device.no_more_segments(false);
    until("service has resumed", || !journal.status().low);
    journal.close().unwrap();
    assert_eq!(verify(dir.path(), None).unwrap().unsigned(), 0);
    let records = all(dir.path());
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(acknowledged.len() > 100 && refused.load(Ordering::SeqCst) > 100);
    for (index, number) in &acknowledged {
        let record = &records[usize::try_from(*index).unwrap()];
        let expected = crate::fixture::decision(*number).to_string();
        assert!(record.line().contains(&expected), "record {index}");
    }
    // And nothing that was refused is there.
    assert_eq!(numbers(dir.path()).len(), acknowledged.len());
    let lost: u64 = records
        .iter()
        .filter_map(|record| match record.event().unwrap() {
            Event::Unrecorded(unrecorded) => Some(unrecorded.count),
            _ => None,
        })
        .sum();
    assert_eq!(lost, refused.load(Ordering::SeqCst));
}
