//! The authority: mints tokens under a policy, records every one of them, serves the signed bundle.
//!
//! Floor 5. [`init`] makes the directory of a new authority; [`Authority::open`] reads it back and
//! [`Authority::serve`] answers HTTP until told to stop. The endpoints, and the files of the directory, are described
//! in `docs/authority.md`.
//!
//! The journal is the commit point: a token is recorded, durably, before it is handed out, and the store is an index of
//! those records that is rebuilt from them. No record, no token.

mod alert;
mod authority;
mod backup;
mod client;
mod config;
mod examine;
mod file;
mod fleet;
mod http;
mod identity;
mod init;
mod journal;
mod kept_policy;
mod keys;
mod layout;
mod metrics;
mod mint;
mod open;
mod operator;
mod policy_change;
mod policy_in_force;
mod publisher;
mod recorder;
mod refusals;
mod registry;
mod reload;
mod request;
mod roots;
mod secret;
mod service;
mod settings;
mod stops;
mod store;
mod transport;

pub use authority::{Authority, DRAIN_SECONDS_DEFAULT, ServeError};
pub use backup::{BackupError, BackupKeys, BackupReport, backup};
pub use config::{ConfigError, ForeignKey, LogFormat};
pub use examine::{Finding, Verdict, examine, unreadable, written_places};
pub use file::FileError;
pub use http::endpoints::{EndpointEntry, endpoints};
pub use identity::declared::IdentityError;
#[cfg(feature = "oidc")]
pub use identity::source::SourceError;
pub use init::{FirstOperator, InitError, InitOptions, InitReport, init};
pub use journal::CatchUpError;
pub use keys::kept::KeptKeysError;
pub use keys::open::KeysError;
pub use open::OpenError;
pub use publisher::{ExportError, ExportedBundle, PublishError, export_bundle};
pub use reload::{ReloadError, Reloaded, Reloader};
pub use roots::{InstalledRoot, RootRefused, RootsError, install_root};
pub use secret::{ClientSecret, SECRET_CHARS, SECRET_PREFIX, SECRET_RANDOM_BYTES};
pub use settings::{Overrides, Settings, Source};
pub use stops::MarkError;
pub use store::StoreError;

#[cfg(test)]
mod tests {
    /// The policy's ceilings are the token format's: what a policy allows can be minted.
    #[test]
    fn a_policy_allows_no_more_than_a_token_holds() {
        use hallpass_token::limits;
        assert_eq!(hallpass_policy::TTL_SECONDS_MAX, limits::TTL_SECONDS_MAX);
        assert_eq!(hallpass_policy::TOOLS_PER_ROUTE_MAX, limits::TOOLS_MAX);
        assert_eq!(
            hallpass_policy::AUDIENCES_PER_ROUTE_MAX,
            limits::AUDIENCES_MAX
        );
        assert_eq!(hallpass_policy::ROLES_PER_ROUTE_MAX, limits::ROLES_MAX);
    }
}
