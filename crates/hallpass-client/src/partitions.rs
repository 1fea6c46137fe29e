//! A thousand partitions, simulated: what a source believes, when calls stop, and that they never stop later than said.
//!
//! The authority signs for real; network and clocks are drawn from a seed. What is looked at is the source's own code: its
//! schedule, its belief, the verifier's token clock.

use std::sync::Arc;
use std::time::Duration;

use hallpass_bundle::{
    Bundle, BundleDraft, BundleId, Heartbeat, KeyState, Published, Restrictions, Role, Root,
    RootDraft, SignedBundle, Snapshots, Staleness, TokenKey, TokenPurpose,
};
use hallpass_keys::{Digest, Purpose, SigningKey};
use hallpass_testkit::FixedClock;
use hallpass_verifier::TokenClock;
use hallpass_vocabulary::{
    Catalogue, Clock as _, ClockBasis, ClockExchange, Environment, Impact, Timestamp,
};

use crate::belief::{Beat, Belief};
use crate::jitter::Jitter;
use crate::schedule::{Closed, Next, Pace, Schedule};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_000_000);
const TICK: Duration = Duration::from_millis(250);
const BEAT: Duration = Duration::from_secs(2);
/// How long a world goes on after its network has gone for good: the longest bound, and a little.
const AFTER: Duration = Duration::from_secs(910);

/// How late what is delayed comes.
const DELAY: Duration = Duration::from_secs(600);

fn earlier(time: Timestamp, by: Duration) -> Timestamp {
    Timestamp::from_unix_ms(time.unix_ms() - i64::try_from(by.as_millis()).unwrap())
}

/// An authority that signs.
struct Signing {
    root: Root,
    root_key: SigningKey,
    bundle_key: SigningKey,
    heartbeat_key: SigningKey,
}

impl Signing {
    fn new() -> Self {
        let key = |purpose, seed| SigningKey::from_seed(purpose, environment(), [seed; 32]);
        let root_key = key(Purpose::Root, 1);
        let bundle_key = key(Purpose::Bundle, 2);
        let heartbeat_key = key(Purpose::Heartbeat, 3);
        let draft = RootDraft {
            authority: "hallpass.example".parse().unwrap(),
            environment: environment(),
            root: Role::single(root_key.verifying_key()),
            bundle: Role::single(bundle_key.verifying_key()),
            heartbeat: Role::single(heartbeat_key.verifying_key()),
            expires: NOW.after(Duration::from_secs(10_000_000)),
        };
        let issued = Timestamp::from_unix_seconds(1_790_000_000);
        Self {
            root: Root::first(draft, issued).unwrap(),
            root_key,
            bundle_key,
            heartbeat_key,
        }
    }

    fn bundle(&self, last: Option<&BundleId>, now: Timestamp) -> SignedBundle {
        let run = SigningKey::from_seed(Purpose::Run, environment(), [4; 32]);
        let draft = BundleDraft {
            token_keys: vec![TokenKey {
                key: run.verifying_key(),
                environment: environment(),
                purpose: TokenPurpose::Run,
                state: KeyState::Active,
            }],
            approval_keys: Vec::new(),
            catalogue: Catalogue::default(),
            policy: Digest::of(b"policy"),
            expires: NOW.after(Duration::from_secs(5_000_000)),
            restrictions: Restrictions::default(),
            operators: Vec::new(),
            verifiers: Vec::new(),
        };
        let bundle = Bundle::new(&self.root, draft, last, now).unwrap();
        bundle.sign(&self.root, &[&self.bundle_key]).unwrap()
    }

    fn heartbeat(&self, bundle: &SignedBundle, now: Timestamp) -> hallpass_keys::dsse::Envelope {
        let heartbeat = Heartbeat::new(bundle, now);
        heartbeat.sign(&self.root, &[&self.heartbeat_key]).unwrap()
    }

    fn published(&self, bundle: &SignedBundle, now: Timestamp) -> Vec<u8> {
        let roots = vec![self.root.sign(None, &[&self.root_key]).unwrap()];
        let published = Published::new(roots, bundle, self.heartbeat(bundle, now));
        published.to_json().unwrap()
    }
}

fn environment() -> Environment {
    Environment::new("prod").unwrap()
}

/// How the network is at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Network {
    /// Everything arrives ten minutes late, as somebody who holds it back would have it.
    Delaying,
    Gone,
    /// Only old answers come, again and again.
    Replaying,
    Well,
}

