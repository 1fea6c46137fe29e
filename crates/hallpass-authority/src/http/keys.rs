//! `/v1/keys`: where the signing keys stand, and how one takes the place of another.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use hallpass_bundle::TrustRootDigest;
use hallpass_journal::KeyStanding;
use hallpass_keys::{KeyId, Purpose, VerifyingKey};
use hallpass_vocabulary::{RequestId, Timestamp};

use super::problem::{Problem, ProblemCode};
use crate::keys::change::Unturned;
use crate::keys::rotation::Wish;
use crate::keys::{BY_JOURNAL, BY_ROOT, RETIRING};
use crate::operator::Operator;
use crate::service::Service;

/// The longest that a key is waited with before it signs.
const WAIT_SECONDS_MAX: u64 = 400 * 24 * 60 * 60;

/// Every key there is, and the root in force.
#[derive(serde::Serialize)]
struct Listed {
    keys: Vec<ListedKey>,
    root: ListedRoot,
    now: Timestamp,
}

#[derive(serde::Serialize)]
struct ListedKey {
    key: KeyId,
    purpose: Purpose,
    public_key: VerifyingKey,
    standing: KeyStanding,
    /// Since when; absent where it was so from the start, or where the root says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    /// Until when it is published, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    /// Whether its file is in the directory of the authority that answers.
    here: bool,
}

#[derive(serde::Serialize)]
struct ListedRoot {
    version: u64,
    digest: TrustRootDigest,
    issued: Timestamp,
    expires: Timestamp,
    threshold: usize,
    keys: Vec<KeyId>,
}

/// What is asked of a rotation.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RotationWish {
    purpose: Purpose,
    wait_seconds: Option<u64>,
    #[serde(default)]
    force: bool,
    #[serde(default)]
    distributed: bool,
    #[serde(default)]
    resume: bool,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Taint {
    reason: String,
}

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Retirement {
    #[serde(default)]
    confirmed: bool,
}

#[derive(serde::Serialize)]
struct Tainted {
    key: KeyId,
    /// The key that signs from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<KeyId>,
    bundle_version: u64,
}

#[derive(serde::Serialize)]
struct Retired {
    key: KeyId,
    /// How many live tokens ended with it.
    tokens: usize,
    /// Whether there may be more.
    more: bool,
    bundle_version: u64,
}

pub(super) async fn list(State(service): State<Arc<Service>>) -> Response {
    let (ring, root) = (service.keys.now(), service.publisher.root());
    // What is in memory may have lost its file.
    let here = service.read_keys().await;
    let here = here.as_ref().unwrap_or(&ring.here);
    let mut keys: Vec<ListedKey> = Vec::new();
    for life in ring.book.all() {
        let listed_by_root = [root.bundle(), root.heartbeat()]
            .iter()
            .any(|role| role.keys().contains(&life.public_key));
        if listed_by_root {
            continue;
        }
        let (standing, since) = (life.standing(), life.stands_since());
        let retires = BY_JOURNAL.contains(&life.purpose) && standing == KeyStanding::Retiring;
        keys.push(ListedKey {
            key: life.public_key.id(),
            purpose: life.purpose,
            public_key: life.public_key,
            standing,
            since: Some(since).filter(|since| since.unix_ms() > 0),
            until: retires.then(|| since.after(RETIRING)),
            here: here.contains_key(&life.public_key.id()),
        });
    }
    for (purpose, role) in [
        (Purpose::Bundle, root.bundle()),
        (Purpose::Heartbeat, root.heartbeat()),
    ] {
        keys.extend(role.keys().iter().map(|key| ListedKey {
            key: key.id(),
            purpose,
            public_key: *key,
            standing: KeyStanding::Active,
            since: None,
            until: Some(root.expires()),
            here: here.contains_key(&key.id()),
        }));
    }
    keys.sort_by_key(|key| (key.purpose, key.standing, key.since, key.key));
    let root = ListedRoot {
        version: root.version(),
        digest: root.trust_root().digest,
        issued: root.issued(),
        expires: root.expires(),
        threshold: root.root().threshold(),
        keys: root.root().keys().iter().map(VerifyingKey::id).collect(),
    };
    let now = service.clock.now();
    unstored(&Listed { keys, root, now })
}

