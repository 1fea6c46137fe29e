//! `POST /v1/revocations`: a token or a secret is not good any more.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use hallpass_vocabulary::{ClientId, RunId, Timestamp, TokenId};

use super::stops::{answered, malformed, told};
use crate::operator::Operator;
use crate::request::RevocationRequest;
use crate::service::Service;

/// What is not good any more.
#[derive(serde::Serialize)]
#[serde(untagged)]
enum Revocation {
    Secret {
        client: ClientId,
        secret_id: String,
        until: Timestamp,
    },
    Token {
        token_id: TokenId,
        /// Its run, where the token is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        run_id: Option<RunId>,
        /// When it expires by itself, at the latest.
        expires_at: Timestamp,
        /// The bundle that has it; absent where it had expired, or none could be published yet.
        #[serde(skip_serializing_if = "Option::is_none")]
        bundle_version: Option<u64>,
    },
}

pub(super) async fn post(
    State(service): State<Arc<Service>>,
    Extension(operator): Extension<Operator>,
    body: axum::body::Bytes,
) -> Response {
    let instance = service.request_id();
    let revoked = async {
        let request = RevocationRequest::parse(&body).map_err(|bad| malformed(bad, instance))?;
        match request {
            RevocationRequest::Secret(secret) => {
                let revoked = service.revoke_secret(&secret, &operator).await;
                revoked.map(|(client, until)| Revocation::Secret {
                    client,
                    secret_id: secret,
                    until,
                })
            }
            RevocationRequest::Token { token, reason } => {
                let revoked = service.revoke_token(token, reason, &operator).await;
                revoked.map(|revoked| Revocation::Token {
                    token_id: revoked.token,
                    run_id: revoked.row.map(|row| row.minted.run),
                    expires_at: revoked.expires,
                    bundle_version: revoked.bundle,
                })
            }
        }
        .map_err(|undone| told(&undone, instance))
    };
    answered(StatusCode::OK, revoked.await)
}
