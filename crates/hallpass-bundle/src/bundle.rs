//! The bundle: what verifiers need to know to decide on their own.

use std::collections::BTreeSet;

use hallpass_keys::dsse::Envelope;
use hallpass_keys::{Digest, Purpose, SigningKey, VerifyingKey};
use hallpass_vocabulary::{AuthorityId, Catalogue, Environment, Timestamp};

use crate::document;
use crate::{
    ApprovalKey, Cutoff, InvalidDocument, KEYS_PER_OPERATOR_MAX, KeyState, ListedOperator,
    ListedVerifier, OPERATORS_MAX, Restrictions, Revocation, Root, SignError, Stop, TokenKey,
    TokenPurpose, VERIFIERS_MAX,
};

/// The DSSE payload type of a bundle.
pub const BUNDLE_PAYLOAD_TYPE: &str = "application/vnd.hallpass.bundle+json";
/// The version of the format of bundles made here.
pub const BUNDLE_FORMAT_VERSION: u32 = 2;
/// The version that has neither restrictions nor operators nor verifiers.
const FORMAT_WITHOUT_LISTS: u32 = 1;
/// The most token keys: a few per environment, in rotation, for as many environments as anyone runs.
pub const TOKEN_KEYS_MAX: usize = 256;
/// The most approval keys.
pub const APPROVAL_KEYS_MAX: usize = 64;

/// A bundle document: consistent in itself, signed by nobody yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle(Fields);

/// What a new bundle says.
#[derive(Debug, Clone)]
pub struct BundleDraft {
    /// Keys that sign tokens.
    pub token_keys: Vec<TokenKey>,
    /// Keys that sign approvals.
    pub approval_keys: Vec<ApprovalKey>,
    /// The tools.
    pub catalogue: Catalogue,
    /// The policy in force.
    pub policy: Digest,
    /// Not believed from then on.
    pub expires: Timestamp,
    /// What is denied.
    pub restrictions: Restrictions,
    /// Whose signed stops are obeyed.
    pub operators: Vec<ListedOperator>,
    /// Who else decides.
    pub verifiers: Vec<ListedVerifier>,
}

/// Which bundle: its number, and the digest of its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleId {
    /// Counts up; milliseconds since the epoch when it was made, or one more than the last.
    pub version: u64,
    /// SHA-256 of the payload.
    pub digest: Digest,
}

/// A signed bundle, as the authority keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedBundle {
    envelope: Envelope,
    id: BundleId,
    authority: AuthorityId,
    environment: Environment,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    format: u32,
    authority: AuthorityId,
    environment: Environment,
    version: u64,
    previous: Option<Digest>,
    issued: Timestamp,
    expires: Timestamp,
    token_keys: Vec<TokenKey>,
    approval_keys: Vec<ApprovalKey>,
    catalogue: Catalogue,
    policy: Digest,
    stops: Vec<Stop>,
    revocations: Vec<Revocation>,
    cutoffs: Vec<Cutoff>,
    operators: Vec<ListedOperator>,
    verifiers: Vec<ListedVerifier>,
}

impl Bundle {
    /// The bundle after `last`, under this root, with the number of this moment where that is more.
    ///
    /// # Errors
    /// When the draft contradicts itself or the root.
    pub fn new(
        root: &Root,
        draft: BundleDraft,
        last: Option<&BundleId>,
        now: Timestamp,
    ) -> Result<Self, InvalidDocument> {
        let by_time = u64::try_from(now.unix_ms()).unwrap_or(0);
        Self::made(root, draft, last, by_time, now)
    }

    /// The bundle right after `last`: one more, whatever the clock says. So a clock that is ahead for a moment does not set
    /// numbers that the next bundles would have to exceed.
    ///
    /// # Errors
    /// When the draft contradicts itself or the root.
    pub fn next(
        root: &Root,
        draft: BundleDraft,
        last: &BundleId,
        now: Timestamp,
    ) -> Result<Self, InvalidDocument> {
        Self::made(root, draft, Some(last), 1, now)
    }

    /// The same in format 1, for verifiers that read no other, which has neither operators nor verifiers.
    ///
    /// # Errors
    /// When anything is restricted: format 1 cannot say so, and would allow it.
    pub fn in_format_1(mut self, root: &Root) -> Result<Self, InvalidDocument> {
        self.0.format = FORMAT_WITHOUT_LISTS;
        self.0.operators.clear();
        self.0.verifiers.clear();
        self.checked(root)
    }

