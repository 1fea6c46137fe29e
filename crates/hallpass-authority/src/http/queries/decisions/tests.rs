use std::sync::Arc;
use std::time::Duration;

use hallpass_journal::{
    Durability, Event, Journal, JournalName, MintRefused, PolicyRefused, Settings, Text,
};
use hallpass_vocabulary::{Clock, Environment, Timestamp};

use super::*;

#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(1_800_000_000)
    }
}

/// A journal with a record that opens it and `count` refusals, every tenth of another tenant.
fn journal(directory: &Path, count: usize) -> Journal {
    let (dev, name) = (
        Environment::new("dev").unwrap(),
        JournalName::new("test").unwrap(),
    );
    let journal = Journal::open(directory, Settings::new(dev, name, Arc::new(Still))).unwrap();
    for n in 0..count {
        let tenant = if n % 10 == 0 { "acme" } else { "globex" };
        let event = Event::MintRefused(Box::new(MintRefused {
            request: None,
            code: Text::new("tools_empty"),
            detail: None,
            client: Some(format!("client-{}", n % 2).parse().unwrap()),
            tenant: Some(tenant.parse().unwrap()),
            subject: None,
            route: None,
            run: None,
        }));
        drop(journal.append(&event, Durability::Relaxed));
    }
    let event = Event::PolicyRefused(PolicyRefused {
        detail: Text::new("no"),
        by: None,
    });
    let appended = journal.append(&event, Durability::Durable);
    let _recorded = appended.wait(Duration::from_secs(10)).unwrap();
    journal
}

/// The indices of a whole listing, page by page, and how many pages there were.
fn all(journal: &Journal, query: &str) -> (Vec<u64>, usize) {
    let written = journal.status().written;
    let mut query = read(Some(query)).unwrap();
    let (mut indices, mut pages) = (Vec::new(), 0);
    loop {
        let page = page(journal.dir(), &query, written).unwrap();
        pages += 1;
        assert!(page.decisions.len() <= query.limit);
        indices.extend(
            page.decisions
                .iter()
                .map(|it| it["index"].as_u64().unwrap()),
        );
        match page.next {
            Some(next) => query.before = Some(next.parse().unwrap()),
            None => return (indices, pages),
        }
    }
}

#[test]
fn pages_together_are_every_match_newest_first() {
    let directory = tempfile::tempdir().unwrap();
    let journal = journal(directory.path(), 100);
    // The first record of a journal is about itself.
    let (indices, _) = all(&journal, "limit=7");
    let expected: Vec<u64> = (1..=101).rev().collect();
    assert_eq!(indices, expected);
    let (indices, _) = all(&journal, "limit=3&tenant=acme");
    let expected: Vec<u64> = (0..10).rev().map(|n| 1 + n * 10).collect();
    assert_eq!(indices, expected);
    assert_eq!(all(&journal, "kind=policy_refused").0, [101]);
    assert_eq!(all(&journal, "client=client-1&limit=500").0.len(), 50);
    assert_eq!(all(&journal, "code=other").0, [0_u64; 0]);
    assert_eq!(all(&journal, "since=2027-01-15T08:00:01Z").0, [0_u64; 0]);
    assert_eq!(all(&journal, "until=2027-01-15T08:00:00Z").0, [0_u64; 0]);
    assert_eq!(
        all(&journal, "since=2027-01-15T08:00:00Z&limit=500")
            .0
            .len(),
        101
    );
    journal.close().unwrap();
}

#[test]
fn a_page_reads_so_much_and_says_where_to_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let count = usize::try_from(RECORDS_READ_MAX).unwrap() + 100;
    let journal = journal(directory.path(), count);
    let query = read(Some("tenant=nobody")).unwrap();
    let written = journal.status().written;
    let first = page(journal.dir(), &query, written).unwrap();
    assert!(first.decisions.is_empty());
    assert_eq!(first.next, Some((written - RECORDS_READ_MAX).to_string()));
    assert_eq!(all(&journal, "tenant=nobody"), (Vec::new(), 2));
    assert_eq!(
        all(&journal, "tenant=acme&limit=500").0.len(),
        count.div_ceil(10)
    );
    journal.close().unwrap();
}

#[test]
fn a_query_is_strict() {
    for (query, expected) in [
        ("kind=decided", Malformed::Value("kind")),
        ("kind=key_created", Malformed::Value("kind")),
        ("after=-1", Malformed::Value("after")),
        ("since=yesterday", Malformed::Value("since")),
        ("run=run_1", Malformed::Value("run")),
        ("client=A B", Malformed::Value("client")),
    ] {
        assert_eq!(read(Some(query)).unwrap_err(), expected, "{query}");
    }
}
