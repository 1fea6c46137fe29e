//! The outside of a token: signed blocks and a proof, read strictly from protobuf and written back to the same bytes.

use biscuit_auth::format::schema;
use hallpass_keys::{PUBLIC_KEY_BYTES, Signature};
use prost::Message as _;
use schema::proof::Content as ProofContent;
use zeroize::{Zeroize as _, Zeroizing};

use crate::NextSecret;
use crate::limits::BLOCKS_MAX;

/// Biscuit's number for Ed25519, the only algorithm accepted.
const ED25519: i32 = schema::public_key::Algorithm::Ed25519 as i32;

/// A public key not yet decompressed: the chain decides which ones are worth it.
pub(crate) type KeyBytes = [u8; PUBLIC_KEY_BYTES];

/// How the signed bytes of a block are laid out (Biscuit specification, "Signature").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Written by leaving the version out. What blocks of Datalog 3.0 and 3.1 use.
    V0,
    /// Also covers the signature before it. What third-party blocks, and all that follow one, use.
    V1,
}

/// A third party's signature over a block.
#[derive(Debug, Clone)]
pub(crate) struct ExternalSignature {
    pub(crate) key: KeyBytes,
    pub(crate) signature: Signature,
}

/// One block and the signature over it.
#[derive(Debug, Clone)]
pub(crate) struct SignedBlock {
    pub(crate) payload: Vec<u8>,
    pub(crate) next_key: KeyBytes,
    pub(crate) signature: Signature,
    pub(crate) layout: Layout,
    pub(crate) external: Option<ExternalSignature>,
}

/// What ends the chain.
#[derive(Debug)]
pub(crate) enum Proof {
    /// The secret of the last key: whoever holds the token can append a block.
    NextSecret(NextSecret),
    /// A signature by it: nobody can.
    Seal(Signature),
}

/// A token's blocks and proof. The shape is checked, no signature is.
#[derive(Debug)]
pub(crate) struct Envelope {
    pub(crate) key_hint: u32,
    pub(crate) authority: SignedBlock,
    pub(crate) later: Vec<SignedBlock>,
    pub(crate) proof: Proof,
}

/// What is wrong with the bytes of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// Another signature algorithm than Ed25519.
    #[error("a key is not an Ed25519 key")]
    Algorithm,
    /// Not `hp1.` and canonical base64url without padding.
    #[error("the text is not `hp1.` and base64url without padding")]
    Encoding,
    /// A third party signed the authority block, or a block of the layout that does not cover the order of blocks.
    #[error("a third-party signature stands where none can")]
    ExternalSignature,
    /// No `root_key_id`.
    #[error("the token does not name its signing key")]
    KeyHint,
    /// A key or a signature of another length.
    #[error("a key or a signature has the wrong length")]
    Length,
    /// The same token can be written in fewer or other bytes: unknown fields, other field order, padded numbers.
    #[error("the bytes are not the canonical encoding of the token")]
    NotCanonical,
    /// Neither a next secret nor a seal.
    #[error("the token has neither a next secret nor a seal")]
    Proof,
    /// Not the protobuf of a Biscuit.
    #[error("the bytes are not a Biscuit")]
    Protobuf,
    /// A signature layout this version does not know.
    #[error("a block has an unknown signature version")]
    SignatureVersion,
}

/// Why bytes are no envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unopened {
    Malformed(Malformed),
    TooManyBlocks(usize),
}

impl From<Malformed> for Unopened {
    fn from(reason: Malformed) -> Self {
        Self::Malformed(reason)
    }
}

