//! Proof that a call was allowed and is on record.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use hallpass_args::{Arguments, IdempotencyKey, ToolCall};
use hallpass_journal::{
    Abandoned, Append, AppendError, CallResult, Durability, Event, Finished, Journal, Recorded,
    RowWithheld, Text,
};
use hallpass_token::{AdmittedToken, Grant};
use hallpass_vocabulary::{
    Actor, DecisionId, DenialCode, Environment, Impact, Role, RunId, Subject, Tenant, Timestamp,
    ToolName,
};

use crate::outcome::{Ended, Outcome};
use crate::refusal::{Denial, Denied, Refusal};
use crate::setup::Disclosure;

/// Proof that a call was allowed and that the decision is on record. Only [`Commit`](crate::Commit) makes one, from
/// what only the journal makes; a handler that takes a permit cannot run unchecked.
///
/// [`finish`](Self::finish) it. Dropped unfinished, the call is recorded as abandoned: its outcome is unknown and is
/// treated so.
///
/// Nobody else can make one, and it is used once:
///
/// ```compile_fail,E0451
/// # fn forge(journal: hallpass_journal::Journal) {
/// let permit = hallpass_verifier::Permit { journal };
/// # }
/// ```
///
/// ```compile_fail,E0382
/// # fn twice(permit: hallpass_verifier::Permit) {
/// drop(permit.finish(hallpass_verifier::Outcome::succeeded(b"{}")));
/// println!("{}", permit.tenant());
/// # }
/// ```
#[must_use = "an unfinished permit is recorded as abandoned"]
pub struct Permit {
    journal: Journal,
    decision: DecisionId,
    token: Arc<AdmittedToken>,
    call: ToolCall,
    impact: Impact,
    disclosure: Disclosure,
    started: Instant,
    open: bool,
}

impl Permit {
    /// The decision's id.
    pub fn decision(&self) -> DecisionId {
        self.decision
    }

    /// The tenant whose data the call may touch. The only place a handler takes it from.
    pub fn tenant(&self) -> &Tenant {
        &self.grant().tenant
    }

    /// The environment.
    pub fn environment(&self) -> &Environment {
        &self.grant().environment
    }

    /// On whose behalf.
    pub fn subject(&self) -> &Subject {
        &self.grant().subject
    }

    /// Through which agents; the minted one first.
    pub fn actors(&self) -> &[Actor] {
        std::slice::from_ref(&self.grant().actor)
    }

    /// The subject's roles.
    pub fn roles(&self) -> impl Iterator<Item = &Role> {
        self.grant().roles.iter()
    }

    /// The run.
    pub fn run(&self) -> RunId {
        self.grant().run
    }

    /// The tool.
    pub fn tool(&self) -> &ToolName {
        &self.call.tool
    }

    /// What the tool does.
    pub fn impact(&self) -> Impact {
        self.impact
    }

    /// The arguments that were decided on.
    pub fn arguments(&self) -> &Arguments {
        &self.call.args
    }

    /// The caller's name for "this change, once".
    pub fn idempotency_key(&self) -> Option<&IdempotencyKey> {
        self.call.idempotency_key.as_ref()
    }

    /// When the token expires: work that takes longer asks anew.
    pub fn deadline(&self) -> Timestamp {
        self.token.not_after()
    }

    /// Whether a row is this call's to touch: of its tenant, and, where the row has an owner, of its subject.
    ///
    /// # Errors
    /// `not_found`, and a record of what was withheld: a row of somebody else reads as absent.
    pub fn owns(&self, tenant: &Tenant, owner: Option<&Subject>) -> Result<(), Refusal> {
        let reason = if tenant != self.tenant() {
            format!("the row belongs to tenant `{tenant}`")
        } else if let Some(owner) = owner.filter(|owner| *owner != self.subject()) {
            format!("the row belongs to `{owner}`")
        } else {
            return Ok(());
        };
        let withheld = RowWithheld {
            decision: self.decision,
            detail: Text::new(&reason),
        };
        // Written before this returns or not at all; a journal that cannot write denies the next call anyway.
        drop(
            self.journal
                .append(&Event::RowWithheld(withheld), Durability::Relaxed),
        );
        let denial = Denial::new(DenialCode::NotFound, reason);
        let disclosed = match self.disclosure {
            Disclosure::Explain => Disclosure::Explain,
            Disclosure::Code | Disclosure::NotFound => Disclosure::Code,
        };
        Err(Refusal::Denied(Denied::disclosed(
            self.decision,
            &denial,
            disclosed,
        )))
    }

