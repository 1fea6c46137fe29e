//! HTTP client of the authority: tokens and bundle refresh; and of tool services: calls.
//!
//! Floor 4. [`BundleSource`] keeps a service's [`Snapshots`](hallpass_bundle::Snapshots) fresh in the background, so
//! that nothing on the path of a call waits for the network. [`TokenClient`] is for orchestrators, [`ToolClient`] for
//! whoever calls a guarded tool, [`OperatorClient`] for people who act on an authority, each request signed,
//! [`VerifierLink`] for services whose verifier the authority knows. Nothing here follows redirects or reads proxy settings from the environment: secrets
//! go where the configuration says and nowhere else.

mod base_url;
mod bearer;
mod belief;
mod bundle_file;
mod bundle_keeper;
mod bundle_source;
mod bundle_status;
mod clock_exchange;
mod http;
mod jitter;
mod keeping;
mod listener;
mod operator_client;
mod operator_lists;
mod operator_stops;
mod operator_verifiers;
#[cfg(test)]
mod partitions;
mod probe;
mod problem;
mod publication;
mod refresh;
mod refresh_error;
mod run;
mod schedule;
mod sse;
mod stop_files;
mod token_client;
mod token_request;
mod tool_client;
mod trusted;
mod verifier_link;

pub use base_url::{BaseUrl, InvalidBaseUrl};
pub use bearer::{BEARER_BYTES_MAX, BearerToken, ClientSecret, InvalidSecret, SubjectToken};
pub use belief::{HEARTBEAT_APART_MAX, Unbelieved};
pub use bundle_source::{
    BundleMonitor, BundleOrigin, BundleSource, BundleSourceConfig, FILE_INTERVAL, REFRESH_INTERVAL,
};
pub use bundle_status::BundleStatus;
pub use http::TransportError;
pub use operator_client::{
    AddedSecret, ApprovalGroup, EnrolledOperator, OPERATOR_ANSWER_BYTES_MAX, OperatorClient,
    OperatorError, Operators, RegisteredClient, RegisteredSecret, RegisteredWorkload,
};
pub use operator_lists::{List, ListPage};
pub use operator_verifiers::{
    CallInFlight, EnrolmentCode, JournalSize, KnownVerifier, ShippedDecision, StopsAt, Verifiers,
    WitnessedCheckpoint,
};
pub use probe::{AuthorityIdentity, Probe, probe};
pub use problem::Problem;
pub use publication::fetch_publication;
pub use refresh_error::{OpenError, RefreshError};
pub use run::{REST_DEFAULT, Run, RunError};
pub use schedule::BundleMode;
pub use sse::StreamError;
pub use stop_files::{Halt, SIGNED_STOP_SUFFIX, SIGNED_STOPS_MAX, STOP_FILE_NAME, StopFiles};
pub use token_client::{TOKEN_ANSWER_BYTES_MAX, TokenClient, TokenError};
pub use token_request::{Behalf, RunEnd, TokenRequest, TokenResponse};
pub use tool_client::{TOOL_ANSWER_BYTES_MAX, ToolAnswer, ToolClient, ToolError, ToolRequest};
pub use trusted::{InvalidCertificates, TrustedCertificates};
pub use verifier_link::{
    LinkConfig, LinkError, LinkStatus, Present, REPORT_INTERVAL, SetAside, VerifierLink,
    is_enrolled, set_aside_refused,
};
