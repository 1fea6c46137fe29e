//! How a verifier becomes known, goes on under another name, and is no longer believed.

use std::time::Duration;

use hallpass_journal::{
    AppendError, Checkpoint, Durability, Text, VerifierEnrolled, VerifierInvited, VerifierRetired,
};
use hallpass_keys::note::NoteVerifier;
use hallpass_keys::{RandomnessError, VerifyingKey};
use hallpass_vocabulary::{Audience, OperatorId, Timestamp};

use super::code::{self, EnrolmentCode};
use super::is_origin;
use crate::service::Service;
use crate::store::{FleetEvent, LandingEvent, StoreError, VerifierRow};

/// How long a code may be used unless somebody says.
pub(crate) const CODE_LIFE_DEFAULT: Duration = Duration::from_secs(15 * 60);

/// The longest that a code may be used: it lies in a deployment meanwhile.
pub(crate) const CODE_LIFE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// What a verifier wishes to be known as. Its request was signed with the key.
#[derive(Debug)]
pub(crate) struct Wish {
    pub(crate) audience: Audience,
    pub(crate) key: VerifyingKey,
    /// What verifies its journal's checkpoints, and one of them: whoever has both writes the journal, or has read it.
    pub(crate) journal: NoteVerifier,
    pub(crate) checkpoint: String,
    pub(crate) proof: Proof,
}

/// Why it should be.
#[derive(Debug)]
pub(crate) enum Proof {
    /// A code that an operator had issued.
    Code(String),
    /// It has the key of a verifier that is known, whose journal it goes on from.
    Predecessor(String),
}

/// A verifier that is not enrolled, and why: for the journal and the log. Who asks is told one thing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unenrolled {
    #[error("the checkpoint is not one of the journal")]
    Checkpoint,
    #[error("there is no such code, or it was used by another")]
    Code,
    #[error("the code is over")]
    CodeOver,
    #[error(transparent)]
    Journal(#[from] AppendError),
    /// It is recorded, so it is so; who asks again is told.
    #[error("it is recorded, and the store takes it later")]
    Later,
    #[error("the journal is not named as one of this environment is")]
    Name,
    #[error("the journal is known under another key, service or code")]
    Origin,
    #[error("the code is for another service")]
    OtherAudience,
    #[error("it does not go on from a verifier that is known, has its key and is of its service")]
    Predecessor,
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
    #[error("the verifier was retired")]
    Retired,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("there is no such verifier")]
    Unknown,
}

/// A code that was issued. It is here and nowhere else.
pub(crate) struct Issued {
    pub(crate) code: EnrolmentCode,
    pub(crate) until: Timestamp,
}

impl Unenrolled {
    /// The stable word for it in records; none where it says nothing about who asked.
    pub(crate) fn code(&self) -> Option<&'static str> {
        match self {
            Self::Checkpoint => Some("enrolment_checkpoint"),
            Self::Code => Some("enrolment_code_unknown"),
            Self::CodeOver => Some("enrolment_code_over"),
            Self::Name => Some("enrolment_journal_name"),
            Self::Origin => Some("enrolment_journal_taken"),
            Self::OtherAudience => Some("enrolment_other_audience"),
            Self::Predecessor => Some("enrolment_predecessor"),
            Self::Retired => Some("enrolment_retired"),
            _ => None,
        }
    }
}

impl Service {
    /// A code with which one verifier of a service may enrol within a time.
    pub(crate) async fn invite_verifier(
        &self,
        audience: Audience,
        life: Duration,
        by: &OperatorId,
    ) -> Result<Issued, Unenrolled> {
        let code = EnrolmentCode::generate()?;
        let until = self.clock.now().after(life);
        let invited = VerifierInvited {
            code: code.digest(),
            audience,
            until,
            by: by.clone(),
        };
        self.fleet_event(FleetEvent::Invited(invited)).await?;
        Ok(Issued { code, until })
    }

