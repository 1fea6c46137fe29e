//! A signed bundle as it is sent, and the heartbeats that go with it.

use axum::body::Bytes;
use hallpass_bundle::{BundleId, Published, SignedBundle};
use hallpass_vocabulary::Timestamp;

use super::number::{self, Used};
use super::press::BUNDLE_LIFE;
use super::{Content, PublishError};

/// The largest publication that is sent to everybody who listens, in bytes. Who listens fetches a larger one: they do so at
/// their own pace, and nothing is held for them meanwhile.
const INLINE_BYTES_MAX: usize = 64 * 1024;

/// What ends a publication after its heartbeat.
const TAIL: &[u8] = b"}";

/// A bundle, signed once.
#[derive(Debug)]
pub(crate) struct Edition {
    pub(super) content: Content,
    pub(super) issued: Timestamp,
    pub(super) used: Used,
    /// Counts publications. By it replicas know which of two is the newer, whatever their clocks say.
    pub(super) serial: u64,
    /// The version of the root it is signed under.
    pub(super) root: u64,
    /// For verifiers of release 0.1.0; nothing while anything is restricted.
    pub(super) format_1: Option<Document>,
    pub(super) newest: Document,
}

/// One signed bundle, and all of its publication up to the heartbeat: that alone changes every two seconds, and a bundle may
/// be large.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) signed: SignedBundle,
    head: Bytes,
}

/// A heartbeat, in every form it is sent in.
#[derive(Debug, Clone)]
pub(crate) struct Beat {
    time: Timestamp,
    format_1: Option<Bytes>,
    heartbeat: Bytes,
    heartbeat_event: Bytes,
    bundle_event: Option<Bytes>,
}

/// What is in force and was last said of it.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(super) edition: std::sync::Arc<Edition>,
    pub(super) beat: Beat,
}

/// Which bundles somebody reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Those without restrictions, operators and verifiers: release 0.1.0.
    One,
    /// All.
    Two,
}

/// A publication, ready to send.
#[derive(Debug, Clone)]
pub(crate) struct Publication {
    /// Its bytes, in pieces that are shared with everybody who is sent the same.
    pub(crate) pieces: [Bytes; 3],
    pub(crate) etag: String,
}

impl Document {
    /// From a publication with any heartbeat.
    pub(super) fn new(signed: SignedBundle, published: Published) -> Result<Self, PublishError> {
        let mut json = published.to_json()?;
        let heartbeat = super::press::json(&published.heartbeat);
        json.truncate(json.len().saturating_sub(heartbeat.len() + TAIL.len()));
        Ok(Self {
            signed,
            head: json.into(),
        })
    }

    fn pieces(&self, heartbeat: &Bytes) -> [Bytes; 3] {
        [
            self.head.clone(),
            heartbeat.clone(),
            Bytes::from_static(TAIL),
        ]
    }
}

impl Edition {
    /// The number of the bundle.
    pub(crate) fn id(&self) -> &BundleId {
        self.newest.signed.id()
    }

    /// What it says, with a change.
    pub(super) fn content_with(&self, change: impl FnOnce(&mut Content)) -> Content {
        let mut content = self.content.clone();
        change(&mut content);
        content
    }

    /// From when on it is not believed.
    pub(super) fn expires(&self) -> Timestamp {
        self.issued.after(BUNDLE_LIFE)
    }

    /// Whether another should take its place by itself: it is half-way to its end, or a verifier whose clock shows `now` does
    /// not believe its date or its number.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        now >= self.issued.after(BUNDLE_LIFE / 2)
            || number::is_ahead(self.issued, now)
            || self.used.is_astray(now)
    }
}

impl Beat {
    pub(super) fn new(
        time: Timestamp,
        format_1: Option<Bytes>,
        heartbeat: Bytes,
        newest: &Document,
    ) -> Self {
        let pieces = newest.pieces(&heartbeat);
        let length: usize = pieces.iter().map(Bytes::len).sum();
        Self {
            time,
            format_1,
            heartbeat_event: event("heartbeat", std::slice::from_ref(&heartbeat)),
            bundle_event: (length <= INLINE_BYTES_MAX).then(|| event("bundle", &pieces)),
            heartbeat,
        }
    }

    /// When it was signed.
    pub(crate) fn time(&self) -> Timestamp {
        self.time
    }
}

impl Shown {
    /// Which verifiers it lists.
    pub(crate) fn verifiers(&self) -> &[hallpass_bundle::ListedVerifier] {
        &self.edition.content.verifiers
    }

    /// What the bundle denies.
    pub(crate) fn restrictions(&self) -> &hallpass_bundle::Restrictions {
        &self.edition.content.restrictions
    }

    /// The number of the bundle.
    pub(crate) fn id(&self) -> &BundleId {
        self.edition.id()
    }

    /// The roots, the bundle and the heartbeat, for a reader of this format. One of format 1 is given what it refuses while
    /// anything is restricted: what it would understand would allow that.
    pub(crate) fn publication(&self, format: Format) -> Publication {
        let newest = &self.edition.newest;
        let (document, heartbeat) = match (format, &self.edition.format_1, &self.beat.format_1) {
            (Format::One, Some(format_1), Some(heartbeat)) => (format_1, heartbeat),
            _ => (newest, &self.beat.heartbeat),
        };
        let version = document.signed.id().version;
        let etag = match format {
            // The heartbeat is part of the tag: these readers ask for nothing else, and a 304 for the bundle alone would
            // let them go stale.
            Format::One => format!("\"{version}.{}\"", self.beat.time.unix_ms()),
            Format::Two => format!("\"{version}\""),
        };
        Publication {
            pieces: document.pieces(heartbeat),
            etag,
        }
    }

    /// The heartbeat alone.
    pub(crate) fn heartbeat(&self) -> Bytes {
        self.beat.heartbeat.clone()
    }

    /// What tells a listener of this heartbeat.
    pub(crate) fn heartbeat_event(&self) -> Bytes {
        self.beat.heartbeat_event.clone()
    }

    /// What tells a listener of this bundle: all of it where it is small, else its heartbeat, by which they see that they
    /// have another one.
    pub(crate) fn bundle_event(&self) -> Bytes {
        let bundle = self.beat.bundle_event.clone();
        bundle.unwrap_or_else(|| self.heartbeat_event())
    }
}

/// A server-sent event: <https://html.spec.whatwg.org/multipage/server-sent-events.html>. The data is JSON, on one line.
fn event(name: &str, data: &[Bytes]) -> Bytes {
    let mut event = format!("event: {name}\ndata: ").into_bytes();
    for piece in data {
        event.extend_from_slice(piece);
    }
    event.extend_from_slice(b"\n\n");
    event.into()
}
