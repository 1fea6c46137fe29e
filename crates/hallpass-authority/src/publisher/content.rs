//! What a bundle says.

use hallpass_bundle::{ApprovalKey, BundleDraft, TokenKey};
use hallpass_keys::Digest;
use hallpass_vocabulary::{Catalogue, Timestamp};

/// What verifiers are told. Whoever changes a part of it leaves the others as they are: see `Publisher::republish`.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    pub(crate) token_keys: Vec<TokenKey>,
    pub(crate) approval_keys: Vec<ApprovalKey>,
    pub(crate) catalogue: Catalogue,
    pub(crate) policy: Digest,
}

impl Content {
    pub(super) fn draft(&self, expires: Timestamp) -> BundleDraft {
        BundleDraft {
            token_keys: self.token_keys.clone(),
            approval_keys: self.approval_keys.clone(),
            catalogue: self.catalogue.clone(),
            policy: self.policy,
            expires,
            restrictions: hallpass_bundle::Restrictions::default(),
            operators: Vec::new(),
            verifiers: Vec::new(),
        }
    }
}
