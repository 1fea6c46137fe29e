//! `GET /v1/bundle/events`: every heartbeat and every new bundle, as it comes (server-sent events).
//!
//! A stream asks what is in force when its connection can take more, and sends that: a reader who is slow misses what was
//! replaced meanwhile, and nothing is kept for them.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hallpass_bundle::BundleId;
use hallpass_keys::random_bytes;
use http_body::Frame;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;

use super::bundle::{NO_CACHE, current};
use super::problem::{Problem, ProblemCode};
use crate::publisher::Shown;
use crate::service::Service;

/// How long a stream lives at least; then it ends, and its reader connects again. So replicas come to have about as many
/// each, and a reader that is gone without a word holds a place no longer than this.
const LIFE_MIN: Duration = Duration::from_secs(15 * 60);

/// By how much one may live longer, drawn anew for each, so that not all come back at once.
const LIFE_SPREAD: Duration = Duration::from_secs(5 * 60);

/// When whoever found no place should ask again: until then polling the heartbeat is as good for them.
const AGAIN: Duration = Duration::from_secs(30);

pub(super) async fn get(State(service): State<Arc<Service>>) -> Response {
    let Ok(place) = Arc::clone(&service.streams).try_acquire_owned() else {
        return Problem::new(ProblemCode::Overloaded, service.request_id())
            .detail("as many listen as may; poll `GET /v1/heartbeat` meanwhile")
            .retry_after(AGAIN)
            .into_response();
    };
    let first = match current(&service).await {
        Ok(shown) => shown,
        Err(problem) => return problem.into_response(),
    };
    let stream = EventStream {
        place,
        told: *first.id(),
        next: Some(first.heartbeat_event()),
        waiting: wait(Waiting {
            shown: service.publisher.watch(),
            closing: service.closing.subscribe(),
            end: Instant::now() + life(),
        }),
    };
    let text = HeaderValue::from_static("text/event-stream");
    let headers = [
        (header::CONTENT_TYPE, text),
        (header::CACHE_CONTROL, NO_CACHE),
    ];
    (headers, Body::new(stream)).into_response()
}

struct EventStream {
    #[expect(dead_code, reason = "given back when the stream ends")]
    place: OwnedSemaphorePermit,
    /// The bundle its reader was told of last.
    told: BundleId,
    next: Option<Bytes>,
    waiting: Pin<Box<dyn Future<Output = Option<Waiting>> + Send>>,
}

struct Waiting {
    shown: watch::Receiver<Arc<Shown>>,
    closing: watch::Receiver<bool>,
    end: Instant,
}

/// Waits until there is something to tell; nothing when the stream is over.
fn wait(mut waiting: Waiting) -> Pin<Box<dyn Future<Output = Option<Waiting>> + Send>> {
    Box::pin(async move {
        let Waiting {
            shown,
            closing,
            end,
        } = &mut waiting;
        let changed = tokio::select! {
            biased;
            _ = closing.wait_for(|closing| *closing) => false,
            () = tokio::time::sleep_until(*end) => false,
            changed = shown.changed() => changed.is_ok(),
        };
        changed.then_some(waiting)
    })
}

impl HttpBody for EventStream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(event) = self.next.take() {
            return Poll::Ready(Some(Ok(Frame::data(event))));
        }
        let Some(mut waiting) = ready!(self.waiting.as_mut().poll(cx)) else {
            // Over for good: it is never asked again.
            self.waiting = Box::pin(std::future::pending());
            return Poll::Ready(None);
        };
        let shown = Arc::clone(&waiting.shown.borrow_and_update());
        self.waiting = wait(waiting);
        let event = if self.told == *shown.id() {
            shown.heartbeat_event()
        } else {
            self.told = *shown.id();
            shown.bundle_event()
        };
        Poll::Ready(Some(Ok(Frame::data(event))))
    }
}

fn life() -> Duration {
    // Without randomness they come back together, which is no worse than a restart.
    let [byte] = random_bytes::<1>().unwrap_or_default();
    LIFE_MIN + LIFE_SPREAD * u32::from(byte) / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_that_began_together_do_not_end_together() {
        let lives: Vec<Duration> = (0..64).map(|_| life()).collect();
        let within = LIFE_MIN..=LIFE_MIN + LIFE_SPREAD;
        assert!(lives.iter().all(|life| within.contains(life)));
        assert!(lives.iter().any(|life| *life != lives[0]));
    }
}