/// One verifier, one authority, what lies between them, and the time that really is.
struct World<'a> {
    signing: &'a Signing,
    jitter: Jitter,
    truth: Timestamp,
    /// Really passed since the beginning.
    passed: Duration,
    wall: FixedClock,
    clock: TokenClock,
    belief: Belief,
    schedule: Schedule,
    snapshots: Arc<Snapshots>,
    bundle: SignedBundle,
    network: Network,
    /// The heartbeat that is replayed or comes late, and the time of the last one that was heard of in time.
    kept: Vec<u8>,
    pushed: Duration,
    exchange_at: Duration,
    /// When the authority last said anything, by the time that really is: nothing that is believed can be fresher.
    last_word: Timestamp,
}

impl<'a> World<'a> {
    fn new(signing: &'a Signing, seed: u64) -> Self {
        let mut jitter = Jitter::seeded(seed);
        let wall = FixedClock::at(NOW);
        // A wall clock that is off by up to half a minute either way.
        let off = jitter.part_of(Duration::from_secs(60));
        // The machine has been up for a while.
        wall.advance(Duration::from_secs(3_600));
        wall.set(Timestamp::from_unix_ms(
            NOW.unix_ms() - 30_000 + i64::try_from(off.as_millis()).unwrap(),
        ));
        let clock = TokenClock::without_journal(Arc::new(wall.clone()), None);
        let snapshots = Arc::new(Snapshots::empty());
        let belief = Belief::new(signing.root.trust_root(), Arc::clone(&snapshots));
        let pace = Pace::polling_every(Duration::from_secs(4));
        // Some authorities push and some do not.
        let push = !seed.is_multiple_of(4);
        Self {
            signing,
            schedule: Schedule::begin(pace, push, jitter.clone(), Duration::ZERO),
            jitter,
            truth: NOW,
            passed: Duration::ZERO,
            wall,
            clock,
            belief,
            snapshots,
            bundle: signing.bundle(None, NOW),
            network: Network::Well,
            kept: Vec::new(),
            pushed: Duration::ZERO,
            exchange_at: Duration::ZERO,
            last_word: NOW,
        }
    }

    /// Time passes, and whatever the schedule wants is done.
    fn tick(&mut self) {
        self.wall.advance(TICK);
        self.truth = self.truth.after(TICK);
        self.passed += TICK;
        // Nobody's clock is safe: now and then somebody sets it.
        if self.jitter.part_of(Duration::from_secs(1)) < Duration::from_micros(500) {
            let by = self.jitter.part_of(Duration::from_secs(2 * 86_400));
            let ms = i64::try_from(by.as_millis()).unwrap() - 86_400_000;
            let shown = self.wall.now().unix_ms();
            self.wall.set(Timestamp::from_unix_ms(shown + ms));
        }
        if self.passed >= self.pushed + BEAT {
            self.pushed = self.passed;
            self.push();
        }
        match self.schedule.next(self.passed) {
            Next::Close => self.schedule.closed(Closed::Broken, self.passed),
            Next::Open => self.schedule.opening(self.passed),
            Next::Poll => {
                let answered = self.ask();
                self.schedule.polled(answered, self.passed);
            }
            Next::Wait(_) => {}
        }
    }

    /// A heartbeat comes on the stream, if there is one.
    fn push(&mut self) {
        let heartbeat = self.word();
        if let Some(heartbeat) = heartbeat
            && !matches!(self.schedule.next(self.passed), Next::Open | Next::Poll)
            && matches!(
                self.belief.heartbeat(&heartbeat, &self.clock),
                Ok(Beat::Fresher)
            )
        {
            self.schedule.heard(self.passed);
            self.exchange();
        }
    }

    /// What comes of the authority's word by now.
    fn word(&mut self) -> Option<Vec<u8>> {
        match self.network {
            Network::Gone => None,
            Network::Replaying => Some(self.kept.clone()),
            Network::Delaying => {
                // Genuine, and ten minutes old; until then the last one from before.
                let signed = earlier(self.truth, DELAY);
                match signed > self.last_word {
                    true => Some(self.signing.heartbeat(&self.bundle, signed).to_json()),
                    false => Some(self.kept.clone()),
                }
            }
            Network::Well => {
                self.last_word = self.truth;
                self.kept = self.signing.heartbeat(&self.bundle, self.truth).to_json();
                Some(self.kept.clone())
            }
        }
    }