    fn made(
        root: &Root,
        draft: BundleDraft,
        last: Option<&BundleId>,
        at_least: u64,
        now: Timestamp,
    ) -> Result<Self, InvalidDocument> {
        let by_count = last.map_or(1, |last| last.version.saturating_add(1));
        Self(Fields {
            format: BUNDLE_FORMAT_VERSION,
            authority: root.authority().clone(),
            environment: root.environment().clone(),
            version: at_least.max(by_count),
            previous: last.map(|last| last.digest),
            issued: now,
            expires: draft.expires,
            token_keys: draft.token_keys,
            approval_keys: draft.approval_keys,
            catalogue: draft.catalogue,
            policy: draft.policy,
            stops: draft.restrictions.stops,
            revocations: draft.restrictions.revocations,
            cutoffs: draft.restrictions.cutoffs,
            operators: draft.operators,
            verifiers: draft.verifiers,
        })
        .checked(root)
    }

    /// Reads the payload of an envelope; says nothing about who signed it.
    pub(crate) fn from_payload(
        payload: &[u8],
        root: &Root,
    ) -> Option<Result<Self, InvalidDocument>> {
        document::read(payload).map(|fields| Self(fields).checked(root))
    }

    fn checked(self, root: &Root) -> Result<Self, InvalidDocument> {
        let Self(fields) = &self;
        self.check_format()?;
        if fields.version == 0 {
            return Err(InvalidDocument::VersionZero);
        }
        if fields.expires <= fields.issued {
            return Err(InvalidDocument::Lifetime);
        }
        document::check_count("token_keys", fields.token_keys.len(), TOKEN_KEYS_MAX)?;
        document::check_count(
            "approval_keys",
            fields.approval_keys.len(),
            APPROVAL_KEYS_MAX,
        )?;
        document::check_count("operators", fields.operators.len(), OPERATORS_MAX)?;
        document::check_count("verifiers", fields.verifiers.len(), VERIFIERS_MAX)?;
        for operator in &fields.operators {
            let keys = operator.keys.len();
            document::check_count("keys of an operator", keys, KEYS_PER_OPERATOR_MAX)?;
        }
        crate::restrictions::check(&fields.stops, &fields.revocations, &fields.cutoffs)?;
        self.check_keys(root)?;
        Ok(self)
    }

    /// A reader of format 1 would not know what an entry of these lists means, and would allow what it says to deny.
    fn check_format(&self) -> Result<(), InvalidDocument> {
        let Self(fields) = self;
        let listed = !(fields.stops.is_empty()
            && fields.revocations.is_empty()
            && fields.cutoffs.is_empty()
            && fields.operators.is_empty()
            && fields.verifiers.is_empty());
        match fields.format {
            BUNDLE_FORMAT_VERSION => Ok(()),
            FORMAT_WITHOUT_LISTS if !listed => Ok(()),
            FORMAT_WITHOUT_LISTS => Err(InvalidDocument::NotInFormat1),
            found => Err(InvalidDocument::Format { found }),
        }
    }

    fn check_keys(&self, root: &Root) -> Result<(), InvalidDocument> {
        let Self(fields) = self;
        let listed = fields.token_keys.iter().map(|entry| &entry.key);
        let listed = listed.chain(fields.approval_keys.iter().map(|entry| &entry.key));
        let mut keys: BTreeSet<&VerifyingKey> = root.keys().collect();
        for key in listed {
            if !keys.insert(key) {
                return Err(InvalidDocument::KeyTwice { id: key.id() });
            }
        }
        // An operator may have a key twice in nothing: it would be two people, or one key with two purposes.
        for key in fields.operators.iter().flat_map(|it| &it.keys) {
            if !keys.insert(key) {
                return Err(InvalidDocument::KeyTwice { id: key.id() });
            }
        }
        let mut origins = BTreeSet::new();
        for verifier in &fields.verifiers {
            if !origins.insert(verifier.origin) {
                return Err(InvalidDocument::OriginTwice {
                    origin: verifier.origin,
                });
            }
        }
        let mut hints = BTreeSet::new();
        for entry in &fields.token_keys {
            let hint = entry.id().hint();
            if !hints.insert(hint) {
                return Err(InvalidDocument::HintTwice { hint });
            }
        }
        let can_sign = |entry: &TokenKey| {
            entry.environment == fields.environment
                && entry.purpose == TokenPurpose::Run
                && entry.state == KeyState::Active
        };
        if !fields.token_keys.iter().any(can_sign) {
            return Err(InvalidDocument::NoActiveKey {
                environment: fields.environment.clone(),
            });
        }
        Ok(())
    }

