//! A token on its way in: unverified, then verified. Each step is its own type, so none can be skipped.

use std::fmt;

use hallpass_keys::VerifyingKey;
use hallpass_vocabulary::DenialCode;

use crate::chain::{self, Broken};
use crate::envelope::{Envelope, Malformed, Proof, Unopened};
use crate::limits::{BLOCKS_MAX, TOKEN_BYTES_MAX, TOKEN_TEXT_BYTES_MAX};
use crate::text::{self, PREFIX, TokenText};

/// Text that is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The bytes are not those of a token.
    #[error("{0}")]
    Malformed(Malformed),
    /// More blocks than [`BLOCKS_MAX`].
    #[error("the token has {blocks} blocks, more than {BLOCKS_MAX}")]
    TooManyBlocks {
        /// How many it has, the authority block included.
        blocks: usize,
    },
    /// More bytes than [`TOKEN_BYTES_MAX`].
    #[error("the token is larger than {TOKEN_BYTES_MAX} bytes")]
    TooLarge,
}

impl ParseError {
    /// The denial this is.
    pub fn code(&self) -> DenialCode {
        match self {
            Self::Malformed(_) => DenialCode::TokenMalformed,
            Self::TooManyBlocks { .. } | Self::TooLarge => DenialCode::TokenTooLarge,
        }
    }
}

/// A signature of a token that does not verify. Blocks are counted from the authority block, 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The signature of a block.
    #[error("the signature of block {block} does not verify")]
    Block {
        /// Which block.
        block: usize,
    },
    /// The third party's signature of a block.
    #[error("the third-party signature of block {block} does not verify")]
    External {
        /// Which block.
        block: usize,
    },
    /// A block names a key that is no point, or a weak one.
    #[error("block {block} names a key that is not acceptable")]
    Key {
        /// Which block.
        block: usize,
    },
    /// The token names another key than the one it was checked with.
    #[error("the token names another signing key")]
    KeyHint,
    /// The next secret or the seal.
    #[error("the next secret or the seal does not match the last block")]
    Proof,
}

impl VerifyError {
    /// The denial this is.
    pub fn code(&self) -> DenialCode {
        DenialCode::SignatureInvalid
    }
}

impl From<Broken> for VerifyError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Block(block) => Self::Block { block },
            Broken::External(block) => Self::External { block },
            Broken::Key(block) => Self::Key { block },
            Broken::Proof => Self::Proof,
        }
    }
}

/// A token of the right size and shape. Nothing in it is to be believed.
pub struct UnverifiedToken {
    pub(crate) envelope: Envelope,
}

impl UnverifiedToken {
    /// Reads the text of a token: its size, its encoding, its blocks. Linear in the text; no key or signature is
    /// touched, so junk costs nothing.
    ///
    /// # Errors
    /// [`ParseError`], whose [`code`](ParseError::code) is `token_malformed` or `token_too_large`.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        if text.len() > TOKEN_TEXT_BYTES_MAX {
            return Err(ParseError::TooLarge);
        }
        let encoded = text
            .strip_prefix(PREFIX)
            .ok_or(ParseError::Malformed(Malformed::Encoding))?;
        let bytes = text::decode(encoded).ok_or(ParseError::Malformed(Malformed::Encoding))?;
        if bytes.len() > TOKEN_BYTES_MAX {
            return Err(ParseError::TooLarge);
        }
        Envelope::open(&bytes)
            .map(|envelope| Self { envelope })
            .map_err(|unopened| match unopened {
                Unopened::Malformed(reason) => ParseError::Malformed(reason),
                Unopened::TooManyBlocks(blocks) => ParseError::TooManyBlocks { blocks },
            })
    }

    /// Which key claims to have signed it: [`KeyId::hint`](hallpass_keys::KeyId::hint) of the root key. Unsigned.
    pub fn key_hint(&self) -> u32 {
        self.envelope.key_hint
    }

    /// How many blocks it has, the authority block included.
    pub fn blocks(&self) -> usize {
        self.envelope.block_count()
    }

    /// Whether nobody can append to it.
    pub fn is_sealed(&self) -> bool {
        matches!(self.envelope.proof, Proof::Seal(_))
    }

    /// Verifies the signature of every block and the proof, strictly. Says nothing about what the token allows, nor
    /// about what `root` is for: the caller looks that up beside the key.
    ///
    /// # Errors
    /// [`VerifyError`], always `signature_invalid`.
    pub fn verify(self, root: &VerifyingKey) -> Result<VerifiedToken, VerifyError> {
        // The hint is unsigned: were another one accepted, one token could be written in 2^32 ways.
        if self.key_hint() != root.id().hint() {
            return Err(VerifyError::KeyHint);
        }
        chain::verify(&self.envelope, root)?;
        Ok(VerifiedToken {
            token: self,
            root: *root,
        })
    }

    /// The token as text again: exactly the text it was parsed from.
    pub fn to_text(&self) -> TokenText {
        TokenText::of(&self.envelope.to_bytes())
    }
}

impl fmt::Debug for UnverifiedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnverifiedToken")
            .field("blocks", &self.blocks())
            .finish_non_exhaustive()
    }
}

/// A token whose every signature verified under a root key. Not yet admitted: the root key's owner and any holder
/// after it may have signed anything.
pub struct VerifiedToken {
    pub(crate) token: UnverifiedToken,
    pub(crate) root: VerifyingKey,
}

impl VerifiedToken {
    /// The key it verified under.
    pub fn root_key(&self) -> &VerifyingKey {
        &self.root
    }

    /// The token it was before.
    pub fn as_unverified(&self) -> &UnverifiedToken {
        &self.token
    }
}

impl fmt::Debug for VerifiedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedToken")
            .field("blocks", &self.token.blocks())
            .field("root", &self.root.id())
            .finish_non_exhaustive()
    }
}
