//! What is known of a run: its beginning, and its end.

use hallpass_journal::{Minted, Spent};

use super::bed::{Bed, NOW, ORIGIN, end, land, later, mint, minted, run_id, token_id};
use crate::store::{Change, RunRow};

super::contract!(
    a_renewal_changes_nothing_of_a_run,
    a_run_ends_with_those_above_it,
    a_run_that_was_ended_stays_so,
    everything_of_a_first_token_is_the_runs,
    the_earliest_token_says_what_a_run_is,
);

async fn everything_of_a_first_token_is_the_runs(bed: &Bed) {
    let store = bed.store();
    let key = hallpass_keys::SigningKey::from_seed(
        hallpass_keys::Purpose::Run,
        "dev".parse().unwrap(),
        [9; 32],
    );
    let first = Minted {
        parent: Some(run_id(99)),
        holder: Some(key.verifying_key()),
        caveats: vec!["at most 3 calls".to_owned()],
        budgets: Some(Spent {
            calls: Some(3),
            usd_micros: None,
        }),
        run_ends: Some(later(7_200)),
        ..minted(1)
    };
    land(&store, mint(first.clone()), 1).await;
    let run = store.run(run_id(1)).await.unwrap().unwrap();
    assert_eq!(run, RunRow::started_by(&first));
    assert_eq!(
        (run.first, run.started, run.ends),
        (token_id(1), later(1), later(7_200))
    );
    assert_eq!(run.budgets.calls, Some(3));
    land(&store, mint(minted(2)), 2).await;
    let run = store.run(run_id(2)).await.unwrap().unwrap();
    assert_eq!(run.ends, later(2 + 24 * 60 * 60), "its record says nothing");
    store.stop().await;
}

async fn a_renewal_changes_nothing_of_a_run(bed: &Bed) {
    let store = bed.store();
    land(&store, mint(minted(1)), 1).await;
    let renewed = Minted {
        run: run_id(1),
        tools: vec!["kb.search".parse().unwrap()],
        ..minted(300)
    };
    land(&store, mint(renewed), 2).await;
    let run = store.run(run_id(1)).await.unwrap();
    assert_eq!(run, Some(RunRow::started_by(&minted(1))));
    store.stop().await;
}

async fn the_earliest_token_says_what_a_run_is(bed: &Bed) {
    let renewed = Minted {
        run: run_id(1),
        tools: vec!["kb.search".parse().unwrap()],
        ..minted(300)
    };
    // The journal of the replica that renewed is read first.
    let store = bed.opened("hallpass/dev/authority/2").unwrap();
    let event = mint(renewed);
    store.catch_up(&[Change { event, record: 1 }], 2).unwrap();
    drop(store);
    let store = bed.opened(ORIGIN).unwrap();
    let event = mint(minted(1));
    store.catch_up(&[Change { event, record: 1 }], 2).unwrap();
    store.start_writer().unwrap();
    let run = store.run(run_id(1)).await.unwrap();
    assert_eq!(run, Some(RunRow::started_by(&minted(1))));
    store.stop().await;
}

async fn a_run_that_was_ended_stays_so(bed: &Bed) {
    let store = bed.store();
    land(&store, mint(minted(1)), 1).await;
    assert_eq!(store.run(run_id(1)).await.unwrap().unwrap().ended, None);
    land(&store, end(run_id(1), later(9)), 2).await;
    land(&store, end(run_id(1), later(20)), 3).await;
    // The end of a run that another replica started may be read before its beginning.
    land(&store, end(run_id(2), NOW), 4).await;
    land(&store, mint(minted(2)), 5).await;
    for (run, ended) in [(1, later(9)), (2, NOW)] {
        let run = store.run(run_id(run)).await.unwrap().unwrap();
        assert_eq!(run.ended, Some(ended));
    }
    store.stop().await;
}

async fn a_run_ends_with_those_above_it(bed: &Bed) {
    let store = bed.store();
    land(&store, mint(minted(1)), 1).await;
    for n in 2..10 {
        let child = Minted {
            parent: Some(run_id(n - 1)),
            ..minted(n)
        };
        land(&store, mint(child), n).await;
    }
    land(&store, end(run_id(5), later(50)), 10).await;
    land(&store, end(run_id(1), later(60)), 11).await;
    let mut ended = Vec::new();
    for n in 1..10 {
        ended.push(store.run(run_id(n)).await.unwrap().unwrap().ended);
    }
    let (one, five) = (Some(later(60)), Some(later(50)));
    assert_eq!(ended, [one, one, one, one, five, five, five, five, five]);
    store.stop().await;
}
