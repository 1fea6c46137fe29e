//! Runs and tokens by filter and page, each by an index.

use hallpass_journal::Minted;

use super::bed::{Bed, ORIGIN, end, land, later, mint, minted, run_id, token_id};
use crate::store::selection::{Argument, Selection};
use crate::store::{Change, RunQuery, Store, TokenQuery};

super::contract!(
    every_filter_finds_its_runs,
    every_filter_finds_its_tokens,
    every_filter_has_its_index,
    pages_follow_one_another,
);

/// Ten runs, of which each filter finds another one.
fn ten(n: u64) -> Minted {
    let mut it = minted(n);
    match n {
        1 => it.tenant = "globex".parse().unwrap(),
        2 => it.route = "/research".parse().unwrap(),
        3 => it.client = "second".parse().unwrap(),
        4 => it.subject = "user:bob".parse().unwrap(),
        5 => it.actor = "agent:other".parse().unwrap(),
        6 => it.tools.push("kb.index".parse().unwrap()),
        7 => it.needs_approval = vec!["ticket.update".parse().unwrap()],
        8 => it.run_ends = Some(later(100)),
        _ => {}
    }
    it
}

async fn filled(bed: &Bed) -> Store {
    let store = bed.opened(ORIGIN).unwrap();
    let changes: Vec<Change> = (0..10)
        .map(|n| (mint(ten(n)), n))
        .chain([(end(run_id(9), later(50)), 10)])
        .map(|(event, record)| Change { event, record })
        .collect();
    store.catch_up(&changes, 11).unwrap();
    store.start_writer().unwrap();
    store
}

fn query() -> RunQuery {
    RunQuery {
        limit: 100,
        ..RunQuery::default()
    }
}

async fn found(store: &Store, query: RunQuery) -> Vec<u64> {
    let page = store.runs(&query).await.unwrap();
    assert!(!page.more);
    let number = |run| (0..10).find(|n| run_id(*n) == run).unwrap();
    page.rows.iter().map(|row| number(row.run)).collect()
}

async fn every_filter_finds_its_runs(bed: &Bed) {
    let store = filled(bed).await;
    let all: Vec<u64> = (0..10).rev().collect();
    assert_eq!(found(&store, query()).await, all, "newest first");
    let one = |query: RunQuery| found(&store, query);
    let tenant = Some("globex".parse().unwrap());
    assert_eq!(one(RunQuery { tenant, ..query() }).await, [1]);
    let route = Some("/research".parse().unwrap());
    assert_eq!(one(RunQuery { route, ..query() }).await, [2]);
    let client = Some("second".parse().unwrap());
    assert_eq!(one(RunQuery { client, ..query() }).await, [3]);
    let subject = Some("user:bob".parse().unwrap());
    assert_eq!(one(RunQuery { subject, ..query() }).await, [4]);
    let actor = Some("agent:other".parse().unwrap());
    assert_eq!(one(RunQuery { actor, ..query() }).await, [5]);
    let tool = Some("kb.index".parse().unwrap());
    assert_eq!(one(RunQuery { tool, ..query() }).await, [6]);
    let tool = Some("ticket.update".parse().unwrap());
    assert_eq!(one(RunQuery { tool, ..query() }).await, [7]);
    let since = Some(later(7));
    assert_eq!(one(RunQuery { since, ..query() }).await, [9, 8, 7]);
    let active = Some(later(99));
    assert_eq!(
        one(RunQuery { active, ..query() }).await,
        [8, 7, 6, 5, 4, 3, 2, 1, 0]
    );
    let active = Some(later(100));
    assert_eq!(
        one(RunQuery { active, ..query() }).await,
        [7, 6, 5, 4, 3, 2, 1, 0]
    );
    let several = RunQuery {
        tenant: Some("acme".parse().unwrap()),
        client: Some("orchestrator".parse().unwrap()),
        tool: Some("ticket.close".parse().unwrap()),
        since: Some(later(4)),
        active,
        ..query()
    };
    assert_eq!(one(several).await, [6, 5, 4]);
    let ended = store.runs(&query()).await.unwrap();
    assert_eq!(ended.rows[0].ended, Some(later(50)));
    store.stop().await;
}

