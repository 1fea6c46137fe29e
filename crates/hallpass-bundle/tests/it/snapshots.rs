use hallpass_bundle::{Published, Snapshot, Snapshots, Staleness, accept};
use hallpass_vocabulary::{Impact, Timestamp};

use crate::authority::{Authority, DAY, NOW, seconds};

fn at(authority: &Authority, time: Timestamp) -> Snapshot {
    let json = authority.published(time).to_json().unwrap();
    accept(&json, &authority.pinned(), None, time).unwrap()
}

#[test]
fn harm_needs_fresher_knowledge() {
    let snapshot = at(&Authority::new(), NOW);
    let stale = |impact, after: u64| {
        snapshot.is_stale(impact, &Staleness::STANDARD, NOW.after(seconds(after)))
    };
    for (impact, bound) in [
        (Impact::Read, 900),
        (Impact::Write, 300),
        (Impact::Destructive, 60),
    ] {
        assert!(!stale(impact, 0) && !stale(impact, bound));
        assert!(stale(impact, bound + 1));
    }
}

#[test]
fn an_expired_bundle_is_stale_however_fresh_its_heartbeat() {
    let authority = Authority::new();
    let end = NOW.after(30 * DAY);
    let just_before = Timestamp::from_unix_ms(end.unix_ms() - 1);
    let bundle = authority.bundle(None, NOW);
    let heartbeat = authority.heartbeat(&bundle, just_before);
    let published = Published::new(vec![authority.root_envelope()], &bundle, heartbeat);
    let json = published.to_json().unwrap();
    let snapshot = accept(&json, &authority.pinned(), None, just_before).unwrap();
    assert!(!snapshot.is_stale(Impact::Read, &Staleness::STANDARD, just_before));
    assert!(snapshot.is_stale(Impact::Read, &Staleness::STANDARD, end));
}

#[test]
fn a_heartbeat_ahead_of_the_clock_is_new() {
    let snapshot = at(&Authority::new(), NOW);
    let slow = Timestamp::from_unix_ms(NOW.unix_ms() - 20_000);
    assert_eq!(snapshot.age(slow), seconds(0));
}

#[test]
fn the_newest_wins_in_any_order() {
    let authority = Authority::new();
    let (old, new) = (at(&authority, NOW), at(&authority, NOW.after(seconds(2))));
    let cell = Snapshots::empty();
    assert!(cell.load().is_none() && cell.with(|known| known.is_none()));
    assert!(cell.publish(new.clone()));
    assert_eq!(cell.with(|known| known.unwrap().version()), new.version());
    assert!(!cell.publish(old.clone()));
    assert_eq!(cell.load().unwrap().version(), new.version());
    assert!(cell.publish(new.clone()));

    let cell = Snapshots::new(old);
    assert!(cell.publish(new.clone()));
    assert_eq!(cell.load().unwrap().version(), new.version());
}

#[test]
fn a_reader_keeps_what_it_has_loaded() {
    let authority = Authority::new();
    let cell = Snapshots::new(at(&authority, NOW));
    let held = cell.load().unwrap();
    cell.publish(at(&authority, NOW.after(seconds(2))));
    assert_eq!(held.heartbeat(), NOW);
    assert_eq!(cell.load().unwrap().heartbeat(), NOW.after(seconds(2)));
}

#[test]
fn racing_publishers_leave_the_newest() {
    let authority = Authority::new();
    let snapshots: Vec<Snapshot> = (0..16)
        .map(|s| at(&authority, NOW.after(seconds(s))))
        .collect();
    let cell = Snapshots::empty();
    std::thread::scope(|scope| {
        for half in [&snapshots[..8], &snapshots[8..]] {
            scope.spawn(|| {
                for snapshot in half.iter().rev() {
                    cell.publish(snapshot.clone());
                }
            });
        }
    });
    assert_eq!(cell.load().unwrap().heartbeat(), NOW.after(seconds(15)));
}
