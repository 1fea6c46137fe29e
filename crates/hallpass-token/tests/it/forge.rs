//! Tokens no Hallpass code would make, correctly signed: what a root key's owner or a holder could do.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use biscuit_auth::builder::{Algorithm, BlockBuilder};
use biscuit_auth::datalog::SymbolTable;
use biscuit_auth::format::schema;
use biscuit_auth::{Biscuit, KeyPair, PrivateKey, PublicKey};
use ed25519_dalek::Signer as _;
use hallpass_keys::SigningKey;
use prost::Message as _;

use crate::fixtures::{grant, minted, root};

pub fn to_text(bytes: &[u8]) -> String {
    format!("hp1.{}", URL_SAFE_NO_PAD.encode(bytes))
}

pub fn to_bytes(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD
        .decode(text.strip_prefix("hp1.").unwrap())
        .unwrap()
}

pub fn to_schema(text: &str) -> schema::Biscuit {
    schema::Biscuit::decode(to_bytes(text).as_slice()).unwrap()
}

pub fn from_schema(token: &schema::Biscuit) -> String {
    to_text(&token.encode_to_vec())
}

pub fn biscuit_root() -> PublicKey {
    PublicKey::from_bytes(root(1).verifying_key().as_bytes(), Algorithm::Ed25519).unwrap()
}

pub fn biscuit_private(key: &SigningKey) -> PrivateKey {
    PrivateKey::from_bytes(key.expose_secret_bytes().as_slice(), Algorithm::Ed25519).unwrap()
}

/// The library's own reading of a token of ours.
pub fn biscuit(text: &str) -> Biscuit {
    Biscuit::from(to_bytes(text), biscuit_root()).unwrap()
}

/// The minted token with a block of this Datalog, appended by the library.
pub fn appended(code: &str) -> String {
    appended_to(minted(&grant()).expose(), code)
}

pub fn appended_to(text: &str, code: &str) -> String {
    appended_with(text, code, 77)
}

/// Likewise, with this seed for the key of the next block.
pub fn appended_with(text: &str, code: &str, seed: u8) -> String {
    let next = KeyPair::from(&PrivateKey::from_bytes(&[seed; 32], Algorithm::Ed25519).unwrap());
    let block = BlockBuilder::new().code(code);
    let block = block.unwrap_or_else(|error| panic!("{code}: {error}"));
    to_text(
        &biscuit(text)
            .append_with_keypair(&next, block)
            .unwrap()
            .to_vec()
            .unwrap(),
    )
}

/// The minted token with a third-party block of this Datalog, signed by `signer`.
pub fn third_party(text: &str, signer: &SigningKey, code: &str) -> String {
    let token = biscuit(text);
    let block = token
        .third_party_request()
        .unwrap()
        .create_block(
            &biscuit_private(signer),
            BlockBuilder::new().code(code).unwrap(),
        )
        .unwrap();
    let next = KeyPair::from(&PrivateKey::from_bytes(&[79; 32], Algorithm::Ed25519).unwrap());
    let signer =
        PublicKey::from_bytes(signer.verifying_key().as_bytes(), Algorithm::Ed25519).unwrap();
    to_text(
        &token
            .append_third_party_with_keypair(signer, block, next)
            .unwrap()
            .to_vec()
            .unwrap(),
    )
}

/// A token whose authority block is this Datalog, minted by the library with our root key.
pub fn authority(code: &str) -> String {
    let key = KeyPair::from(&biscuit_private(&root(1)));
    let next = KeyPair::from(&PrivateKey::from_bytes(&[80; 32], Algorithm::Ed25519).unwrap());
    let builder = Biscuit::builder()
        .root_key_id(root(1).id().hint())
        .code(code)
        .unwrap();
    let token = builder
        .build_with_key_pair(&key, SymbolTable::new(), &next)
        .unwrap();
    to_text(&token.to_vec().unwrap())
}

/// The minted token with its authority block changed and signed again.
pub fn reminted(change: impl FnOnce(&mut schema::Block)) -> String {
    let mut token = to_schema(minted(&grant()).expose());
    let mut block = schema::Block::decode(token.authority.block.as_slice()).unwrap();
    change(&mut block);
    token.authority.block = block.encode_to_vec();
    resign_authority(&mut token);
    from_schema(&token)
}

/// Signs the authority block of a token again, whatever its bytes are.
pub fn resign_authority(token: &mut schema::Biscuit) {
    let signed = [
        token.authority.block.as_slice(),
        &0i32.to_le_bytes(),
        &token.authority.next_key.key,
    ]
    .concat();
    token.authority.signature = root(1).sign(&signed).as_bytes().to_vec();
}

/// The minted token with a block of these bytes, correctly signed.
pub fn appended_raw(payload: Vec<u8>) -> String {
    append_raw_to(minted(&grant()).expose(), payload)
}

pub fn append_raw_to(text: &str, payload: Vec<u8>) -> String {
    let mut token = to_schema(text);
    let Some(schema::proof::Content::NextSecret(secret)) = token.proof.content.clone() else {
        panic!("sealed");
    };
    let signer = ed25519_dalek::SigningKey::from_bytes(&secret.try_into().unwrap());
    let next = ed25519_dalek::SigningKey::from_bytes(&[78; 32]);
    let key = next.verifying_key().to_bytes().to_vec();
    let signed = [payload.as_slice(), &0i32.to_le_bytes(), &key].concat();
    token.blocks.push(schema::SignedBlock {
        block: payload,
        next_key: schema::PublicKey { algorithm: 0, key },
        signature: signer.sign(&signed).to_bytes().to_vec(),
        external_signature: None,
        version: None,
    });
    token.proof.content = Some(schema::proof::Content::NextSecret(next.to_bytes().to_vec()));
    from_schema(&token)
}

/// The first block after the authority block, as appended by Hallpass with this caveat.
pub fn caveat_block(words: &str) -> schema::Block {
    let text = crate::fixtures::attenuated(minted(&grant()).expose(), &[words.parse().unwrap()]);
    let token = to_schema(text.expose());
    schema::Block::decode(token.blocks[0].block.as_slice()).unwrap()
}
