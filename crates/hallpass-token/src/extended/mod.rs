//! The extended profile, for services that opt in: other checks than the published caveats, and a service's own Datalog
//! policy, in the Biscuit engine.
//!
//! The engine's own limits do not bound what it does, so the bound is laid beforehand: the shape of a check when the
//! token is admitted, and the work of all of them over the facts of the call before the engine is started. The engine
//! runs on facts and checks that were rebuilt from what was admitted; it never sees the token. docs/extended-profile.md.

mod check;
mod policy;
#[cfg(test)]
mod samples;

use std::collections::BTreeSet;

use biscuit_auth::builder::{AuthorizerBuilder, Fact, Term};
use biscuit_auth::error;
use hallpass_vocabulary::{DenialCode, Pointer};

use crate::admission::AdmittedToken;
use crate::authority;
use crate::call_facts::{self, Budget};
use crate::decide::{CallFacts, Denial};
use crate::engine::run;
use crate::limits::{EXTENDED_WORK_MAX, ITEMS_MAX};

pub(crate) use check::OtherCheck;
pub use check::Unbounded;
pub use policy::{DatalogPolicy, InvalidDatalogPolicy};

/// Bytes of text that are compared or searched in the time of one step on a short one.
const TEXT_BYTES_PER_STEP: u64 = 128;

/// Comparisons of two texts in the time of one step.
const COMPARISONS_PER_STEP: u64 = 8;

/// Facts about a call's arguments: with more, their comparisons alone are more than [`EXTENDED_WORK_MAX`].
const FACTS_MAX: usize = 1_024;

/// Values of a call looked at to derive facts: sixteen of the longest arrays for one fact, or one for each.
const LOOKS_MAX: usize = 16 * ITEMS_MAX;

impl AdmittedToken {
    /// Runs the checks that are no published caveats, and the service's policy, in the engine. Blocks for up to a few
    /// milliseconds: not for an async runtime's threads. Does nothing for a token without such checks at a service
    /// without a policy.
    ///
    /// # Errors
    /// `caveat_failed` for a check of the token, `policy_denied` by the policy, and `overloaded` when the work would
    /// exceed [`EXTENDED_WORK_MAX`] or the engine could not finish: no verdict.
    pub fn check_in_engine(
        &self,
        call: &CallFacts<'_>,
        policy: Option<&DatalogPolicy>,
    ) -> Result<(), Denial> {
        let others = &self.content().others;
        if others.is_empty() && policy.is_none() {
            return Ok(());
        }
        let could_not = Denial {
            code: DenialCode::Overloaded,
            caveat: None,
        };
        let facts = self.engine_facts(call, policy).ok_or(could_not)?;
        if self.work(&facts) > EXTENDED_WORK_MAX {
            return Err(could_not);
        }
        match authorize(others, facts, policy) {
            Some(Ok(_)) => Ok(()),
            Some(Err(error::Token::FailedLogic(
                error::Logic::Unauthorized { checks, .. }
                | error::Logic::NoMatchingPolicy { checks },
            ))) => Err(self.failed(&checks)),
            Some(Err(_)) | None => Err(could_not),
        }
    }

    /// Whether the checks that are no published caveats would make the engine do more than they may.
    pub(crate) fn is_too_much_work(&self, call: &CallFacts<'_>) -> bool {
        !self.is_standard()
            && self
                .engine_facts(call, None)
                .is_none_or(|facts| self.work(&facts) > EXTENDED_WORK_MAX)
    }

    /// Whether every check is a published caveat.
    pub fn is_standard(&self) -> bool {
        self.content().others.is_empty()
    }

    /// The token's check that failed first; without one it was the policy.
    fn failed(&self, checks: &[error::FailedCheck]) -> Denial {
        let numbers = checks.iter().filter_map(|check| match check {
            error::FailedCheck::Authorizer(failed) => usize::try_from(failed.check_id).ok(),
            error::FailedCheck::Block(_) => None,
        });
        let first = numbers
            .min()
            .and_then(|number| self.content().others.get(number));
        match first {
            Some(other) => Denial {
                code: DenialCode::CaveatFailed,
                caveat: Some(other.place),
            },
            None => Denial {
                code: DenialCode::PolicyDenied,
                caveat: None,
            },
        }
    }

    /// The grant and the call as the engine's facts, as far as anything looks at them.
    fn engine_facts(
        &self,
        call: &CallFacts<'_>,
        policy: Option<&DatalogPolicy>,
    ) -> Option<Vec<Fact>> {
        let others = &self.content().others;
        let named = others.iter().flat_map(|other| &other.pointers);
        let pointers: BTreeSet<&Pointer> = named
            .chain(policy.into_iter().flat_map(DatalogPolicy::arguments))
            .collect();
        // A policy may look at any fact; checks are known to look at some.
        let names: BTreeSet<&str> = others.iter().flat_map(OtherCheck::names).collect();
        let wanted = |name: &str| policy.is_some() || names.contains(name);
        let budget = Budget {
            facts: FACTS_MAX,
            looks: LOOKS_MAX,
        };
        let call = call_facts::of_call(call, self.blocks(), &pointers, &wanted, budget)?;
        let facts = authority::facts(self.grant()).into_iter();
        let facts = facts.filter(|fact| wanted(fact.name)).chain(call);
        Some(facts.map(run::fact).collect())
    }

    /// What the token's checks can make the engine do over these facts, and what it takes to give it the facts: their
    /// texts are compared with each other.
    fn work(&self, facts: &[Fact]) -> u64 {
        let terms = || facts.iter().flat_map(|fact| &fact.predicate.terms);
        let texts = terms().filter_map(|term| match term {
            Term::Str(text) => Some(text.len()),
            _ => None,
        });
        let longest = u64::try_from(texts.max().unwrap_or_default()).unwrap_or(u64::MAX);
        let text = longest / TEXT_BYTES_PER_STEP + 1;
        let count = u64::try_from(terms().count()).unwrap_or(u64::MAX);
        let comparisons = count.saturating_mul(count) / COMPARISONS_PER_STEP;
        let mut work = comparisons.saturating_mul(text);
        for other in &self.content().others {
            if work > EXTENDED_WORK_MAX {
                break;
            }
            work = work.saturating_add(other.work(facts, text));
        }
        work
    }
}

/// Runs checks and a policy over these facts; `None` when the engine panicked.
fn authorize(
    others: &[OtherCheck],
    facts: Vec<Fact>,
    policy: Option<&DatalogPolicy>,
) -> Option<Result<usize, error::Token>> {
    run::guarded(|| {
        let mut builder = AuthorizerBuilder::new();
        for other in others {
            builder = builder.check(other.engine.clone())?;
        }
        for fact in facts {
            builder = builder.fact(fact)?;
        }
        let builder = match policy {
            // After the token's checks, so that their numbers come first.
            Some(policy) => builder.merge(policy.builder().clone()),
            None => builder.policy(run::allow_all())?,
        };
        builder
            .set_limits(run::limits())
            .build_unauthenticated()?
            .authorize()
    })
}
