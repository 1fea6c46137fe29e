//! What an authority signed earlier, read back to go on from.

use hallpass_bundle::{BundleError, SignedBundle};

use crate::authority::{Authority, DAY, NOW};

#[test]
fn an_authority_reads_back_what_it_signed_whatever_the_time() {
    let authority = Authority::new();
    // Weeks from any verifier's clock.
    let signed = authority.bundle(None, NOW.after(29 * DAY));
    let (read, draft) = SignedBundle::read(signed.envelope().clone(), &authority.root).unwrap();
    assert_eq!(read, signed);
    let was = authority.draft();
    assert_eq!(draft.restrictions, was.restrictions);
    assert_eq!(draft.token_keys, was.token_keys);
    assert_eq!(draft.approval_keys, was.approval_keys);
    assert_eq!(draft.catalogue, was.catalogue);
    assert_eq!(draft.policy, was.policy);
    assert_eq!(draft.operators, was.operators);
    assert_eq!(draft.verifiers, was.verifiers);
}

#[test]
fn what_another_signed_is_not_read_back() {
    let (authority, other) = (Authority::new(), Authority::of("prod", 100));
    let theirs = other.bundle(None, NOW).envelope().clone();
    assert!(matches!(
        SignedBundle::read(theirs, &authority.root),
        Err(BundleError::Signature { .. })
    ));
    let heartbeat = authority.published(NOW).heartbeat;
    assert!(SignedBundle::read(heartbeat, &authority.root).is_err());
    for (member, value) in [("authority", "hallpass.other"), ("environment", "dev")] {
        let forged = authority.with_bundle(|bundle| bundle[member] = value.into());
        assert!(
            SignedBundle::read(forged.bundle, &authority.root).is_err(),
            "{member}"
        );
    }
    let unknown = authority.with_bundle(|bundle| bundle["more"] = 1.into());
    assert!(matches!(
        SignedBundle::read(unknown.bundle, &authority.root),
        Err(BundleError::Malformed { .. })
    ));
}
