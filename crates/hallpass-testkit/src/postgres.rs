//! A PostgreSQL server of the test's own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::free_port;

/// The user the server knows, and its password.
const USER: &str = "hallpass";
const PASSWORD: &str = "of no value";

/// Accounts the server may run as where the test runs as root, which it refuses.
const ACCOUNTS: [&str; 2] = ["postgres", "nobody"];

/// Makes a cluster and keeps a server on it until standard input ends, which it does however the test ends.
const KEEPER: &str = r#"
set -eu
here=$1; bin=$2; port=$3; shift 3
printf %s "$HALLPASS_TEST_PASSWORD" > "$here/password"
"$bin/initdb" --pgdata="$here/data" --username="$HALLPASS_TEST_USER" --pwfile="$here/password" --auth=scram-sha-256 \
    --encoding=UTF8 --no-locale --no-sync > "$here/initdb.log" 2>&1 || { cat "$here/initdb.log" >&2; exit 1; }
if [ -e "$here/given.key" ]; then
    # The server takes no key that others can read.
    (umask 077 && cp "$here/given.key" "$here/server.key" && cp "$here/given.pem" "$here/server.pem")
    set -- "$@" -c ssl=on -c ssl_cert_file="$here/server.pem" -c ssl_key_file="$here/server.key"
fi
"$bin/postgres" -D "$here/data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
    -c max_connections=200 "$@" < /dev/null > "$here/server.log" 2>&1 &
server=$!
tries=0
until "$bin/pg_isready" -q -h 127.0.0.1 -p "$port"; do
    tries=$((tries + 1))
    kill -0 "$server" 2>/dev/null && [ "$tries" -lt 600 ] || { cat "$here/server.log" >&2; exit 1; }
    sleep 0.05
done
echo ready
read -r _ || true
kill -QUIT "$server" 2>/dev/null || true
wait "$server" 2>/dev/null || true
rm -rf "$here/data"
"#;

/// A server on a free port, with a cluster in a temporary directory. Both are gone when it is dropped, and when the test
/// dies.
#[derive(Debug)]
pub struct PostgresServer {
    port: u16,
    bin: PathBuf,
    /// Its end is the server's.
    input: ChildStdin,
    keeper: Child,
    directory: tempfile::TempDir,
    databases: AtomicU32,
}

impl PostgresServer {
    /// Starts one that forgets the last moments when the power is cut, and is faster for it: no test cuts it.
    ///
    /// # Panics
    /// When it does not start: PostgreSQL is not installed, or there is no account but root's to run it as.
    pub fn start() -> Self {
        Self::start_with(&["-c", "fsync=off", "-c", "full_page_writes=off"])
    }

    /// Starts one with these options.
    ///
    /// # Panics
    /// As [`PostgresServer::start`].
    pub fn start_with(options: &[&str]) -> Self {
        Self::launch(options, None)
    }

    /// Starts one that speaks TLS, for those who ask, with a certificate and its key in PEM files. The key is of no value: others
    /// on the machine may read it.
    ///
    /// # Panics
    /// As [`PostgresServer::start`].
    pub fn start_encrypted(certificate: &Path, key: &Path) -> Self {
        let fast = ["-c", "fsync=off", "-c", "full_page_writes=off"];
        Self::launch(&fast, Some((certificate, key)))
    }

