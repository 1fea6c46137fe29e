//! An authority with fixed keys at a fixed time, and hands to forge with.

use std::time::Duration;

use hallpass_bundle::{
    ApprovalKey, BUNDLE_PAYLOAD_TYPE, Bundle, BundleDraft, BundleId, Cutoff,
    HEARTBEAT_PAYLOAD_TYPE, Heartbeat, IdSet, KeyState, ListedOperator, ListedVerifier, Published,
    ROOT_PAYLOAD_TYPE, Restrictions, Revocation, Role, Root, RootDraft, SignedBundle, Stop,
    TokenKey, TokenPurpose, TrustRoot,
};
use hallpass_keys::dsse::Envelope;
use hallpass_keys::{Digest, Purpose, SigningKey};
use hallpass_vocabulary::{
    Audience, AuthorityId, Catalogue, Environment, Impact, OperatorRole, Pointers, RunId,
    Timestamp, TokenId, Tool, ToolName,
};
use serde_json::Value;

pub const NOW: Timestamp = Timestamp::from_unix_ms(1_795_000_000_000);
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub fn env(name: &str) -> Environment {
    Environment::new(name).unwrap()
}

pub fn key(purpose: Purpose, environment: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(purpose, env(environment), [seed; 32])
}

pub fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// One of each.
pub fn restrictions() -> Restrictions {
    let run: RunId = "run_019aa62da2c072028202020202020202".parse().unwrap();
    let token: TokenId = "tok_019aa62da2c073038303030303030303".parse().unwrap();
    Restrictions {
        stops: vec![Stop {
            id: "stop_019aa62da2c074048404040404040404".parse().unwrap(),
            selector: "route:/support/refunds".parse().unwrap(),
            issued: NOW,
            until: Some(NOW.after(seconds(3_600))),
            runs: [run.as_u128()].into_iter().collect(),
        }],
        revocations: vec![Revocation {
            expires: NOW.after(seconds(930)),
            tokens: [token.as_u128()].into_iter().collect(),
        }],
        cutoffs: vec![Cutoff {
            selector: "tenant:globex".parse().unwrap(),
            before: NOW,
            expires: NOW.after(seconds(930)),
            runs: IdSet::default(),
        }],
    }
}

pub struct Authority {
    pub root_key: SigningKey,
    pub bundle_key: SigningKey,
    pub heartbeat_key: SigningKey,
    pub run_key: SigningKey,
    pub root: Root,
}

impl Authority {
    pub fn new() -> Self {
        Self::of("prod", 10)
    }

    pub fn of(environment: &str, seed: u8) -> Self {
        let root_key = key(Purpose::Root, environment, seed);
        let bundle_key = key(Purpose::Bundle, environment, seed + 1);
        let heartbeat_key = key(Purpose::Heartbeat, environment, seed + 2);
        let run_key = key(Purpose::Run, environment, seed + 3);
        let draft = RootDraft {
            authority: AuthorityId::new("hallpass.example").unwrap(),
            environment: env(environment),
            root: Role::single(root_key.verifying_key()),
            bundle: Role::single(bundle_key.verifying_key()),
            heartbeat: Role::single(heartbeat_key.verifying_key()),
            expires: NOW.after(365 * DAY),
        };
        let root = Root::first(draft, NOW).unwrap();
        Self {
            root_key,
            bundle_key,
            heartbeat_key,
            run_key,
            root,
        }
    }

    pub fn pinned(&self) -> TrustRoot {
        self.root.trust_root()
    }

    pub fn root_draft(&self) -> RootDraft {
        RootDraft {
            authority: self.root.authority().clone(),
            environment: self.root.environment().clone(),
            root: self.root.root().clone(),
            bundle: self.root.bundle().clone(),
            heartbeat: self.root.heartbeat().clone(),
            expires: NOW.after(365 * DAY),
        }
    }

    pub fn root_envelope(&self) -> Envelope {
        self.root.sign(None, &[&self.root_key]).unwrap()
    }

    pub fn run_entry(&self) -> TokenKey {
        TokenKey {
            key: self.run_key.verifying_key(),
            environment: self.root.environment().clone(),
            purpose: TokenPurpose::Run,
            state: KeyState::Active,
        }
    }

