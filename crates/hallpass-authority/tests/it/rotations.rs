//! Rotation after rotation while tokens are minted and used, with verifiers whose clocks are off by up to 30 s and that are
//! cut off now and then. No valid token is refused for a rotation, and no tainted key is believed past the bound.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hallpass_args::{Arguments, ToolCall};
use hallpass_bundle::{BundleError, HighWater, Snapshots, accept};
use hallpass_journal::{Journal, JournalName, Settings};
use hallpass_testkit::FixedClock;
use hallpass_verifier::{
    Disclosure, JournalledArguments, Profile, Recording, ServicePolicy, Setup, Spend, Tenancy,
    Verifier,
};
use hallpass_vocabulary::{Clock, DenialCode, RequestId, Timestamp};
use serde_json::{Value, json};

use crate::fixture::{Home, Running, draft};
use crate::signing::{Call, enrol};

/// Services with a verifier.
const VERIFIERS: usize = 6;
/// How far their clocks are off, at most.
const OFF_MAX_MS: i64 = 30_000;
/// How old a bundle may be for a read, by the verifier's own clock.
const STALE: Duration = Duration::from_secs(900);
/// How long a key is published before it signs, and how long it is believed after that.
const PHASE: Duration = Duration::from_secs(960);

/// Numbers that look random and are the same every time (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }
}

/// A service somewhere.
struct Service {
    _directory: tempfile::TempDir,
    verifier: Verifier,
    snapshots: Arc<Snapshots>,
    seen: Option<HighWater>,
    off_ms: i64,
    cut_off_until: Timestamp,
}

impl Service {
    /// Whether its bundle is too old for a read.
    fn is_stale(&self, here: Timestamp) -> bool {
        let known = self.snapshots.load();
        known.is_none_or(|known| here.since(known.heartbeat()) >= STALE)
    }
}

struct Token {
    text: String,
    key: String,
    expires: Timestamp,
    asked: Option<String>,
}

/// What came of it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Tally {
    rotations: u32,
    tainted: u32,
    restarts: u32,
    minted: u64,
    made_again: u64,
    allowed: u64,
    expired: u64,
    stale: u64,
    tainted_refused: u64,
    /// Tainted keys believed by who had not heard of it yet, within the bound.
    tainted_believed: u64,
    longest_believed: Duration,
    unpublished: u64,
}

struct World {
    home: Home,
    /// Absent only while it is started again.
    running: Option<Running>,
    dice: Dice,
    services: Vec<Service>,
    tokens: Vec<Token>,
    /// Since when each tainted key is.
    tainted: BTreeMap<String, Timestamp>,
    /// Keys that signed before everybody could have them, because the one before was stolen; and until when.
    sudden: BTreeMap<String, Timestamp>,
    tally: Tally,
}

impl World {
    async fn start(seed: u64) -> Self {
        let home = Home::new();
        enrol(&home);
        let running = home.serve().await;
        let service = |_| {
            let directory = tempfile::tempdir().unwrap();
            let clock: Arc<dyn Clock> = Arc::new(FixedClock::at(home.clock.now()));
            let name = JournalName::new("tickets").unwrap();
            let settings = Settings::new("dev".parse().unwrap(), name, Arc::clone(&clock));
            let snapshots = Arc::new(Snapshots::empty());
            let verifier = Verifier::new(Setup {
                audience: "tickets".parse().unwrap(),
                environment: "dev".parse().unwrap(),
                tenancy: Tenancy::Many,
                policy: ServicePolicy::none(),
                disclosure: Disclosure::Explain,
                profile: Profile::Standard,
                journalled: JournalledArguments::none(),
                spend: Spend::ThisJournal,
                recording: Recording::standard(),
                journal: Journal::open(directory.path(), settings).unwrap(),
                snapshots: Arc::clone(&snapshots),
                clock,
            });
            Service {
                _directory: directory,
                verifier,
                snapshots,
                seen: None,
                off_ms: 0,
                cut_off_until: Timestamp::from_unix_ms(0),
            }
        };
        let services = (0..VERIFIERS).map(service).collect();
        Self {
            home,
            running: Some(running),
            dice: Dice(seed),
            services,
            tokens: Vec::new(),
            tainted: BTreeMap::new(),
            sudden: BTreeMap::new(),
            tally: Tally::default(),
        }
    }

    fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    async fn admin(&self, path: &str, body: Value) -> Value {
        let call = Call::new("POST", path).body(&body.to_string());
        let answer = self.running().as_operator(&self.home, "admin", &call).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json
    }

