//! What denies a call that all else would allow: stops, revoked tokens, cut-offs.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hallpass_args::ToolCall;
use hallpass_bundle::{LocalStops, Restricted, Snapshot, Snapshots, Standing};
use hallpass_token::Grant;
use hallpass_vocabulary::{Clock as _, DenialCode, Timestamp};

use crate::permit::Permit;
use crate::refusal::Denial;
use crate::token_clock::TokenClock;

/// Why this call is denied, if anything in force is about it. What a file on this machine says comes first: it is the last word
/// of somebody who could reach nothing else.
pub(crate) fn restriction(
    snapshot: Option<&Snapshot>,
    local: Option<&LocalStops>,
    grant: &Grant,
    call: &ToolCall,
    now: Timestamp,
) -> Option<Denial> {
    if local.is_none() && !snapshot.is_some_and(Snapshot::is_restricted) {
        return None;
    }
    let standing = Standing {
        token: grant.token,
        run: grant.run,
        issued: grant.issued,
        tenant: &grant.tenant,
        subject: &grant.subject,
        actors: std::slice::from_ref(&grant.actor),
        client: &grant.client,
        route: &grant.route,
        environment: &grant.environment,
        audience: &call.audience,
        tool: &call.tool,
    };
    if local.is_some_and(LocalStops::is_halted) {
        let detail = "a file on this service's machine stops everything";
        return Some(Denial::new(DenialCode::Stopped, detail));
    }
    let local = local.and_then(|local| local.restriction(&standing, now));
    let restricted = local.or_else(|| snapshot?.restriction(&standing, now))?;
    Some(match restricted {
        Restricted::CutOff { before } => {
            let detail = format!(
                "issued at {}, tokens before {before} are refused",
                grant.issued
            );
            Denial::new(DenialCode::TokenRevoked, detail)
        }
        Restricted::Revoked => Denial::new(DenialCode::TokenRevoked, "this token is revoked"),
        Restricted::Stopped { id } => {
            Denial::new(DenialCode::Stopped, format!("`{id}` is in force"))
        }
    })
}

/// Where a call under way learns that it is to stop.
#[derive(Clone)]
pub(crate) struct Watch {
    pub(crate) snapshots: Arc<Snapshots>,
    pub(crate) clock: TokenClock,
}

impl Watch {
    pub(crate) fn is_stopped(&self, grant: &Grant, call: &ToolCall) -> bool {
        let now = self.clock.now();
        self.snapshots.with_local(|local| {
            let stopped = |known: Option<&Snapshot>| restriction(known, local, grant, call, now);
            self.snapshots.with(|known| stopped(known).is_some())
        })
    }
}

/// Ends when the call is to stop: a stop is in force that is about it, or its token is revoked. See
/// [`Permit::stopped`].
#[must_use = "a future does nothing unless it is polled"]
pub struct Stopped<'p> {
    permit: &'p Permit,
    registered: Option<u64>,
}

impl<'p> Stopped<'p> {
    pub(crate) fn of(permit: &'p Permit) -> Self {
        Self {
            permit,
            registered: None,
        }
    }

    fn forget(&mut self) {
        if let Some(number) = self.registered.take() {
            self.permit.watch().snapshots.forget(number);
        }
    }
}

impl Future for Stopped<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.forget();
        // First registered, then looked: what comes in between wakes this task.
        let number = self.permit.watch().snapshots.register(context.waker());
        self.registered = Some(number);
        if self.permit.is_stopped() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        self.forget();
    }
}