impl Envelope {
    /// Reads the bytes of a token. Linear in them; no key is decompressed and no signature looked at.
    pub(crate) fn open(bytes: &[u8]) -> Result<Self, Unopened> {
        let token = schema::Biscuit::decode(bytes).map_err(|_| Malformed::Protobuf)?;
        let blocks = token.blocks.len().saturating_add(1);
        if blocks > BLOCKS_MAX {
            return Err(Unopened::TooManyBlocks(blocks));
        }
        // One token, one spelling: what re-encodes differently holds unknown fields or is written in a roundabout way.
        let canonical = Zeroizing::new(token.encode_to_vec());
        if canonical.as_slice() != bytes {
            return Err(Malformed::NotCanonical.into());
        }
        let key_hint = token.root_key_id.ok_or(Malformed::KeyHint)?;
        let authority = SignedBlock::read(token.authority)?;
        if authority.external.is_some() {
            return Err(Malformed::ExternalSignature.into());
        }
        let later = token
            .blocks
            .into_iter()
            .map(SignedBlock::read)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            key_hint,
            authority,
            later,
            proof: Proof::read(token.proof)?,
        })
    }

    /// The bytes of the token.
    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut token = schema::Biscuit {
            root_key_id: Some(self.key_hint),
            authority: self.authority.write(),
            blocks: self.later.iter().map(SignedBlock::write).collect(),
            proof: self.proof.write(),
        };
        let bytes = Zeroizing::new(token.encode_to_vec());
        if let Some(ProofContent::NextSecret(secret)) = &mut token.proof.content {
            secret.zeroize();
        }
        bytes
    }

    /// Every block, the authority block first.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = &SignedBlock> {
        std::iter::once(&self.authority).chain(&self.later)
    }

    pub(crate) fn block_count(&self) -> usize {
        self.later.len().saturating_add(1)
    }

    pub(crate) fn last(&self) -> &SignedBlock {
        self.later.last().unwrap_or(&self.authority)
    }
}

impl SignedBlock {
    fn read(block: schema::SignedBlock) -> Result<Self, Malformed> {
        let layout = match block.version {
            None => Layout::V0,
            Some(1) => Layout::V1,
            Some(_) => return Err(Malformed::SignatureVersion),
        };
        let external = match block.external_signature {
            None => None,
            Some(_) if layout == Layout::V0 => return Err(Malformed::ExternalSignature),
            Some(external) => Some(ExternalSignature {
                key: read_key(&external.public_key)?,
                signature: read_signature(&external.signature)?,
            }),
        };
        Ok(Self {
            next_key: read_key(&block.next_key)?,
            signature: read_signature(&block.signature)?,
            payload: block.block,
            layout,
            external,
        })
    }

    fn write(&self) -> schema::SignedBlock {
        schema::SignedBlock {
            block: self.payload.clone(),
            next_key: write_key(&self.next_key),
            signature: self.signature.as_bytes().to_vec(),
            external_signature: self
                .external
                .as_ref()
                .map(|external| schema::ExternalSignature {
                    signature: external.signature.as_bytes().to_vec(),
                    public_key: write_key(&external.key),
                }),
            version: match self.layout {
                Layout::V0 => None,
                Layout::V1 => Some(1),
            },
        }
    }
}

impl Proof {
    fn read(proof: schema::Proof) -> Result<Self, Malformed> {
        match proof.content {
            Some(ProofContent::NextSecret(secret)) => {
                let secret = Zeroizing::new(secret);
                let bytes = secret
                    .as_slice()
                    .try_into()
                    .map_err(|_| Malformed::Length)?;
                Ok(Self::NextSecret(NextSecret::from_random(bytes)))
            }
            Some(ProofContent::FinalSignature(signature)) => {
                Ok(Self::Seal(read_signature(&signature)?))
            }
            None => Err(Malformed::Proof),
        }
    }

    fn write(&self) -> schema::Proof {
        let content = match self {
            Self::NextSecret(secret) => ProofContent::NextSecret(secret.as_bytes().to_vec()),
            Self::Seal(signature) => ProofContent::FinalSignature(signature.as_bytes().to_vec()),
        };
        schema::Proof {
            content: Some(content),
        }
    }
}

fn read_key(key: &schema::PublicKey) -> Result<KeyBytes, Malformed> {
    if key.algorithm != ED25519 {
        return Err(Malformed::Algorithm);
    }
    key.key.as_slice().try_into().map_err(|_| Malformed::Length)
}

fn write_key(key: &KeyBytes) -> schema::PublicKey {
    schema::PublicKey {
        algorithm: ED25519,
        key: key.to_vec(),
    }
}

fn read_signature(bytes: &[u8]) -> Result<Signature, Malformed> {
    Signature::try_from(bytes).map_err(|_| Malformed::Length)
}
