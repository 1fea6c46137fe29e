//! The first operator of a new authority: a key, and the policy file that makes it one.

use std::fmt;
use std::path::Path;

use hallpass_keys::SigningKey;
use hallpass_keys::key_file::{KeyFileError, write_encrypted_key_file, write_key_file};
use hallpass_vocabulary::{OperatorId, PersonId};
use zeroize::Zeroizing;

/// The first operator. It gets every role there is but that of approving, which is for people to hand out among themselves.
#[derive(Clone)]
pub struct FirstOperator {
    /// Its name in the policy.
    pub operator: OperatorId,
    /// The human being.
    pub person: PersonId,
    /// What its key is kept under; in plain when `None`, for authorities that are thrown away.
    pub passphrase: Option<Zeroizing<String>>,
}

impl fmt::Debug for FirstOperator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FirstOperator")
            .field("operator", &self.operator)
            .field("person", &self.person)
            .field("encrypted", &self.passphrase.is_some())
            .finish_non_exhaustive()
    }
}

impl FirstOperator {
    pub(super) fn write_key(&self, path: &Path, key: &SigningKey) -> Result<(), KeyFileError> {
        match &self.passphrase {
            Some(passphrase) => write_encrypted_key_file(path, key, passphrase),
            None => write_key_file(path, key),
        }
    }

    /// The policy file that declares it.
    pub(super) fn policy(&self, key: &SigningKey) -> String {
        let Self {
            operator, person, ..
        } = self;
        let public = key.verifying_key();
        format!(
            r#"# The people who may act on this authority, each by keys of their own: `hallpass operators new` makes one and prints the
# lines to put here. What is here is in force once the policy is, so that enrolling somebody is a change that is reviewed.
#
# roles: admin     clients and the policy
#        approver  approvals
#        auditor   reading
#        operator  ending runs
# Every role may read. Several operators may be one person; where two people are asked for, persons are compared.

[operators."{operator}"]
person = "{person}"
keys = ["{public}"]
roles = ["admin", "auditor", "operator"]
"#
        )
    }
}
