//! What both ways to a token share: `POST /v1/tokens` and `POST /oauth/token` differ in how they ask and how they answer, and
//! in nothing between.

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use hallpass_args::IdempotencyKey;
use hallpass_journal::{MintRefused, Text};
use hallpass_policy::PolicyRefusal;
use hallpass_vocabulary::{RequestId, Timestamp};

use super::limits::MINT_WAIT_MAX;
use super::problem::{Problem, ProblemCode};
use crate::client::AuthenticatedClient;
use crate::identity::subject::SubjectTokenError;
use crate::mint::{Granted, Misfit, Named, Unminted};
use crate::refusals::Caller;
use crate::request::TokenRequest;
use crate::service::Service;

/// The header that names a request.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The idempotency key of a request: there once or not at all.
pub(super) fn idempotency_key(
    headers: &HeaderMap,
    instance: RequestId,
) -> Result<Option<IdempotencyKey>, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let key = value.to_str().ok().and_then(|text| text.parse().ok());
    match (key, values.next()) {
        (Some(key), None) => Ok(Some(key)),
        (_, Some(_)) => Err(Problem::new(ProblemCode::IdempotencyKeyMalformed, instance)
            .detail("the header is there twice")),
        (None, None) => Err(Problem::new(ProblemCode::IdempotencyKeyMalformed, instance)),
    }
}

/// Counts a request of a client, before anything of it is looked at.
pub(super) async fn admit(
    service: &Service,
    instance: RequestId,
    asker: &AuthenticatedClient,
) -> Result<(), Problem> {
    let admitted = service
        .minter
        .admit_client(&asker.id, service.clock.now())
        .await;
    match admitted {
        Ok(()) => Ok(()),
        Err(unminted) => {
            let refused = refused(instance, asker, None);
            Err(refuse(service, instance, &unminted, refused).await)
        }
    }
}

/// Mints, in a task of its own: a caller that hangs up must not stop a mint between its record and its rows.
pub(super) async fn mint(
    service: &Arc<Service>,
    instance: RequestId,
    asker: AuthenticatedClient,
    request: TokenRequest,
    key: Option<IdempotencyKey>,
) -> Result<Granted, Problem> {
    // What the record of a refusal says; the request itself goes into the task.
    let refused = refused(instance, &asker, Some(&request));
    let permit = Arc::clone(&service.mints)
        .try_acquire_owned()
        .map_err(|_| Problem::new(ProblemCode::Overloaded, instance))?;
    let minter = Arc::clone(&service.minter);
    let task = tokio::spawn(async move {
        let _permit = permit;
        minter.mint(&asker, &request, key).await
    });
    let outcome = tokio::time::timeout(MINT_WAIT_MAX, task)
        .await
        .map_err(|_| {
            service.recorder.has_failed();
            Problem::new(ProblemCode::Overloaded, instance)
        })?
        .map_err(|_| Problem::new(ProblemCode::Unavailable, instance))?;
    match outcome {
        Ok(granted) => Ok(granted),
        Err(unminted) => Err(refuse(service, instance, &unminted, refused).await),
    }
}

fn refused(
    instance: RequestId,
    asker: &AuthenticatedClient,
    request: Option<&TokenRequest>,
) -> MintRefused {
    MintRefused {
        request: Some(instance),
        code: Text::new(""),
        detail: None,
        client: Some(asker.id.clone()),
        tenant: request.map(|request| request.tenant.clone()),
        subject: request.and_then(|request| request.subject().cloned()),
        route: request.map(|request| request.route.clone()),
        run: request.and_then(|request| request.run),
    }
}

/// Records a refusal, and says what the caller is told.
async fn refuse(
    service: &Service,
    instance: RequestId,
    unminted: &Unminted,
    mut refused: MintRefused,
) -> Problem {
    let recorded_as = recorded_code(unminted);
    tracing::info!(denial.code = recorded_as, request.id = %instance, error = %unminted, "refused to mint");
    refused.detail = Some(Text::new(&unminted.to_string()));
    service
        .record_refusal(Caller::Known, recorded_as, refused)
        .await;
    problem(unminted, instance, service.clock.now())
}

/// What the journal says: the whole truth.
fn recorded_code(unminted: &Unminted) -> &'static str {
    match unminted {
        Unminted::Policy(refusal) => refusal.code(),
        Unminted::RunUnknown(_) => "run_unknown",
        Unminted::Subject(error) => error.code(),
        Unminted::SubjectOfOtherTenant => "subject_of_other_tenant",
        Unminted::SubjectTokenSpent => "subject_token_expired",
        other => told(other).0.as_str(),
    }
}

/// What the caller is told.
fn problem(unminted: &Unminted, instance: RequestId, now: Timestamp) -> Problem {
    let (code, pointer) = told(unminted);
    let mut problem = Problem::new(code, instance);
    if let Some(pointer) = pointer {
        problem = problem.pointer(pointer);
    }
    match unminted {
        Unminted::RateLimited { wait, .. } => problem = problem.retry_after(*wait),
        Unminted::Stopped(stopped) => {
            let wait = stopped.again.map(|again| again.since(now));
            if let Some(wait) = wait {
                problem = problem.retry_after(wait);
            }
        }
        Unminted::IdempotencyInFlight => problem = problem.retry_after(Duration::from_secs(1)),
        _ => {}
    }
    match detail(unminted) {
        Some(detail) => problem.detail(detail),
        None => problem,
    }
}

