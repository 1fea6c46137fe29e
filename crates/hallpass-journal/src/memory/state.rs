//! What is remembered, and the rules by which it is taken, given back and forgotten.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hallpass_vocabulary::{DecisionId, RunId, Subject, Tenant, Timestamp, TokenId};

use super::claims::{
    ClaimId, Claims, KeyClaim, KeyState, KeyUse, NotReserved, RunBudget, SingleUse, Spendable,
};
use super::dated::Dated;
use super::reservation::Taken;
use super::{
    APPROVALS_MAX, CLAIM_AHEAD_SECONDS_MAX, KEY_KEPT_SECONDS, KEYS_MAX, PROOFS_MAX,
    PROOFS_PER_TOKEN_MAX, RUN_KEPT_SECONDS, RUNS_MAX, Remembered, SPENT_MAX,
};
use crate::Spent;

/// Entries of each kind that one call forgets at most: no call pays for a million that end at once, and as many are
/// forgotten as can be taken meanwhile.
const FORGOTTEN_PER_CALL_MAX: usize = 64;

/// Whose idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Scope {
    pub(super) tenant: Tenant,
    pub(super) subject: Subject,
    pub(super) key: ClaimId,
}

impl Scope {
    pub(super) fn of(claim: &KeyClaim) -> Self {
        Self {
            tenant: claim.tenant.clone(),
            subject: claim.subject.clone(),
            key: claim.key.clone(),
        }
    }
}

/// What a run has spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counter {
    pub(super) calls: u64,
    pub(super) usd_micros: u64,
}

impl Counter {
    fn totals(self) -> Spent {
        Spent {
            calls: Some(self.calls),
            usd_micros: (self.usd_micros > 0).then_some(self.usd_micros),
        }
    }
}

/// How much of each kind may be remembered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) approvals: usize,
    pub(super) keys: usize,
    pub(super) proofs: usize,
    pub(super) proofs_per_token: u32,
    pub(super) runs: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            approvals: APPROVALS_MAX,
            keys: KEYS_MAX,
            proofs: PROOFS_MAX,
            proofs_per_token: PROOFS_PER_TOKEN_MAX,
            runs: RUNS_MAX,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) bounds: Bounds,
    /// Nothing that was made before this is known to be unused.
    pub(super) created: Option<Timestamp>,
    /// The latest time heard of. What has ended by it is forgotten, and stays no good.
    pub(super) latest: Option<Timestamp>,
    pub(super) approvals: Dated<ClaimId, ()>,
    pub(super) keys: Dated<Arc<Scope>, KeyUse>,
    /// The keys of calls that have not ended.
    running: HashMap<DecisionId, Arc<Scope>>,
    pub(super) proofs: Dated<(TokenId, ClaimId), ()>,
    proofs_of_token: HashMap<TokenId, u32>,
    pub(super) runs: Dated<RunId, Counter>,
}

impl State {
    /// Time goes on, never back; what has ended is forgotten.
    pub(super) fn advance(&mut self, now: Timestamp) -> Timestamp {
        let now = self.latest.map_or(now, |latest| latest.max(now));
        self.latest = Some(now);
        for _ in 0..FORGOTTEN_PER_CALL_MAX {
            if self.approvals.pop_ended(now).is_none() {
                break;
            }
        }
        for _ in 0..FORGOTTEN_PER_CALL_MAX {
            let Some(((token, _), ())) = self.proofs.pop_ended(now) else {
                break;
            };
            self.one_proof_less(token);
        }
        for _ in 0..FORGOTTEN_PER_CALL_MAX {
            let Some((_, used)) = self.keys.pop_ended(now) else {
                break;
            };
            self.running.remove(&used.decision);
        }
        for _ in 0..FORGOTTEN_PER_CALL_MAX {
            if self.runs.pop_ended(now).is_none() {
                break;
            }
        }
        now
    }