async fn every_filter_finds_its_tokens(bed: &Bed) {
    let store = filled(bed).await;
    let renewed = Minted {
        run: run_id(3),
        ..ten(3)
    };
    let renewed = Minted {
        token: token_id(500),
        expires: later(1_000),
        ..renewed
    };
    land(&store, mint(renewed), 11).await;
    let query = || TokenQuery {
        limit: 100,
        ..TokenQuery::default()
    };
    let found = async |query: TokenQuery| {
        let page = store.tokens(&query).await.unwrap();
        page.rows
            .iter()
            .map(|row| row.minted.token)
            .collect::<Vec<_>>()
    };
    assert_eq!(found(query()).await.len(), 11);
    let run = Some(run_id(3));
    assert_eq!(
        found(TokenQuery { run, ..query() }).await,
        [token_id(500), token_id(3)]
    );
    let client = Some("second".parse().unwrap());
    assert_eq!(
        found(TokenQuery { client, ..query() }).await,
        [token_id(500), token_id(3)]
    );
    let tenant = Some("globex".parse().unwrap());
    assert_eq!(found(TokenQuery { tenant, ..query() }).await, [token_id(1)]);
    let active = Some(later(608));
    assert_eq!(
        found(TokenQuery { active, ..query() }).await,
        [token_id(500), token_id(9)]
    );
    store.stop().await;
}

async fn pages_follow_one_another(bed: &Bed) {
    let store = filled(bed).await;
    let (mut runs, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let query = RunQuery {
            limit: 3,
            after,
            ..RunQuery::default()
        };
        let page = store.runs(&query).await.unwrap();
        runs.extend(page.rows.iter().map(|row| row.run));
        after = runs.last().copied();
        pages += 1;
        if !page.more {
            break;
        }
    }
    assert_eq!((runs.len(), pages), (10, 4));
    assert!(runs.is_sorted_by(|a, b| a > b));
    let query = TokenQuery {
        limit: 10,
        ..TokenQuery::default()
    };
    let page = store.tokens(&query).await.unwrap();
    assert_eq!((page.rows.len(), page.more), (10, false));
    let query = TokenQuery {
        after: Some(token_id(4)),
        ..query
    };
    let page = store.tokens(&query).await.unwrap();
    assert_eq!((page.rows.len(), page.more), (4, false));
    store.stop().await;
}

async fn every_filter_has_its_index(bed: &Bed) {
    let store = filled(bed).await;
    let run = RunQuery::default;
    let token = TokenQuery::default;
    let selections = [
        Selection::run(run_id(1)),
        Selection::token(token_id(1)),
        Selection::runs(&RunQuery {
            tenant: Some("globex".parse().unwrap()),
            ..run()
        }),
        Selection::runs(&RunQuery {
            route: Some("/research".parse().unwrap()),
            ..run()
        }),
        Selection::runs(&RunQuery {
            client: Some("second".parse().unwrap()),
            ..run()
        }),
        Selection::runs(&RunQuery {
            subject: Some("user:bob".parse().unwrap()),
            ..run()
        }),
        Selection::runs(&RunQuery {
            actor: Some("agent:other".parse().unwrap()),
            ..run()
        }),
        Selection::runs(&RunQuery {
            tool: Some("kb.index".parse().unwrap()),
            ..run()
        }),
        Selection::runs(&RunQuery {
            since: Some(later(7)),
            ..run()
        }),
        Selection::runs(&RunQuery {
            active: Some(later(7)),
            ..run()
        }),
        Selection::runs(&RunQuery {
            after: Some(run_id(7)),
            ..run()
        }),
        Selection::tokens(&TokenQuery {
            run: Some(run_id(1)),
            ..token()
        }),
        Selection::tokens(&TokenQuery {
            client: Some("second".parse().unwrap()),
            ..token()
        }),
        Selection::tokens(&TokenQuery {
            tenant: Some("globex".parse().unwrap()),
            ..token()
        }),
        Selection::tokens(&TokenQuery {
            active: Some(later(7)),
            ..token()
        }),
    ];
    for selection in selections {
        let plan = bed.plan(&literal(&selection));
        let scans = plan
            .lines()
            .map(str::trim)
            .filter(|line| line.contains("Seq Scan") || line.starts_with("SCAN "))
            // A handful of journals, and what the recursion has found so far.
            .filter(|line| {
                !["progress", "SCAN p", "SCAN up", "CONSTANT"]
                    .iter()
                    .any(|it| line.contains(it))
            })
            .count();
        assert_eq!(scans, 0, "{}\n{plan}", selection.sql);
        // Nothing is sorted but what one page holds.
        assert!(
            !plan.contains("TEMP B-TREE FOR ORDER"),
            "{}\n{plan}",
            selection.sql
        );
    }
    store.stop().await;
}

/// A selection with its arguments written out.
fn literal(selection: &Selection) -> String {
    let mut sql = selection.sql.clone();
    for (argument, number) in selection
        .arguments
        .iter()
        .zip(1..)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
    {
        let value = match argument {
            Argument::Bytes(bytes) => format!("BYTES('{}')", hex::encode(bytes)),
            Argument::Number(number) => number.to_string(),
            Argument::Text(text) => format!("'{text}'"),
        };
        sql = sql.replace(&format!("${number}"), &value);
    }
    sql
}
