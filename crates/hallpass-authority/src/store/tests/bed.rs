//! A place for a store, and events to put into it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use hallpass_journal::{ClientChange, ClientChanged, Minted, RunEnded, Text};
use hallpass_keys::{Digest, SigningKey};
use hallpass_testkit::TempDir;
use hallpass_vocabulary::{
    ClientId, Environment, ProofRule, RunId, SubjectAssurance, Timestamp, TokenId,
};

use crate::store::{LandingEvent, Store, StoreError, StoreSettings};

/// When the tests happen.
pub(super) const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

/// The journal whose store it is, unless a test has several.
pub(super) const ORIGIN: &str = "hallpass/dev/authority/0000000000000001";

/// Where a store is.
pub(super) struct Bed {
    directory: TempDir,
    settings: StoreSettings,
    #[cfg(feature = "postgres")]
    database: Option<hallpass_testkit::PostgresDatabase>,
}

impl Bed {
    pub(super) fn sqlite() -> Self {
        let bed = Self {
            directory: hallpass_testkit::temp_dir(),
            settings: StoreSettings::default(),
            #[cfg(feature = "postgres")]
            database: None,
        };
        Store::create(&bed.path()).unwrap();
        bed
    }

    #[cfg(feature = "postgres")]
    pub(super) fn postgres() -> Self {
        let database = hallpass_testkit::PostgresServer::shared().database();
        Self {
            directory: hallpass_testkit::temp_dir(),
            settings: StoreSettings {
                postgres: Some(database.connection.clone()),
                passfile: Some(database.passfile.clone()),
                ca_file: None,
            },
            database: Some(database),
        }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.directory.path().join("authority.db")
    }

    pub(super) fn settings(&self) -> &StoreSettings {
        &self.settings
    }

    /// Opened by the authority of a journal, and nothing written yet.
    pub(super) fn opened(&self, origin: &str) -> Result<Store, StoreError> {
        let dev: Environment = "dev".parse().unwrap();
        Store::open(&self.settings, &self.path(), origin, &dev)
    }

    /// Opened, and its writer running.
    pub(super) fn store_of(&self, origin: &str) -> Store {
        let store = self.opened(origin).unwrap();
        store.start_writer().unwrap();
        store
    }

    pub(super) fn store(&self) -> Store {
        self.store_of(ORIGIN)
    }

    /// Runs statements behind the store's back, and gives the first value.
    pub(super) fn sql(&self, statements: &str) -> String {
        #[cfg(feature = "postgres")]
        if let Some(database) = &self.database {
            let server = hallpass_testkit::PostgresServer::shared();
            return server.sql(&database.name, statements);
        }
        let connection = rusqlite::Connection::open(self.path()).unwrap();
        if statements.starts_with("SELECT") {
            let value: rusqlite::types::Value = connection
                .query_row(statements, [], |row| row.get(0))
                .unwrap();
            return match value {
                rusqlite::types::Value::Integer(number) => number.to_string(),
                rusqlite::types::Value::Text(text) => text,
                other => panic!("{other:?}"),
            };
        }
        connection.execute_batch(statements).unwrap();
        String::new()
    }

    /// Cuts every connection to the database and takes no new ones, or takes them again.
    #[cfg(feature = "postgres")]
    pub(super) fn connections(&self, allow: bool) {
        let name = &self.database.as_ref().unwrap().name;
        let server = hallpass_testkit::PostgresServer::shared();
        server.sql(
            "postgres",
            &format!(
                "ALTER DATABASE {name} WITH ALLOW_CONNECTIONS {allow};
                 SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND NOT {allow}"
            ),
        );
    }

    /// How the database would run a query in which bytes are written as `BYTES('hex')`.
    pub(super) fn plan(&self, sql: &str) -> String {
        #[cfg(feature = "postgres")]
        if let Some(database) = &self.database {
            let server = hallpass_testkit::PostgresServer::shared();
            let sql = sql
                .replace("BYTES('", "decode('")
                .replace("')", "', 'hex')");
            let cheap = "SET enable_seqscan = off; SET enable_sort = off; EXPLAIN";
            return server.sql(&database.name, &format!("{cheap} {sql}"));
        }
        let connection = rusqlite::Connection::open(self.path()).unwrap();
        let sql = sql.replace("BYTES('", "x'").replace("')", "'");
        let mut statement = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        let lines = statement
            .query_map([], |row| row.get::<_, String>(3))
            .unwrap();
        lines.map(Result::unwrap).collect::<Vec<_>>().join("\n")
    }