    /// Whether all of these can be had. In the order of the denials: proof, idempotency key, approval, budgets.
    pub(super) fn check(&self, claims: &Claims, now: Timestamp) -> Result<(), NotReserved> {
        if let Some(used) = &claims.proof {
            let what = Spendable::Proof;
            self.check_single(what, &used.proof, now)?;
            if self.proofs.contains(&(used.token, used.proof.id.clone())) {
                return Err(NotReserved::Spent { what });
            }
            let of_token = self.proofs_of_token.get(&used.token).copied();
            if of_token.unwrap_or(0) >= self.bounds.proofs_per_token {
                return Err(NotReserved::ProofQuota);
            }
            room(what, self.proofs.len(), self.bounds.proofs)?;
        }
        if let Some(claim) = &claims.key {
            if let Some((used, until)) = self.keys.get(&Arc::new(Scope::of(claim)))
                && until > now
            {
                return Err(NotReserved::KeyUsed(Box::new(used.clone())));
            }
            room(Spendable::Key, self.keys.len(), self.bounds.keys)?;
        }
        if let Some(used) = &claims.approval {
            let what = Spendable::Approval;
            self.check_single(what, used, now)?;
            if self.approvals.contains(&used.id) {
                return Err(NotReserved::Spent { what });
            }
            room(what, self.approvals.len(), self.bounds.approvals)?;
        }
        if let Some(budget) = &claims.run {
            self.check_run(budget)?;
        }
        Ok(())
    }

    fn check_single(
        &self,
        what: Spendable,
        used: &SingleUse,
        now: Timestamp,
    ) -> Result<(), NotReserved> {
        if self.created.is_none_or(|created| used.created < created) {
            return Err(NotReserved::PredatesJournal { what });
        }
        if used.until <= now {
            return Err(NotReserved::Expired { what });
        }
        if used.until > now.after(Duration::from_secs(CLAIM_AHEAD_SECONDS_MAX)) {
            return Err(NotReserved::EndsTooLate { what });
        }
        Ok(())
    }

    fn check_run(&self, budget: &RunBudget) -> Result<(), NotReserved> {
        let known = self.runs.get(&budget.run).map(|(counter, _)| *counter);
        let counter = known.unwrap_or_default();
        if let Some(limit) = budget.calls
            && counter.calls >= limit
        {
            return Err(NotReserved::CallsExhausted { limit });
        }
        if let Some(limit) = budget.usd_micros
            && counter.usd_micros >= limit
        {
            let spent = counter.usd_micros;
            return Err(NotReserved::UsdMicrosExhausted { spent, limit });
        }
        if known.is_none() {
            room(Spendable::Run, self.runs.len(), self.bounds.runs)?;
        }
        Ok(())
    }

    /// Takes what was found to be there, and gives the totals of the run.
    pub(super) fn take(&mut self, claims: &Claims, now: Timestamp) -> Option<Spent> {
        if let Some(used) = &claims.proof {
            self.use_proof(used.token, used.proof.id.clone(), used.proof.until);
        }
        if let Some(claim) = &claims.key {
            let until = now.after(Duration::from_secs(KEY_KEPT_SECONDS));
            self.use_key(Scope::of(claim), KeyUse::running(claim), until);
        }
        if let Some(used) = &claims.approval {
            self.approvals.insert(used.id.clone(), (), used.until);
        }
        let budget = claims.run.as_ref()?;
        let counter = self.counter(budget.run, now);
        counter.calls = counter.calls.saturating_add(1).min(SPENT_MAX);
        Some(counter.totals())
    }

    pub(super) fn use_proof(&mut self, token: TokenId, id: ClaimId, until: Timestamp) {
        let key = (token, id);
        if self.proofs.contains(&key) {
            self.proofs.extend(&key, until);
            return;
        }
        self.proofs.insert(key, (), until);
        let of_token = self.proofs_of_token.entry(token).or_default();
        *of_token = of_token.saturating_add(1);
    }

    pub(super) fn use_key(&mut self, scope: Scope, used: KeyUse, until: Timestamp) {
        let scope = Arc::new(scope);
        // The entry of an earlier call may have ended and not be forgotten yet.
        if let Some(before) = self.keys.remove(&scope) {
            self.running.remove(&before.decision);
        }
        if used.state == KeyState::Running {
            self.running.insert(used.decision, Arc::clone(&scope));
        }
        self.keys.insert(scope, used, until);
    }