    fn ask(&mut self) -> bool {
        let Some(heartbeat) = self.word() else {
            return false;
        };
        self.exchange();
        match self.belief.heartbeat(&heartbeat, &self.clock) {
            Ok(Beat::Fresher) => true,
            Ok(Beat::Other) if self.network == Network::Well => {
                let published = self.signing.published(&self.bundle, self.truth);
                let examined = self.belief.examination(&self.clock).accept(&published);
                let Ok((snapshot, _)) = examined else {
                    return false;
                };
                self.belief.take(snapshot)
            }
            _ => false,
        }
    }

    /// An exchange of up to two seconds, where it is due. Answers cannot be replayed: each has its own nonce.
    fn exchange(&mut self) {
        if self.network != Network::Well || self.passed < self.exchange_at {
            return;
        }
        self.exchange_at = self.passed + Duration::from_secs(600);
        let under_way = self.jitter.part_of(Duration::from_secs(2));
        let way_back = self.jitter.part_of(under_way);
        let now = self.wall.running().unwrap();
        let said = earlier(self.truth, way_back);
        let asked = now.saturating_sub(under_way);
        let exchange = ClockExchange::new(said, asked, now).unwrap();
        assert!(self.clock.exchanged(&exchange));
    }

    /// Whether a call of this impact would be let in.
    fn lets_in(&self, impact: Impact) -> bool {
        let now = self.clock.now();
        self.snapshots
            .with(|held| held.is_some_and(|held| !held.is_stale(impact, &Staleness::STANDARD, now)))
    }

    /// No call is let in later than its bound after the authority's last word.
    fn check(&self, seed: u64) {
        let silent = self.truth.since(self.last_word);
        for impact in Impact::ALL {
            let bound = Staleness::STANDARD.bound(impact);
            let let_in = self.lets_in(impact);
            assert!(
                !let_in || silent <= bound,
                "seed {seed}: {impact} {silent:?}"
            );
        }
    }
}

/// What happened in one world.
#[derive(Debug, Default)]
struct Told {
    stopped_after: Vec<Duration>,
}

/// Well for a while, then away for a while, then well again, then gone for good in some way.
fn run(signing: &Signing, seed: u64) -> Told {
    let mut world = World::new(signing, seed);
    let mut told = Told::default();
    let end = |jitter: &mut Jitter| match jitter.part_of(Duration::from_secs(3)).as_secs() {
        0 => Network::Gone,
        1 => Network::Replaying,
        _ => Network::Delaying,
    };
    let short = world.jitter.part_of(Duration::from_secs(120));
    let away = end(&mut world.jitter);
    for (network, lasting) in [
        (Network::Well, Duration::from_secs(20)),
        (away, short),
        (Network::Well, Duration::from_secs(40)),
    ] {
        world.network = network;
        let until = world.passed + lasting;
        while world.passed < until {
            world.tick();
            world.check(seed);
        }
    }
    assert_eq!(world.clock.basis(), ClockBasis::Exchange, "seed {seed}");
    for impact in Impact::ALL {
        assert!(
            world.lets_in(impact),
            "seed {seed}: {impact} before the partition"
        );
    }
    world.network = end(&mut world.jitter);
    let (gone, mut open) = (world.last_word, Impact::ALL.to_vec());
    let until = world.passed + AFTER;
    while world.passed < until {
        world.tick();
        world.check(seed);
        open.retain(|impact| {
            let let_in = world.lets_in(*impact);
            if !let_in {
                told.stopped_after.push(world.truth.since(gone));
            }
            let_in
        });
    }
    assert!(open.is_empty(), "seed {seed}: {open:?}");
    told
}

#[test]
fn in_partitions_calls_stop_at_their_bounds_and_never_later() {
    let worlds = std::env::var("HALLPASS_PARTITIONS").map_or(40, |text| text.parse().unwrap());
    let signing = Signing::new();
    let mut earliest = [Duration::MAX; 3];
    let mut latest = [Duration::ZERO; 3];
    for seed in 0..worlds {
        let told = run(&signing, seed);
        for (place, after) in told.stopped_after.iter().enumerate() {
            earliest[place] = earliest[place].min(*after);
            latest[place] = latest[place].max(*after);
        }
    }
    println!(
        "{worlds} worlds: destructive, write, read stopped {earliest:?} to {latest:?} after the last word"
    );
    for (place, bound) in [60, 300, 900].into_iter().enumerate() {
        let bound = Duration::from_secs(bound);
        // The clock is known to two seconds, and is late rather than early; the look is once a tick.
        assert!(latest[place] <= bound + TICK, "{latest:?}");
        assert!(
            earliest[place] + Duration::from_secs(5) >= bound,
            "{earliest:?}"
        );
    }
}