    /// Makes it a store of a release to come.
    pub(super) fn make_newer(&self) {
        match self.settings.postgres {
            Some(_) => self.sql("UPDATE hallpass SET version = 99"),
            None => self.sql("PRAGMA user_version = 99"),
        };
    }

    /// What is in it, as far as can be seen from outside.
    pub(super) fn contents(&self) -> Vec<u8> {
        match self.settings.postgres {
            Some(_) => self
                .sql("SELECT string_agg(relname || relfilenode, ',' ORDER BY oid) FROM pg_class")
                .into_bytes(),
            None => std::fs::read(self.path()).unwrap(),
        }
    }

    /// Makes the store take no tokens, or take them again.
    pub(super) fn refuse(&self, refuse: bool) {
        let (from, to) = match refuse {
            true => ("tokens", "away"),
            false => ("away", "tokens"),
        };
        self.sql(&format!("ALTER TABLE {from} RENAME TO {to}"));
    }
}

pub(super) fn later(seconds: u64) -> Timestamp {
    NOW.after(Duration::from_secs(seconds))
}

/// Bytes that differ for every number.
fn random(number: u64) -> [u8; 10] {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&number.to_be_bytes());
    random
}

pub(super) fn run_id(number: u64) -> RunId {
    RunId::new(later(number), random(number))
}

pub(super) fn token_id(number: u64) -> TokenId {
    TokenId::new(later(number), random(number))
}

pub(super) fn client() -> ClientId {
    "orchestrator".parse().unwrap()
}

/// The first token of run `number`, issued `number` seconds from the start.
pub(super) fn minted(number: u64) -> Minted {
    let key = SigningKey::from_seed(hallpass_keys::Purpose::Run, "dev".parse().unwrap(), [7; 32]);
    Minted {
        token: token_id(number),
        run: run_id(number),
        client: client(),
        tenant: "acme".parse().unwrap(),
        env: "dev".parse().unwrap(),
        subject: "user:alice".parse().unwrap(),
        assurance: SubjectAssurance::Asserted,
        actor: "agent:bot".parse().unwrap(),
        route: "/support/draft".parse().unwrap(),
        audiences: vec!["tickets".parse().unwrap()],
        tools: vec!["kb.search".parse().unwrap(), "tickets.get".parse().unwrap()],
        needs_approval: vec!["ticket.close".parse().unwrap()],
        roles: Vec::new(),
        proof: ProofRule::Waived,
        issued: later(number),
        expires: later(number + 600),
        policy: Digest::of(b"policy"),
        key: key.id(),
        idempotency_key: None,
        request_digest: None,
        token_digest: Some(Digest::of(b"token")),
        credential: None,
        caveats: Vec::new(),
        budgets: None,
        holder: None,
        parent: None,
        run_ends: None,
        subject_until: None,
        labels: BTreeMap::new(),
    }
}

/// The same, asked for with a key.
pub(super) fn minted_under(number: u64, key: &str, request: &str) -> Minted {
    Minted {
        idempotency_key: Some(Text::new(key)),
        request_digest: Some(Digest::of(request.as_bytes())),
        ..minted(number)
    }
}

pub(super) fn mint(minted: Minted) -> LandingEvent {
    LandingEvent::Minted(Box::new(minted))
}

pub(super) fn end(run: RunId, at: Timestamp) -> LandingEvent {
    let ended = RunEnded {
        run,
        client: Some(client()),
        by: None,
        reason: None,
    };
    LandingEvent::RunEnded(Box::new(ended), at)
}

pub(super) fn changed(
    change: ClientChange,
    secret: Option<(&str, &str)>,
    until: Option<Timestamp>,
    at: Timestamp,
) -> LandingEvent {
    let changed = ClientChanged {
        client: client(),
        change,
        secret: secret.map(|(id, _)| Text::new(id)),
        secret_digest: secret.map(|(_, secret)| Digest::of(secret.as_bytes())),
        until,
        by: None,
        counts_from: None,
    };
    LandingEvent::ClientChanged(Box::new(changed), at)
}

/// Lands an event whose record is this one, and nothing else is aloft.
pub(super) async fn land(store: &Store, event: LandingEvent, record: u64) {
    let landed = store.land(store.take_off(record), event, record).await;
    assert_eq!(landed, Ok(true));
}
