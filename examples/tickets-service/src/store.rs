//! The service's own data: articles and tickets of two tenants in SQLite.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use hallpass_vocabulary::Tenant;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS articles (
        id TEXT PRIMARY KEY, tenant TEXT NOT NULL, title TEXT NOT NULL, body TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS tickets (
        id TEXT PRIMARY KEY, tenant TEXT NOT NULL, title TEXT NOT NULL, status TEXT NOT NULL, note TEXT NOT NULL
    ) STRICT;
";

const ROWS: &str = "
    INSERT OR IGNORE INTO articles VALUES
        ('KB-1', 'acme', 'How refunds work', 'A refund takes five working days.'),
        ('KB-2', 'acme', 'Resetting a password', 'Use the link on the sign-in page.'),
        ('KB-3', 'globex', 'Refund policy', 'Refunds are paid to the original card.');
    INSERT OR IGNORE INTO tickets VALUES
        ('T-1001', 'acme', 'Refund not received', 'open', ''),
        ('T-1002', 'acme', 'Cannot sign in', 'open', ''),
        ('T-2001', 'globex', 'Invoice shows the wrong address', 'open', '');
";

/// A knowledge-base article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Article {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its text.
    pub body: String,
}

/// A ticket, with the tenant whose row it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub tenant: Tenant,
    /// What it is about.
    pub title: String,
    /// `open`, `pending` or `closed`.
    pub status: String,
    /// The last internal note.
    pub note: String,
}

/// The database. Cheap to clone; calls block, so async code runs them on a blocking thread.
#[derive(Clone)]
pub struct Store(Arc<Mutex<Connection>>);

impl Store {
    /// Opens or creates the database file, with the rows of the example.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn open(path: &Path) -> rusqlite::Result<Self> {
        Self::prepare(Connection::open(path)?)
    }

    /// A database that lives in memory, with the rows of the example.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn in_memory() -> rusqlite::Result<Self> {
        Self::prepare(Connection::open_in_memory()?)
    }

    fn prepare(connection: Connection) -> rusqlite::Result<Self> {
        connection.execute_batch(SCHEMA)?;
        connection.execute_batch(ROWS)?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// The articles of a tenant whose title or text contains `query`.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn search(
        &self,
        tenant: &Tenant,
        query: &str,
        limit: i64,
    ) -> rusqlite::Result<Vec<Article>> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT id, title, body FROM articles
             WHERE tenant = ?1 AND (instr(lower(title), lower(?2)) OR instr(lower(body), lower(?2)))
             ORDER BY id LIMIT ?3",
        )?;
        let rows = statement.query_map(params![tenant.as_str(), query, limit], |row| {
            Ok(Article {
                id: row.get(0)?,
                title: row.get(1)?,
                body: row.get(2)?,
            })
        })?;
        rows.collect()
    }

    /// The ticket of this id, whosesoever it is: the caller checks the row against the permit.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn ticket(&self, id: &str) -> rusqlite::Result<Option<Ticket>> {
        self.connection()
            .query_row(
                "SELECT id, tenant, title, status, note FROM tickets WHERE id = ?1",
                [id],
                ticket,
            )
            .optional()
    }

    /// Changes the status and note of one tenant's ticket; `false` when it has no such ticket.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn update(
        &self,
        tenant: &Tenant,
        id: &str,
        status: &str,
        note: &str,
    ) -> rusqlite::Result<bool> {
        let changed = self.connection().execute(
            "UPDATE tickets SET status = ?3, note = ?4 WHERE tenant = ?1 AND id = ?2",
            params![tenant.as_str(), id, status, note],
        )?;
        Ok(changed == 1)
    }

    fn connection(&self) -> std::sync::MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ticket(row: &Row<'_>) -> rusqlite::Result<Ticket> {
    let tenant: String = row.get(1)?;
    let tenant = Tenant::new(&tenant).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, Box::new(error))
    })?;
    Ok(Ticket {
        id: row.get(0)?,
        tenant,
        title: row.get(2)?,
        status: row.get(3)?,
        note: row.get(4)?,
    })
}
