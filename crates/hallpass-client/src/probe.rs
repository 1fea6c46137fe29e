//! What an authority says of itself to whoever asks.

use std::time::Duration;

use hallpass_vocabulary::Timestamp;
use reqwest::StatusCode;

use crate::BaseUrl;
use crate::http::{self, TransportError};

/// The largest answer read, in bytes. Real ones have a few hundred.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What an authority said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Its name and environment, where it says them.
    pub identity: Option<AuthorityIdentity>,
    /// Its clock, from the `Date` of its answer: whole seconds.
    pub date: Option<Timestamp>,
    /// Why it is not ready; empty when it is.
    pub unready: Vec<String>,
}

/// Who an authority is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct AuthorityIdentity {
    /// Its name.
    pub authority: String,
    /// Its environment.
    pub environment: String,
    /// Its release.
    pub software: String,
    /// The number of its bundle.
    pub bundle_version: u64,
}

#[derive(Default, serde::Deserialize)]
struct Health {
    #[serde(default)]
    unready: Vec<String>,
}

/// Asks an authority who it is, how late it is there and whether it is ready.
///
/// # Errors
/// When it cannot be reached or says too much.
pub async fn probe(authority: &BaseUrl) -> Result<Probe, TransportError> {
    let client = http::client_to(authority, TIMEOUT)?;
    let answer = client
        .get(authority.join("/.well-known/hallpass"))
        .send()
        .await?;
    let date = answer.headers().get(reqwest::header::DATE);
    let date = date.and_then(|value| http_date(value.to_str().ok()?));
    let body = http::read(answer, ANSWER_BYTES_MAX).await?;
    let identity = serde_json::from_slice(&body).ok();
    let answer = client.get(authority.join("/readyz")).send().await?;
    let ready = answer.status() == StatusCode::OK;
    let body = http::read(answer, ANSWER_BYTES_MAX).await?;
    let mut unready = serde_json::from_slice::<Health>(&body)
        .unwrap_or_default()
        .unready;
    if !ready && unready.is_empty() {
        unready.push("for a reason it does not say".to_owned());
    }
    Ok(Probe {
        identity,
        date,
        unready,
    })
}

/// The form that is sent (RFC 9110 section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let mut words = text.split(' ').skip(1);
    let (day, month, year) = (words.next()?, words.next()?, words.next()?);
    let (time, zone) = (words.next()?, words.next()?);
    let month = 1 + MONTHS.iter().position(|name| *name == month)?;
    if zone != "GMT" || words.next().is_some() {
        return None;
    }
    format!("{year}-{month:02}-{day}T{time}Z").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_read_as_it_is_sent() {
        assert_eq!(
            http_date("Sun, 06 Nov 1994 08:49:37 GMT"),
            "1994-11-06T08:49:37Z".parse().ok()
        );
        for other in [
            "",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 06 Nov 1994 08:49:37 GMT x",
        ] {
            assert_eq!(http_date(other), None, "{other}");
        }
    }
}