    async fn step(&mut self, resume: bool) -> Value {
        let wish = json!({"purpose": "run", "force": true, "resume": resume});
        self.admin("/v1/keys/rotate", wish).await
    }

    /// A token is minted; or one asked for again, which gives the same bytes.
    async fn mint(&mut self) {
        let now = self.home.clock.now();
        let again = self.tokens.iter().find(|token| {
            token.asked.is_some() && now < token.expires && !self.tainted.contains_key(&token.key)
        });
        if let Some(token) = again.filter(|_| self.dice.0.is_multiple_of(3)) {
            let asked = token.asked.clone().unwrap();
            let request = self.running().tokens().header("idempotency-key", asked);
            let answer = self.running().send(request.json(&draft())).await;
            assert_eq!(answer.json["token"], json!(token.text), "{answer:?}");
            self.tally.made_again += 1;
        }
        let asked = self
            .dice
            .one_in(4)
            .then(|| format!("k{}", self.tally.minted));
        let mut request = self.running().tokens();
        if let Some(asked) = &asked {
            request = request.header("idempotency-key", asked);
        }
        let answer = self.running().send(request.json(&draft())).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let text = answer.json["token"].as_str().unwrap().to_owned();
        let token = hallpass_token::UnverifiedToken::parse(&text).unwrap();
        let hint = format!("{:08x}", token.key_hint());
        self.tokens.push(Token {
            text,
            key: hint,
            expires: answer.json["expires_at"].as_str().unwrap().parse().unwrap(),
            asked,
        });
        self.tally.minted += 1;
    }

    /// Those who can fetch the bundle do, or do so later.
    async fn fetch(&mut self) {
        let running = self.running();
        let bundle = running.http.get(running.url("/v1/bundle?format=2"));
        let bytes = bundle.send().await.unwrap().bytes().await.unwrap();
        let now = self.home.clock.now();
        for service in &mut self.services {
            if now < service.cut_off_until || self.dice.one_in(3) {
                continue;
            }
            let here = off(now, service.off_ms);
            let pinned = &self.home.report.trust_root;
            match accept(&bytes, pinned, service.seen.as_ref(), here) {
                Ok(snapshot) => {
                    service.seen = Some(snapshot.high_water().clone());
                    service.snapshots.publish(snapshot);
                }
                // A clock that was just put forward may have let in what is now ahead of it.
                Err(BundleError::FromTheFuture { .. }) => {}
                Err(error) => panic!("{error:?}"),
            }
            if self.dice.one_in(40) {
                let long = Duration::from_secs(60 + self.dice.below(1_500));
                service.cut_off_until = now.after(long);
            }
        }
    }

    /// Every service is called with a few of the tokens there are.
    fn call(&mut self) {
        let now = self.home.clock.now();
        self.tokens
            .retain(|token| now < token.expires.after(Duration::from_secs(60)));
        for at in 0..self.services.len() {
            for _ in 0..3 {
                if self.tokens.is_empty() {
                    return;
                }
                let which = self.dice.below(self.tokens.len() as u64) as usize;
                self.judge(at, which, now);
            }
        }
    }

    fn judge(&mut self, at: usize, which: usize, now: Timestamp) {
        let (service, token) = (&self.services[at], &self.tokens[which]);
        if service.seen.is_none() {
            return;
        }
        let here = off(now, service.off_ms);
        let checked = service.verifier.check(Some(&token.text), call(now), here);
        let denial = checked.denial();
        let tally = &mut self.tally;
        let told = format!(
            "{denial:?} at {now}, clock off by {} ms, token until {}",
            service.off_ms, token.expires
        );
        if let Some(since) = self.tainted.get(&token.key) {
            let ago = now.since(*since);
            match denial {
                None => {
                    // Its last heartbeat is at most so old by its own clock, which is off by as much as that.
                    let bound = STALE + Duration::from_millis(2 * OFF_MAX_MS as u64);
                    assert!(ago <= bound, "believed for {ago:?}: {told}");
                    tally.tainted_believed += 1;
                    tally.longest_believed = tally.longest_believed.max(ago);
                }
                Some(_) => tally.tainted_refused += 1,
            }
            return;
        }
        match denial {
            None => tally.allowed += 1,
            Some(DenialCode::TokenExpired) => {
                assert!(here >= token.expires, "{told}");
                tally.expired += 1;
            }
            Some(DenialCode::BundleStale) => {
                assert!(now < service.cut_off_until.after(STALE), "{told}");
                tally.stale += 1;
            }
            // It denies everything for the age of its bundle, and says of this what it says first.
            Some(DenialCode::UnknownKey) if service.is_stale(here) => tally.stale += 1,
            Some(DenialCode::UnknownKey) => {
                let until = self.sudden.get(&token.key);
                assert!(until.is_some_and(|until| now < *until), "{told}");
                tally.unpublished += 1;
            }
            Some(_) => panic!("{told}"),
        }
    }

