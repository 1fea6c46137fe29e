//! An authority with fixed keys, as far as it signs.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hallpass_bundle::{
    Bundle, BundleDraft, CLOCK_PAYLOAD_TYPE, Heartbeat, KeyState, ListedOperator, Published,
    Restrictions, Role, Root, RootDraft, SignedBundle, TokenKey, TokenPurpose,
};
use hallpass_client::{BaseUrl, BundleSourceConfig};
use hallpass_keys::dsse::Envelope;
use hallpass_keys::{Digest, Purpose, SigningKey};
use hallpass_vocabulary::{
    Audience, AuthorityId, Catalogue, Clock, Environment, Impact, OperatorRole, Timestamp, Tool,
    ToolName,
};

pub const NOW: Timestamp = Timestamp::from_unix_ms(1_795_000_000_000);

/// A clock that stands until it is moved.
#[derive(Clone)]
pub struct Hand(Arc<AtomicI64>);

impl Hand {
    pub fn at(time: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(time.unix_ms())))
    }

    pub fn set(&self, time: Timestamp) {
        self.0.store(time.unix_ms(), Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.load(Ordering::SeqCst))
    }
}

pub fn environment() -> Environment {
    Environment::new("prod").unwrap()
}

pub fn later(seconds: u64) -> Timestamp {
    NOW.after(Duration::from_secs(seconds))
}

pub fn key(purpose: Purpose, seed: u8) -> SigningKey {
    SigningKey::from_seed(purpose, environment(), [seed; 32])
}

/// The key that signs tokens.
pub fn run_key() -> SigningKey {
    key(Purpose::Run, 200)
}

/// The key of the only operator who may stop; `op:lee` with the key after it may only read.
pub fn operator_key() -> SigningKey {
    key(Purpose::Operator, 210)
}

pub fn reader_key() -> SigningKey {
    key(Purpose::Operator, 211)
}

pub struct Authority {
    pub bundle_key: SigningKey,
    pub heartbeat_key: SigningKey,
    root_key: SigningKey,
    pub root: Root,
}

impl Authority {
    pub fn new(seed: u8) -> Self {
        Self::of("prod", seed)
    }

    pub fn of(environment: &str, seed: u8) -> Self {
        let environment = Environment::new(environment).unwrap();
        let key = |purpose, seed| SigningKey::from_seed(purpose, environment.clone(), [seed; 32]);
        let root_key = key(Purpose::Root, seed);
        let bundle_key = key(Purpose::Bundle, seed + 1);
        let heartbeat_key = key(Purpose::Heartbeat, seed + 2);
        let draft = RootDraft {
            authority: AuthorityId::new("hallpass.example").unwrap(),
            environment: environment.clone(),
            root: Role::single(root_key.verifying_key()),
            bundle: Role::single(bundle_key.verifying_key()),
            heartbeat: Role::single(heartbeat_key.verifying_key()),
            expires: later(1_000_000),
        };
        // Long before anything else, so that a clock that is behind by hours still believes it.
        let root = Root::first(draft, Timestamp::from_unix_ms(1_700_000_000_000)).unwrap();
        Self {
            bundle_key,
            heartbeat_key,
            root_key,
            root,
        }
    }

    /// A draft of the root after this one.
    pub fn root_draft(&self) -> RootDraft {
        RootDraft {
            authority: self.root.authority().clone(),
            environment: self.root.environment().clone(),
            root: self.root.root().clone(),
            bundle: self.root.bundle().clone(),
            heartbeat: self.root.heartbeat().clone(),
            expires: self.root.expires(),
        }
    }

    pub fn root_envelope(&self) -> Envelope {
        self.root.sign(None, &[&self.root_key]).unwrap()
    }

    pub fn signed_next(&self, next: &Root) -> Envelope {
        next.sign(Some(&self.root), &[&self.root_key]).unwrap()
    }

    pub fn draft(&self, restrictions: Restrictions) -> BundleDraft {
        let environment = self.root.environment().clone();
        let run_key = SigningKey::from_seed(Purpose::Run, environment.clone(), [200; 32]);
        let operator = |name: &str, key: &SigningKey, role| ListedOperator {
            operator: format!("op:{name}").parse().unwrap(),
            person: name.parse().unwrap(),
            keys: vec![key.verifying_key()],
            roles: vec![role],
        };
        BundleDraft {
            token_keys: vec![TokenKey {
                key: run_key.verifying_key(),
                environment,
                purpose: TokenPurpose::Run,
                state: KeyState::Active,
            }],
            approval_keys: Vec::new(),
            catalogue: Catalogue::new([Tool::new(
                ToolName::new("kb.search").unwrap(),
                Audience::new("tickets").unwrap(),
                Impact::Read,
            )])
            .unwrap(),
            policy: Digest::of(b"policy"),
            expires: later(900_000),
            restrictions,
            operators: vec![
                operator("dana", &operator_key(), OperatorRole::Operator),
                operator("lee", &reader_key(), OperatorRole::Auditor),
            ],
            verifiers: Vec::new(),
        }
    }

    pub fn bundle(&self, draft: BundleDraft, made: Timestamp) -> SignedBundle {
        Bundle::new(&self.root, draft, None, made)
            .unwrap()
            .sign(&self.root, &[&self.bundle_key])
            .unwrap()
    }

    pub fn heartbeat(&self, bundle: &SignedBundle, beat: Timestamp) -> Envelope {
        Heartbeat::new(bundle, beat)
            .sign(&self.root, &[&self.heartbeat_key])
            .unwrap()
    }

    pub fn publication(&self, bundle: &SignedBundle, beat: Timestamp) -> Published {
        let roots = vec![self.root_envelope()];
        Published::new(roots, bundle, self.heartbeat(bundle, beat))
    }

    /// A publication with a bundle made at one time and a heartbeat at another.
    pub fn published(&self, made: Timestamp, beat: Timestamp) -> Vec<u8> {
        let bundle = self.bundle(self.draft(Restrictions::default()), made);
        self.publication(&bundle, beat).to_json().unwrap()
    }

    /// The answer to a question for the time.
    pub fn clock(&self, nonce: &str, time: Timestamp) -> Envelope {
        let reading = serde_json::json!({
            "format": 1,
            "authority": self.root.authority(),
            "environment": self.root.environment(),
            "nonce": nonce,
            "time": time,
        });
        let payload = reading.to_string().into_bytes();
        Envelope::sign(CLOCK_PAYLOAD_TYPE, payload, &[&self.heartbeat_key]).unwrap()
    }

    /// Fetches from there as often as is allowed.
    pub fn source(&self, base: &BaseUrl) -> BundleSourceConfig {
        let mut config = BundleSourceConfig::new(base.clone(), self.root.trust_root());
        config.interval = Duration::from_millis(10);
        config
    }
}
