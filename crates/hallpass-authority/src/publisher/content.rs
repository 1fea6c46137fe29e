//! What a bundle says.

use hallpass_bundle::{
    ApprovalKey, BundleDraft, ListedOperator, ListedVerifier, Restrictions, TokenKey,
};
use hallpass_keys::Digest;
use hallpass_vocabulary::{Catalogue, Timestamp};

/// What verifiers are told. Whoever changes a part of it leaves the others as they are: see `Publisher::republish`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Content {
    pub(crate) token_keys: Vec<TokenKey>,
    pub(crate) approval_keys: Vec<ApprovalKey>,
    pub(crate) catalogue: Catalogue,
    pub(crate) policy: Digest,
    pub(crate) restrictions: Restrictions,
    pub(crate) operators: Vec<ListedOperator>,
    pub(crate) verifiers: Vec<ListedVerifier>,
}

impl Content {
    pub(super) fn draft(&self, expires: Timestamp) -> BundleDraft {
        BundleDraft {
            token_keys: self.token_keys.clone(),
            approval_keys: self.approval_keys.clone(),
            catalogue: self.catalogue.clone(),
            policy: self.policy,
            expires,
            restrictions: self.restrictions.clone(),
            operators: self.operators.clone(),
            verifiers: self.verifiers.clone(),
        }
    }
}

impl From<BundleDraft> for Content {
    fn from(draft: BundleDraft) -> Self {
        Self {
            token_keys: draft.token_keys,
            approval_keys: draft.approval_keys,
            catalogue: draft.catalogue,
            policy: draft.policy,
            restrictions: draft.restrictions,
            operators: draft.operators,
            verifiers: draft.verifiers,
        }
    }
}
