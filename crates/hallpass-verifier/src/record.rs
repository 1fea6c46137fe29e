//! What the journal keeps of a decision.

use std::time::Instant;

use hallpass_journal::{Decided, Text};
use hallpass_vocabulary::{DecisionId, RequestId};

use crate::checked::Checked;
use crate::refusal::Denial;
use crate::verifier::Inner;

/// The record of a verdict on a call.
pub(crate) fn decided(verifier: &Inner, decision: DecisionId, checked: &Checked) -> Decided {
    let call = &checked.call;
    let (env, audience) = (
        verifier.judge.environment.clone(),
        verifier.judge.audience.clone(),
    );
    let mut record = match &checked.verdict {
        Ok(_) => Decided::allow(decision, call.request_id, env, audience),
        Err(denial) => {
            let mut record = Decided::deny(decision, call.request_id, env, audience, denial.code);
            record.detail = denial.detail.as_deref().map(Text::new);
            record
        }
    };
    record.trace = call.trace.map(|trace| Text::new(&trace.trace_id()));
    record.attempt = call.attempt;
    record.tool = Some(call.tool.clone());
    record.impact = checked.impact;
    digest_arguments(verifier, checked, &mut record);
    record.idempotency_key = call
        .idempotency_key
        .as_ref()
        .map(|key| Text::new(key.as_str()));
    record.bundle = checked.bundle.map(|bundle| bundle.version);
    record.latency_us = checked.arrived.map(microseconds_since);
    if let Some(token) = &checked.token {
        let grant = token.grant();
        record.tenant = Some(grant.tenant.clone());
        record.run = Some(grant.run);
        record.token = Some(grant.token);
        record.subject = Some(grant.subject.clone());
        record.actors = vec![grant.actor.clone()];
        record.route = Some(grant.route.clone());
        record.policy = Some(grant.policy);
    }
    record
}

/// The digest of all arguments, and what else the record shows of them.
fn digest_arguments(verifier: &Inner, checked: &Checked, record: &mut Decided) {
    let (arguments, journal) = (&checked.call.args, &verifier.journal);
    let may_be_sensitive = match &checked.shown {
        Some(shown) => shown.has_sensitive(),
        // Of a tool that is not known, or not asked about because nobody genuine called it, nothing says that none is.
        None => checked.impact.is_none(),
    };
    // One key for all of the record, whatever segment it lands in.
    let key = may_be_sensitive.then(|| journal.sensitive_key());
    match &key {
        Some(key) => record.record_sensitive_args_digest(key, arguments.canonical()),
        None => record.args_digest = Some(journal.digest(arguments.canonical())),
    }
    if let Some(shown) = &checked.shown {
        shown.record(arguments, key.as_ref(), record);
    }
}

/// The record of a request that is no tool call.
pub(crate) fn unreadable(
    verifier: &Inner,
    decision: DecisionId,
    request: RequestId,
    denial: &Denial,
) -> Decided {
    let (env, audience) = (
        verifier.judge.environment.clone(),
        verifier.judge.audience.clone(),
    );
    let mut record = Decided::deny(decision, request, env, audience, denial.code);
    record.detail = denial.detail.as_deref().map(Text::new);
    record
}

fn microseconds_since(arrived: Instant) -> u64 {
    u64::try_from(arrived.elapsed().as_micros()).unwrap_or(u64::MAX)
}
