//! What somebody between an authority and a source may try. Each is refused by its name, changes nothing, and is refused
//! again after a restart.

use hallpass_bundle::{
    BUNDLE_PAYLOAD_TYPE, BundleError, Document, InvalidDocument, PUBLISHED_BYTES_MAX, Published,
    Restrictions, Role, Root, SignedBundle,
};
use hallpass_client::{BundleSource, RefreshError, TransportError};
use hallpass_keys::dsse::Envelope;
use hallpass_keys::{Digest, Purpose, SigningKey};
use hallpass_vocabulary::Timestamp;
use serde_json::{Value, json};

use crate::authority::{Authority, Hand, NOW, key, later};
use crate::bundles::{last_error, until};
use crate::server::Server;

/// An authority on its second root, whose bundles two keys must sign.
struct Strict {
    first: Authority,
    root: Root,
    roots: Vec<Envelope>,
    second_key: SigningKey,
}

/// What is in force before an attack: a bundle and heartbeat of this time.
const GOOD: u64 = 100;

impl Strict {
    fn new() -> Self {
        let first = Authority::new(1);
        let second_key = key(Purpose::Bundle, 60);
        let mut draft = first.root_draft();
        let keys = vec![first.bundle_key.verifying_key(), second_key.verifying_key()];
        draft.bundle = Role::new(keys, 2);
        let root = first.root.next(draft, NOW).unwrap();
        let roots = vec![first.root_envelope(), first.signed_next(&root)];
        Self {
            first,
            root,
            roots,
            second_key,
        }
    }

    fn bundle(&self, made: Timestamp) -> SignedBundle {
        let draft = self.first.draft(Restrictions::default());
        hallpass_bundle::Bundle::new(&self.root, draft, None, made)
            .unwrap()
            .sign(&self.root, &[&self.first.bundle_key, &self.second_key])
            .unwrap()
    }

    fn published(&self, made: u64, beat: u64) -> Published {
        let bundle = self.bundle(later(made));
        let heartbeat = self.heartbeat(&bundle, later(beat));
        Published::new(self.roots.clone(), &bundle, heartbeat)
    }

    fn heartbeat(&self, bundle: &SignedBundle, time: Timestamp) -> Envelope {
        hallpass_bundle::Heartbeat::new(bundle, time)
            .sign(&self.root, &[&self.first.heartbeat_key])
            .unwrap()
    }

    /// A later bundle that the right keys have signed after this change, and a heartbeat that names it.
    fn changed(&self, keys: &[&SigningKey], change: impl FnOnce(&mut Value)) -> Published {
        let mut published = self.published(GOOD + 1, GOOD + 1);
        let mut bundle = payload(&published.bundle);
        change(&mut bundle);
        let bundle = bundle.to_string().into_bytes();
        let mut heartbeat = payload(&published.heartbeat);
        heartbeat["bundle_digest"] = json!(Digest::of(&bundle));
        published.bundle = Envelope::sign(BUNDLE_PAYLOAD_TYPE, bundle, keys).unwrap();
        let kind = published.heartbeat.payload_type().to_owned();
        let heartbeat = heartbeat.to_string().into_bytes();
        let key = &self.first.heartbeat_key;
        published.heartbeat = Envelope::sign(&kind, heartbeat, &[key]).unwrap();
        published
    }
}

fn payload(envelope: &Envelope) -> Value {
    serde_json::from_slice(envelope.unverified_payload()).unwrap()
}

fn json(published: &Published) -> Vec<u8> {
    published.to_json().unwrap()
}

struct Attack {
    name: &'static str,
    answer: fn(&Strict) -> Vec<u8>,
    /// How late it is when the attack comes.
    at: u64,
    refused: fn(&RefreshError) -> bool,
}

fn bundle_error(error: &RefreshError) -> Option<&BundleError> {
    match error {
        RefreshError::Refused(error) => Some(error),
        _ => None,
    }
}

macro_rules! refused {
    ($pattern:pat) => {
        |error| matches!(bundle_error(error), Some($pattern))
    };
}

