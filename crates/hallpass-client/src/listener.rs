//! One stream of events of an authority, read in a task of its own.

use reqwest::{Client, StatusCode, Url, header};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::http::TransportError;
use crate::refresh_error::RefreshError;
use crate::sse::{EventReader, StreamEvent};

/// How many events may wait to be looked at. A source that sends faster waits.
const EVENTS_WAITING_MAX: usize = 4;

/// What a listener hears.
#[derive(Debug)]
pub(crate) enum Heard {
    Ended(RefreshError),
    Event(StreamEvent),
    NotOffered,
}

/// A stream that is open or being opened; closed when dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    heard: mpsc::Receiver<Heard>,
    task: AbortHandle,
}

impl Listener {
    pub(crate) fn open(http: Client, url: Url) -> Self {
        let (sender, heard) = mpsc::channel(EVENTS_WAITING_MAX);
        let task = tokio::spawn(async move {
            let last = match listen(&http, url, &sender).await {
                Ok(last) => last,
                Err(error) => Heard::Ended(error),
            };
            // Nobody hears it only where nobody listens any more.
            let _ = sender.send(last).await;
        });
        Self {
            heard,
            task: task.abort_handle(),
        }
    }

    /// What is heard next; waits for it.
    pub(crate) async fn next(&mut self) -> Heard {
        let gone = || Heard::Ended(RefreshError::GivenUp);
        self.heard.recv().await.unwrap_or_else(gone)
    }

    /// What is there to be heard.
    pub(crate) fn ready(&mut self) -> Option<Heard> {
        self.heard.try_recv().ok()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(
    http: &Client,
    url: Url,
    sender: &mpsc::Sender<Heard>,
) -> Result<Heard, RefreshError> {
    let request = http.get(url).header(header::ACCEPT, "text/event-stream");
    let mut response = request.send().await.map_err(TransportError::from)?;
    match response.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_ACCEPTABLE => {
            return Ok(Heard::NotOffered);
        }
        status => return Err(status.into()),
    }
    let kind = response.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("text/event-stream") {
        return Ok(Heard::NotOffered);
    }
    let mut reader = EventReader::default();
    while let Some(chunk) = response.chunk().await.map_err(TransportError::from)? {
        for event in reader.push(&chunk)? {
            if sender.send(Heard::Event(event)).await.is_err() {
                return Err(RefreshError::GivenUp);
            }
        }
    }
    Err(RefreshError::StreamOver)
}
