//! The runs a request names: the one it renews, and the one that starts it. Whether they are what the request takes them
//! for, and what they bound.

use hallpass_journal::Minted as MintedRecord;
use hallpass_token::{Caveat, InvalidCaveat};
use hallpass_vocabulary::{Actor, ClientId, RunId, Subject, SubjectAssurance, Timestamp};

use super::Minter;
use super::ceiling::Ceiling;
use super::draft::budgets;
use super::unminted::{Misfit, Named, Unminted};
use crate::request::TokenRequest;
use crate::store::RunRow;

/// The most runs in one line, from the first to a child of a child: a person can still read who started whom.
pub(crate) const RUN_DEPTH_MAX: usize = 8;

/// A run, and the record of the token that started it.
pub(super) struct Begun {
    pub(super) row: RunRow,
    pub(super) first: Box<MintedRecord>,
}

/// Who asks, once it is known.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) client: &'a ClientId,
    pub(super) subject: &'a Subject,
    pub(super) actor: &'a Actor,
}

impl Begun {
    /// The most any token of the run, or of a run it starts, may say.
    pub(super) fn ceiling(&self) -> Result<Ceiling, InvalidCaveat> {
        let caveats: Vec<Caveat> = self
            .row
            .caveats
            .iter()
            .map(|words| words.parse())
            .collect::<Result<_, _>>()?;
        Ok(Ceiling {
            tools: self.row.tools.clone(),
            needs_approval: self.row.needs_approval.clone(),
            roles: self.first.roles.iter().cloned().collect(),
            proof: self.first.proof,
            caveats,
            budgets: budgets(Some(self.row.budgets)),
            ends: self.row.ends,
        })
    }

    /// Until when the subject's token that the run began with vouches for it.
    pub(super) fn vouched_until(&self) -> Option<Timestamp> {
        (self.first.assurance == SubjectAssurance::Verified)
            .then_some(self.first.subject_until)
            .flatten()
    }

    /// Whether the run goes on.
    fn goes_on(&self, named: Named, now: Timestamp) -> Result<(), Unminted> {
        if self.row.ended.is_some() {
            Err(Unminted::RunEnded(named))
        } else if self.row.ends <= now {
            Err(Unminted::RunTooLong(named))
        } else {
            Ok(())
        }
    }
}

impl Minter {
    /// A run of this client that still goes on. Another client's is told like one that does not exist.
    pub(super) async fn begun(
        &self,
        client: &ClientId,
        run: RunId,
        named: Named,
        now: Timestamp,
    ) -> Result<Begun, Unminted> {
        let (row, first) = self
            .store
            .begun(run)
            .await?
            .ok_or(Unminted::RunUnknown(named))?;
        if row.client != *client {
            let misfit = Misfit::Client;
            return Err(Unminted::RunMismatch { named, misfit });
        }
        let begun = Begun {
            row,
            first: Box::new(first),
        };
        begun.goes_on(named, now)?;
        Ok(begun)
    }

    /// How many runs there are from the first one to this: 1 for one that no run started.
    pub(super) async fn depth(&self, of: &RunRow) -> Result<usize, Unminted> {
        let mut depth = 1;
        let mut above = of.parent;
        while let Some(run) = above {
            depth += 1;
            if depth > RUN_DEPTH_MAX {
                break;
            }
            above = self.store.run(run).await?.and_then(|row| row.parent);
        }
        Ok(depth)
    }
}

/// Whether a renewal has everything the run was started with.
pub(super) fn is_renewal_of(
    begun: &Begun,
    asking: Asking<'_>,
    request: &TokenRequest,
) -> Result<(), Unminted> {
    let row = &begun.row;
    let misfit = if row.route != request.route {
        Misfit::Route
    } else if row.tenant != request.tenant {
        Misfit::Tenant
    } else if row.subject != *asking.subject {
        Misfit::Subject
    } else if row.actor != *asking.actor {
        Misfit::Actor
    } else if request.parent.is_some() && request.parent != row.parent {
        Misfit::Parent
    } else if request.holder.is_some() && request.holder != row.holder {
        return Err(Unminted::HolderMismatch);
    } else {
        return Ok(());
    };
    let named = Named::Run;
    Err(Unminted::RunMismatch { named, misfit })
}

/// Whether a run may be started by this one.
pub(super) fn is_child_of(
    parent: &Begun,
    asking: Asking<'_>,
    request: &TokenRequest,
) -> Result<(), Unminted> {
    let misfit = if parent.row.tenant != request.tenant {
        Misfit::Tenant
    } else if parent.row.subject != *asking.subject {
        Misfit::Subject
    } else if parent.row.holder.is_some() && request.holder.is_none() {
        return Err(Unminted::ParentIsBound);
    } else {
        return Ok(());
    };
    let named = Named::Parent;
    Err(Unminted::RunMismatch { named, misfit })
}