    /// Makes a verifier known, once; the same wish again is answered with what it came to.
    pub(crate) async fn enrol_verifier(&self, wish: Wish) -> Result<VerifierRow, Unenrolled> {
        let origin = self.origin_of(&wish.journal)?;
        Checkpoint::verify(wish.checkpoint.as_bytes(), &wish.journal)
            .map_err(|_| Unenrolled::Checkpoint)?;
        let _one_at_a_time = self.fleet.enrolling.lock().await;
        let (code, predecessor) = match &wish.proof {
            Proof::Code(text) => (Some(code::presented(text).ok_or(Unenrolled::Code)?), None),
            Proof::Predecessor(origin) => (None, Some(Text::new(origin))),
        };
        let enrolled = VerifierEnrolled {
            origin: Text::new(&origin),
            audience: wish.audience,
            key: wish.key,
            journal: Text::new(&wish.journal.to_string()),
            code,
            predecessor,
            workload: None,
        };
        // An answer that was lost is given again, also when the code is over meanwhile.
        let used = match &code {
            Some(code) => self.store().verifier_of_code(code).await?,
            None => None,
        };
        if let Some(row) = used {
            return self.the_same(row, &enrolled, Unenrolled::Code);
        }
        if let Some(row) = self.store().verifier(&origin).await? {
            return self.the_same(row, &enrolled, Unenrolled::Origin);
        }
        match (&code, &enrolled.predecessor) {
            (Some(code), _) => {
                let issued = self.store().enrolment_code(code).await?;
                let issued = issued.ok_or(Unenrolled::Code)?;
                if issued.until <= self.clock.now() {
                    return Err(Unenrolled::CodeOver);
                }
                if issued.audience != enrolled.audience {
                    return Err(Unenrolled::OtherAudience);
                }
            }
            (None, Some(before)) => {
                let before = self.store().verifier(before.as_str()).await?;
                let goes_on = before.is_some_and(|before| {
                    before.is_live()
                        && before.enrolled.key == enrolled.key
                        && before.enrolled.audience == enrolled.audience
                });
                if !goes_on {
                    return Err(Unenrolled::Predecessor);
                }
            }
            (None, None) => return Err(Unenrolled::Code),
        }
        self.fleet_event(FleetEvent::Enrolled(Box::new(enrolled.clone())))
            .await?;
        tracing::info!(verifier.origin = origin, audience = %enrolled.audience, "a verifier is enrolled");
        self.publish_verifiers().await;
        let row = self.store().verifier(&origin).await?;
        self.the_same(row.ok_or(Unenrolled::Later)?, &enrolled, Unenrolled::Origin)
    }

    /// A row, if it says what a wish says.
    fn the_same(
        &self,
        row: VerifierRow,
        wished: &VerifierEnrolled,
        otherwise: Unenrolled,
    ) -> Result<VerifierRow, Unenrolled> {
        if row.enrolled != *wished {
            return Err(otherwise);
        }
        if !row.is_live() {
            return Err(Unenrolled::Retired);
        }
        Ok(row)
    }

    /// Nothing a verifier signs is believed from here on; answers since when.
    pub(crate) async fn retire_verifier(
        &self,
        origin: &str,
        by: &OperatorId,
        reason: Option<Text>,
    ) -> Result<VerifierRow, Unenrolled> {
        let row = self.store().verifier(origin).await?;
        let row = row.ok_or(Unenrolled::Unknown)?;
        if !row.is_live() {
            return Ok(row);
        }
        let retired = VerifierRetired {
            origin: Text::new(origin),
            by: by.clone(),
            reason,
        };
        self.fleet_event(FleetEvent::Retired(retired)).await?;
        self.publish_verifiers().await;
        let row = self.store().verifier(origin).await?;
        row.filter(|row| !row.is_live()).ok_or(Unenrolled::Later)
    }

    /// The last part of a journal's name, which must be of this environment.
    fn origin_of(&self, journal: &NoteVerifier) -> Result<String, Unenrolled> {
        let name = journal.name().as_str();
        let rest = name.strip_prefix("hallpass/").and_then(|rest| {
            rest.strip_prefix(self.environment.as_str())?
                .strip_prefix('/')
        });
        let (_, origin) = rest
            .and_then(|rest| rest.rsplit_once('/'))
            .ok_or(Unenrolled::Name)?;
        if !is_origin(origin) || journal.to_string().len() > JOURNAL_BYTES_MAX {
            return Err(Unenrolled::Name);
        }
        Ok(origin.to_owned())
    }

    /// Records an event about verifiers, durably, and lands its row. Run it where nobody drops it half-way.
    pub(super) async fn fleet_event(&self, event: FleetEvent) -> Result<(), Unenrolled> {
        let flight = self.store().take_off(self.recorder.written());
        let at = self.clock.now();
        let recorded = match self
            .recorder
            .append(&event.event(), Durability::Durable)
            .await
        {
            Ok(recorded) => recorded,
            Err(error) => {
                // Where there may be a record all the same, the flight stays up and the next start looks.
                if !error.is_uncertain() {
                    flight.cancel();
                }
                return Err(error.into());
            }
        };
        let record = recorded.index().unwrap_or(0);
        let landing = LandingEvent::Fleet(event, at);
        match self.store().land(flight, landing, record).await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(Unenrolled::Later),
        }
    }
}

/// The longest vkey of a journal: a name of 255 bytes, a hash and a key.
const JOURNAL_BYTES_MAX: usize = 512;
