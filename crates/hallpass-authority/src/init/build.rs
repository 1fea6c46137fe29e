//! The parts of a new authority, written into an empty directory.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hallpass_bundle::{Role, Root, RootDraft, TrustRoot};
use hallpass_journal::{
    ClientChange, ClientChanged, Durability, Event, KeyCreated, OsStorage, Text,
};
use hallpass_keys::key_file::write_key_file;
use hallpass_keys::{Digest, Purpose, RandomnessError, SigningKey, VerifyingKey};

use super::{InitError, InitOptions};
use crate::config::{Config, Paths};
use crate::file;
use crate::journal;
use crate::layout;
use crate::secret::ClientSecret;
use crate::store::{Store, StoreSettings};

/// How long the first trust root is believed. It outlives any deployment of this release; a root is replaced by its own
/// keys, not by its expiry.
const ROOT_LIFE: Duration = Duration::from_secs(5 * 365 * 24 * 60 * 60);

/// What the report needs to know of what was built.
pub(super) struct Made {
    pub(super) trust_root: TrustRoot,
    pub(super) run_key: VerifyingKey,
}

/// The keys an authority starts with, one of each purpose that something of it signs with. The journal makes its own.
struct Keys {
    approval: SigningKey,
    bundle: SigningKey,
    heartbeat: SigningKey,
    operator: SigningKey,
    root: SigningKey,
    run: SigningKey,
}

/// Writes everything.
pub(super) fn build(
    directory: &Path,
    options: &InitOptions,
    secret: &ClientSecret,
) -> Result<Made, InitError> {
    let text = Config::text(
        &options.environment,
        &options.authority,
        options.listen,
        &options.foreign_keys,
    );
    // Read back before anything depends on it: foreign keys have rules of their own.
    Config::parse(&text)?;
    file::create(&directory.join(layout::CONFIG_FILE), text.as_bytes())?;

    let paths = Paths::standard().under(directory);
    for part in [&paths.keys, &paths.policy, &paths.roots, &paths.bundle] {
        file::create_directory(part)?;
    }
    let starter = paths.policy.join(layout::STARTER_POLICY_FILE);
    file::create(&starter, hallpass_policy::starter().as_bytes())?;

    let keys = Keys::generate(options)?;
    keys.write(&paths.keys, options)?;
    file::create(
        &paths.policy.join(layout::OPERATORS_POLICY_FILE),
        options.operator.policy(&keys.operator).as_bytes(),
    )?;
    let trust_root = write_root(directory, &paths, options, &keys)?;
    Store::create(&paths.store)?;
    record(&paths, options, &keys, secret)?;
    for part in [&paths.keys, &paths.policy, &paths.roots] {
        file::sync_directory(part)?;
    }
    Ok(Made {
        trust_root,
        run_key: keys.run.verifying_key(),
    })
}

impl Keys {
    fn generate(options: &InitOptions) -> Result<Self, RandomnessError> {
        let key = |purpose| {
            let seed = hallpass_keys::random_bytes()?;
            Ok(SigningKey::from_seed(
                purpose,
                options.environment.clone(),
                seed,
            ))
        };
        Ok(Self {
            approval: key(Purpose::Approval)?,
            bundle: key(Purpose::Bundle)?,
            heartbeat: key(Purpose::Heartbeat)?,
            operator: key(Purpose::Operator)?,
            root: key(Purpose::Root)?,
            run: key(Purpose::Run)?,
        })
    }

    fn all(&self) -> [&SigningKey; 6] {
        let Self {
            approval,
            bundle,
            heartbeat,
            operator,
            root,
            run,
        } = self;
        [approval, bundle, heartbeat, operator, root, run]
    }

    fn write(&self, directory: &Path, options: &InitOptions) -> Result<(), InitError> {
        for key in self.all() {
            let path = layout::key_file(directory, key.purpose());
            match key.purpose() {
                Purpose::Operator => options.operator.write_key(&path, key)?,
                _ => write_key_file(&path, key)?,
            }
        }
        Ok(())
    }
}

/// Starts the journal with the keys there are, and with the first client's secret: its rows come from there.
fn record(
    paths: &Paths,
    options: &InitOptions,
    keys: &Keys,
    secret: &ClientSecret,
) -> Result<(), InitError> {
    let journal = journal::open(
        &paths.journal,
        &options.environment,
        &options.clock,
        Arc::new(OsStorage),
        None,
    )?;
    let created = keys.all().map(|key| {
        Event::KeyCreated(KeyCreated {
            key: key.id(),
            purpose: key.purpose(),
        })
    });
    let added = Event::ClientChanged(ClientChanged {
        client: options.client.clone(),
        change: ClientChange::SecretAdded,
        secret: Some(Text::new(&secret.hash().id())),
        secret_digest: Some(Digest::from_bytes(*secret.hash().as_bytes())),
        until: None,
        by: None,
        counts_from: None,
    });
    for event in created.iter().chain([&added]) {
        let _recorded = journal
            .append(event, Durability::Durable)
            .wait(journal::START_APPEND_MAX)?;
    }
    let store = Store::open(
        &StoreSettings::default(),
        &paths.store,
        journal.origin(),
        &options.environment,
    )?;
    journal::bring_up_to_date(&store, &journal)?;
    journal.close()?;
    Ok(())
}

/// The first root, signed by its own key; and what services pin of it.
fn write_root(
    directory: &Path,
    paths: &Paths,
    options: &InitOptions,
    keys: &Keys,
) -> Result<TrustRoot, InitError> {
    let now = options.clock.now();
    let draft = RootDraft {
        authority: options.authority.clone(),
        environment: options.environment.clone(),
        root: Role::single(keys.root.verifying_key()),
        bundle: Role::single(keys.bundle.verifying_key()),
        heartbeat: Role::single(keys.heartbeat.verifying_key()),
        expires: now.after(ROOT_LIFE),
    };
    let root = Root::first(draft, now)?;
    let envelope = root.sign(None, &[&keys.root])?;
    file::create(
        &layout::root_file(&paths.roots, root.version()),
        &envelope.to_json(),
    )?;
    let trust_root = root.trust_root();
    let pinned = directory.join(layout::TRUST_ROOT_FILE);
    file::create(&pinned, trust_root.to_string().as_bytes())?;
    Ok(trust_root)
}
