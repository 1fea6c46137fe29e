//! The policy in force: replaced whole, and read without waiting for whoever replaces it.

use std::sync::Arc;

use arc_swap::ArcSwap;
use hallpass_bundle::ListedOperator;
use hallpass_keys::{Digest, InvalidDigest};
use hallpass_policy::Policy;

use crate::publisher::Content;

/// A policy and the digest that tokens, bundles and records name it by.
#[derive(Debug)]
pub(crate) struct LoadedPolicy {
    pub(crate) policy: Policy,
    pub(crate) digest: Digest,
}

/// The policy that requests are decided by. Whoever decides takes [`PolicyInForce::now`] once and stays with it, so that
/// no request is decided half by one policy and half by another.
#[derive(Debug)]
pub(crate) struct PolicyInForce(ArcSwap<LoadedPolicy>);

impl LoadedPolicy {
    pub(crate) fn new(policy: Policy) -> Result<Self, InvalidDigest> {
        let digest = policy.digest().parse()?;
        Ok(Self { policy, digest })
    }

    /// Whose signed stops verifiers obey.
    pub(crate) fn operators(&self) -> Vec<ListedOperator> {
        let listed = self
            .policy
            .operators()
            .map(|(operator, rule)| ListedOperator {
                operator: operator.clone(),
                person: rule.person().clone(),
                keys: rule.keys().to_vec(),
                roles: rule.roles().iter().copied().collect(),
            });
        listed.collect()
    }

    /// Puts what it says in place of what another policy said.
    pub(crate) fn say_in(&self, content: &mut Content) {
        content.catalogue = self.policy.catalogue().clone();
        content.policy = self.digest;
        content.operators = self.operators();
    }
}

impl PolicyInForce {
    pub(crate) fn new(first: Arc<LoadedPolicy>) -> Self {
        Self(ArcSwap::new(first))
    }

    /// The one that is in force now.
    pub(crate) fn now(&self) -> Arc<LoadedPolicy> {
        self.0.load_full()
    }

    /// Puts another in its place.
    pub(crate) fn replace(&self, next: Arc<LoadedPolicy>) {
        self.0.store(next);
    }
}
