//! Another policy takes the place of the one in force: the whole of it, or nothing.

use std::path::PathBuf;
use std::sync::Arc;

use hallpass_journal::{AppendError, Durability, Event, PolicyRefused, Text};
use hallpass_keys::{Digest, InvalidDigest};
use hallpass_policy::{DirectoryError, Policy, PolicyErrors, PolicyFiles};
use hallpass_vocabulary::OperatorId;
use tokio::sync::Mutex;

use crate::alert::Alerts;
use crate::file::FileError;
use crate::identity::declared::IdentityError;
use crate::kept_policy::KeptPolicies;
use crate::policy_change::{PolicyChange, Widened};
use crate::policy_in_force::{LoadedPolicy, PolicyInForce};
use crate::publisher::PublishError;
use crate::service::Service;

/// What a reload needs beside the service.
pub(crate) struct Reloading {
    /// The authority's directory.
    pub(crate) directory: PathBuf,
    /// The policy's.
    pub(crate) policy: PathBuf,
    pub(crate) kept: KeptPolicies,
    pub(crate) in_force: Arc<PolicyInForce>,
    pub(crate) alerts: Alerts,
    /// One at a time: each is compared with the one before it.
    pub(crate) turn: Mutex<()>,
}

/// The policy that is in force after a reload.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Reloaded {
    /// Its digest.
    pub policy: Digest,
    /// Whether it differs from the one before, in any byte.
    pub changed: bool,
    /// What it allows that the one before did not, in words.
    pub widenings: Vec<String>,
    /// How much of what the one before allowed it does not.
    pub narrowings: usize,
    /// What it says that is probably not meant.
    pub warnings: Vec<String>,
    /// The number of the bundle that names it.
    pub bundle_version: u64,
}

/// A policy that did not come into force. The one before goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// The policy directory cannot be read.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// Its issuers cannot be used.
    #[error("the policy's issuers cannot be used")]
    Identity(#[from] IdentityError),
    /// A copy of it cannot be kept.
    #[error(transparent)]
    Keep(#[from] FileError),
    /// The policy's digest has no form: never by itself.
    #[error(transparent)]
    PolicyDigest(#[from] InvalidDigest),
    /// No bundle can be made of it.
    #[error("cannot publish the bundle")]
    Publish(#[from] PublishError),
    /// It cannot be recorded.
    #[error("cannot write to the journal")]
    Record(#[from] AppendError),
    /// The policy is malformed.
    #[error("the policy is refused:\n{0}")]
    Refused(#[from] PolicyErrors),
    /// The authority is stopping.
    #[error("the authority is stopping")]
    Stopping,
}

/// Asks a running authority to read its policy again.
#[derive(Clone)]
pub struct Reloader(pub(crate) Arc<Service>);

impl Reloader {
    /// Reads the policy directory and puts what it says in force; `by` is who asked, where it was an operator.
    ///
    /// # Errors
    /// [`ReloadError`]; the policy before stays in force, and the refusal is on record.
    pub async fn reload(&self, by: Option<OperatorId>) -> Result<Reloaded, ReloadError> {
        reload(&self.0, by).await
    }
}

/// Reads the policy directory and puts what it says in force. Goes on when nobody waits for it any longer.
pub(crate) async fn reload(
    service: &Arc<Service>,
    by: Option<OperatorId>,
) -> Result<Reloaded, ReloadError> {
    let service = Arc::clone(service);
    tokio::spawn(async move { in_turn(&service, by).await })
        .await
        .map_err(|_| ReloadError::Stopping)?
}

async fn in_turn(service: &Arc<Service>, by: Option<OperatorId>) -> Result<Reloaded, ReloadError> {
    let _turn = service.reloading.turn.lock().await;
    let done = replace(service, by.clone()).await;
    match &done {
        Ok(_) => {}
        Err(error) => refused(service, error, by).await,
    }
    done
}

/// Everything that can fail comes before the record but the disk itself, and the record before the bundle that names the
/// policy.
async fn replace(service: &Arc<Service>, by: Option<OperatorId>) -> Result<Reloaded, ReloadError> {
    let (files, next, identity, change) = blocking(service, |service| {
        let reloading = &service.reloading;
        let files = PolicyFiles::read(&reloading.policy)?;
        let next = Arc::new(LoadedPolicy::new(Policy::parse(&files)?)?);
        let identity = service
            .identity
            .prepare(&next.policy, &reloading.directory)?;
        let change = PolicyChange::between(&reloading.in_force.now(), &next);
        if change.changed {
            service.publisher.rehearse(|content| next.say_in(content))?;
            reloading.kept.keep(next.digest, &files)?;
        }
        Ok((files, next, identity, change))
    })
    .await?;
    let record = change.record(next.digest, &files, by.clone());
    let _recorded = service
        .recorder
        .append(&record, Durability::Durable)
        .await?;
    if change.changed {
        let next = Arc::clone(&next);
        blocking(service, move |service| {
            service
                .publisher
                .republish(|content| next.say_in(content))?;
            service.identity.install(identity);
            service.reloading.in_force.replace(Arc::clone(&next));
            service.reloading.kept.forget_others(next.digest);
            Ok(())
        })
        .await?;
    }
    service.metrics.policy_read(Some(change.widenings.len()));
    tracing::info!(policy = %next.digest, changed = change.changed, "the policy was loaded");
    let now = service.clock.now();
    if let Some(widened) = change.widened(next.digest, &service.environment, by, now) {
        service.reloading.alerts.send(&widened);
    }
    Ok(Reloaded {
        policy: next.digest,
        changed: change.changed,
        widenings: change.widenings,
        narrowings: change.narrowings,
        warnings: next
            .policy
            .warnings()
            .iter()
            .map(ToString::to_string)
            .collect(),
        bundle_version: service.publisher.version(),
    })
}

async fn blocking<T: Send + 'static>(
    service: &Arc<Service>,
    work: impl FnOnce(&Service) -> Result<T, ReloadError> + Send + 'static,
) -> Result<T, ReloadError> {
    let service = Arc::clone(service);
    tokio::task::spawn_blocking(move || work(&service))
        .await
        .map_err(|_| ReloadError::Stopping)?
}

/// Says in the log and in the journal that a policy did not come into force.
async fn refused(service: &Service, error: &ReloadError, by: Option<OperatorId>) {
    service.metrics.policy_read(None);
    let why = why(error);
    tracing::error!(error = %why, "the policy is refused; the one before stays in force");
    let event = Event::PolicyRefused(PolicyRefused {
        detail: Text::new(&why),
        by,
    });
    if let Err(error) = service.recorder.append(&event, Durability::Durable).await {
        tracing::error!(%error, "a refused policy could not be recorded");
    }
}

/// The first fault of a policy; else the chain of causes.
pub(crate) fn why(error: &ReloadError) -> String {
    if let ReloadError::Refused(errors) = error
        && let Some(first) = errors.iter().next()
    {
        return first.to_string();
    }
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        words = format!("{words}: {next}");
        cause = next.source();
    }
    words
}

/// What the start of the authority still has to tell: nothing can be sent before there is a runtime.
pub(crate) type Untold = Option<Widened>;