pub(super) async fn rotate(
    State(service): State<Arc<Service>>,
    Extension(operator): Extension<Operator>,
    body: axum::body::Bytes,
) -> Response {
    let instance = service.request_id();
    let wish: RotationWish = match read(&body, instance) {
        Ok(wish) => wish,
        Err(problem) => return problem.into_response(),
    };
    let too_long = wish.wait_seconds.is_some_and(|it| it > WAIT_SECONDS_MAX);
    let is_ours = BY_JOURNAL.contains(&wish.purpose) || BY_ROOT.contains(&wish.purpose);
    if too_long || !is_ours {
        return Problem::new(ProblemCode::BodyMalformed, instance)
            .detail("`purpose` is approval, bundle, heartbeat or run, and `wait_seconds` at most 400 days")
            .into_response();
    }
    let purpose = wish.purpose;
    let wish = Wish {
        wait: wish.wait_seconds.map(Duration::from_secs),
        force: wish.force,
        distributed: wish.distributed,
        resume: wish.resume,
    };
    match service.rotate(purpose, wish, &operator.id).await {
        Ok(progress) => unstored(&progress),
        Err(error) => told(&error, instance).into_response(),
    }
}

pub(super) async fn taint(
    State(service): State<Arc<Service>>,
    Extension(operator): Extension<Operator>,
    Path(key): Path<String>,
    body: axum::body::Bytes,
) -> Response {
    let instance = service.request_id();
    let tainted = async {
        let key = named(&key, instance)?;
        let Taint { reason } = read(&body, instance)?;
        let purpose = service.keys.now().book.key(&key).map(|life| life.purpose);
        let done = service.taint_key(&key, &reason, &operator.id).await;
        done.map_err(|error| told(&error, instance))?;
        let ring = service.keys.now();
        let active = purpose.and_then(|purpose| ring.book.active(purpose));
        Ok(Tainted {
            key,
            active: active.map(|life| life.public_key.id()),
            bundle_version: service.publisher.version(),
        })
    };
    match tainted.await {
        Ok(tainted) => unstored(&tainted),
        Err(problem) => Problem::into_response(problem),
    }
}

pub(super) async fn retire(
    State(service): State<Arc<Service>>,
    Extension(operator): Extension<Operator>,
    Path(key): Path<String>,
    body: axum::body::Bytes,
) -> Response {
    let instance = service.request_id();
    let retired = async {
        let key = named(&key, instance)?;
        let wish = match &*body {
            b"" => Retirement::default(),
            body => read(body, instance)?,
        };
        let ended = service.retire_key(&key, wish.confirmed, &operator.id).await;
        let (tokens, more) = ended.map_err(|error| told(&error, instance))?;
        let bundle_version = service.publisher.version();
        Ok(Retired {
            key,
            tokens,
            more,
            bundle_version,
        })
    };
    match retired.await {
        Ok(retired) => unstored(&retired),
        Err(problem) => Problem::into_response(problem),
    }
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8], instance: RequestId) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|_| Problem::new(ProblemCode::BodyMalformed, instance))
}

/// The key a path names. What is no id is no key.
fn named(key: &str, instance: RequestId) -> Result<KeyId, Problem> {
    key.parse()
        .map_err(|_| Problem::new(ProblemCode::KeyUnknown, instance))
}

/// What an operator is told of a change that was not made.
fn told(error: &Unturned, instance: RequestId) -> Problem {
    let code = match error {
        Unturned::ByRoot { .. } => ProblemCode::KeyByRoot,
        Unturned::InUse | Unturned::LiveTokens { .. } => ProblemCode::KeyInUse,
        Unturned::Distribution
        | Unturned::NotHere
        | Unturned::RotatedLately { .. }
        | Unturned::WaitTooShort { .. } => ProblemCode::KeyNotReady,
        Unturned::Unknown => return Problem::new(ProblemCode::KeyUnknown, instance),
        Unturned::Journal(_) => ProblemCode::JournalUnavailable,
        Unturned::Store(_) => ProblemCode::StoreUnavailable,
        Unturned::File(_)
        | Unturned::Kept(_)
        | Unturned::KeyFile(_)
        | Unturned::Publish(_)
        | Unturned::Randomness(_)
        | Unturned::Unreadable(_) => {
            tracing::error!(
                error = error as &dyn std::error::Error,
                "a change to the keys was not made to its end"
            );
            ProblemCode::Unavailable
        }
    };
    Problem::new(code, instance).detail(error.to_string())
}

fn unstored(document: &impl serde::Serialize) -> Response {
    let mut response = Json(document).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