const ATTACKS: &[Attack] = &[
    Attack {
        name: "rollback: an older bundle, freshly sworn to",
        answer: |strict| json(&strict.published(GOOD - 1, GOOD + 1)),
        at: GOOD + 1,
        refused: refused!(BundleError::Rollback {
            document: Document::Bundle,
            ..
        }),
    },
    Attack {
        name: "rollback: of the root",
        answer: |strict| {
            let first = &strict.first;
            let bundle = first.bundle(first.draft(Restrictions::default()), later(GOOD + 1));
            json(&first.publication(&bundle, later(GOOD + 1)))
        },
        at: GOOD + 1,
        refused: refused!(BundleError::Rollback {
            document: Document::Root,
            ..
        }),
    },
    Attack {
        name: "freeze: a heartbeat from before",
        answer: |strict| json(&strict.published(GOOD, GOOD - 1)),
        at: GOOD + 1,
        refused: refused!(BundleError::Frozen { .. }),
    },
    Attack {
        name: "fast-forward: a number that nothing could follow",
        answer: |strict| {
            let keys = [&strict.first.bundle_key, &strict.second_key];
            json(&strict.changed(&keys, |bundle| bundle["version"] = json!(u64::MAX)))
        },
        at: GOOD + 1,
        refused: refused!(BundleError::FastForward { .. }),
    },
    Attack {
        name: "fast-forward: a heartbeat from the future",
        answer: |strict| json(&strict.published(GOOD, GOOD + 1_000)),
        at: GOOD + 1,
        refused: refused!(BundleError::FromTheFuture {
            document: Document::Heartbeat,
            ..
        }),
    },
    Attack {
        name: "mix-and-match: a bundle and the heartbeat of another",
        answer: |strict| {
            let mut published = strict.published(GOOD + 1, GOOD + 1);
            published.heartbeat = strict.published(GOOD, GOOD + 1).heartbeat;
            json(&published)
        },
        at: GOOD + 1,
        refused: refused!(BundleError::Mismatch),
    },
    Attack {
        name: "fork: another bundle of the same number",
        answer: |strict| {
            let version = payload(&strict.published(GOOD, GOOD).bundle)["version"].clone();
            let keys = [&strict.first.bundle_key, &strict.second_key];
            let mut published = strict.changed(&keys, |bundle| bundle["version"] = version.clone());
            let mut heartbeat = payload(&published.heartbeat);
            heartbeat["bundle_version"] = version;
            let kind = published.heartbeat.payload_type().to_owned();
            let key = &strict.first.heartbeat_key;
            let heartbeat = heartbeat.to_string().into_bytes();
            published.heartbeat = Envelope::sign(&kind, heartbeat, &[key]).unwrap();
            json(&published)
        },
        at: GOOD + 1,
        refused: refused!(BundleError::Fork { .. }),
    },
    Attack {
        name: "endless data",
        answer: |_| vec![b' '; PUBLISHED_BYTES_MAX + 1],
        at: GOOD + 1,
        refused: |error| {
            matches!(
                error,
                RefreshError::Transport(TransportError::TooLarge { .. })
            )
        },
    },
    Attack {
        name: "emptiness: nothing",
        answer: |_| Vec::new(),
        at: GOOD + 1,
        refused: refused!(BundleError::NotPublished),
    },
    Attack {
        name: "emptiness: no roots",
        answer: |strict| {
            let mut published = strict.published(GOOD + 1, GOOD + 1);
            published.roots.clear();
            json(&published)
        },
        at: GOOD + 1,
        refused: refused!(BundleError::RootCount { count: 0 }),
    },
    Attack {
        name: "emptiness: no keys, so that nothing is allowed any more",
        answer: |strict| {
            let keys = [&strict.first.bundle_key, &strict.second_key];
            json(&strict.changed(&keys, |bundle| bundle["token_keys"] = json!([])))
        },
        at: GOOD + 1,
        refused: refused!(BundleError::Invalid {
            source: InvalidDocument::NoActiveKey { .. },
            ..
        }),
    },
    Attack {
        name: "wrong environment: signed by the right keys",
        answer: |strict| {
            let keys = [&strict.first.bundle_key, &strict.second_key];
            json(&strict.changed(&keys, |bundle| {
                bundle["environment"] = json!("dev");
                bundle["token_keys"][0]["environment"] = json!("dev");
            }))
        },
        at: GOOD + 1,
        refused: refused!(BundleError::WrongEnvironment {
            document: Document::Bundle
        }),
    },
    Attack {
        name: "wrong environment: of another authority altogether",
        answer: |_| Authority::of("dev", 90).published(later(GOOD + 1), later(GOOD + 1)),
        at: GOOD + 1,
        refused: refused!(BundleError::UntrustedRoot { .. }),
    },
    Attack {
        name: "wrong threshold: one of two keys",
        answer: |strict| json(&strict.changed(&[&strict.second_key], |_| {})),
        at: GOOD + 1,
        refused: refused!(BundleError::Signature {
            document: Document::Bundle,
            ..
        }),
    },
    Attack {
        name: "stale root: past its end",
        answer: |strict| json(&strict.published(GOOD + 1, GOOD + 1)),
        at: 2_000_000,
        refused: refused!(BundleError::Expired {
            document: Document::Root,
            ..
        }),
    },
];

#[tokio::test]
async fn every_attack_is_refused_by_its_name_also_after_a_restart() {
    let strict = Strict::new();
    let good = strict.published(GOOD, GOOD);
    for attack in ATTACKS {
        let directory = tempfile::tempdir().unwrap();
        let server = Server::start(200, json(&good)).await;
        let clock = Hand::at(later(GOOD));
        let config = || {
            let config = strict.first.source(&server.base);
            config.with_state_directory(directory.path().to_owned())
        };
        let mut source = BundleSource::start(config(), clock.clone()).await.unwrap();
        let held = source.snapshots().load().expect(attack.name);
        clock.set(later(attack.at));
        server.answers(200, &[], (attack.answer)(&strict));
        let status = until(&mut source, |status| status.last_error.is_some()).await;
        let error = last_error(&status);
        assert!((attack.refused)(&error), "{}: {error:?}", attack.name);
        let same = |source: &BundleSource| {
            let now = source.snapshots().load();
            now.map(|now| (now.version(), now.heartbeat()))
        };
        let before = Some((held.version(), held.heartbeat()));
        assert_eq!(same(&source), before, "{}", attack.name);
        drop(source);
        let mut source = BundleSource::start(config(), clock.clone()).await.unwrap();
        let error = last_error(&source.status());
        assert!(
            (attack.refused)(&error),
            "{}, restarted: {error:?}",
            attack.name
        );
        // Past the end of its root nothing is believed, not even what was.
        let expected = before.filter(|_| attack.at == GOOD + 1);
        assert_eq!(same(&source), expected, "{}, restarted", attack.name);
        // Whoever ends the attack is believed again.
        if attack.at == GOOD + 1 {
            server.answers(200, &[], json(&strict.published(GOOD + 1, GOOD + 1)));
            until(&mut source, |status| status.last_error.is_none()).await;
        }
    }
}
