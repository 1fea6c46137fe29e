//! What the routes share: who may ask, what mints, what is published, and what is refused.

use std::path::PathBuf;
use std::sync::Arc;

use hallpass_journal::{Durability, Event, MintRefused, OperatorRefused, Text};
use hallpass_keys::{Purpose, random_bytes};
use hallpass_vocabulary::{AuthorityId, Clock, Environment, RequestId};
use tokio::sync::{Mutex, Semaphore, watch};

use crate::fleet::Fleet;
use crate::http::current;
use crate::http::limits::STREAMS_MAX;
use crate::http::pace::Pace;
use crate::identity::Identity;
use crate::keys::Keys;
use crate::metrics::{Metrics, State};
use crate::mint::Minter;
use crate::policy_in_force::LoadedPolicy;
use crate::publisher::Publisher;
use crate::recorder::Recorder;
use crate::refusals::{Caller, Refusals};
use crate::reload::Reloading;
use crate::secret::SecretHash;
use crate::stops::Publishing;
use crate::store::Store;

/// One running authority.
pub(crate) struct Service {
    pub(crate) name: AuthorityId,
    pub(crate) environment: Environment,
    /// The hash of no secret at all, so that looking for one that does not exist takes the same steps.
    pub(crate) nobody: SecretHash,
    pub(crate) fleet: Fleet,
    pub(crate) identity: Arc<Identity>,
    pub(crate) keys: Keys,
    pub(crate) minter: Arc<Minter>,
    pub(crate) publisher: Arc<Publisher>,
    /// Places of those who listen to what is published.
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) clock_pace: Pace,
    /// Whether it was told to stop.
    pub(crate) closing: watch::Sender<bool>,
    pub(crate) mints: Arc<Semaphore>,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) refusals: Refusals,
    pub(crate) reloading: Reloading,
    pub(crate) operator_refusals: Refusals,
    /// Held while something is stopped, revoked or lifted.
    pub(crate) stopping: Mutex<()>,
    pub(crate) publishing: Publishing,
    /// The directory of the bundle's number, where the journal's mark is too.
    pub(crate) bundle_directory: PathBuf,
    /// Held while a client's registration changes.
    pub(crate) registry: Mutex<()>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Arc<Metrics>,
}

impl Service {
    /// The policy in force.
    pub(crate) fn policy(&self) -> Arc<LoadedPolicy> {
        self.minter.policies.now()
    }

    /// The store.
    pub(crate) fn store(&self) -> &Store {
        &self.minter.store
    }

    /// A name for this request, in its answer and in the records about it: the same one however often it is asked for
    /// while the request is answered.
    pub(crate) fn request_id(&self) -> RequestId {
        current::request_id().unwrap_or_else(|| {
            // Only a label: without randomness nothing is minted, but a refusal still needs a name.
            RequestId::new(self.clock.now(), random_bytes().unwrap_or_default())
        })
    }

    /// What there is to measure at this moment.
    pub(crate) fn state(&self) -> State {
        let journal = self.recorder.journal().status();
        let (bundle_age, bundle_left) = self.publisher.age_and_left();
        let (root, now) = (self.publisher.root(), self.clock.now());
        State {
            bundle_version: self.publisher.version(),
            bundle_age,
            bundle_left,
            bundle_listeners: self.listeners(),
            heartbeat_age: self.publisher.heartbeat_age(),
            root_left: root.expires().since(now),
            token_key_age: self.keys.now().age(Purpose::Run, root.issued(), now),
            journal_records: journal.written,
            journal_signed: journal.signed,
            journal_not_recorded: journal.not_recorded,
            journal_takes_records: self.recorder.is_taking_records(),
            journal_low: journal.low,
            store_behind: self.minter.store.is_behind(),
        }
    }

    /// How many listen to what is published.
    fn listeners(&self) -> u64 {
        let taken = STREAMS_MAX.saturating_sub(self.streams.available_permits());
        u64::try_from(taken).unwrap_or(u64::MAX)
    }

    /// Records a refusal, singly or as a number. Relaxed: it grants nothing, so a power cut may take the last moments.
    pub(crate) async fn record_refusal(
        &self,
        caller: Caller,
        code: &'static str,
        refused: MintRefused,
    ) {
        if self.refusals.admit(caller, code, self.clock.now()) {
            let refused = MintRefused {
                code: Text::new(code),
                ..refused
            };
            self.append_refusal(refused).await;
        }
    }

    /// Records what was only counted so far.
    pub(crate) async fn record_surplus(&self) {
        for surplus in self.operator_refusals.take_surplus() {
            let refused = OperatorRefused {
                request: None,
                code: Text::new(surplus.code),
                detail: Some(Text::new(&surplus.to_string())),
                action: None,
                operator: None,
                key: None,
            };
            self.append_operator_refusal(refused).await;
        }
        for surplus in self.refusals.take_surplus() {
            let refused = MintRefused {
                request: None,
                code: Text::new(surplus.code),
                detail: Some(Text::new(&surplus.to_string())),
                client: None,
                tenant: None,
                subject: None,
                route: None,
                run: None,
            };
            self.append_refusal(refused).await;
        }
    }

    /// As [`Service::record_refusal`], of a request that was to be an operator's.
    pub(crate) async fn record_operator_refusal(
        &self,
        caller: Caller,
        code: &'static str,
        refused: OperatorRefused,
    ) {
        tracing::warn!(
            denial.code = code,
            action = refused.action.as_ref().map(Text::as_str),
            "refused an operator's request"
        );
        let now = self.clock.now();
        if self.operator_refusals.admit(caller, code, now) {
            self.append_operator_refusal(refused).await;
        }
    }

    async fn append_operator_refusal(&self, refused: OperatorRefused) {
        let event = Event::OperatorRefused(refused);
        if let Err(error) = self.recorder.append(&event, Durability::Relaxed).await {
            tracing::warn!(%error, "a refusal could not be recorded");
        }
    }

    async fn append_refusal(&self, refused: MintRefused) {
        let event = Event::MintRefused(Box::new(refused));
        if let Err(error) = self.recorder.append(&event, Durability::Relaxed).await {
            tracing::warn!(%error, "a refusal could not be recorded");
        }
    }

    /// What keeps it from minting; nothing when it is ready.
    pub(crate) fn unready(&self) -> Vec<&'static str> {
        let mut unready = Vec::new();
        if !self.recorder.is_taking_records() {
            unready.push("journal");
        }
        if self.keys.now().run_key(self.clock.now()).is_err() {
            unready.push("keys");
        }
        if self.minter.store.is_behind() {
            unready.push("store");
        }
        unready
    }
}
