//! What is remembered as lines of JSON, for a snapshot: one object a line, in no order.

use std::sync::Arc;

use hallpass_vocabulary::{DecisionId, RunId, Subject, Tenant, Timestamp, TokenId, ToolName};

use super::Memory;
use super::claims::{ClaimId, KeyState, KeyUse};
use super::state::{Counter, Scope, State};
use crate::{ArgumentsDigest, Claimed};

/// A line that is no entry.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidEntry {
    #[error("not an entry of a snapshot")]
    Form(#[from] serde_json::Error),
    /// What is read before its signature must not fill the memory of the machine.
    #[error("more entries than a memory has")]
    TooMany,
}

/// One line: an object of one member, whose name says what it is.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Entry {
    Approval(Claimed),
    /// Nothing that was made before is known to be unused.
    Created(Timestamp),
    Key(Box<KeyEntry>),
    /// The latest time heard of.
    Latest(Timestamp),
    Proof(ProofEntry),
    Run(RunEntry),
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyEntry {
    tenant: Tenant,
    subject: Subject,
    key: ClaimId,
    decision: DecisionId,
    tool: ToolName,
    args: ArgumentsDigest,
    state: KeyState,
    until: Timestamp,
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofEntry {
    token: TokenId,
    id: ClaimId,
    until: Timestamp,
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RunEntry {
    run: RunId,
    calls: u64,
    usd_micros: u64,
    until: Timestamp,
}

impl Memory {
    /// Appends everything remembered, what is reserved and not yet recorded included: one JSON object a line, each with
    /// its line end. Calls wait only while it is copied, not while it is written.
    pub(crate) fn write_entries(&self, out: &mut Vec<u8>) {
        let entries = self.lock().entries();
        for entry in entries {
            // Texts and integers into memory: this does not fail.
            if serde_json::to_writer(&mut *out, &entry).is_ok() {
                out.push(b'\n');
            }
        }
    }

    /// Remembers what one line of [`write_entries`](Self::write_entries) says; the line without its end.
    ///
    /// # Errors
    /// When it is no such line, or one too many. What was recalled before it is remembered all the same: begin with a new memory then.
    pub(crate) fn recall_entry(&self, line: &[u8]) -> Result<(), InvalidEntry> {
        let entry: Entry = serde_json::from_slice(line)?;
        let mut state = self.lock();
        state.recall_entry(entry);
        if state.is_within_bounds() {
            Ok(())
        } else {
            Err(InvalidEntry::TooMany)
        }
    }
}

impl State {
    fn entries(&self) -> Vec<Entry> {
        let created = self.created.map(Entry::Created);
        let latest = self.latest.map(Entry::Latest);
        let approvals = self.approvals.iter().map(|(id, (), until)| {
            let id = id.clone();
            Entry::Approval(Claimed { id, until })
        });
        let proofs = self.proofs.iter().map(|((token, id), (), until)| {
            Entry::Proof(ProofEntry {
                token: *token,
                id: id.clone(),
                until,
            })
        });
        let keys = self.keys.iter().map(|(scope, used, until)| {
            Entry::Key(Box::new(KeyEntry {
                tenant: scope.tenant.clone(),
                subject: scope.subject.clone(),
                key: scope.key.clone(),
                decision: used.decision,
                tool: used.tool.clone(),
                args: used.args,
                state: used.state,
                until,
            }))
        });
        let runs = self.runs.iter().map(|(run, counter, until)| {
            Entry::Run(RunEntry {
                run: *run,
                calls: counter.calls,
                usd_micros: counter.usd_micros,
                until,
            })
        });
        created
            .into_iter()
            .chain(latest)
            .chain(approvals)
            .chain(proofs)
            .chain(keys)
            .chain(runs)
            .collect()
    }

    fn recall_entry(&mut self, entry: Entry) {
        match entry {
            Entry::Approval(claimed) => self.use_approval(claimed.id, claimed.until),
            Entry::Created(time) => self.created_not_before(time),
            Entry::Key(entry) => {
                let scope = Scope {
                    tenant: entry.tenant,
                    subject: entry.subject,
                    key: entry.key,
                };
                let used = KeyUse {
                    decision: entry.decision,
                    tool: entry.tool,
                    args: entry.args,
                    state: entry.state,
                };
                self.recall_key(scope, used, entry.until);
            }
            Entry::Latest(time) => self.latest = self.latest.max(Some(time)),
            Entry::Proof(entry) => self.use_proof(entry.token, entry.id, entry.until),
            Entry::Run(entry) => {
                let counter = Counter {
                    calls: entry.calls,
                    usd_micros: entry.usd_micros,
                };
                self.at_least(entry.run, counter, entry.until);
            }
        }
    }

    pub(super) fn use_approval(&mut self, id: ClaimId, until: Timestamp) {
        if self.approvals.contains(&id) {
            self.approvals.extend(&id, until);
        } else {
            self.approvals.insert(id, (), until);
        }
    }

    /// A key that a record or a snapshot says was used. What is known already of the same call may be more.
    pub(super) fn recall_key(&mut self, scope: Scope, used: KeyUse, until: Timestamp) {
        if !self.key_is_of(&Arc::new(scope.clone()), used.decision) {
            self.use_key(scope, used, until);
        }
    }
}
