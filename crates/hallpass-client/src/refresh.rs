//! News of an authority: from the network, through every check, into the cell and onto the disk.

use std::sync::Arc;
use std::time::Duration;

use hallpass_bundle::{HEARTBEAT_BYTES_MAX, PUBLISHED_BYTES_MAX, Snapshot, Snapshots};
use hallpass_vocabulary::{Clock, Timestamp};
use reqwest::{StatusCode, Url, header};

use crate::BaseUrl;
use crate::belief::{Beat, Belief, HEARTBEAT_APART_MAX};
use crate::bundle_source::BundleSourceConfig;
use crate::clock_exchange::ClockKeeper;
use crate::http::{self, TransportError};
use crate::keeping::Keeping;
use crate::listener::Listener;
use crate::refresh_error::{OpenError, RefreshError};

/// Fetches, one thing at a time.
#[derive(Debug)]
pub(crate) struct Refresher<C> {
    http: reqwest::Client,
    streaming: reqwest::Client,
    authority: BaseUrl,
    belief: Belief,
    keeping: Keeping,
    clock: C,
    exchanges: ClockKeeper,
    /// Of the publication that is held.
    etag: Option<String>,
    /// How many questions ago the authority turned out to have no heartbeats to offer.
    without_heartbeats: u32,
    heartbeat_timeout: Duration,
}

/// How long a heartbeat may take that was asked for: later than that it proves nothing.
const HEARTBEAT_TIMEOUT: Duration = HEARTBEAT_APART_MAX;

/// After so many questions an authority that had no heartbeats is asked for one again: it may be a newer release by now.
const ASK_AGAIN_AFTER: u32 = 64;

impl<C: Clock + Clone + 'static> Refresher<C> {
    /// Starts with what was saved, if anything was.
    pub(crate) fn open(
        config: &BundleSourceConfig,
        authority: BaseUrl,
        belief: Belief,
        keeping: Keeping,
        clock: C,
    ) -> Result<Self, OpenError> {
        Ok(Self {
            http: http::client_to(&authority, config.timeout)?,
            streaming: http::streaming_client_to(&authority)?,
            authority,
            belief,
            keeping,
            clock,
            exchanges: ClockKeeper::default(),
            etag: None,
            without_heartbeats: 0,
            heartbeat_timeout: config.timeout.min(HEARTBEAT_TIMEOUT),
        })
    }

    pub(crate) fn snapshots(&self) -> &Arc<Snapshots> {
        self.belief.snapshots()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The newest heartbeat that is held.
    pub(crate) fn heartbeat(&self) -> Option<Timestamp> {
        let snapshots = self.belief.snapshots();
        snapshots.with(|held| held.map(Snapshot::heartbeat))
    }

    /// Opens a stream of events.
    pub(crate) fn listen(&self) -> Listener {
        let url = self.authority.join("/v1/bundle/events");
        Listener::open(self.streaming.clone(), url)
    }

    /// Asks whether there is news, and fetches it.
    pub(crate) async fn poll(&mut self) -> Result<(), RefreshError> {
        if self.snapshots().load().is_some() && !self.is_without_heartbeats() {
            let url = self.authority.join("/v1/heartbeat");
            let heartbeat = self.http.get(url).timeout(self.heartbeat_timeout);
            let response = heartbeat.send().await.map_err(TransportError::from)?;
            match response.status() {
                StatusCode::OK => {
                    let heartbeat = http::read(response, HEARTBEAT_BYTES_MAX).await;
                    match heartbeat {
                        Ok(heartbeat) if is_envelope(&heartbeat) => {
                            return self.on_heartbeat(&heartbeat).await.map(|_| ());
                        }
                        // Something answers everything alike.
                        Ok(_) | Err(TransportError::TooLarge { .. }) => self.without_heartbeats = 1,
                        Err(error) => return Err(error.into()),
                    }
                }
                StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                    self.without_heartbeats = 1;
                }
                status => return Err(status.into()),
            }
        }
        // Without a heartbeat there is only the one in the publication: `304` would let it go stale.
        self.fetch(None).await
    }

    fn is_without_heartbeats(&mut self) -> bool {
        if self.without_heartbeats == 0 {
            return false;
        }
        self.without_heartbeats = (self.without_heartbeats + 1) % ASK_AGAIN_AFTER;
        self.without_heartbeats != 0
    }

    /// A heartbeat that came alone; fetches the bundle where it is of a newer one.
    pub(crate) async fn on_heartbeat(&mut self, bytes: &[u8]) -> Result<Beat, RefreshError> {
        let beat = self.belief.heartbeat(bytes, &self.clock);
        let beat = beat.inspect_err(|unbelieved| self.exchanges.doubt_by(unbelieved))?;
        match beat {
            Beat::Fresher => self.keep_heartbeat().await?,
            Beat::Known | Beat::Older => {}
            Beat::Other => {
                let known = self.etag.clone();
                self.fetch(known).await?;
            }
        }
        Ok(beat)
    }

    /// Fetches the bundle, unless it is one that is known.
    async fn fetch(&mut self, known: Option<String>) -> Result<(), RefreshError> {
        let mut url = self.authority.join("/v1/bundle");
        url.set_query(Some("format=2"));
        let response = self.get(url, known.as_deref()).await?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED => return Ok(()),
            status => return Err(status.into()),
        }
        let etag = response.headers().get(header::ETAG);
        let etag = etag.and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        let published = http::read(response, PUBLISHED_BYTES_MAX).await?;
        self.on_publication(published).await?;
        self.etag = etag;
        Ok(())
    }

    /// A whole publication.
    pub(crate) async fn on_publication(&mut self, published: Vec<u8>) -> Result<(), RefreshError> {
        let published = Arc::new(published);
        if self.exchanges.is_first(&self.clock) {
            // What is published is judged by the right time from the beginning.
            self.exchanges
                .exchange_with(
                    (&self.http, &self.authority),
                    &published,
                    self.belief.pinned(),
                    &self.clock,
                )
                .await;
        }
        let examination = self.belief.examination(&self.clock);
        // Signatures over megabytes: not on a thread that serves others.
        let believed = tokio::task::spawn_blocking(move || examination.accept(&published));
        let believed = believed.await.map_err(|_| RefreshError::GivenUp)?;
        let (snapshot, published) =
            believed.inspect_err(|unbelieved| self.exchanges.doubt_by(unbelieved))?;
        self.belief.take(snapshot.clone());
        self.keeping.keep(snapshot, Arc::new(published)).await
    }

    async fn keep_heartbeat(&mut self) -> Result<(), RefreshError> {
        match self.snapshots().load() {
            Some(snapshot) => self.keeping.keep_heartbeat(&snapshot).await,
            None => Ok(()),
        }
    }

    /// Asks the authority for the time where that is due.
    pub(crate) async fn exchange_if_due(&mut self) {
        let Some(held) = self.snapshots().load() else {
            return;
        };
        if self.exchanges.is_due(&self.clock) {
            self.exchanges
                .exchange((&self.http, &self.authority), held.root(), &self.clock)
                .await;
        }
    }

    async fn get(&self, url: Url, known: Option<&str>) -> Result<reqwest::Response, RefreshError> {
        let mut request = self.http.get(url);
        if let Some(etag) = known {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        Ok(request.send().await.map_err(TransportError::from)?)
    }
}

fn is_envelope(bytes: &[u8]) -> bool {
    hallpass_keys::dsse::Envelope::from_json(bytes).is_ok()
}