    pub(super) fn key_is_of(&self, scope: &Arc<Scope>, decision: DecisionId) -> bool {
        let used = self.keys.get(scope);
        used.is_some_and(|(used, _)| used.decision == decision)
    }

    /// The counter of a run, remembered for a week from now.
    fn counter(&mut self, run: RunId, now: Timestamp) -> &mut Counter {
        let until = now.after(Duration::from_secs(RUN_KEPT_SECONDS));
        self.runs.entry(run, until)
    }

    pub(super) fn charge(&mut self, run: RunId, usd_micros: u64) -> Spent {
        // Whoever has a cost has had a call, so a time was heard of.
        let now = self.latest.unwrap_or(Timestamp::from_unix_ms(0));
        let counter = self.counter(run, now);
        counter.usd_micros = counter.usd_micros.saturating_add(usd_micros).min(SPENT_MAX);
        counter.totals()
    }

    /// Totals that stand in a record: at least that much was spent.
    pub(super) fn at_least(&mut self, run: RunId, counter: Counter, until: Timestamp) {
        let known = self.runs.entry(run, until);
        known.calls = known.calls.max(counter.calls);
        known.usd_micros = known.usd_micros.max(counter.usd_micros);
    }

    pub(super) fn give_back(&mut self, taken: &Taken) {
        if let Some(id) = &taken.approval {
            self.approvals.remove(id);
        }
        if let Some((token, id)) = &taken.proof
            && self.proofs.remove(&(*token, id.clone())).is_some()
        {
            self.one_proof_less(*token);
        }
        if let Some((scope, decision)) = &taken.key
            && self.key_is_of(scope, *decision)
        {
            self.keys.remove(scope);
            self.running.remove(decision);
        }
        if let Some(run) = &taken.run
            && let Some(counter) = self.runs.get_mut(run)
        {
            counter.calls = counter.calls.saturating_sub(1);
            if *counter == Counter::default() {
                self.runs.remove(run);
            }
        }
    }

    fn one_proof_less(&mut self, token: TokenId) {
        if let Some(count) = self.proofs_of_token.get_mut(&token) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.proofs_of_token.remove(&token);
            }
        }
    }

    pub(super) fn ended(&mut self, decision: DecisionId, as_what: KeyState) {
        if as_what == KeyState::Running {
            return;
        }
        let Some(scope) = self.running.remove(&decision) else {
            return;
        };
        if let Some(used) = self.keys.get_mut(&scope) {
            used.state = as_what;
        }
    }

    pub(super) fn has_running(&self) -> bool {
        !self.running.is_empty()
    }

    /// Of whatever ran when the records end, nobody knows what became.
    pub(super) fn nothing_runs(&mut self) {
        for (_, scope) in self.running.drain() {
            if let Some(used) = self.keys.get_mut(&scope) {
                used.state = KeyState::Unknown;
            }
        }
    }

    pub(super) fn spent(&self, run: RunId) -> Option<Spent> {
        self.runs.get(&run).map(|(counter, _)| counter.totals())
    }

    /// Whether it is no more than could have been taken.
    pub(super) fn is_within_bounds(&self) -> bool {
        self.approvals.len() <= self.bounds.approvals
            && self.proofs.len() <= self.bounds.proofs
            && self.keys.len() <= self.bounds.keys
            && self.runs.len() <= self.bounds.runs
    }

    pub(super) fn remembered(&self) -> Remembered {
        Remembered {
            approvals: self.approvals.len(),
            proofs: self.proofs.len(),
            keys: self.keys.len(),
            runs: self.runs.len(),
        }
    }
}

impl KeyUse {
    fn running(claim: &KeyClaim) -> Self {
        Self {
            decision: claim.decision,
            tool: claim.tool.clone(),
            args: claim.args,
            state: KeyState::Running,
        }
    }
}

fn room(what: Spendable, live: usize, bound: usize) -> Result<(), NotReserved> {
    if live < bound {
        Ok(())
    } else {
        Err(NotReserved::Full { what })
    }
}
