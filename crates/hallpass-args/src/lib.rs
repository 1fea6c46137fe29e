//! The tool call: strict JSON arguments, their canonical form and digest, and what else identifies a call.
//!
//! Floor 1. A caveat, an approval and a record all speak of *these* arguments, so there is one way to read them:
//! [`Arguments::parse`] refuses whatever two readers could understand differently (doubled names, integers a double
//! cannot hold, excess depth), and the handler receives the value that was decided on, never the raw bytes. A rule about
//! one argument finds it by a [`Pointer`](hallpass_vocabulary::Pointer) and compares it as text in one form ([`NormalPath`], [`UrlParts`], [`IpBits`],
//! [`EmailAddress`], [`Decimal`]), which is refused to whatever could be read in two ways.
//!
//! ```
//! use hallpass_args::Arguments;
//!
//! let arguments = Arguments::parse(br#"{ "query": "refund", "limit": 10 }"#)?;
//! assert_eq!(arguments.canonical(), br#"{"limit":10,"query":"refund"}"#);
//! assert!(Arguments::parse(br#"{"limit":1,"limit":1000}"#).is_err());
//! # Ok::<(), hallpass_args::ArgumentsError>(())
//! ```

mod arguments;
mod call;
mod deceptive;
mod decimal;
mod dns;
mod email;
mod host;
mod ip;
mod lookup;
mod path;
mod pointer;
mod strict;
mod trace;
mod url;

pub use arguments::{Arguments, ArgumentsDigest, ArgumentsError};
pub use call::{IdempotencyKey, InvalidIdempotencyKey, ToolCall};
pub use decimal::{Decimal, InvalidDecimal};
pub use dns::{DnsName, DnsNameRefused};
pub use email::{EmailAddress, EmailRefused};
pub use host::{Host, HostRefused};
pub use ip::{Cidr, CidrRefused, IpBits, IpRefused};
pub use lookup::Lookup;
pub use path::{NormalPath, PATH_BYTES_MAX, PathRefused};
pub use pointer::{Ambiguous, POINTER_NAMES_MAX, Resolve};
pub use strict::{ARGUMENTS_BYTES_MAX, DEPTH_MAX, INTEGER_MAX, StrictError};
pub use trace::{InvalidTraceParent, TraceParent};
pub use url::{URL_BYTES_MAX, UrlParts, UrlRefused};
