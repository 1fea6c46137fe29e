"""Strict Ed25519 verification (RFC 8032) in pure Python.

Strict: S is below the group order, keys and R are canonical encodings and not of small order, and the equation is the
one without the cofactor, so that a signature has one form and proves something. Only public values are handled, except
for `public_key`; it is not constant-time, so keep long-lived secrets away from it.
"""

import hashlib
from functools import lru_cache
from typing import List, Optional, Tuple

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_MINUS_ONE = pow(2, (P - 1) // 4, P)

Point = Tuple[int, int, int, int]  # extended coordinates: X, Y, Z, T with x = X/Z, y = Y/Z, x*y = T/Z
IDENTITY: Point = (0, 1, 1, 0)


def _add(p: Point, q: Point) -> Point:
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _double(p: Point) -> Point:
    a, b = p[0] * p[0], p[1] * p[1]
    h = a + b
    e = h - (p[0] + p[1]) ** 2
    g = a - b
    f = 2 * p[2] * p[2] + g
    e, f, g, h = e % P, f % P, g % P, h % P
    return e * f % P, g * h % P, f * g % P, e * h % P


def _same(p: Point, q: Point) -> bool:
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0


def _decode(encoded: bytes) -> Optional[Point]:
    """The point of 32 bytes; none when there is none or another encoding is the canonical one."""
    if len(encoded) != 32:
        return None
    number = int.from_bytes(encoded, "little")
    y, sign = number & (2**255 - 1), number >> 255
    if y >= P:
        return None
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P == (-u) % P:
        x = x * SQRT_MINUS_ONE % P
    if v * x * x % P != u or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def _encode(p: Point) -> bytes:
    inverse = pow(p[2], P - 2, P)
    x, y = p[0] * inverse % P, p[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE = _decode((4 * pow(5, P - 2, P) % P).to_bytes(32, "little")) or IDENTITY


def _multiples(p: Point) -> List[Point]:
    multiples = [IDENTITY]
    for _ in range(15):
        multiples.append(_add(multiples[-1], p))
    return multiples


BASE_MULTIPLES = _multiples(BASE)


def _combine(s: int, k: int, multiples: List[Point]) -> Point:
    """s * BASE + k * the point of `multiples`, four bits at a time."""
    result = IDENTITY
    for shift in range(252, -1, -4):
        for _ in range(4):
            result = _double(result)
        result = _add(result, BASE_MULTIPLES[s >> shift & 15])
        result = _add(result, multiples[k >> shift & 15])
    return result


@lru_cache(maxsize=1024)
def _strong(encoded: bytes) -> Optional[Point]:
    """The point, unless it is not canonical or of small order (8 times it is the identity)."""
    point = _decode(encoded)
    if point is None or _same(_double(_double(_double(point))), IDENTITY):
        return None
    return point


def is_strong_key(key: bytes) -> bool:
    """Whether these bytes are a canonical public key that is not weak."""
    return _strong(key) is not None


@lru_cache(maxsize=4096)
def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature of the message is by this key. Answers are kept: narrowed tokens share their blocks."""
    if len(signature) != 64:
        return False
    a, r, s = _strong(key), _strong(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    minus_a = (P - a[0], a[1], 1, P - a[3])
    return _same(_combine(s, k, _multiples(minus_a)), r)


@lru_cache(maxsize=1024)
def public_key(seed: bytes) -> bytes:
    """The public key of a secret of 32 bytes."""
    scalar = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little")
    scalar = scalar & ((1 << 254) - 8) | 1 << 254
    return _encode(_combine(scalar % ORDER, 0, _multiples(IDENTITY)))