    /// What it says.
    pub(crate) fn into_draft(self) -> BundleDraft {
        let Self(fields) = self;
        BundleDraft {
            token_keys: fields.token_keys,
            approval_keys: fields.approval_keys,
            catalogue: fields.catalogue,
            policy: fields.policy,
            expires: fields.expires,
            restrictions: Restrictions {
                stops: fields.stops,
                revocations: fields.revocations,
                cutoffs: fields.cutoffs,
            },
            operators: fields.operators,
            verifiers: fields.verifiers,
        }
    }

    /// What it says is to be denied, taken out of it.
    pub(crate) fn take_restrictions(&mut self) -> Restrictions {
        let Self(fields) = self;
        Restrictions {
            stops: std::mem::take(&mut fields.stops),
            revocations: std::mem::take(&mut fields.revocations),
            cutoffs: std::mem::take(&mut fields.cutoffs),
        }
    }

    /// Signs it with bundle keys of this root.
    ///
    /// # Errors
    /// When the keys are not bundle keys of this environment, or do not meet the threshold.
    pub fn sign(&self, root: &Root, keys: &[&SigningKey]) -> Result<SignedBundle, SignError> {
        let payload = document::write(&self.0);
        let id = BundleId {
            version: self.0.version,
            digest: Digest::of(&payload),
        };
        let envelope = document::sign(
            BUNDLE_PAYLOAD_TYPE,
            payload,
            Purpose::Bundle,
            &self.0.environment,
            root.bundle(),
            keys,
        )?;
        Ok(SignedBundle {
            envelope,
            id,
            authority: self.0.authority.clone(),
            environment: self.0.environment.clone(),
        })
    }

    /// Whose it is.
    pub fn authority(&self) -> &AuthorityId {
        &self.0.authority
    }

    /// Where it is valid.
    pub fn environment(&self) -> &Environment {
        &self.0.environment
    }

    /// Its number; see [`BundleId::version`].
    pub fn version(&self) -> u64 {
        self.0.version
    }

    /// The digest of the bundle before it. For audit: a verifier may have missed some in between.
    pub fn previous(&self) -> Option<&Digest> {
        self.0.previous.as_ref()
    }

    /// When it was made.
    pub fn issued(&self) -> Timestamp {
        self.0.issued
    }

    /// Not believed from then on.
    pub fn expires(&self) -> Timestamp {
        self.0.expires
    }

    /// Keys that sign tokens, of this and of other environments.
    pub fn token_keys(&self) -> &[TokenKey] {
        &self.0.token_keys
    }

    /// Keys that sign approvals.
    pub fn approval_keys(&self) -> &[ApprovalKey] {
        &self.0.approval_keys
    }

    /// The tools.
    pub fn catalogue(&self) -> &Catalogue {
        &self.0.catalogue
    }

    /// The digest of the policy in force.
    pub fn policy(&self) -> &Digest {
        &self.0.policy
    }

    /// Whose signed stops are obeyed.
    pub fn operators(&self) -> &[ListedOperator] {
        &self.0.operators
    }

    /// The verifiers that are alive.
    pub fn verifiers(&self) -> &[ListedVerifier] {
        &self.0.verifiers
    }
}

impl SignedBundle {
    pub(crate) fn of(
        envelope: Envelope,
        id: BundleId,
        authority: AuthorityId,
        environment: Environment,
    ) -> Self {
        Self {
            envelope,
            id,
            authority,
            environment,
        }
    }

    /// The envelope, as it is published.
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// Which bundle it is.
    pub fn id(&self) -> &BundleId {
        &self.id
    }

    pub(crate) fn authority(&self) -> &AuthorityId {
        &self.authority
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }
}
