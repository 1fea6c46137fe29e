//! `GET /openapi.json`: what this authority can be asked and what it answers, from the table of its endpoints and the types of
//! its documents. OpenAPI 3.1.

mod documents;
mod fleet;
mod formats;
mod key_documents;
mod operations;
mod parameters;
mod requests;

use std::sync::LazyLock;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use utoipa::openapi::path::{HttpMethod, PathItem, PathsBuilder};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder};

use super::endpoints::Endpoint;

/// The names of the ways to say who calls.
const CLIENT_BASIC: &str = "client_basic";
const CLIENT_BEARER: &str = "client_bearer";
const OPERATOR: &str = "operator";
const VERIFIER: &str = "verifier";

static TEXT: LazyLock<String> = LazyLock::new(|| document().to_json().unwrap_or_default());

pub(super) async fn get() -> Response {
    let mut response = TEXT.as_str().into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// The whole document.
fn document() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Hallpass authority")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Mints short-lived tokens for runs of AI agents, records every one of them, and publishes the signed bundle that \
             verifiers decide by. Every answer that is no success is a problem document (RFC 9457) with a stable `code`. Limits: \
             16 KiB for a head and for a body, 15 s for a head, 5 s for a body, 10 s for an answer.",
        ))
        .build();
    let mut paths = PathsBuilder::new();
    for endpoint in Endpoint::ALL {
        let item = PathItem::new(method(*endpoint), operations::of(*endpoint));
        // Operations of one path are put together.
        paths = paths.path(endpoint.path(), item);
    }
    let mut components = ComponentsBuilder::new()
        .security_scheme(
            CLIENT_BASIC,
            SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)),
        )
        .security_scheme(
            CLIENT_BEARER,
            SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)),
        )
        .security_scheme(
            OPERATOR,
            SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(
                "Signature",
                "A signed request (RFC 9421) in the profile of docs/authority.md, with `Signature-Input`, `Content-Digest` and \
                 `Hallpass-Authority` beside it.",
            ))),
        )
        .security_scheme(
            VERIFIER,
            SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(
                "Signature",
                "As an operator's, with the key of a verifier and the tag `hallpass-verifier-v1`.",
            ))),
        );
    let schemas = documents::schemas().into_iter().chain(requests::schemas());
    for (name, schema) in schemas.chain(fleet::schemas()) {
        components = components.schema(name, schema);
    }
    OpenApiBuilder::new()
        .info(info)
        .paths(paths.build())
        .components(Some(components.build()))
        .build()
}

fn method(endpoint: Endpoint) -> HttpMethod {
    match endpoint.method().as_str() {
        "DELETE" => HttpMethod::Delete,
        "POST" => HttpMethod::Post,
        _ => HttpMethod::Get,
    }
}

#[cfg(test)]
mod tests;