/// More than the title, where it repeats nothing that the client could not know.
fn detail(unminted: &Unminted) -> Option<String> {
    match unminted {
        Unminted::ActorMissing
        | Unminted::ParentIsBound
        | Unminted::RateLimited { .. }
        | Unminted::RunTooDeep
        | Unminted::SubjectOfOtherTenant
        | Unminted::SubjectTokenSpent => Some(unminted.to_string()),
        // It repeats what the request or its run says; the reason is the operators'.
        Unminted::Stopped(stopped) => Some(match stopped.stop {
            None => format!("tokens of {} are cut off", stopped.selector),
            Some(stop) => format!("{} is stopped by {stop}", stopped.selector),
        }),
        Unminted::RecordTooLarge { labelled: true } => {
            Some("the labels make the record of the token too large".to_owned())
        }
        Unminted::RunMismatch { misfit, .. } => match misfit {
            Misfit::Caveats => Some(
                "the caveats of the run and those its route has now are more than a token holds; start a new run"
                    .to_owned(),
            ),
            Misfit::Tool(_) => Some("the run did not begin with this tool".to_owned()),
            _ => None,
        },
        _ => None,
    }
}

fn told(unminted: &Unminted) -> (ProblemCode, Option<String>) {
    let at = |pointer: &str| Some(pointer.to_owned());
    match unminted {
        Unminted::ActorMissing => (ProblemCode::RequestMalformed, at("/actor")),
        Unminted::AudienceNotAllowed => (ProblemCode::AudienceNotAllowed, None),
        Unminted::HolderKeyRequired | Unminted::ParentIsBound => {
            (ProblemCode::HolderKeyRequired, at("/holder_key"))
        }
        Unminted::HolderMismatch => (ProblemCode::HolderMismatch, at("/holder_key")),
        Unminted::IdempotencyConflict => (ProblemCode::IdempotencyConflict, None),
        Unminted::IdempotencyInFlight => (ProblemCode::IdempotencyInFlight, None),
        Unminted::IdempotencySpent => (ProblemCode::IdempotencySpent, None),
        Unminted::Journal(_) => (ProblemCode::JournalUnavailable, None),
        Unminted::Key(_) => (ProblemCode::KeyUnavailable, None),
        Unminted::Policy(refusal) => policy_problem(*refusal),
        Unminted::RateLimited { .. } => (ProblemCode::RateLimited, None),
        Unminted::RunEnded(named) => (ProblemCode::RunEnded, at(named.pointer())),
        Unminted::RunMismatch { named, misfit } => (
            ProblemCode::RunMismatch,
            Some(misfit_pointer(*named, *misfit)),
        ),
        Unminted::RunTooDeep => (ProblemCode::RunTooDeep, at("/parent_run_id")),
        Unminted::RunTooLong(named) => (ProblemCode::RunTooLong, at(named.pointer())),
        Unminted::RunUnknown(named) => (ProblemCode::RunMismatch, at(named.pointer())),
        Unminted::Stopped(_) => (ProblemCode::Stopped, None),
        Unminted::Store(_) | Unminted::Unsure(_) => (ProblemCode::StoreUnavailable, None),
        Unminted::Subject(SubjectTokenError::Unavailable) => (ProblemCode::Unavailable, None),
        Unminted::Subject(_) | Unminted::SubjectTokenSpent => {
            (ProblemCode::SubjectTokenInvalid, at("/subject_token"))
        }
        Unminted::SubjectOfOtherTenant => (ProblemCode::TenantNotAllowed, at("/tenant")),
        Unminted::RecordTooLarge { labelled: true } => {
            (ProblemCode::RequestMalformed, at("/labels"))
        }
        Unminted::Randomness(_) | Unminted::RecordTooLarge { .. } | Unminted::Sign(_) => {
            (ProblemCode::Unavailable, None)
        }
    }
}

fn misfit_pointer(named: Named, misfit: Misfit) -> String {
    match misfit {
        Misfit::Actor => "/actor".to_owned(),
        Misfit::Caveats | Misfit::Client => named.pointer().to_owned(),
        Misfit::Parent => "/parent_run_id".to_owned(),
        Misfit::Route => "/route".to_owned(),
        Misfit::Subject => "/subject".to_owned(),
        Misfit::Tenant => "/tenant".to_owned(),
        Misfit::Tool(index) => format!("/tools/{index}"),
    }
}

fn policy_problem(refusal: PolicyRefusal) -> (ProblemCode, Option<String>) {
    let (code, pointer) = match refusal {
        PolicyRefusal::ActorNotAllowed => (ProblemCode::ActorNotAllowed, "/actor"),
        PolicyRefusal::ClientNotAllowed | PolicyRefusal::RouteUnknown => {
            (ProblemCode::RouteNotAllowed, "/route")
        }
        PolicyRefusal::EnvironmentNotAllowed => (ProblemCode::EnvironmentNotAllowed, "/route"),
        PolicyRefusal::SubjectUnverified => (ProblemCode::SubjectUnverified, "/subject"),
        PolicyRefusal::TenantNotAllowed => (ProblemCode::TenantNotAllowed, "/tenant"),
        PolicyRefusal::ToolNotInRoute => (ProblemCode::ToolNotInRoute, "/tools"),
        PolicyRefusal::ToolsEmpty => (ProblemCode::ToolsEmpty, "/tools"),
        PolicyRefusal::TtlTooLong => (ProblemCode::TtlTooLong, "/ttl_seconds"),
        PolicyRefusal::TtlTooShort => (ProblemCode::TtlTooShort, "/ttl_seconds"),
    };
    (code, Some(pointer.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policys_public_code_is_the_one_on_the_wire() {
        for refusal in PolicyRefusal::ALL {
            assert_eq!(policy_problem(refusal).0.as_str(), refusal.public_code());
        }
    }
}
