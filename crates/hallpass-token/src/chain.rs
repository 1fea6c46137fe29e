//! The chain of signatures: each block is signed by the key the block before it names, the first by the root key.
//!
//! The engine's own verification decompresses every key before it looks at one signature; this one stops at the first
//! signature that fails, so junk costs one verification. A test holds the two verdicts together.

use ed25519_dalek::Signer as _;
use hallpass_keys::{Signature, VerifyingKey};

use crate::envelope::{Envelope, ExternalSignature, KeyBytes, Layout, Proof, SignedBlock};

/// Biscuit's number for Ed25519 in signed bytes.
const ED25519: [u8; 4] = 0i32.to_le_bytes();
/// The version in the signed bytes of [`Layout::V1`].
const VERSION_1: [u8; 4] = 1u32.to_le_bytes();

/// A link of the chain that does not hold. The block is counted from the authority block, 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    Block(usize),
    External(usize),
    Key(usize),
    Proof,
}

/// Verifies every signature and the proof.
pub(crate) fn verify(envelope: &Envelope, root: &VerifyingKey) -> Result<(), Broken> {
    let mut key = *root;
    let mut before: Option<&Signature> = None;
    let mut blocks = envelope.blocks().enumerate().peekable();
    while let Some((position, block)) = blocks.next() {
        let signed = signed_bytes(
            &block.payload,
            &block.next_key,
            block.layout,
            before,
            block.external.as_ref(),
        );
        key.verify(&signed, &block.signature)
            .map_err(|_| Broken::Block(position))?;
        if let (Some(external), Some(before)) = (&block.external, before) {
            let signer =
                VerifyingKey::from_bytes(&external.key).map_err(|_| Broken::Key(position))?;
            signer
                .verify(&external_bytes(&block.payload, before), &external.signature)
                .map_err(|_| Broken::External(position))?;
        }
        before = Some(&block.signature);
        // The last key is only needed as a point where it signed a seal.
        if blocks.peek().is_some() || matches!(envelope.proof, Proof::Seal(_)) {
            key = VerifyingKey::from_bytes(&block.next_key).map_err(|_| Broken::Key(position))?;
        }
    }
    match &envelope.proof {
        Proof::NextSecret(secret) => {
            let derived = secret.signing_key().verifying_key();
            if derived.as_bytes() == &envelope.last().next_key {
                Ok(())
            } else {
                Err(Broken::Proof)
            }
        }
        Proof::Seal(seal) => key
            .verify(&sealed_bytes(envelope.last()), seal)
            .map_err(|_| Broken::Proof),
    }
}

/// A block after `before`, signed by `signer`, that hands over to `next_key`.
pub(crate) fn append(
    payload: Vec<u8>,
    next_key: KeyBytes,
    before: &Envelope,
    signer: &ed25519_dalek::SigningKey,
) -> SignedBlock {
    // Once a block is signed over the one before it, the blocks after it are too.
    let covered = before.blocks().any(|block| block.layout == Layout::V1);
    let layout = if covered { Layout::V1 } else { Layout::V0 };
    let signed = signed_bytes(
        &payload,
        &next_key,
        layout,
        Some(&before.last().signature),
        None,
    );
    let signature = Signature::from_bytes(signer.sign(&signed).to_bytes());
    SignedBlock {
        payload,
        next_key,
        signature,
        layout,
        external: None,
    }
}

/// What the root key signs of an authority block (always of [`Layout::V0`]: every implementation reads it).
pub(crate) fn authority_bytes(payload: &[u8], next_key: &KeyBytes) -> Vec<u8> {
    signed_bytes(payload, next_key, Layout::V0, None, None)
}

/// The seal over the last block.
pub(crate) fn seal(last: &SignedBlock, signer: &ed25519_dalek::SigningKey) -> Signature {
    Signature::from_bytes(signer.sign(&sealed_bytes(last)).to_bytes())
}

fn signed_bytes(
    payload: &[u8],
    next_key: &KeyBytes,
    layout: Layout,
    before: Option<&Signature>,
    external: Option<&ExternalSignature>,
) -> Vec<u8> {
    match layout {
        // A block of this layout with an external signature is refused when the envelope is opened.
        Layout::V0 => [payload, &ED25519, next_key].concat(),
        Layout::V1 => {
            let mut signed = [
                b"\0BLOCK\0\0VERSION\0".as_slice(),
                &VERSION_1,
                b"\0PAYLOAD\0",
                payload,
                b"\0ALGORITHM\0",
                &ED25519,
                b"\0NEXTKEY\0",
                next_key,
            ]
            .concat();
            if let Some(before) = before {
                signed.extend_from_slice(b"\0PREVSIG\0");
                signed.extend_from_slice(before.as_bytes());
            }
            if let Some(external) = external {
                signed.extend_from_slice(b"\0EXTERNALSIG\0");
                signed.extend_from_slice(external.signature.as_bytes());
            }
            signed
        }
    }
}

fn external_bytes(payload: &[u8], before: &Signature) -> Vec<u8> {
    [
        b"\0EXTERNAL\0\0VERSION\0".as_slice(),
        &VERSION_1,
        b"\0PAYLOAD\0",
        payload,
        b"\0PREVSIG\0",
        before.as_bytes(),
    ]
    .concat()
}

fn sealed_bytes(last: &SignedBlock) -> Vec<u8> {
    [
        last.payload.as_slice(),
        &ED25519,
        &last.next_key,
        last.signature.as_bytes(),
    ]
    .concat()
}
