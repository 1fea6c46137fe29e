//! A request's body: of one media type, of a bounded size, within a bounded time.

use std::time::Duration;

use axum::http::{HeaderMap, header};
use hallpass_vocabulary::RequestId;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::limits::{
    BODY_READ_MAX, REPORT_BYTES_MAX, REQUEST_BYTES_MAX, SHIPMENT_BYTES_MAX, SHIPMENT_READ_MAX,
};
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

/// What a body may cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct BodyBounds {
    pub(super) bytes: usize,
    pub(super) time: Duration,
}

impl BodyBounds {
    /// Of whoever asks.
    pub(super) const STRANGER: Self = Self {
        bytes: REQUEST_BYTES_MAX,
        time: BODY_READ_MAX,
    };
    /// Of a verifier that says how it is.
    pub(super) const REPORT: Self = Self {
        bytes: REPORT_BYTES_MAX,
        time: BODY_READ_MAX,
    };
    /// Of a verifier that ships records, over a slow line.
    pub(super) const SHIPMENT: Self = Self {
        bytes: SHIPMENT_BYTES_MAX,
        time: SHIPMENT_READ_MAX,
    };
}

/// The body, whole.
pub(super) async fn read(
    body: axum::body::Body,
    instance: RequestId,
) -> Result<axum::body::Bytes, Problem> {
    read_within(body, instance, BodyBounds::STRANGER).await
}

/// The body, whole, within its own bounds.
pub(super) async fn read_within(
    body: axum::body::Body,
    instance: RequestId,
    BodyBounds { bytes, time }: BodyBounds,
) -> Result<axum::body::Bytes, Problem> {
    let limited = Limited::new(body, bytes).collect();
    match tokio::time::timeout(time, limited).await {
        Err(_) => Err(Problem::new(ProblemCode::RequestTimeout, instance)),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(Problem::new(ProblemCode::RequestTooLarge, instance)
                .detail(format!("at most {bytes} bytes")))
        }
        Ok(Err(_)) => Err(Problem::new(ProblemCode::RequestMalformed, instance)
            .detail("the body could not be read")),
        Ok(Ok(body)) => Ok(body.to_bytes()),
    }
}
