//! A real authority and a real service, each on a port of its own: the authority in this process, the service either
//! here or as the program.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use hallpass_authority::{Authority, InitOptions, InitReport, init};
use hallpass_bundle::{IdSet, SignedStop, Stop, TrustRoot};
use hallpass_client::{
    BaseUrl, Behalf, ClientSecret, OperatorClient, TokenClient, TokenRequest, TokenResponse,
    ToolAnswer, ToolClient, ToolRequest,
};
use hallpass_keys::key_file::read_key_file;
use hallpass_keys::{Purpose, SigningKey};
use hallpass_testkit::{ChildProcess, TempDir};
use hallpass_verifier::{ServicePolicy, Tenancy};
use hallpass_vocabulary::{Clock as _, StopId, SystemClock};
use tickets_service::{Service, Settings, Store};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How long anything may take that must happen.
pub const SOON: Duration = Duration::from_secs(30);

/// An authority that serves until it is dropped with its runtime.
pub struct Live {
    pub directory: TempDir,
    pub authority: BaseUrl,
    tokens: TokenClient,
    made: InitReport,
}

impl Live {
    pub async fn start() -> Self {
        let directory = hallpass_testkit::temp_dir();
        let options = InitOptions {
            environment: "dev".parse().unwrap(),
            authority: "dev.hallpass".parse().unwrap(),
            listen: "127.0.0.1:0".parse().unwrap(),
            client: "demo-orchestrator".parse().unwrap(),
            operator: hallpass_authority::FirstOperator {
                operator: "op:dana".parse().unwrap(),
                person: "dana".parse().unwrap(),
                passphrase: None,
            },
            foreign_keys: Vec::new(),
            clock: Arc::new(SystemClock),
        };
        let made = init(&directory.path().join("authority"), &options).unwrap();
        let authority = Authority::open(&made.directory, Arc::new(SystemClock)).unwrap();
        let (listener, url) = listen().await;
        tokio::spawn(authority.serve(listener, std::future::pending::<()>()));
        let secret = ClientSecret::new(made.client_secret.expose()).unwrap();
        let tokens = TokenClient::new(url.clone(), made.client.clone(), secret).unwrap();
        Self {
            directory,
            authority: url,
            tokens,
            made,
        }
    }

    pub async fn mint(&self, route: &str, actor: &str) -> TokenResponse {
        let request = TokenRequest::new(
            route.parse().unwrap(),
            "acme".parse().unwrap(),
            Behalf::Asserted("user:alice".parse().unwrap()),
            actor.parse().unwrap(),
        );
        self.tokens.request(&request).await.unwrap()
    }

    /// The orchestrator's secret.
    pub fn secret(&self) -> &str {
        self.made.client_secret.expose()
    }

    fn operator_key(&self) -> SigningKey {
        let environment = &self.made.environment;
        read_key_file(&self.made.operator_key_path, Purpose::Operator, environment).unwrap()
    }

    /// The first operator, who may everything.
    pub fn operator(&self) -> OperatorClient {
        let TrustRoot {
            authority,
            environment,
            ..
        } = self.made.trust_root.clone();
        let (base, key) = (self.authority.clone(), self.operator_key());
        OperatorClient::new(base, authority, environment, key, Arc::new(SystemClock)).unwrap()
    }

    /// A stop that the first operator has signed for a file.
    pub fn signed_stop(&self, selector: &str) -> Vec<u8> {
        let now = SystemClock.now();
        let stop = Stop {
            id: StopId::new(now, [7; 10]),
            selector: selector.parse().unwrap(),
            issued: now,
            until: None,
            runs: IdSet::default(),
        };
        let TrustRoot {
            authority,
            environment,
            ..
        } = &self.made.trust_root;
        SignedStop::sign(&stop, authority, environment, &self.operator_key())
            .unwrap()
            .to_json()
    }

    /// The state directory of a service of this name.
    pub fn state(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The service as the program, once it listens.
    pub fn program(&self, state: &Path) -> (ChildProcess, BaseUrl) {
        self.program_with(state, &[])
    }

    /// The same with more arguments.
    pub fn program_with(&self, state: &Path, arguments: &[&str]) -> (ChildProcess, BaseUrl) {
        let mut command = self.command(state);
        let mut child = ChildProcess::spawn(command.args(arguments));
        let url = child.wait_for_line("listening on ", SOON);
        (child, BaseUrl::new(&url).unwrap())
    }

    /// What starts the program.
    pub fn command(&self, state: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tickets-service"));
        command
            .env_clear()
            .args(["--authority", &self.authority.to_string()])
            .arg("--trust-root")
            .arg(&self.made.trust_root_path)
            .arg("--state")
            .arg(state)
            .arg("--data")
            .arg(state.with_extension("db"));
        command
    }

    /// The service in this process.
    pub async fn service(&self, state: &Path) -> Running {
        let service = Service::start(Settings {
            audience: "tickets".parse().unwrap(),
            tenancy: Tenancy::Many,
            policy: ServicePolicy::none(),
            authority: self.authority.clone(),
            trust_root: self.made.trust_root.clone(),
            state: state.to_owned(),
            store: Store::in_memory().unwrap(),
            keep: None,
            enrol: None,
        })
        .await
        .unwrap();
        let (listener, url) = listen().await;
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(service.serve(listener, async {
            let _ = stopped.await;
        }));
        Running {
            url,
            journal: state.join("journal"),
            stop,
            server,
        }
    }
}

async fn listen() -> (TcpListener, BaseUrl) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, BaseUrl::new(&url).unwrap())
}

/// A service that serves in this process.
pub struct Running {
    pub url: BaseUrl,
    pub journal: PathBuf,
    stop: oneshot::Sender<()>,
    server: JoinHandle<Result<(), tickets_service::ServiceError>>,
}

impl Running {
    /// Tells it to stop and waits until it has.
    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        tokio::time::timeout(SOON, self.server)
            .await
            .expect("the service stops in time")
            .unwrap()
            .unwrap();
    }
}

/// One call. Nothing when the service did not answer.
pub async fn ask(
    tools: &ToolClient,
    service: &BaseUrl,
    token: &TokenResponse,
    (tool, arguments): (&str, &str),
) -> Option<ToolAnswer> {
    let request = ToolRequest {
        tool: &tool.parse().unwrap(),
        arguments_json: arguments,
        token: Some(&token.token),
        idempotency_key: None,
    };
    tools.call(service, request).await.ok()
}
