"""The outside of a token (docs/token-format.md, "Text and bytes"): its text, its envelope, its signatures."""

import base64
import hashlib
import re

import ed25519
from protobuf import Message, NotCanonical, read

TOKEN_BYTES_MAX = 8192
TOKEN_TEXT_BYTES_MAX = 10927
BLOCKS_MAX = 8
ED25519 = 0


class Denied(Exception):
    """The code of the denial (docs/denials.md)."""


def open_envelope(text: str) -> Message:
    """Step 1, form: the envelope of a token's text. No key or signature has been touched."""
    if len(text.encode("utf-8", "surrogatepass")) > TOKEN_TEXT_BYTES_MAX:
        raise Denied("token_too_large")
    if not re.fullmatch(r"hp1\.[A-Za-z0-9_-]+", text):
        raise Denied("token_malformed")
    encoded = text[4:]
    if len(encoded) % 4 == 1:
        raise Denied("token_malformed")
    data = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    if base64.urlsafe_b64encode(data).decode().rstrip("=") != encoded:
        raise Denied("token_malformed")
    if len(data) > TOKEN_BYTES_MAX:
        raise Denied("token_too_large")
    try:
        envelope = read("Biscuit", data)
    except NotCanonical as error:
        raise Denied("token_malformed") from error
    blocks = signed_blocks(envelope)
    if len(blocks) > BLOCKS_MAX:
        raise Denied("token_too_large")
    if not _has_the_form(envelope):
        raise Denied("token_malformed")
    return envelope


def signed_blocks(envelope: Message) -> list:
    """The blocks of an envelope, the authority block first."""
    return [envelope["authority"], *envelope["blocks"]]


def _has_the_form(envelope: Message) -> bool:
    """Algorithms and lengths, the presence of the hint, and the signature versions."""
    keys, signatures = [], []
    for block in signed_blocks(envelope):
        if block.get("version", 1) != 1:
            return False
        keys.append(block["next_key"])
        signatures.append(block["signature"])
        if "external" in block:
            keys.append(block["external"]["key"])
            signatures.append(block["external"]["signature"])
    proof = envelope["proof"]
    return (
        "root_key_id" in envelope
        and all(key["algorithm"] == ED25519 and len(key["key"]) == 32 for key in keys)
        and all(len(signature) == 64 for signature in signatures)
        and len(proof.get("next_secret", bytes(32))) == 32
        and len(proof.get("final_signature", bytes(64))) == 64
    )


def check_signatures(envelope: Message, root_key: bytes) -> None:
    """Step 3: the hint is the root key's, and every block and the proof verify, each by the key of the one before."""
    if envelope["root_key_id"] != int.from_bytes(hashlib.sha256(root_key).digest()[:4], "big"):
        raise Denied("signature_invalid")
    key, previous = root_key, b""
    for block in signed_blocks(envelope):
        _require(key, _signed_bytes(block, previous), block["signature"])
        if "external" in block:
            parts = [b"\0EXTERNAL\0", b"\0VERSION\0", (1).to_bytes(4, "little"), b"\0PAYLOAD\0", block["block"],
                     b"\0PREVSIG\0", previous]
            _require(block["external"]["key"]["key"], b"".join(parts), block["external"]["signature"])
        key, previous = block["next_key"]["key"], block["signature"]
    proof, last = envelope["proof"], signed_blocks(envelope)[-1]
    if "next_secret" in proof:
        if not ed25519.is_strong_key(key) or ed25519.public_key(proof["next_secret"]) != key:
            raise Denied("signature_invalid")
    else:
        _require(key, last["block"] + bytes(4) + key + last["signature"], proof["final_signature"])


def _require(key: bytes, message: bytes, signature: bytes) -> None:
    if not ed25519.verify(key, message, signature):
        raise Denied("signature_invalid")


def _signed_bytes(block: Message, previous: bytes) -> bytes:
    """What a block's signature covers: payload version 0, or 1 of Biscuit 3.3. The algorithm is 0 in four bytes."""
    next_key, external = block["next_key"]["key"], block.get("external")
    if block.get("version", 0) == 0:
        return block["block"] + (external["signature"] if external else b"") + bytes(4) + next_key
    parts = [b"\0BLOCK\0", b"\0VERSION\0", (1).to_bytes(4, "little"), b"\0PAYLOAD\0", block["block"],
             b"\0ALGORITHM\0", bytes(4), b"\0NEXTKEY\0", next_key]
    if previous:
        parts += [b"\0PREVSIG\0", previous]
    if external:
        parts += [b"\0EXTERNALSIG\0", external["signature"]]
    return b"".join(parts)
