//! Replicas on one PostgreSQL: one sequence of publications, whoever makes them.

use std::collections::BTreeSet;

use hallpass_testkit::{PostgresDatabase, PostgresServer};

use super::*;
use crate::publisher::follow::{follow, look};
use crate::store::{Publications, Store, StoreSettings};

/// A database that replicas share.
struct Ring(PostgresDatabase);

impl Ring {
    fn new() -> Self {
        Self(PostgresServer::shared().database())
    }

    /// What a replica reaches the others by.
    fn shared(&self, number: u8) -> Publications {
        let settings = StoreSettings {
            postgres: Some(self.0.connection.clone()),
            passfile: Some(self.0.passfile.clone()),
            ca_file: None,
        };
        let origin = format!("hallpass/dev/authority/{number:016}");
        let nowhere = Path::new("/nowhere");
        let store = Store::open(&settings, nowhere, &origin, &dev()).unwrap();
        store.publications().unwrap()
    }

    fn replica(&self, bed: &Bed, number: u8) -> Arc<Publisher> {
        let (press, clock) = (press(), Arc::clone(&bed.clock));
        let shared = Some(self.shared(number));
        let publisher = Publisher::start(press, content, bed.directory.path(), shared, clock);
        Arc::new(publisher.unwrap())
    }

    fn sql(&self, statements: &str) -> String {
        PostgresServer::shared().sql(&self.0.name, statements)
    }
}

fn stop_number(number: u8) -> impl FnOnce(&mut Content) + Send {
    move |content| {
        stop(content);
        content.restrictions.stops.last_mut().unwrap().id =
            StopId::new(Timestamp::from_unix_ms(NOW), [number; 10]);
    }
}

fn stops(publisher: &Publisher) -> usize {
    publisher.shown().edition.content.restrictions.stops.len()
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(60), test)
            .await
            .unwrap();
    });
}

#[test]
fn publications_at_once_are_one_sequence_in_which_none_is_lost() {
    let (ring, one, two) = (Ring::new(), Bed::new(), Bed::new());
    let replicas = [ring.replica(&one, 1), ring.replica(&two, 2)];
    let started = replicas[0].version();
    // The second says the same as the first, so it publishes nothing of its own.
    assert_eq!(replicas[1].shown().id(), replicas[0].shown().id());
    let published: Vec<_> = std::thread::scope(|scope| {
        let publishing = replicas.iter().zip([0_u8, 100]).map(|(replica, first)| {
            scope.spawn(move || {
                let publish = |number| replica.republish(stop_number(number)).unwrap();
                (first..first + 15).map(publish).collect::<Vec<_>>()
            })
        });
        let publishing: Vec<_> = publishing.collect();
        let published = publishing.into_iter().map(|thread| thread.join().unwrap());
        published.flatten().collect()
    });
    let versions: BTreeSet<u64> = published.iter().map(|shown| shown.id().version).collect();
    // One after another, and no number twice.
    assert_eq!(versions, (started + 1..=started + 30).collect());
    let serials: BTreeSet<u64> = published.iter().map(|it| it.edition.serial).collect();
    assert_eq!(serials, (2..=31).collect());
    let newest = published.iter().max_by_key(|it| it.edition.serial).unwrap();
    assert_eq!(newest.edition.content.restrictions.stops.len(), 30);
    run(async {
        for (replica, number) in replicas.iter().zip([1, 2]) {
            look(replica, &ring.shared(number)).await.unwrap();
            assert_eq!(replica.shown().id(), newest.id());
        }
    });
}

#[test]
fn what_one_publishes_the_other_tells_within_a_second() {
    let (ring, one, two) = (Ring::new(), Bed::new(), Bed::new());
    let (first, second) = (ring.replica(&one, 1), ring.replica(&two, 2));
    run(async {
        let following = tokio::spawn(follow(Arc::clone(&second), ring.shared(2)));
        let mut heard = second.watch();
        let mut slowest = Duration::ZERO;
        for number in 0..10 {
            let publisher = Arc::clone(&first);
            let publish = move || publisher.republish(stop_number(number)).unwrap();
            let shown = tokio::task::spawn_blocking(publish).await.unwrap();
            let started = std::time::Instant::now();
            heard.wait_for(|it| it.id() == shown.id()).await.unwrap();
            // The first may fall before it listens.
            if number > 0 {
                slowest = slowest.max(started.elapsed());
            }
        }
        following.abort();
        assert!(slowest < Duration::from_secs(1), "{slowest:?}");
        assert_eq!(stops(&second), 10);
    });
}

