//! One fetch of what an authority publishes, for whoever keeps it as a file.

use std::time::Duration;

use hallpass_bundle::PUBLISHED_BYTES_MAX;
use reqwest::StatusCode;

use crate::http;
use crate::{BaseUrl, RefreshError, TransportError};

/// How long it may take: the largest publication on a slow line.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What an authority publishes in format 2, as it answers it. Nothing in it is to be believed before
/// [`accept`](hallpass_bundle::accept) has looked at it.
///
/// # Errors
/// [`RefreshError`], when it cannot be fetched.
pub async fn fetch_publication(authority: &BaseUrl) -> Result<Vec<u8>, RefreshError> {
    let client = http::client_to(authority, TIMEOUT)?;
    let mut url = authority.join("/v1/bundle");
    url.set_query(Some("format=2"));
    let request = client.get(url);
    let answer = request.send().await.map_err(TransportError::from)?;
    let status = answer.status();
    if status != StatusCode::OK {
        return Err(RefreshError::Status {
            status: status.as_u16(),
        });
    }
    Ok(http::read(answer, PUBLISHED_BYTES_MAX).await?)
}
