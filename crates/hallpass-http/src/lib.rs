//! Serves axum routers with a bound on everything a connection may cost.
//!
//! Floor 4. axum and hyper read heads of any age from any number of connections, and stop only when the last of them
//! does; [`serve`] bounds each, and answers requests whose framing two readers could understand differently itself.
//! HTTP/1, plain, or with the feature `tls` over TLS by a [`Server`].
//!
//! ```no_run
//! use std::time::Duration;
//!
//! const LIMITS: hallpass_http::Limits = hallpass_http::Limits {
//!     connections: 1_024,
//!     head_bytes: 16 * 1024,
//!     head_read: Duration::from_secs(15),
//!     drain: Duration::from_secs(10),
//! };
//!
//! # async fn run(router: axum::Router) -> std::io::Result<()> {
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! hallpass_http::serve(listener, router, &LIMITS, std::future::pending()).await;
//! # Ok(())
//! # }
//! ```

mod counters;
mod framing;
mod serve;
mod silence;
mod stall;
#[cfg(feature = "tls")]
mod tls;

pub use counters::Counters;
pub use serve::{Limits, Server, serve};
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsError};
