//! Who vouches for clients and subjects: the issuers of the policy, and the JSON Web Tokens they sign.
//!
//! Nothing here waits for an issuer but what cannot go on without it: keys are kept, looked up without a lock, and fetched
//! beside their use. The code that reads tokens is behind the feature `oidc`; without it a policy that names issuers is
//! refused.

#[cfg(feature = "oidc")]
mod claims;
pub(crate) mod declared;
#[cfg(feature = "oidc")]
mod issuer;
#[cfg(feature = "oidc")]
mod issuers;
#[cfg(feature = "oidc")]
mod key_ring;
#[cfg(feature = "oidc")]
mod key_set;
#[cfg(feature = "oidc")]
pub(crate) mod source;
#[cfg(feature = "oidc")]
mod strict_json;
pub(crate) mod subject;
#[cfg(test)]
#[cfg(feature = "oidc")]
mod tests;
#[cfg(feature = "oidc")]
mod token;
pub(crate) mod workload;

/// The issuers of the policy in force.
#[derive(Debug, Default)]
pub(crate) struct Identity {
    #[cfg(feature = "oidc")]
    issuers: arc_swap::ArcSwap<issuers::Issuers>,
}
