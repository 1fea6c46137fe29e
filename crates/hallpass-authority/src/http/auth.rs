//! Who calls: a client, by a secret or the token of its workload.

use axum::http::{HeaderMap, HeaderValue, header};
use hallpass_journal::{MintRefused, Text};
use hallpass_vocabulary::{ClientId, RequestId};

use super::problem::{Problem, ProblemCode};
use crate::client::{AuthenticatedClient, Credentials, Stranger};
use crate::identity::subject::SubjectTokenError;
use crate::refusals::Caller;
use crate::secret::SecretHash;
use crate::service::Service;
use crate::store::{ClientRow, StoreError};

/// Why nobody was let in.
enum NotIn {
    Store(StoreError),
    Stranger(Stranger, Option<ClientId>),
}

/// The client of a request. Whoever is none is told the same, whatever the reason: only the journal has it.
pub(super) async fn client(
    service: &Service,
    instance: RequestId,
    headers: &HeaderMap,
) -> Result<AuthenticatedClient, Problem> {
    match recognise(service, headers).await {
        Ok(client) => Ok(client),
        Err(not_in) => Err(refuse(service, instance, not_in).await),
    }
}

/// That a client is still let in, once the rest of its request is there. A body may take seconds, and whoever has a stolen
/// secret could keep requests open for the moment it is retired.
pub(super) async fn still(
    service: &Service,
    instance: RequestId,
    client: &AuthenticatedClient,
) -> Result<(), Problem> {
    let row = match service.store().client(&client.id).await {
        Ok(row) => row,
        Err(error) => return Err(refuse(service, instance, NotIn::Store(error)).await),
    };
    let retired = |row: &ClientRow| {
        let secret = row
            .secrets
            .iter()
            .find(|it| it.id == client.credential.as_str());
        secret.is_some_and(|secret| !secret.is_good(service.clock.now()))
    };
    let why = match row {
        Some(row) if !row.enabled => Stranger::Disabled,
        Some(row) if retired(&row) => Stranger::Retired,
        _ if service.policy().policy.client(&client.id).is_none() => Stranger::Undeclared,
        _ => return Ok(()),
    };
    let not_in = NotIn::Stranger(why, Some(client.id.clone()));
    Err(refuse(service, instance, not_in).await)
}

/// Records why nobody was let in, and says what the caller is told.
async fn refuse(service: &Service, instance: RequestId, not_in: NotIn) -> Problem {
    let (stranger, client) = match not_in {
        NotIn::Stranger(stranger, client) => (stranger, client),
        NotIn::Store(error) => {
            tracing::error!(request.id = %instance, error = &error as &dyn std::error::Error, "a client cannot be looked up");
            return Problem::new(ProblemCode::StoreUnavailable, instance);
        }
    };
    tracing::info!(denial.code = stranger.code(), request.id = %instance, "refused a stranger");
    let refused = MintRefused {
        request: Some(instance),
        code: Text::new(""),
        detail: Some(Text::new(&stranger.to_string())),
        client,
        tenant: None,
        subject: None,
        route: None,
        run: None,
    };
    service
        .record_refusal(Caller::Stranger, stranger.code(), refused)
        .await;
    // Says something about the issuer and nothing about the client; it may try again.
    let code = match stranger {
        Stranger::Token(SubjectTokenError::Unavailable) => ProblemCode::Unavailable,
        _ => ProblemCode::ClientUnauthorized,
    };
    Problem::new(code, instance)
}

async fn recognise(service: &Service, headers: &HeaderMap) -> Result<AuthenticatedClient, NotIn> {
    let stranger = |stranger| NotIn::Stranger(stranger, None);
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let first = values.next().map(HeaderValue::as_bytes);
    if values.next().is_some() {
        // Two readers could each believe another one.
        return Err(stranger(Stranger::Malformed));
    }
    match Credentials::parse(first).map_err(stranger)? {
        Credentials::Secret { named, presented } => {
            by_secret(service, named.as_deref(), &presented).await
        }
        Credentials::Token(token) => by_token(service, &token).await,
    }
}

async fn by_secret(
    service: &Service,
    named: Option<&str>,
    presented: &SecretHash,
) -> Result<AuthenticatedClient, NotIn> {
    // A lookup by hash: what its time tells is about the hash of a guess, which helps nobody guess.
    let found = service.store().client_of_secret(presented.as_bytes()).await;
    let found = found.map_err(NotIn::Store)?;
    // Compared whether or not there is such a secret, and whosever it is.
    let kept = found.as_ref().map(|(_, secret)| secret.sha256);
    let kept = kept.map_or(service.nobody, SecretHash::from_bytes);
    let matches = bool::from(kept.matches(presented));
    let Some((client, secret)) = found.filter(|_| matches) else {
        return Err(NotIn::Stranger(Stranger::Unknown, None));
    };
    if named.is_some_and(|named| named != client.client.as_str()) {
        return Err(NotIn::Stranger(Stranger::Unknown, None));
    }
    let refuse = |why| Err(NotIn::Stranger(why, Some(client.client.clone())));
    if !client.enabled {
        return refuse(Stranger::Disabled);
    }
    if secret
        .until
        .is_some_and(|until| until <= service.clock.now())
    {
        return refuse(Stranger::Retired);
    }
    if service.policy().policy.client(&client.client).is_none() {
        return refuse(Stranger::Undeclared);
    }
    Ok(AuthenticatedClient {
        id: client.client,
        credential: Text::new(&secret.id),
    })
}

async fn by_token(service: &Service, token: &str) -> Result<AuthenticatedClient, NotIn> {
    let verified = service
        .identity
        .verify_workload(token, service.clock.now())
        .await;
    let verified = verified.map_err(|error| NotIn::Stranger(Stranger::Token(error), None))?;
    // A client that is disabled is so whatever it proves itself with.
    let row = service.store().client(&verified.client).await;
    let row = row.map_err(NotIn::Store)?;
    if row.is_some_and(|row| !row.enabled) {
        return Err(NotIn::Stranger(Stranger::Disabled, Some(verified.client)));
    }
    Ok(AuthenticatedClient {
        id: verified.client,
        credential: Text::new(&verified.issuer),
    })
}
