//! HTTP client of the authority: tokens and bundle refresh; and of tool services: calls.
//!
//! Floor 4. [`BundleSource`] keeps a service's [`Snapshots`](hallpass_bundle::Snapshots) fresh in the background, so
//! that nothing on the path of a call waits for the network. [`TokenClient`] is for orchestrators, [`ToolClient`] for
//! whoever calls a guarded tool, [`OperatorClient`] for people who act on an authority, each request signed,
//! [`VerifierLink`] for services whose verifier the authority knows. Nothing here follows redirects or reads proxy settings from the environment: secrets
//! go where the configuration says and nowhere else.

mod base_url;
mod bearer;
mod bundle_source;
mod http;
mod operator_client;
mod operator_lists;
mod operator_verifiers;
mod probe;
mod problem;
mod refresh;
mod run;
mod token_client;
mod token_request;
mod tool_client;
mod trusted;
mod verifier_link;

pub use base_url::{BaseUrl, InvalidBaseUrl};
pub use bearer::{BEARER_BYTES_MAX, BearerToken, ClientSecret, InvalidSecret, SubjectToken};
pub use bundle_source::{BundleSource, BundleSourceConfig, BundleStatus, REFRESH_INTERVAL};
pub use http::TransportError;
pub use operator_client::{
    AddedSecret, ApprovalGroup, EnrolledOperator, OPERATOR_ANSWER_BYTES_MAX, OperatorClient,
    OperatorError, Operators, RegisteredClient, RegisteredSecret, RegisteredWorkload,
};
pub use operator_lists::{List, ListPage};
pub use operator_verifiers::{
    CallInFlight, EnrolmentCode, JournalSize, KnownVerifier, StopsAt, Verifiers,
    WitnessedCheckpoint,
};
pub use probe::{AuthorityIdentity, Probe, probe};
pub use problem::Problem;
pub use refresh::{OpenError, RefreshError};
pub use run::{REST_DEFAULT, Run, RunError};
pub use token_client::{TOKEN_ANSWER_BYTES_MAX, TokenClient, TokenError};
pub use token_request::{Behalf, RunEnd, TokenRequest, TokenResponse};
pub use tool_client::{TOOL_ANSWER_BYTES_MAX, ToolAnswer, ToolClient, ToolError, ToolRequest};
pub use trusted::{InvalidCertificates, TrustedCertificates};
pub use verifier_link::{
    LinkConfig, LinkError, LinkStatus, Present, REPORT_INTERVAL, SetAside, VerifierLink,
    set_aside_refused,
};