    /// Time goes by, and everything else goes on.
    async fn pass(&mut self, until: Timestamp) {
        while self.home.clock.now() < until {
            let left = until.since(self.home.clock.now());
            let step = Duration::from_millis(5_000 + self.dice.below(85_000));
            self.home.clock.advance(step.min(left));
            for _ in 0..=self.dice.below(2) {
                self.mint().await;
            }
            self.fetch().await;
            self.call();
        }
    }

    async fn rotation(&mut self) {
        for service in &mut self.services {
            let off = self.dice.below(2 * OFF_MAX_MS as u64 + 1);
            service.off_ms = i64::try_from(off).unwrap() - OFF_MAX_MS;
        }
        let begun = self.step(false).await;
        assert_eq!(begun["phase"], "prepared", "{begun}");
        let (old, new) = (text(&begun["replaces"]), text(&begun["key"]));
        let whole = self.home.clock.now().after(PHASE);
        // Some keys are stolen, and some of those before the next can be everywhere.
        let hurry = self.tally.rotations % 20 == 9;
        let stolen = hurry || self.tally.rotations % 6 == 4;
        let until = match hurry {
            true => self
                .home
                .clock
                .now()
                .after(Duration::from_secs(self.dice.below(900))),
            false => whole,
        };
        self.pass(until).await;
        if self.tally.rotations % 10 == 7 {
            self.restart().await;
        }
        if stolen {
            let path = format!("/v1/keys/{old}/taint");
            let tainted = self.admin(&path, json!({"reason": "stolen"})).await;
            assert_eq!(text(&tainted["active"]), new);
            self.tainted
                .insert(old[..8].to_owned(), self.home.clock.now());
            if hurry {
                self.sudden.insert(new[..8].to_owned(), whole);
            }
            self.tally.tainted += 1;
        } else {
            let active = self.step(true).await;
            assert_eq!(
                (&active["phase"], text(&active["key"])),
                (&json!("retiring"), new)
            );
        }
        let until = self.home.clock.now().after(PHASE);
        self.pass(until).await;
        if stolen {
            self.admin(&format!("/v1/keys/{old}/retire"), json!({}))
                .await;
        } else {
            assert_eq!(self.step(true).await["phase"], "done");
        }
        self.tally.rotations += 1;
    }

    /// It is stopped and started again, in the middle of a rotation.
    async fn restart(&mut self) {
        self.running.take().unwrap().stop().await;
        self.running = Some(self.home.serve().await);
        self.tally.restarts += 1;
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn off(now: Timestamp, ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(now.unix_ms() + ms)
}

fn call(now: Timestamp) -> ToolCall {
    ToolCall {
        audience: "tickets".parse().unwrap(),
        tool: "kb.search".parse().unwrap(),
        args: Arguments::parse(br#"{"query":"refund"}"#).unwrap(),
        request_id: RequestId::new(now, [3; 10]),
        idempotency_key: None,
        trace: None,
        attempt: None,
    }
}

async fn simulated(rotations: u32, seed: u64) -> Tally {
    let mut world = World::start(seed).await;
    for _ in 0..rotations {
        world.rotation().await;
        if world.tally.rotations % 100 == 0 {
            eprintln!("{:?}", world.tally);
        }
    }
    world.running.take().unwrap().stop().await;
    world.tally
}

/// Twelve rotations; as many as `HALLPASS_ROTATIONS` says, from the seed in `HALLPASS_SEED`.
#[tokio::test]
async fn no_rotation_refuses_a_valid_token() {
    let number = |name: &str, or: u64| {
        let given = std::env::var(name).ok();
        given.map_or(or, |text| text.parse().unwrap())
    };
    let rotations = u32::try_from(number("HALLPASS_ROTATIONS", 12)).unwrap();
    let tally = simulated(rotations, number("HALLPASS_SEED", 4)).await;
    println!("{tally:?}");
    assert_eq!(tally.rotations, rotations);
    assert!(tally.allowed > 1_000 && tally.minted > 300, "{tally:?}");
    assert!(tally.made_again > 0 && tally.expired > 0, "{tally:?}");
    assert!(tally.tainted > 0 && tally.tainted_refused > 0, "{tally:?}");
}
