//! The parts of a new authority, written into an empty directory.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hallpass_bundle::{Role, Root, RootDraft, TrustRoot};
use hallpass_journal::{Durability, Event, KeyCreated, OsStorage};
use hallpass_keys::key_file::write_key_file;
use hallpass_keys::{Purpose, RandomnessError, SigningKey, VerifyingKey};

use super::{InitError, InitOptions};
use crate::client::Client;
use crate::config::{Config, Paths};
use crate::file;
use crate::journal;
use crate::layout;
use crate::secret::ClientSecret;
use crate::store::Store;

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
    keys.write(&paths.keys)?;
    let trust_root = write_root(directory, &paths, options, &keys)?;
    let client = Client {
        id: options.client.clone(),
        environment: options.environment.clone(),
        secret: secret.hash(),
        disabled: false,
    };
    Store::create(&paths.store, &[client])?;
    record_keys(&paths.journal, options, &keys)?;
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

    fn write(&self, directory: &Path) -> Result<(), InitError> {
        for key in self.all() {
            write_key_file(&layout::key_file(directory, key.purpose()), key)?;
        }
        Ok(())
    }
}

/// Starts the journal with the keys there are.
fn record_keys(directory: &Path, options: &InitOptions, keys: &Keys) -> Result<(), InitError> {
    let journal = journal::open(
        directory,
        &options.environment,
        &options.clock,
        Arc::new(OsStorage),
        None,
    )?;
    for key in keys.all() {
        let created = Event::KeyCreated(KeyCreated {
            key: key.id(),
            purpose: key.purpose(),
        });
        let _recorded = journal
            .append(&created, Durability::Durable)
            .wait(journal::START_APPEND_MAX)?;
    }
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