#[test]
fn a_replica_that_starts_goes_on_with_what_is_in_force() {
    let (ring, one, two) = (Ring::new(), Bed::new(), Bed::new());
    let first = ring.replica(&one, 1);
    let stopped = first.republish(stop).unwrap();
    let second = ring.replica(&two, 2);
    assert_eq!(second.shown().id(), stopped.id());
    drop(second);
    assert_eq!(ring.replica(&two, 2).shown().id(), stopped.id());
    assert_eq!(stops(&first), 1);
}

#[test]
fn a_store_put_back_from_an_older_copy_takes_nothing_back() {
    let (ring, one, two) = (Ring::new(), Bed::new(), Bed::new());
    let (first, second) = (ring.replica(&one, 1), ring.replica(&two, 2));
    let put_back = || {
        ring.sql("UPDATE publication SET (serial, body) = (SELECT serial, body FROM copy)");
    };
    ring.sql("CREATE TABLE copy AS SELECT * FROM publication");
    let stopped = first.republish(stop).unwrap();
    put_back();
    run(async {
        look(&first, &ring.shared(1)).await.unwrap();
        look(&second, &ring.shared(2)).await.unwrap();
    });
    assert!(first.version() > stopped.id().version);
    assert_eq!(second.shown().id(), first.shown().id());
    assert_eq!(stops(&second), 1);

    // Both were down meanwhile: what they have kept is published again.
    let before = first.version();
    drop((first, second));
    put_back();
    let again = ring.replica(&one, 1);
    assert!(again.version() > before);
    assert_eq!(stops(&again), 1);
    // And nothing is left in the store at all.
    let before = again.version();
    ring.sql("DELETE FROM publication");
    run(async { look(&again, &ring.shared(1)).await.unwrap() });
    assert!(again.version() > before);
    assert_eq!(stops(&again), 1);
}

#[test]
fn without_the_store_no_heartbeat_is_signed() {
    let (ring, one) = (Ring::new(), Bed::new());
    let replica = ring.replica(&one, 1);
    let shared = ring.shared(1);
    let beaten = |at| {
        one.set(at);
        run(async { _ = look(&replica, &shared).await });
        replica.shown().beat.time().unix_ms()
    };
    assert_eq!(beaten(NOW + 2 * SECOND), NOW + 2 * SECOND);
    ring.sql("ALTER TABLE publication RENAME TO away");
    assert_eq!(beaten(NOW + 4 * SECOND), NOW + 2 * SECOND);
    assert!(replica.republish(stop).is_err());
    assert_eq!(stops(&replica), 0);
    ring.sql("ALTER TABLE away RENAME TO publication");
    assert_eq!(beaten(NOW + 6 * SECOND), NOW + 6 * SECOND);
    replica.republish(stop).unwrap();
}

#[test]
fn what_somebody_else_writes_into_the_store_is_not_published() {
    let (ring, one) = (Ring::new(), Bed::new());
    let replica = ring.replica(&one, 1);
    let before = *replica.shown().id();
    ring.sql("CREATE TABLE copy AS SELECT * FROM publication");
    for forged in [
        "'{}'",
        r#"regexp_replace(body, '"payload":"....', '"payload":"AAAA', 'g')"#,
        r#"regexp_replace(body, '"newest":.*', '"newest":null}')"#,
    ] {
        ring.sql(&format!(
            "UPDATE publication SET serial = 99, body = {forged}"
        ));
        ring.sql(r#"UPDATE publication SET body = regexp_replace(body, '"serial":[0-9]+', '"serial":99')"#);
        run(async {
            assert!(look(&replica, &ring.shared(1)).await.is_err(), "{forged}");
        });
        assert!(replica.republish(stop).is_err(), "{forged}");
        assert_eq!(*replica.shown().id(), before, "{forged}");
    }
    ring.sql("UPDATE publication SET (serial, body) = (SELECT serial, body FROM copy)");
    run(async { look(&replica, &ring.shared(1)).await.unwrap() });
}

#[test]
fn replicas_renew_a_bundle_once() {
    let (ring, one, two) = (Ring::new(), Bed::new(), Bed::new());
    let (first, second) = (ring.replica(&one, 1), ring.replica(&two, 2));
    let before = first.version();
    one.set(NOW + 4 * DAY);
    two.set(NOW + 4 * DAY);
    first.beat().unwrap();
    let renewed = *first.shown().id();
    assert!(renewed.version > before);
    second.beat().unwrap();
    assert_eq!(*second.shown().id(), renewed);
}
