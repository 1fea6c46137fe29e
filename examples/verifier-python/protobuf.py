"""Canonical protobuf: the messages of Biscuit 3.3, a reader that takes exactly one spelling of each, and a writer.

A message is a dict from field name to value, a repeated field a list. `read` decodes and encodes again: a number that
is too long, fields out of order or given twice do not come back as they were. They are refused, as unknown fields are.
"""

from typing import Any, Dict, List, Tuple

NESTING_MAX = 100

# Message -> field number -> (name, type, label). A message of `one` fields holds exactly one of them.
SCHEMA: Dict[str, Dict[int, Tuple[str, str, str]]] = {
    "Biscuit": {1: ("root_key_id", "uint32", "optional"), 2: ("authority", "SignedBlock", "required"),
                3: ("blocks", "SignedBlock", "repeated"), 4: ("proof", "Proof", "required")},
    "SignedBlock": {1: ("block", "bytes", "required"), 2: ("next_key", "PublicKey", "required"),
                    3: ("signature", "bytes", "required"), 4: ("external", "ExternalSignature", "optional"),
                    5: ("version", "uint32", "optional")},
    "ExternalSignature": {1: ("signature", "bytes", "required"), 2: ("key", "PublicKey", "required")},
    "PublicKey": {1: ("algorithm", "enum", "required"), 2: ("key", "bytes", "required")},
    "Proof": {1: ("next_secret", "bytes", "one"), 2: ("final_signature", "bytes", "one")},
    "Block": {1: ("symbols", "string", "repeated"), 2: ("context", "string", "optional"),
              3: ("version", "uint32", "optional"), 4: ("facts", "Fact", "repeated"),
              5: ("rules", "Rule", "repeated"), 6: ("checks", "Check", "repeated"),
              7: ("scope", "Scope", "repeated"), 8: ("keys", "PublicKey", "repeated")},
    "Scope": {1: ("type", "enum", "one"), 2: ("key", "int64", "one")},
    "Fact": {1: ("predicate", "Predicate", "required")},
    "Rule": {1: ("head", "Predicate", "required"), 2: ("body", "Predicate", "repeated"),
             3: ("expressions", "Expression", "repeated"), 4: ("scope", "Scope", "repeated")},
    "Check": {1: ("queries", "Rule", "repeated"), 2: ("kind", "enum", "optional")},
    "Predicate": {1: ("name", "uint64", "required"), 2: ("terms", "Term", "repeated")},
    "Term": {1: ("variable", "uint32", "one"), 2: ("integer", "int64", "one"), 3: ("string", "uint64", "one"),
             4: ("date", "uint64", "one"), 5: ("bytes", "bytes", "one"), 6: ("bool", "bool", "one"),
             7: ("set", "Set", "one"), 8: ("null", "Empty", "one"), 9: ("array", "Array", "one"),
             10: ("map", "Map", "one")},
    "Set": {1: ("elements", "Term", "repeated")},
    "Array": {1: ("elements", "Term", "repeated")},
    "Map": {1: ("entries", "MapEntry", "repeated")},
    "MapEntry": {1: ("key", "MapKey", "required"), 2: ("value", "Term", "required")},
    "MapKey": {1: ("integer", "int64", "one"), 2: ("string", "uint64", "one")},
    "Empty": {},
    "Expression": {1: ("ops", "Op", "repeated")},
    "Op": {1: ("value", "Term", "one"), 2: ("unary", "Operator", "one"), 3: ("binary", "Operator", "one"),
           4: ("closure", "Closure", "one")},
    "Operator": {1: ("kind", "enum", "required"), 2: ("ffi_name", "uint64", "optional")},
    "Closure": {1: ("parameters", "uint32", "repeated"), 2: ("ops", "Op", "repeated")},
}
BITS = {"uint32": 32, "uint64": 64, "int64": 64, "enum": 31, "bool": 1}

Message = Dict[str, Any]


class NotCanonical(Exception):
    """The bytes are not the canonical encoding of the message."""


def read(name: str, data: bytes) -> Message:
    """The message of these bytes, which must be its canonical encoding."""
    message = _decode(name, data, 0)
    if encode(name, message) != data:
        raise NotCanonical(name)
    return message


def _varint(data: bytes, at: int) -> Tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise NotCanonical("a number is cut off")
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value, at
    raise NotCanonical("a number of more than 10 bytes")


def _decode(name: str, data: bytes, depth: int) -> Message:
    if depth > NESTING_MAX:
        raise NotCanonical("nested too deeply")
    fields = SCHEMA[name]
    message: Message = {field: [] for field, _, label in fields.values() if label == "repeated"}
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        if tag >> 3 not in fields:
            raise NotCanonical(f"unknown field {tag >> 3} of {name}")
        field, kind, label = fields[tag >> 3]
        value, at = _varint(data, at)
        if tag & 7 != (0 if kind in BITS else 2):
            raise NotCanonical(f"{field} of another wire type")
        if kind in BITS:
            if value >> BITS[kind]:
                raise NotCanonical(f"{field} is out of range")
            decoded: Any = value - 2**64 if kind == "int64" and value >> 63 else value
        else:
            raw, at = data[at : at + value], at + value
            if at > len(data):
                raise NotCanonical(f"{field} is cut off")
            decoded = _content(kind, raw, depth)
        if label == "repeated":
            message[field].append(decoded)
        else:
            message[field] = decoded
    missing = [field for field, _, label in fields.values() if label == "required" and field not in message]
    if missing or (any(label == "one" for _, _, label in fields.values()) and len(message) != 1):
        raise NotCanonical(f"{name} lacks a field or has one too many")
    return message


def _content(kind: str, raw: bytes, depth: int) -> Any:
    if kind == "bytes":
        return raw
    if kind == "string":
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise NotCanonical("a string is not UTF-8") from error
    return _decode(kind, raw, depth + 1)


def _number(value: int) -> bytes:
    value %= 2**64
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode(name: str, message: Message) -> bytes:
    """The canonical encoding of a message."""
    out = bytearray()
    for number, (field, kind, label) in sorted(SCHEMA[name].items()):
        value = message.get(field, [])
        for value in value if label == "repeated" or field not in message else [value]:
            if kind in BITS:
                out += _number(number << 3) + _number(int(value))
                continue
            raw = value if kind == "bytes" else value.encode() if kind == "string" else encode(kind, value)
            out += _number(number << 3 | 2) + _number(len(raw)) + raw
    return bytes(out)
