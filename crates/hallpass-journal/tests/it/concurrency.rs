use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Wake, Waker};

use hallpass_journal::verify::verify;
use hallpass_journal::{Durability, Journal, OpenError};

use crate::faulty::FaultyStorage;
use crate::fixture::{PATIENCE, all, durable, event, kinds, open, relaxed, settings, until};

#[test]
fn sixty_four_threads_share_syncs_and_every_acknowledged_record_is_there_once() {
    const THREADS: u64 = 64;
    const EACH: u64 = 20;
    let dir = tempfile::tempdir().unwrap();
    let storage = FaultyStorage::default();
    let journal = Journal::open(dir.path(), settings().storage(Arc::new(storage.clone()))).unwrap();
    let before = storage.0.syncs.load(Ordering::SeqCst);
    let indexes = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let journal = journal.clone();
                scope.spawn(move || {
                    (0..EACH)
                        .map(|n| durable(&journal, thread * EACH + n).unwrap().index())
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect::<BTreeSet<_>>()
    });
    let syncs = storage.0.syncs.load(Ordering::SeqCst) - before;
    assert_eq!(indexes.len() as u64, THREADS * EACH);
    assert!(syncs < THREADS * EACH / 2, "{syncs} syncs");
    journal.close().unwrap();
    assert_eq!(all(dir.path()).len() as u64, THREADS * EACH + 2);
    let report = verify(dir.path(), None).unwrap();
    assert_eq!(report.unsigned(), 0);
}

#[test]
fn everything_that_waits_during_a_sync_shares_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    let storage = FaultyStorage::default();
    let journal = Journal::open(dir.path(), settings().storage(Arc::new(storage.clone()))).unwrap();
    storage.0.hold_syncs();
    let waiting_before = storage.0.waiting_syncs.load(Ordering::SeqCst);
    let first = journal.append(&event(0), Durability::Durable);
    until("the first sync has begun", || {
        storage.0.waiting_syncs.load(Ordering::SeqCst) > waiting_before
    });
    let others: Vec<_> = (1..100)
        .map(|n| journal.append(&event(n), Durability::Durable))
        .collect();
    let syncs_before = storage.0.syncs.load(Ordering::SeqCst);
    storage.0.release_syncs();
    first.wait(PATIENCE).unwrap();
    for append in others {
        append.wait(PATIENCE).unwrap();
    }
    let syncs = storage.0.syncs.load(Ordering::SeqCst) - syncs_before;
    assert_eq!(syncs, 2);
}

#[test]
fn a_relaxed_append_is_answered_by_its_own_thread_while_a_sync_hangs() {
    let dir = tempfile::tempdir().unwrap();
    let storage = FaultyStorage::default();
    let journal = Journal::open(dir.path(), settings().storage(Arc::new(storage.clone()))).unwrap();
    storage.0.hold_syncs();
    for n in 0..10 {
        let append = journal.append(&event(n), Durability::Relaxed);
        let mut append = std::pin::pin!(append);
        let polled = append
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Ready(Ok(_))));
    }
    storage.0.release_syncs();
    journal.close().unwrap();
    assert_eq!(all(dir.path()).len(), 12);
}

#[test]
fn a_durable_append_is_a_future_that_wakes_its_task() {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut append = std::pin::pin!(journal.append(&event(1), Durability::Durable));
    let recorded = loop {
        match append.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(outcome) => break outcome.unwrap(),
            Poll::Pending => std::thread::park_timeout(PATIENCE),
        }
    };
    assert_eq!(recorded.index(), Some(1));
}

#[test]
fn relaxed_records_are_signed_soon_although_nobody_asks() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    relaxed(&journal, 1).unwrap();
    until("the record is under a checkpoint", || {
        journal.status().signed == 2
    });
    let report = verify(dir.path(), None).unwrap();
    assert_eq!((report.records, report.signed), (2, 2));
}

#[test]
fn there_is_one_writer() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    assert!(matches!(
        Journal::open(dir.path(), settings()),
        Err(OpenError::Locked { .. })
    ));
    drop(journal);
    open(dir.path()).close().unwrap();
    assert_eq!(kinds(dir.path()), ["opened", "closed", "opened", "closed"]);
}

#[test]
fn mixed_load_over_many_small_segments_verifies() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), settings().segment_bytes(4_000)).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8_u64 {
            let journal = journal.clone();
            scope.spawn(move || {
                for n in 0..100 {
                    if n % 10 == 0 {
                        durable(&journal, thread * 100 + n).unwrap();
                    } else {
                        relaxed(&journal, thread * 100 + n).unwrap();
                    }
                }
            });
        }
    });
    journal.close().unwrap();
    let segments = std::fs::read_dir(dir.path())
        .unwrap()
        .filter(|e| {
            e.as_ref()
                .unwrap()
                .path()
                .extension()
                .is_some_and(|e| e == "jsonl")
        })
        .count();
    assert!(segments > 10, "{segments}");
    assert_eq!(all(dir.path()).len(), 802);
    assert_eq!(verify(dir.path(), None).unwrap().signed, 802);
    let journal = Journal::open(dir.path(), settings().segment_bytes(4_000)).unwrap();
    assert_eq!(durable(&journal, 1).unwrap().index(), Some(803));
}