    pub fn draft(&self) -> BundleDraft {
        let mut tool = Tool::new(
            ToolName::new("kb.search").unwrap(),
            Audience::new("tickets").unwrap(),
            Impact::Read,
        );
        let pointers = |text: &str| Pointers::new([text.parse().unwrap()]).unwrap();
        tool.recorded = pointers("/query");
        tool.sensitive = pointers("/customer/iban");
        BundleDraft {
            token_keys: vec![self.run_entry()],
            approval_keys: vec![ApprovalKey {
                key: key(Purpose::Approval, "prod", 40).verifying_key(),
                state: KeyState::Active,
            }],
            catalogue: Catalogue::new([tool]).unwrap(),
            policy: Digest::of(b"policy"),
            expires: NOW.after(30 * DAY),
            restrictions: restrictions(),
            operators: vec![ListedOperator {
                operator: "op:dana".parse().unwrap(),
                person: "dana".parse().unwrap(),
                keys: vec![key(Purpose::Operator, "prod", 41).verifying_key()],
                roles: vec![OperatorRole::Operator],
            }],
            verifiers: vec![ListedVerifier {
                origin: "0011223344556677".parse().unwrap(),
                audience: Audience::new("tickets").unwrap(),
                key: key(Purpose::Journal, "prod", 42).verifying_key(),
            }],
        }
    }

    pub fn bundle(&self, last: Option<&BundleId>, now: Timestamp) -> SignedBundle {
        Bundle::new(&self.root, self.draft(), last, now)
            .unwrap()
            .sign(&self.root, &[&self.bundle_key])
            .unwrap()
    }

    pub fn heartbeat(&self, bundle: &SignedBundle, now: Timestamp) -> Envelope {
        Heartbeat::new(bundle, now)
            .sign(&self.root, &[&self.heartbeat_key])
            .unwrap()
    }

    /// Root, bundle and heartbeat, all made at one time.
    pub fn published(&self, now: Timestamp) -> Published {
        let bundle = self.bundle(None, now);
        let heartbeat = self.heartbeat(&bundle, now);
        Published::new(vec![self.root_envelope()], &bundle, heartbeat)
    }

    /// The same with a bundle that the bundle key has signed after this change.
    pub fn with_bundle(&self, change: impl FnOnce(&mut Value)) -> Published {
        let mut published = self.published(NOW);
        published.bundle = resign(&published.bundle, &self.bundle_key, change);
        let digest = Digest::of(published.bundle.unverified_payload());
        published.heartbeat = resign(&published.heartbeat, &self.heartbeat_key, |heartbeat| {
            heartbeat["bundle_digest"] = digest.to_string().into();
        });
        published
    }

    /// The same with a heartbeat that the heartbeat key has signed after this change.
    pub fn with_heartbeat(&self, change: impl FnOnce(&mut Value)) -> Published {
        let mut published = self.published(NOW);
        published.heartbeat = resign(&published.heartbeat, &self.heartbeat_key, change);
        published
    }

    /// The same with a root that the root key has signed after this change, and a pin that fits it.
    pub fn with_root(&self, change: impl FnOnce(&mut Value)) -> (Published, TrustRoot) {
        let mut published = self.published(NOW);
        let root = resign(&published.roots[0], &self.root_key, change);
        let mut pinned = self.pinned();
        pinned.digest = hallpass_bundle::TrustRootDigest::of(root.unverified_payload());
        published.roots = vec![root];
        (published, pinned)
    }
}

/// The payload after a change, signed by this key whatever it says.
pub fn resign(envelope: &Envelope, key: &SigningKey, change: impl FnOnce(&mut Value)) -> Envelope {
    let mut payload: Value = serde_json::from_slice(envelope.unverified_payload()).unwrap();
    change(&mut payload);
    let payload_type = envelope.payload_type();
    assert!(
        [
            BUNDLE_PAYLOAD_TYPE,
            HEARTBEAT_PAYLOAD_TYPE,
            ROOT_PAYLOAD_TYPE
        ]
        .contains(&payload_type)
    );
    Envelope::sign(payload_type, payload.to_string().into_bytes(), &[key]).unwrap()
}
