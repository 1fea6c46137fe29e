//! A run of four hours, by the client's own helper, against a verifier: no call is refused because its token is too old.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use hallpass_args::{Arguments, ToolCall};
use hallpass_authority::Authority;
use hallpass_bundle::{Snapshots, accept};
use hallpass_client::{BaseUrl, Behalf, ClientSecret, Run, TokenClient, TokenRequest};
use hallpass_journal::{Journal, JournalName, Settings};
use hallpass_verifier::{
    Disclosure, JournalledArguments, Profile, Recording, ServicePolicy, Setup, Spend, Tenancy,
    Verifier,
};
use hallpass_vocabulary::{Clock, RequestId, Timestamp};
use tokio::net::TcpListener;

use crate::fixture::{Home, SOON};

const FOUR_HOURS: Duration = Duration::from_secs(4 * 60 * 60);
/// How far ahead the verifier's clock is: as much as is promised not to matter.
const AHEAD: Duration = Duration::from_secs(30);

/// How long the service goes on with a heartbeat: half of what reads are allowed after it.
const HEARTBEAT_KEPT: Duration = Duration::from_secs(450);

/// The one time everybody lives in, and chance.
#[derive(Debug)]
struct World {
    ms: AtomicI64,
    chance: AtomicU64,
}

impl World {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.ms.load(Ordering::SeqCst))
    }

    /// Lets up to so many milliseconds go by.
    fn pass(&self, most_ms: u64) {
        let ms = i64::try_from(self.chance() % (most_ms + 1)).unwrap();
        self.ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// Numbers that look random, the same in every test run: Sebastiano Vigna's splitmix64.
    fn chance(&self) -> u64 {
        let step = 0x9e37_79b9_7f4a_7c15;
        let mut z = self
            .chance
            .fetch_add(step, Ordering::SeqCst)
            .wrapping_add(step);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Somebody's clock: wrong by so much, and whenever it is read some time goes by. So every message between two of them has
/// its delay.
#[derive(Debug, Clone)]
struct LateClock {
    world: Arc<World>,
    wrong_by_ms: i64,
    late_by_ms: u64,
}

impl Clock for LateClock {
    fn now(&self) -> Timestamp {
        self.world.pass(self.late_by_ms);
        Timestamp::from_unix_ms(self.world.now().unix_ms() + self.wrong_by_ms)
    }
}

#[tokio::test]
async fn a_run_of_four_hours_makes_no_call_with_an_expired_token() {
    for (seed, client_wrong_by_s) in [(1, 0), (2, -120), (3, 120)] {
        live(seed, client_wrong_by_s * 1_000).await;
    }
}

async fn live(seed: u64, wrong_by_ms: i64) {
    let home = Home::new();
    let world = Arc::new(World {
        ms: AtomicI64::new(home.clock.now().unix_ms()),
        chance: AtomicU64::new(seed),
    });
    let clock = |wrong_by_ms, late_by_ms| LateClock {
        world: Arc::clone(&world),
        wrong_by_ms,
        late_by_ms,
    };
    let authority = Authority::open(&home.directory, Arc::new(clock(0, 400))).unwrap();
    let listener = TcpListener::bind(authority.listen()).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(authority.serve(listener, async {
        let _ = stopped.await;
    }));

    let client = TokenClient::new(
        BaseUrl::new(&url).unwrap(),
        home.report.client.clone(),
        ClientSecret::new(home.report.client_secret.expose()).unwrap(),
    )
    .unwrap();
    let request = TokenRequest::new(
        "/support/draft".parse().unwrap(),
        "acme".parse().unwrap(),
        Behalf::Asserted("user:alice".parse().unwrap()),
        "agent:support-bot".parse().unwrap(),
    );
    let rest = hallpass_client::REST_DEFAULT;
    let run = Run::start_on(client, request, rest, clock(wrong_by_ms, 800))
        .await
        .unwrap();

    let snapshots = Arc::new(Snapshots::empty());
    let service = verifier(&home, &snapshots, &world);
    let ends = world.now().after(FOUR_HOURS);
    let (mut calls, mut tokens) = (0_u32, std::collections::BTreeSet::new());
    let mut fetched = Timestamp::from_unix_ms(0);
    while world.now() < ends {
        let token = run.token().await.unwrap();
        tokens.insert(token.token_id);
        // On its way to the service.
        world.pass(8_000);
        let seen = world.now();
        // Not for each call: a heartbeat is good for minutes.
        if seen.since(fetched) > HEARTBEAT_KEPT {
            let body = reqwest::get(format!("{url}/v1/bundle")).await.unwrap();
            let body = body.bytes().await.unwrap();
            let believed = accept(&body, &home.report.trust_root, None, world.now());
            snapshots.publish(believed.unwrap());
            fetched = seen;
        }
        let seen = world.now();
        let checked = service.check(Some(token.token.expose()), call(seen), seen.after(AHEAD));
        assert_eq!(checked.denial(), None, "call {calls}, seed {seed}");
        calls += 1;
        // The agent thinks: mostly a moment, now and then for longer than a token lives.
        let most = if world.chance().is_multiple_of(50) {
            900_000
        } else {
            60_000
        };
        world.pass(most);
    }
    let (_, left) = (run.end(None).await.unwrap(), stop.send(()));
    assert!(left.is_ok());
    tokio::time::timeout(SOON, server)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert!(calls > 200, "{calls}");
    // It renews, and not for every call.
    let minted = home.records_of("minted").len();
    assert_eq!(minted, tokens.len());
    assert!(
        (20..80).contains(&minted),
        "{minted} tokens for {calls} calls"
    );
}

fn call(now: Timestamp) -> ToolCall {
    ToolCall {
        audience: "tickets".parse().unwrap(),
        tool: "tickets.get".parse().unwrap(),
        args: Arguments::parse(br#"{"id":"T-1001"}"#).unwrap(),
        request_id: RequestId::new(now, [1; 10]),
        idempotency_key: None,
        trace: None,
        attempt: None,
    }
}

fn verifier(home: &Home, snapshots: &Arc<Snapshots>, world: &Arc<World>) -> Verifier {
    let clock: Arc<dyn Clock> = Arc::new(LateClock {
        world: Arc::clone(world),
        wrong_by_ms: 0,
        late_by_ms: 0,
    });
    let environment = hallpass_vocabulary::Environment::new("dev").unwrap();
    let name = JournalName::new("tickets").unwrap();
    let settings = Settings::new(environment.clone(), name, Arc::clone(&clock));
    let journal = Journal::open(&home.path("tickets-journal"), settings).unwrap();
    Verifier::new(Setup {
        audience: "tickets".parse().unwrap(),
        environment,
        tenancy: Tenancy::Many,
        policy: ServicePolicy::none(),
        disclosure: Disclosure::Code,
        profile: Profile::Standard,
        journalled: JournalledArguments::none(),
        spend: Spend::ThisJournal,
        recording: Recording::standard(),
        journal,
        snapshots: Arc::clone(snapshots),
        clock,
    })
}
