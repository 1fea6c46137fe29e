//! People with keys: what each may do, and whether a request is one of theirs.

use std::collections::BTreeSet;
use std::fmt;

use hallpass_keys::KeyId;
use hallpass_keys::http_signature::HttpSignatureError;
use hallpass_vocabulary::{OperatorId, OperatorRole, PersonId};

/// An operator whose signature on a request was verified, and whose request was not seen before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Operator {
    pub(crate) id: OperatorId,
    pub(crate) person: PersonId,
    pub(crate) key: KeyId,
    pub(crate) roles: BTreeSet<OperatorRole>,
}

/// What an operator's endpoint asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Permission {
    /// Ending runs.
    EndRuns,
    /// Secrets of clients, and whether clients may ask at all.
    ManageClients,
    /// The authority's signing keys, and its roots.
    ManageKeys,
    /// Which verifiers are known.
    ManageVerifiers,
    /// Looking at everything there is.
    Read,
    /// Putting the policy on disk in force.
    ReloadPolicy,
    /// Stopping, lifting stops, revoking.
    Stop,
}

impl Permission {
    /// The roles that have it. docs/clients-and-operators.md has the same table.
    pub(crate) fn roles(self) -> &'static [OperatorRole] {
        match self {
            Self::EndRuns => &[OperatorRole::Operator],
            Self::ManageClients | Self::ManageKeys | Self::ManageVerifiers | Self::ReloadPolicy => {
                &[OperatorRole::Admin]
            }
            Self::Read => &OperatorRole::ALL,
            Self::Stop => &[OperatorRole::Admin, OperatorRole::Operator],
        }
    }
}

/// The roles that have it, as docs write them.
impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.roles().len() == OperatorRole::ALL.len() {
            return f.write_str("operator, any role");
        }
        let roles: Vec<&str> = self.roles().iter().map(|role| role.as_str()).collect();
        write!(f, "operator, role {}", roles.join(" or "))
    }
}

impl Operator {
    pub(crate) fn may(&self, permission: Permission) -> bool {
        permission
            .roles()
            .iter()
            .any(|role| self.roles.contains(role))
    }
}

/// Why a request is no operator's. For the journal and the log only: the caller is always told the same, but for
/// [`NotAnOperator::Replayed`], which only who has a good signature can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAnOperator {
    #[error("the body is not the one that was signed")]
    Body,
    #[error("no operator of the policy has this key")]
    KeyUnknown,
    #[error("the request is signed for another authority")]
    OtherAuthority,
    #[error("the request was seen before")]
    Replayed,
    #[error("the header `{0}` is there twice, or not text")]
    Repeated(&'static str),
    #[error(transparent)]
    Signature(#[from] HttpSignatureError),
    #[error("the request has no header `{0}`")]
    Unsigned(&'static str),
}

impl NotAnOperator {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Body => "operator_body_altered",
            Self::KeyUnknown => "operator_key_unknown",
            Self::OtherAuthority => "operator_other_authority",
            Self::Replayed => "operator_replayed",
            Self::Repeated(_) | Self::Signature(HttpSignatureError::Malformed(_)) => {
                "operator_signature_malformed"
            }
            Self::Signature(HttpSignatureError::OutOfTime) => "operator_signature_stale",
            Self::Signature(_) => "operator_signature_invalid",
            Self::Unsigned(_) => "operator_unsigned",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_its_own_and_everyone_may_look() {
        let all = [
            Permission::EndRuns,
            Permission::ManageClients,
            Permission::ManageKeys,
            Permission::ManageVerifiers,
            Permission::Read,
            Permission::ReloadPolicy,
            Permission::Stop,
        ];
        let may = |role: OperatorRole| -> Vec<Permission> {
            let operator = Operator {
                id: "op:dana".parse().unwrap(),
                person: "dana".parse().unwrap(),
                key: hallpass_keys::Digest::of(b"").to_string()[7..]
                    .parse()
                    .unwrap(),
                roles: BTreeSet::from([role]),
            };
            all.into_iter().filter(|it| operator.may(*it)).collect()
        };
        assert_eq!(may(OperatorRole::Auditor), [Permission::Read]);
        assert_eq!(may(OperatorRole::Approver), [Permission::Read]);
        assert_eq!(
            may(OperatorRole::Operator),
            [Permission::EndRuns, Permission::Read, Permission::Stop]
        );
        assert_eq!(
            may(OperatorRole::Admin),
            [
                Permission::ManageClients,
                Permission::ManageKeys,
                Permission::ManageVerifiers,
                Permission::Read,
                Permission::ReloadPolicy,
                Permission::Stop
            ]
        );
    }
}
