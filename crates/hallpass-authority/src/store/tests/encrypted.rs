//! PostgreSQL over TLS: who answers is known, or nobody is asked.

use std::path::{Path, PathBuf};
use std::process::Command;

use hallpass_testkit::{PostgresDatabase, PostgresServer, TempDir};
use hallpass_vocabulary::Environment;

use super::bed::{Bed, ORIGIN, land, mint, minted, run_id};
use crate::store::{Store, StoreError, StoreSettings};

/// What openssl made: an authority, and a certificate of it for `127.0.0.1`.
struct Certificates(TempDir);

impl Certificates {
    fn new() -> Self {
        let directory = hallpass_testkit::temp_dir();
        let openssl = |args: &str| {
            let run = Command::new("openssl")
                .args(args.split(' '))
                .current_dir(directory.path())
                .output()
                .expect("openssl starts");
            let said = String::from_utf8_lossy(&run.stderr);
            assert!(run.status.success(), "openssl {args}: {said}");
        };
        let extensions = "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n";
        std::fs::write(directory.path().join("extensions"), extensions).unwrap();
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        openssl(&format!(
            "req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=authority"
        ));
        openssl(&format!(
            "req -new {key} -keyout server.key -out server.csr -subj /CN=server"
        ));
        openssl(
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem -days 2 -extfile extensions",
        );
        Self(directory)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn server(&self) -> PostgresServer {
        PostgresServer::start_encrypted(&self.path("server.pem"), &self.path("server.key"))
    }
}

fn settings(database: &PostgresDatabase, ca_file: Option<PathBuf>) -> StoreSettings {
    StoreSettings {
        postgres: Some(database.connection.clone()),
        passfile: Some(database.passfile.clone()),
        ca_file,
    }
}

fn open(settings: &StoreSettings) -> Result<Store, StoreError> {
    let dev: Environment = "dev".parse().unwrap();
    Store::open(settings, Path::new("unused"), ORIGIN, &dev)
}

/// The whole chain of an error in words.
fn told(error: &StoreError) -> String {
    let mut told = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        told.push_str(": ");
        told.push_str(&error.to_string());
        source = error.source();
    }
    told
}

#[test]
fn every_connection_is_encrypted_to_a_server_that_the_ca_file_vouches_for() {
    let certificates = Certificates::new();
    let server = certificates.server();
    let database = server.database();
    let settings = settings(&database, Some(certificates.path("ca.pem")));
    super::run(async {
        let store = open(&settings).unwrap();
        store.start_writer().unwrap();
        land(&store, mint(minted(1)), 1).await;
        assert!(store.run(run_id(1)).await.unwrap().is_some());
        let encrypted = server.sql(
            &database.name,
            "SELECT count(*) > 0, bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
             WHERE application_name = 'hallpass-authority'",
        );
        assert_eq!(encrypted, "t|t");
        store.stop().await;
    });
}

#[test]
fn a_server_that_the_ca_file_does_not_vouch_for_is_told_nothing() {
    let certificates = Certificates::new();
    let server = certificates.server();
    let database = server.database();
    let others = Certificates::new();
    let with = |ca_file: &Path, host: &str| {
        let mut settings = settings(&database, Some(ca_file.to_owned()));
        let connection = settings.postgres.as_mut().unwrap();
        *connection = connection.replace("host=127.0.0.1", host);
        open(&settings).map(drop)
    };
    let ca_file = certificates.path("ca.pem");
    for (ca_file, host, why) in [
        // Of the same name, with another key.
        (
            others.path("ca.pem"),
            "host=127.0.0.1",
            "invalid peer certificate: BadSignature",
        ),
        // Its certificate is for the address and for no name.
        (
            ca_file,
            "host=localhost hostaddr=127.0.0.1",
            "not valid for name",
        ),
    ] {
        let refused = with(&ca_file, host).unwrap_err();
        assert!(
            matches!(refused, StoreError::Postgres { .. }),
            "{refused:?}"
        );
        let told = told(&refused);
        assert!(told.contains(why), "{host}: {told}");
    }
    // No password was tried and no session begun.
    let sessions =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'hallpass-authority'";
    assert_eq!(server.sql(&database.name, sessions), "0");
}

/// What stands between could say that the server does not speak TLS.
#[test]
fn a_server_without_tls_is_refused_where_there_is_a_ca_file() {
    let certificates = Certificates::new();
    let bed = Bed::postgres();
    let mut settings = bed.settings().clone();
    settings.ca_file = Some(certificates.path("ca.pem"));
    let refused = open(&settings).unwrap_err();
    assert!(
        matches!(refused, StoreError::Postgres { .. }),
        "{refused:?}"
    );
    assert!(told(&refused).contains("TLS"), "{}", told(&refused));
    settings.ca_file = None;
    drop(open(&settings).unwrap());
}

#[test]
fn what_would_not_be_encrypted_to_another_machine_is_refused_before_it_is_asked() {
    let certificates = Certificates::new();
    let refused = |postgres: &str, ca_file: Option<&str>| {
        let settings = StoreSettings {
            postgres: Some(postgres.to_owned()),
            passfile: None,
            ca_file: ca_file.map(|name| certificates.path(name)),
        };
        match open(&settings) {
            Err(StoreError::Setting(why)) => why,
            other => panic!("{postgres}: {other:?}"),
        }
    };
    for remote in [
        "host=db.example user=hallpass",
        "host=db.example user=hallpass sslmode=disable",
        "host=db.example user=hallpass sslmode=prefer",
        "host=db.example user=hallpass sslmode=require",
        "host=127.0.0.1,db.example user=hallpass sslmode=disable",
        "host=localhost hostaddr=192.0.2.1 user=hallpass sslmode=disable",
        "host=192.0.2.1 user=hallpass sslmode=disable",
        "postgresql://hallpass@db.example/hallpass?sslmode=disable",
        // Whoever answers on this machine, it would be believed.
        "host=127.0.0.1 user=hallpass sslmode=require",
    ] {
        let why = refused(remote, None);
        assert!(why.contains("needs a `ca_file`"), "{remote}: {why}");
    }
    for host in ["127.0.0.1", "db.example"] {
        let postgres = format!("host={host} user=hallpass sslmode=disable");
        let why = refused(&postgres, Some("ca.pem"));
        assert!(why.contains("`sslmode=disable`"), "{host}: {why}");
    }
    for (ca_file, word) in [
        ("server.key", "no certificate"),
        ("extensions", "no certificate"),
    ] {
        let why = refused("host=db.example user=hallpass", Some(ca_file));
        assert!(why.contains(word), "{ca_file}: {why}");
    }
}
