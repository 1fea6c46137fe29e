//! Authorities that are killed: on either store, alone or several on one database.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hallpass_args::IdempotencyKey;
use hallpass_client::{BaseUrl, Behalf, ClientSecret, TokenClient, TokenRequest, TokenResponse};
use hallpass_testkit::{ChildProcess, eventually};
use hallpass_vocabulary::RunId;
use tokio::task::JoinSet;

use crate::command::Desk;

pub const BOUND: Duration = Duration::from_secs(30);
const CALLERS: usize = 8;

/// Authorities on disk that share their keys, and the client that knows its secret.
pub struct Ward {
    pub desk: Desk,
    secret: String,
    #[cfg(feature = "postgres")]
    _server: Option<hallpass_testkit::PostgresServer>,
}

/// A token that arrived, and what it was asked for with.
#[derive(Debug, Clone)]
pub struct Answered {
    pub key: IdempotencyKey,
    pub request: TokenRequest,
    pub token: TokenResponse,
}

impl Ward {
    /// One authority with the embedded store, under a policy with this at its end.
    pub fn sqlite(policy: &str) -> Self {
        let desk = Desk::new();
        let made = desk
            .run(&["init", "authority", "--no-passphrase", "--json"])
            .expect(0)
            .json();
        let secret = made["client_secret"].as_str().unwrap().to_owned();
        append(&desk.path().join("authority/policy/starter.toml"), policy);
        Self {
            desk,
            secret,
            #[cfg(feature = "postgres")]
            _server: None,
        }
    }

    /// The same on PostgreSQL, and a second authority `authority-2` with a journal of its own.
    #[cfg(feature = "postgres")]
    pub fn postgres(policy: &str) -> Self {
        let server = hallpass_testkit::PostgresServer::start();
        let database = server.database();
        let mut ward = Self::sqlite(policy);
        let home = ward.desk.path().join("authority");
        append(
            &home.join("authority.toml"),
            &format!(
                "\n[store]\npostgres = \"{}\"\npassfile = \"{}\"\n",
                database.connection,
                database.passfile.display()
            ),
        );
        copy(&home, &ward.desk.path().join("authority-2"));
        ward._server = Some(server);
        ward
    }

    /// Starts one of them.
    pub fn serve(&self, directory: &str) -> (ChildProcess, TokenClient) {
        let (child, client, _) = self.serve_at(directory);
        (child, client)
    }

    /// The same, and where it listens.
    pub fn serve_at(&self, directory: &str) -> (ChildProcess, TokenClient, String) {
        let mut child = self.spawn(directory);
        let url = child.wait_for_line("listening on ", BOUND);
        let client = self.client(&url);
        (child, client, url)
    }

    /// The client of an authority at an address.
    pub fn client(&self, url: &str) -> TokenClient {
        let secret = ClientSecret::new(&self.secret).unwrap();
        let client = "demo-orchestrator".parse().unwrap();
        TokenClient::new(BaseUrl::new(url).unwrap(), client, secret).unwrap()
    }

    /// Starts one of them and does not wait until it listens.
    pub fn spawn(&self, directory: &str) -> ChildProcess {
        let serve = ["serve", "--dir", directory, "--listen", "127.0.0.1:0"];
        ChildProcess::spawn(&mut self.desk.command(&serve))
    }
}

fn append(path: &Path, text: &str) {
    let before = std::fs::read_to_string(path).unwrap();
    std::fs::write(path, before + text).unwrap();
}

/// Another authority of the same keys: everything but the journal.
#[cfg(feature = "postgres")]
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(path, target).unwrap();
        } else if entry.file_name() != "journal" {
            copy(&path, &target);
        }
    }
}

pub fn request(run_id: Option<RunId>) -> TokenRequest {
    TokenRequest {
        run_id,
        ..TokenRequest::new(
            "/support/draft".parse().unwrap(),
            "acme".parse().unwrap(),
            Behalf::Asserted("user:alice".parse().unwrap()),
            "agent:support-bot".parse().unwrap(),
        )
    }
}

pub fn key() -> IdempotencyKey {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{}-{next}", std::process::id()).parse().unwrap()
}

/// Mints until the authority is gone; gives what arrived, in order.
async fn mint_on(client: Arc<TokenClient>, count: Arc<AtomicUsize>) -> Vec<Answered> {
    let mut arrived: Vec<Answered> = Vec::new();
    loop {
        // Every third renews the run before it.
        let run = arrived
            .last()
            .map(|last| last.token.run_id)
            .filter(|_| arrived.len() % 3 == 2);
        let (key, request) = (key(), request(run));
        let Ok(token) = client.request_as(&request, &key).await else {
            return arrived;
        };
        arrived.push(Answered {
            key,
            request,
            token,
        });
        count.fetch_add(1, Ordering::SeqCst);
    }
}

/// Mints with many callers at once, kills the authority in their midst after so many answers, and gives those.
pub async fn killed_under_load(
    mut child: ChildProcess,
    client: TokenClient,
    answers: usize,
) -> Vec<Answered> {
    let (client, count) = (Arc::new(client), Arc::new(AtomicUsize::new(0)));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        callers.spawn(mint_on(Arc::clone(&client), Arc::clone(&count)));
    }
    tokio::task::spawn_blocking(move || {
        eventually(BOUND, "enough answers", || {
            count.load(Ordering::SeqCst) >= answers
        });
        child.kill();
    })
    .await
    .unwrap();
    let mut answered = Vec::new();
    while let Some(arrived) = callers.join_next().await {
        answered.extend(arrived.unwrap());
    }
    assert!(answered.len() >= answers);
    answered
}

/// Each of these gets the same token for the same key, and its run renews.
pub async fn assert_known(client: &TokenClient, answered: &[Answered]) {
    let client = Arc::new(client.clone());
    let mut callers = JoinSet::new();
    for part in answered.chunks(answered.len().div_ceil(CALLERS).max(1)) {
        let (client, part) = (Arc::clone(&client), part.to_vec());
        callers.spawn(async move {
            for one in part {
                let again = client.request_as(&one.request, &one.key).await.unwrap();
                assert_eq!(again.token_id, one.token.token_id);
                assert_eq!(again.token.expose(), one.token.token.expose());
                let renewal = request(Some(one.token.run_id));
                let renewed = client.request(&renewal).await.unwrap();
                assert_eq!(renewed.run_id, one.token.run_id);
            }
        });
    }
    while let Some(checked) = callers.join_next().await {
        checked.unwrap();
    }
}
