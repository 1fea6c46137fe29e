//! A look at the file from outside: nothing is opened for writing, made or migrated.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::{failed, schema};
use crate::store::{Inspected, StoreError};

/// Looks at a store, also while its authority runs.
pub(in crate::store) fn inspect(path: &Path) -> Result<Inspected, StoreError> {
    if !path.is_file() {
        return Err(StoreError::Missing {
            path: path.to_owned(),
        });
    }
    let connection = look(path)?;
    let version = schema::version(&connection)?;
    let current = version == schema::VERSION;
    let floors = if current {
        floors(&connection).map_err(failed("read"))?
    } else {
        Vec::new()
    };
    Ok(Inspected {
        version,
        current,
        floors,
    })
}

fn look(path: &Path) -> Result<Connection, StoreError> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if Path::new(&log).exists() {
        return Connection::open_with_flags(path, flags).map_err(failed("open"));
    }
    // Nobody has it open. SQLite would make companions of the file even to read it, unless told that nobody writes.
    let path = path.to_string_lossy().replace('%', "%25");
    let path = path.replace('?', "%3f").replace('#', "%23");
    let uri = format!("file:{path}?immutable=1");
    Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI).map_err(failed("open"))
}

pub(super) fn floors(connection: &Connection) -> rusqlite::Result<Vec<(String, u64)>> {
    let mut statement = connection.prepare("SELECT origin, floor FROM progress ORDER BY origin")?;
    let rows = statement.query_map([], |row| {
        let floor: i64 = row.get(1)?;
        Ok((row.get(0)?, u64::try_from(floor).unwrap_or_default()))
    })?;
    rows.collect()
}