    fn launch(options: &[&str], tls: Option<(&Path, &Path)>) -> Self {
        let bin = binaries();
        let directory = tempfile::tempdir().expect("a temporary directory");
        // The account it runs as must get in.
        let mode = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(directory.path(), mode).expect("the directory is ours");
        let files = tls.map(|(certificate, key)| [(certificate, "given.pem"), (key, "given.key")]);
        for (from, to) in files.into_iter().flatten() {
            let to = directory.path().join(to);
            std::fs::copy(from, &to).expect("the file is there");
            let mode = std::fs::Permissions::from_mode(0o644);
            std::fs::set_permissions(&to, mode).expect("the file is ours");
        }
        let port = free_port();
        let mut command = as_somebody();
        command
            .args(["sh", "-c", KEEPER, "keeper"])
            .arg(directory.path())
            .arg(&bin)
            .arg(port.to_string())
            .args(options)
            .env("HALLPASS_TEST_USER", USER)
            .env("HALLPASS_TEST_PASSWORD", PASSWORD)
            .current_dir(directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut keeper = command.spawn().expect("`sh` starts");
        let input = keeper.stdin.take().expect("stdin is piped");
        let mut line = String::new();
        let output = keeper.stdout.take().expect("stdout is piped");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("stdout is readable");
        if line != "ready\n" {
            let mut said = String::new();
            let mut errors = keeper.stderr.take().expect("stderr is piped");
            let _ = errors.read_to_string(&mut said);
            panic!("PostgreSQL does not start: {said}");
        }
        Self {
            port,
            bin,
            input,
            keeper,
            directory,
            databases: AtomicU32::new(0),
        }
    }

    /// The server every test of a process shares; it ends with the process.
    ///
    /// # Panics
    /// As [`PostgresServer::start`].
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<PostgresServer> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A new database of its own.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn database(&self) -> PostgresDatabase {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        let passfile = self.directory.path().join(format!("{name}.pgpass"));
        let mut file = std::fs::File::create(&passfile).expect("a file of ours");
        file.set_permissions(std::fs::Permissions::from_mode(0o600))
            .expect("the file is ours");
        writeln!(file, "127.0.0.1:{}:{name}:{USER}:{PASSWORD}", self.port)
            .expect("the file is ours");
        PostgresDatabase {
            connection: format!(
                "host=127.0.0.1 port={} user={USER} dbname={name}",
                self.port
            ),
            passfile,
            name,
        }
    }

    /// Runs statements in a database and gives what they print, without headings.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn sql(&self, database: &str, statements: &str) -> String {
        let port = self.port.to_string();
        let run = Command::new(self.bin.join("psql"))
            .args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only"])
            .args(["-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", &port])
            .args(["-U", USER, "-d", database, "-c", statements])
            .env("PGPASSWORD", PASSWORD)
            .output()
            .expect("`psql` starts");
        let said = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "`{statements}`: {said}");
        String::from_utf8_lossy(&run.stdout).trim_end().to_owned()
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        // A line ends the keeper's waiting as the end of its input does.
        let _ = self.input.write_all(b"\n");
        let _ = self.keeper.wait();
    }
}

/// A database of a test.
#[derive(Debug, Clone)]
pub struct PostgresDatabase {
    /// How to reach it, without the password.
    pub connection: String,
    /// The file with the password.
    pub passfile: PathBuf,
    /// What it is called on its server.
    pub name: String,
}

/// Where PostgreSQL's programs are: on the path, or where Debian keeps the newest.
fn binaries() -> PathBuf {
    let complete = |bin: &Path| {
        ["initdb", "postgres", "pg_isready", "psql"]
            .iter()
            .all(|program| bin.join(program).is_file())
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(bin) = std::env::split_paths(&path).find(|bin| complete(bin)) {
        return bin;
    }
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"))
        .filter(|bin| complete(bin))
        .collect();
    versions.sort();
    versions.pop().unwrap_or_else(|| {
        panic!("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    })
}

/// A command that runs what follows as somebody who is not root.
fn as_somebody() -> Command {
    let me = Command::new("id").arg("-u").output().expect("`id` starts");
    if me.stdout != b"0\n" {
        let mut command = Command::new("env");
        command.arg("--");
        return command;
    }
    let account = ACCOUNTS
        .into_iter()
        .find(|account| {
            let id = Command::new("id").args(["-u", account]).output();
            id.is_ok_and(|id| id.status.success())
        })
        .expect("an account for PostgreSQL, which does not run as root");
    let group = Command::new("id")
        .args(["-g", account])
        .output()
        .expect("`id` starts");
    let group = String::from_utf8_lossy(&group.stdout).trim().to_owned();
    let mut command = Command::new("setpriv");
    command.args([
        "--reuid",
        account,
        "--regid",
        &group,
        "--clear-groups",
        "--",
    ]);
    command
}
