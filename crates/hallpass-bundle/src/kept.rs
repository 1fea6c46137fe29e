//! A bundle that its authority signed earlier, read back.

use hallpass_keys::Digest;
use hallpass_keys::dsse::Envelope;

use crate::{
    BUNDLE_PAYLOAD_TYPE, Bundle, BundleDraft, BundleError, BundleId, Document, Root, SignedBundle,
};

impl SignedBundle {
    /// Reads back what an authority has signed itself, and what it says: its signatures and its form are looked at, and whose it
    /// is. Neither its dates nor its number: those are what the authority goes on from. A verifier uses
    /// [`accept`](crate::accept).
    ///
    /// # Errors
    /// One of [`BundleError`], when it is not signed under this root, malformed, or another authority's.
    pub fn read(envelope: Envelope, root: &Root) -> Result<(Self, BundleDraft), BundleError> {
        let document = Document::Bundle;
        let role = root.bundle();
        let payload = envelope
            .verify(BUNDLE_PAYLOAD_TYPE, role.keys(), role.threshold())
            .map_err(|source| BundleError::Signature { document, source })?;
        let bundle = Bundle::from_payload(payload, root)
            .ok_or(BundleError::Malformed { document })?
            .map_err(|source| BundleError::Invalid { document, source })?;
        if bundle.authority() != root.authority() {
            return Err(BundleError::WrongAuthority { document });
        }
        if bundle.environment() != root.environment() {
            return Err(BundleError::WrongEnvironment { document });
        }
        let id = BundleId {
            version: bundle.version(),
            digest: Digest::of(payload),
        };
        let whose = (bundle.authority().clone(), bundle.environment().clone());
        let draft = bundle.into_draft();
        Ok((Self::of(envelope, id, whose.0, whose.1), draft))
    }
}
