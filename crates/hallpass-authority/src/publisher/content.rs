//! What a bundle says.

use hallpass_bundle::{
    ApprovalKey, BundleDraft, KeyState, ListedOperator, ListedVerifier, Restrictions, TokenKey,
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

    /// Puts other keys in place. What is published as tainted stays so: another replica may have said it a moment ago, and
    /// whoever asks may not have heard.
    pub(crate) fn set_keys(&mut self, tokens: Vec<TokenKey>, approvals: Vec<ApprovalKey>) {
        let tokens_before = std::mem::replace(&mut self.token_keys, tokens);
        for before in tokens_before
            .iter()
            .filter(|it| it.state == KeyState::Tainted)
        {
            let same = self.token_keys.iter_mut().filter(|it| it.key == before.key);
            same.for_each(|it| it.state = KeyState::Tainted);
        }
        let approvals_before = std::mem::replace(&mut self.approval_keys, approvals);
        for before in approvals_before
            .iter()
            .filter(|it| it.state == KeyState::Tainted)
        {
            let same = self
                .approval_keys
                .iter_mut()
                .filter(|it| it.key == before.key);
            same.for_each(|it| it.state = KeyState::Tainted);
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

#[cfg(test)]
mod tests {
    use hallpass_bundle::TokenPurpose;
    use hallpass_keys::{Purpose, SigningKey, VerifyingKey};
    use hallpass_vocabulary::Environment;

    use super::*;

    fn public(purpose: Purpose, seed: u8) -> VerifyingKey {
        let environment = Environment::new("dev").unwrap();
        SigningKey::from_seed(purpose, environment, [seed; 32]).verifying_key()
    }

    fn token_key(seed: u8, state: KeyState) -> TokenKey {
        TokenKey {
            key: public(Purpose::Run, seed),
            environment: Environment::new("dev").unwrap(),
            purpose: TokenPurpose::Run,
            state,
        }
    }

    fn approval_key(seed: u8, state: KeyState) -> ApprovalKey {
        ApprovalKey {
            key: public(Purpose::Approval, seed),
            state,
        }
    }

    #[test]
    fn a_replica_that_has_not_heard_takes_no_taint_back() {
        let mut content = Content {
            token_keys: vec![
                token_key(1, KeyState::Tainted),
                token_key(2, KeyState::Active),
            ],
            approval_keys: vec![approval_key(3, KeyState::Tainted)],
            catalogue: Catalogue::default(),
            policy: Digest::of(b"policy"),
            restrictions: Restrictions::default(),
            operators: Vec::new(),
            verifiers: Vec::new(),
        };
        content.set_keys(
            vec![
                token_key(1, KeyState::Active),
                token_key(2, KeyState::Retiring),
            ],
            vec![
                approval_key(3, KeyState::Active),
                approval_key(4, KeyState::Prepared),
            ],
        );
        let tokens: Vec<_> = content.token_keys.iter().map(|it| it.state).collect();
        assert_eq!(tokens, [KeyState::Tainted, KeyState::Retiring]);
        let approvals: Vec<_> = content.approval_keys.iter().map(|it| it.state).collect();
        assert_eq!(approvals, [KeyState::Tainted, KeyState::Prepared]);
    }
}