    /// Records how the call ended. The answer says when it is on record; a handler need not wait for it.
    pub fn finish(mut self, outcome: Outcome<'_>) -> Append {
        self.open = false;
        let (result, result_digest, error_class) = match outcome.0 {
            Ended::Succeeded(answer) => (CallResult::Ok, Some(self.journal.digest(answer)), None),
            Ended::Failed(class) => (CallResult::Error, None, Some(Text::new(class.as_str()))),
        };
        let finished = Finished {
            decision: self.decision,
            result,
            result_digest,
            duration_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            error_class,
            spend_usd_micros: None,
        };
        self.journal
            .append(&Event::Finished(finished), durability(self.impact))
    }

    fn grant(&self) -> &Grant {
        self.token.grant()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.open {
            let abandoned = Event::Abandoned(Abandoned {
                decision: self.decision,
            });
            drop(self.journal.append(&abandoned, Durability::Relaxed));
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("decision", &self.decision)
            .field("tool", &self.call.tool)
            .finish_non_exhaustive()
    }
}

/// When a decision on a call of this impact may take effect.
pub(crate) fn durability(impact: Impact) -> Durability {
    match impact {
        Impact::Read => Durability::Relaxed,
        Impact::Write | Impact::Destructive => Durability::Durable,
    }
}

/// A permit whose decision is not on record yet. Dropped, it says that nothing will come of the call.
pub(crate) struct Unrecorded(Permit);

impl Unrecorded {
    pub(crate) fn new(
        journal: Journal,
        decision: DecisionId,
        token: Arc<AdmittedToken>,
        call: ToolCall,
        impact: Impact,
        disclosure: Disclosure,
    ) -> Self {
        let started = Instant::now();
        Self(Permit {
            journal,
            decision,
            token,
            call,
            impact,
            disclosure,
            started,
            open: true,
        })
    }

    /// The permit, for proof of its record; without it a denial, and no call.
    pub(crate) fn conclude(
        mut self,
        recorded: Result<Recorded, AppendError>,
    ) -> Result<Permit, Denial> {
        match recorded {
            Ok(_proof) => Ok(self.0),
            Err(error) => {
                // What is certainly not in the journal needs no word that nothing came of it.
                self.0.open = error.is_uncertain();
                Err(Denial::new(
                    DenialCode::JournalUnavailable,
                    error.to_string(),
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hallpass_journal::{JournalName, Settings};
    use hallpass_testkit::FixedClock;
    use hallpass_vocabulary::RequestId;

    use super::*;
    use crate::cache::tests::{NOW, known, minted};

    #[test]
    fn what_changes_something_waits_for_the_disk() {
        assert_eq!(durability(Impact::Read), Durability::Relaxed);
        assert_eq!(durability(Impact::Write), Durability::Durable);
        assert_eq!(durability(Impact::Destructive), Durability::Durable);
    }

    /// How many calls are on record as abandoned after an allowed call whose append failed so.
    fn abandoned_after(error: AppendError) -> usize {
        let directory = hallpass_testkit::temp_dir();
        let clock = Arc::new(FixedClock::at(NOW));
        let name = JournalName::new("tickets").unwrap();
        let settings = Settings::new("dev".parse().unwrap(), name, clock);
        let journal = Journal::open(directory.path(), settings).unwrap();
        let call = ToolCall {
            audience: "tickets".parse().unwrap(),
            tool: "a.b1".parse().unwrap(),
            args: Arguments::parse(b"{}").unwrap(),
            request_id: RequestId::new(NOW, [1; 10]),
            idempotency_key: None,
            trace: None,
            attempt: None,
        };
        let unrecorded = Unrecorded::new(
            journal.clone(),
            DecisionId::new(NOW, [2; 10]),
            known(minted().expose()).token,
            call,
            Impact::Read,
            Disclosure::Code,
        );
        let denial = unrecorded.conclude(Err(error)).unwrap_err();
        assert_eq!(denial.code, DenialCode::JournalUnavailable);
        journal.close().unwrap();
        let files = std::fs::read_dir(directory.path()).unwrap();
        let paths = files.map(|file| file.unwrap().path());
        let segments = paths.filter(|path| path.extension().is_some_and(|it| it == "jsonl"));
        segments
            .map(|path| std::fs::read_to_string(path).unwrap())
            .map(|lines| lines.matches(r#""kind":"abandoned""#).count())
            .sum()
    }

    #[test]
    fn what_may_be_on_record_is_abandoned_and_what_is_not_needs_no_word() {
        assert_eq!(abandoned_after(AppendError::Uncertain), 1);
        assert_eq!(abandoned_after(AppendError::Timeout), 0);
        assert_eq!(abandoned_after(AppendError::Full), 0);
    }
}
