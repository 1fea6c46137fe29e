//! Asks the authority what time it is, and sets the token clock by the answer.

use std::time::Duration;

use hallpass_bundle::{
    BundleError, CLOCK_BYTES_MAX, ClockError, ClockNonce, Published, Root, TrustRoot, believe_root,
    read_clock,
};
use hallpass_vocabulary::{CLOCK_ROUND_TRIP_MAX, Clock, ClockBasis, ClockExchange};
use reqwest::{Client, StatusCode};

use crate::BaseUrl;
use crate::belief::Unbelieved;
use crate::http::{self, TransportError};

/// How long the clock goes on by itself between two exchanges.
const EXCHANGE_EVERY: Duration = Duration::from_secs(600);
/// How soon an exchange that brought nothing is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(30);
/// How soon the next may follow when something that came makes the clock doubtful.
const DOUBT_AFTER: Duration = Duration::from_secs(10);

/// Why an exchange brought nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExchangeError {
    #[error(transparent)]
    Clock(#[from] ClockError),
    #[error("no randomness for a nonce")]
    NoNonce,
    #[error("the authority answered {0} instead of the time")]
    Status(StatusCode),
    #[error("the answer took longer than {} s", CLOCK_ROUND_TRIP_MAX.as_secs())]
    TooSlow,
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// When to exchange next. Times are by [`Clock::running`].
#[derive(Debug, Default)]
pub(crate) struct ClockKeeper {
    /// When the last one was tried, and when the next is due.
    tried: Option<(Duration, Duration)>,
    failed: bool,
}

impl ClockKeeper {
    /// Whether nothing has been tried yet with a clock that can be set.
    pub(crate) fn is_first(&self, clock: &impl Clock) -> bool {
        self.tried.is_none() && clock.basis() != ClockBasis::WallOnly
    }

    pub(crate) fn is_due(&self, clock: &impl Clock) -> bool {
        let running = clock.running().unwrap_or_default();
        clock.basis() != ClockBasis::WallOnly && self.tried.is_none_or(|(_, due)| running >= due)
    }

    /// Where what came does not go with the clock, the next exchange is due soon.
    pub(crate) fn doubt_by(&mut self, unbelieved: &Unbelieved) {
        let by_time = matches!(
            unbelieved,
            Unbelieved::Apart { .. }
                | Unbelieved::Bundle(
                    BundleError::Expired { .. }
                        | BundleError::FastForward { .. }
                        | BundleError::FromTheFuture { .. }
                )
        );
        if let (true, Some((at, due))) = (by_time, &mut self.tried) {
            *due = (*due).min(at.saturating_add(DOUBT_AFTER));
        }
    }

    /// Exchanges under the root of a publication that is not believed yet. With a wall clock that is wrong it might never
    /// be; its root is believed by its own signatures and the pin.
    pub(crate) async fn exchange_with(
        &mut self,
        (http, authority): (&Client, &BaseUrl),
        published: &[u8],
        pinned: &TrustRoot,
        clock: &impl Clock,
    ) {
        let roots = serde_json::from_slice(published).map(|published: Published| published.roots);
        let roots = roots.unwrap_or_default();
        if let Ok(root) = believe_root(&roots, pinned, clock.now()) {
            self.exchange((http, authority), &root, clock).await;
        }
    }

    /// Exchanges under this root.
    pub(crate) async fn exchange(
        &mut self,
        (http, authority): (&Client, &BaseUrl),
        root: &Root,
        clock: &impl Clock,
    ) {
        let answered = exchange(http, authority, root, clock).await;
        let wait = match answered {
            Ok(exchange) => {
                clock.exchanged(&exchange);
                self.failed = false;
                EXCHANGE_EVERY
            }
            // A release that has no time to offer.
            Err(ExchangeError::Status(StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED)) => {
                EXCHANGE_EVERY
            }
            Err(error) => {
                if !self.failed {
                    tracing::warn!(%error, "the token clock goes on by itself");
                }
                self.failed = true;
                AGAIN_AFTER
            }
        };
        let now = clock.running().unwrap_or_default();
        self.tried = Some((now, now.saturating_add(wait)));
    }
}

async fn exchange(
    http: &Client,
    authority: &BaseUrl,
    root: &Root,
    clock: &impl Clock,
) -> Result<ClockExchange, ExchangeError> {
    let nonce: ClockNonce = hallpass_keys::random_bytes().map_err(|_| ExchangeError::NoNonce)?;
    let text: String = nonce.iter().map(|byte| format!("{byte:02x}")).collect();
    let question = http
        .post(authority.join("/v1/clock"))
        .json(&serde_json::json!({ "nonce": text }));
    let asked = clock.running().unwrap_or_default();
    let asking = async {
        let response = question.send().await.map_err(TransportError::from)?;
        match response.status() {
            StatusCode::OK => Ok(http::read(response, CLOCK_BYTES_MAX).await?),
            status => Err(ExchangeError::Status(status)),
        }
    };
    let answer = tokio::time::timeout(CLOCK_ROUND_TRIP_MAX, asking).await;
    let answer = answer.map_err(|_| ExchangeError::TooSlow)??;
    let answered = clock.running().unwrap_or_default();
    let time = read_clock(&answer, root, &nonce)?;
    ClockExchange::new(time, asked, answered).ok_or(ExchangeError::TooSlow)
}
