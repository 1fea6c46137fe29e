//! What a verifier is told once, at start. Nothing here has a default that could be wrong for the service.

use std::sync::Arc;

use hallpass_bundle::Snapshots;
use hallpass_journal::Journal;
use hallpass_token::DatalogPolicy;
use hallpass_vocabulary::{Audience, Clock, Environment, Tenant};

use crate::{JournalledArguments, Recording, ServicePolicy, Spend};

/// Whose data the service holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tenancy {
    /// Many tenants' data: the tenant of each call is taken from its [`Permit`](crate::Permit), and rows are checked
    /// with [`Permit::owns`](crate::Permit::owns).
    Many,
    /// One tenant's data: a token of any other is `wrong_tenant`.
    Only(Tenant),
}

/// How much of a denial the caller sees. The journal keeps the code and the detail in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Disclosure {
    /// The code and the detail. For services whose callers are trusted to debug.
    Explain,
    /// The code.
    #[default]
    Code,
    /// The code, but denials that would reveal another tenant read as `not_found`.
    NotFound,
}

/// Which checks of tokens a service takes. docs/extended-profile.md says what the second costs.
#[derive(Debug, Clone, Default)]
pub enum Profile {
    /// Also other checks than the published caveats, within bounds, and a Datalog policy of the service's own; both run in
    /// the Biscuit engine, on threads of the verifier's.
    Extended(Option<DatalogPolicy>),
    /// Published caveats only, and no engine.
    #[default]
    Standard,
}

/// Everything a [`Verifier`](crate::Verifier) needs. All fields are required: none has a safe default but
/// [`Disclosure::Code`] and [`Profile::Standard`].
pub struct Setup {
    /// The name of this service; a token must be for it.
    pub audience: Audience,
    /// The environment of this service; pinned, so that no token of another is ever accepted.
    pub environment: Environment,
    /// Whose data the service holds.
    pub tenancy: Tenancy,
    /// The service's own rules on top of tokens; [`ServicePolicy::none`] for a service that has none.
    pub policy: ServicePolicy,
    /// How much of a denial the caller sees.
    pub disclosure: Disclosure,
    /// Which checks of tokens the service takes.
    pub profile: Profile,
    /// Which arguments the records show; [`JournalledArguments::none`] for none but those the catalogue names.
    pub journalled: JournalledArguments,
    /// Where what calls spend is counted.
    pub spend: Spend,
    /// Which records are waited for; [`Recording::standard`] unless reads matter as much as writes.
    pub recording: Recording,
    /// Where decisions are recorded before they take effect.
    pub journal: Journal,
    /// Where bundles arrive. Empty until the first one: every call is `bundle_missing` until then.
    pub snapshots: Arc<Snapshots>,
    /// The time of day; [`hallpass_vocabulary::SystemClock`] outside tests.
    pub clock: Arc<dyn Clock>,
}
