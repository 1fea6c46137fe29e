//! Requests whose framing two readers could understand differently: refused before a handler sees them.

use axum::extract::Request;
use axum::http::header::{CONNECTION, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

/// Passes on what is framed unambiguously.
pub(crate) async fn check(request: Request, next: Next) -> Response {
    // RFC 9112 section 6.1: a request with chunks and a length may be an attempt to smuggle another one, and its connection
    // must end with the answer. hyper reads the chunks and forgets the length, so every one with chunks ends it.
    let in_chunks = request.headers().contains_key(TRANSFER_ENCODING);
    let mut response = match fault(request.version(), request.headers()) {
        None => next.run(request).await,
        Some((status, detail)) => refusal(status, detail),
    };
    if in_chunks {
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn fault(version: Version, headers: &HeaderMap) -> Option<(StatusCode, &'static str)> {
    let hosts = count(headers, HOST);
    // RFC 9112 section 3.2: a server must answer 400 to a request of HTTP/1.1 with no `Host` or several.
    if hosts > 1 || (hosts == 0 && version == Version::HTTP_11) {
        return Some((StatusCode::BAD_REQUEST, "exactly one `Host` is needed"));
    }
    // RFC 9112 section 6.1: codings other than `chunked` are not understood here, and guessing is how a proxy and a
    // server come to disagree on where a body ends.
    let chunked = headers
        .get(TRANSFER_ENCODING)
        .is_none_or(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked"));
    if !chunked || count(headers, TRANSFER_ENCODING) > 1 {
        return Some((
            StatusCode::NOT_IMPLEMENTED,
            "the only transfer coding is `chunked`",
        ));
    }
    None
}

fn count(headers: &HeaderMap, name: HeaderName) -> usize {
    headers.get_all(name).iter().count()
}

fn refusal(status: StatusCode, detail: &str) -> Response {
    let document = serde_json::json!({
        "type": "about:blank",
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "detail": detail,
    });
    (
        status,
        [(CONTENT_TYPE, "application/problem+json")],
        document.to_string(),
    )
        .into_response()
}
