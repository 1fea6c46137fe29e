//! Who vouches for clients and subjects: the issuers of the policy, and the JSON Web Tokens they sign.

pub(crate) mod subject;

/// The issuers of the policy in force.
#[derive(Debug, Default)]
pub(crate) struct Identity {}
