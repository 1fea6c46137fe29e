//! What the demo runs on: an authority of `dev`, one of `staging`, and two tickets services, each on its own port.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use hallpass_authority::{Authority, FirstOperator, ForeignKey, InitOptions, InitReport, init};
use hallpass_client::{
    BaseUrl, Behalf, ClientSecret, TokenClient, TokenRequest, TokenResponse, ToolClient,
};
use hallpass_verifier::{ServicePolicy, Tenancy};
use hallpass_vocabulary::{
    Actor, Audience, AuthorityId, ClientId, Environment, OperatorId, PersonId, Route, Subject,
    SystemClock, Tenant,
};
use tickets_service::{Service, Settings, Store};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::temporary::Temporary;

/// How long stopping may take, in seconds.
const STOP_SECONDS_MAX: u64 = 15;

/// The name of the orchestrator that the starter policy knows.
const CLIENT: &str = "demo-orchestrator";

/// Everything that runs, until [`World::stop`].
pub(crate) struct World {
    directory: Temporary,
    pub(crate) authority: BaseUrl,
    pub(crate) shared: ToolService,
    pub(crate) globex_only: ToolService,
    pub(crate) tools: ToolClient,
    dev: TokenClient,
    staging: TokenClient,
    stop: watch::Sender<bool>,
    running: Vec<JoinHandle<anyhow::Result<()>>>,
}

/// A tickets service.
pub(crate) struct ToolService {
    pub(crate) url: BaseUrl,
    pub(crate) journal: PathBuf,
}

impl World {
    /// Starts everything. The services have their first bundle when this returns.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let directory = Temporary::create("hallpass-demo")?;
        let root = directory.path().to_owned();
        let staging = create(&root.join("staging"), "staging", Vec::new())?;
        // Knowing the other environment's key lets services say "wrong environment" instead of "unknown key".
        let foreign = ForeignKey {
            environment: Environment::new("staging")?,
            public_key: staging.run_key,
        };
        let dev = create(&root.join("authority"), "dev", vec![foreign])?;

        let (stop, stopped) = watch::channel(false);
        let mut running = Vec::new();
        let authority = run_authority(&dev, &stopped, &mut running).await?;
        let staging_url = run_authority(&staging, &stopped, &mut running).await?;
        let mut services = Vec::new();
        for (name, tenancy) in [
            ("tickets", Tenancy::Many),
            ("tickets-globex", Tenancy::Only(Tenant::new("globex")?)),
        ] {
            let settings = Settings {
                audience: Audience::new("tickets")?,
                tenancy,
                policy: ServicePolicy::none(),
                authority: authority.clone(),
                trust_root: dev.trust_root.clone(),
                state: root.join(name),
                store: Store::in_memory()?,
                keep: None,
                enrol: None,
            };
            services.push(run_service(settings, &stopped, &mut running).await?);
        }
        let (Some(globex_only), Some(shared)) = (services.pop(), services.pop()) else {
            bail!("the services did not start");
        };
        Ok(Self {
            directory,
            shared,
            globex_only,
            tools: ToolClient::new()?,
            dev: orchestrator(&authority, &dev)?,
            staging: orchestrator(&staging_url, &staging)?,
            authority,
            stop,
            running,
        })
    }

    /// A token of the `dev` authority, for user:alice.
    pub(crate) async fn mint(
        &self,
        route: &str,
        tenant: &str,
        ttl_seconds: Option<u32>,
    ) -> anyhow::Result<TokenResponse> {
        Ok(self
            .dev
            .request(&request(route, tenant, ttl_seconds)?)
            .await?)
    }

    /// A token of the `staging` authority.
    pub(crate) async fn mint_in_staging(
        &self,
        route: &str,
        tenant: &str,
    ) -> anyhow::Result<TokenResponse> {
        Ok(self.staging.request(&request(route, tenant, None)?).await?)
    }

    /// Where the authority's journal is.
    pub(crate) fn authority_journal(&self) -> PathBuf {
        self.directory.path().join("authority").join("journal")
    }

    /// A place for a file of the demo's own.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Keeps a token where only this user can read it.
    pub(crate) fn keep_token(&self, token: &TokenResponse) -> anyhow::Result<PathBuf> {
        use std::io::Write as _;
        let path = self.scratch("token");
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(token.token.expose().as_bytes())?;
        Ok(path)
    }

    /// Stops everything in good order and removes its directory.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        // Nobody listens any more when everything has stopped by itself, which the joins below report.
        let _ = self.stop.send(true);
        let limit = Duration::from_secs(STOP_SECONDS_MAX);
        for task in self.running {
            tokio::time::timeout(limit, task)
                .await
                .context("a server did not stop in time")???;
        }
        drop(self.directory);
        Ok(())
    }
}

fn create(
    directory: &Path,
    environment: &str,
    foreign_keys: Vec<ForeignKey>,
) -> anyhow::Result<InitReport> {
    let options = InitOptions {
        environment: Environment::new(environment)?,
        authority: AuthorityId::new(&format!("{environment}.hallpass"))?,
        listen: any_port(),
        client: ClientId::new(CLIENT)?,
        operator: FirstOperator {
            operator: OperatorId::new("op:demo")?,
            person: PersonId::new("demo")?,
            passphrase: None,
        },
        foreign_keys,
        clock: Arc::new(SystemClock),
    };
    Ok(init(directory, &options)?)
}

fn any_port() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

async fn run_authority(
    made: &InitReport,
    stopped: &watch::Receiver<bool>,
    running: &mut Vec<JoinHandle<anyhow::Result<()>>>,
) -> anyhow::Result<BaseUrl> {
    let authority = Authority::open(&made.directory, Arc::new(SystemClock))?;
    let (listener, url) = listen().await?;
    let stopped = stopped.clone();
    running.push(tokio::spawn(async move {
        Ok(authority.serve(listener, wait(stopped)).await?)
    }));
    Ok(url)
}

async fn run_service(
    settings: Settings,
    stopped: &watch::Receiver<bool>,
    running: &mut Vec<JoinHandle<anyhow::Result<()>>>,
) -> anyhow::Result<ToolService> {
    let journal = settings.state.join("journal");
    let service = Service::start(settings).await?;
    if service.snapshots().load().is_none() {
        bail!("a service did not get its bundle from the authority");
    }
    let (listener, url) = listen().await?;
    let stopped = stopped.clone();
    running.push(tokio::spawn(async move {
        Ok(service.serve(listener, wait(stopped)).await?)
    }));
    Ok(ToolService { url, journal })
}

async fn listen() -> anyhow::Result<(TcpListener, BaseUrl)> {
    let listener = TcpListener::bind(any_port())
        .await
        .context("cannot listen on the loopback address")?;
    let url = BaseUrl::new(&format!("http://{}", listener.local_addr()?))?;
    Ok((listener, url))
}

async fn wait(mut stopped: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is as good a reason to stop.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

fn orchestrator(url: &BaseUrl, made: &InitReport) -> anyhow::Result<TokenClient> {
    let secret = ClientSecret::new(made.client_secret.expose())?;
    Ok(TokenClient::new(url.clone(), made.client.clone(), secret)?)
}

fn request(route: &str, tenant: &str, ttl_seconds: Option<u32>) -> anyhow::Result<TokenRequest> {
    let behalf = Behalf::Asserted(Subject::new("user:alice")?);
    let actor = Actor::new("agent:support-bot")?;
    Ok(TokenRequest {
        ttl_seconds,
        ..TokenRequest::new(Route::new(route)?, Tenant::new(tenant)?, behalf, actor)
    })
}
