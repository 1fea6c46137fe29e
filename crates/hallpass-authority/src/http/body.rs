//! A request's body: of one media type, of a bounded size, within a bounded time.

use axum::http::{HeaderMap, header};
use hallpass_vocabulary::RequestId;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::limits::{BODY_READ_MAX, REQUEST_BYTES_MAX};
use super::problem::{Problem, ProblemCode};

pub(super) const FORM: &str = "application/x-www-form-urlencoded";
pub(super) const JSON: &str = "application/json";

/// Whether a body is of this media type, said once. Its parameters are not looked at.
pub(super) fn is_of(headers: &HeaderMap, media_type: &str) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let first = values.next().and_then(|value| value.to_str().ok());
    let essence = first.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(media_type))
        && values.next().is_none()
}

/// The body, whole.
pub(super) async fn read(
    body: axum::body::Body,
    instance: RequestId,
) -> Result<axum::body::Bytes, Problem> {
    let limited = Limited::new(body, REQUEST_BYTES_MAX).collect();
    match tokio::time::timeout(BODY_READ_MAX, limited).await {
        Err(_) => Err(Problem::new(ProblemCode::RequestTimeout, instance)),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(Problem::new(ProblemCode::RequestTooLarge, instance)
                .detail(format!("at most {REQUEST_BYTES_MAX} bytes")))
        }
        Ok(Err(_)) => Err(Problem::new(ProblemCode::RequestMalformed, instance)
            .detail("the body could not be read")),
        Ok(Ok(body)) => Ok(body.to_bytes()),
    }
}
