//! `kill -9` of the authority under load, over both stores: whatever was answered is answered again.
//!
//! Twenty of each in every run of the tests; `HALLPASS_KILLS` says another number.

use std::time::{Duration, Instant};

use hallpass_testkit::Random;

use crate::wards::{Answered, Ward, assert_known, killed_under_load};

/// Nobody waits for a rate here.
const NO_LIMITS: &str = "
[limits]
client_mints_per_minute = 1000000
tenant_mints_per_minute = 1000000
";

const KILLS: usize = 20;

fn rounds() -> usize {
    std::env::var("HALLPASS_KILLS").map_or(KILLS, |kills| kills.parse().unwrap())
}

/// What was lost would show as a refusal of the next authority, which fails the test.
async fn kills(ward: &Ward, rounds: usize, told: &str) {
    let mut random = Random::new(7);
    let (mut answered, mut at_start) = (0, 0);
    let began = Instant::now();
    let mut last: Vec<Answered> = Vec::new();
    for round in 1..=rounds {
        if round % 5 == 0 {
            // In the middle of opening: the journal, the store, what it missed.
            let mut child = ward.spawn("authority");
            let after = Duration::from_millis(random.below(60));
            let _ = tokio::time::timeout(after, std::future::pending::<()>()).await;
            child.kill();
            at_start += 1;
        }
        let (child, client) = ward.serve("authority");
        assert_known(&client, &last).await;
        let answers = usize::try_from(1 + random.below(60)).unwrap();
        last = killed_under_load(child, client, answers).await;
        answered += last.len();
        if round % 50 == 0 {
            println!(
                "{told}: {round} kills, {answered} answers, {} s",
                began.elapsed().as_secs()
            );
        }
    }
    let (child, client) = ward.serve("authority");
    assert_known(&client, &last).await;
    drop(child);
    println!(
        "{told}: {rounds} kills under load and {at_start} while opening, {answered} answers, none lost, {} s",
        began.elapsed().as_secs()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_answered_is_lost_to_kills_on_sqlite() {
    kills(&Ward::sqlite(NO_LIMITS), rounds(), "SQLite").await;
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_answered_is_lost_to_kills_on_postgres() {
    kills(&Ward::postgres(NO_LIMITS), rounds(), "PostgreSQL").await;
}
