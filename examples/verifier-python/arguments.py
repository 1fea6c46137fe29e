"""The arguments of a call: strict JSON (docs/http-binding.md), and the facts of a value in it (docs/caveats.md)."""

import json
import re
from decimal import Decimal
from typing import Any, Dict, List, Optional

import normalise
from envelope import Denied

BODY_BYTES_MAX = 256 * 1024
DEPTH_MAX = 32
INTEGER_MAX = 2**53 - 1
ARGUMENT_TEXT_BYTES_MAX = 65536
POINTER_NAMES_MAX = 1024
ARGUMENT_NAMES_MAX = 64
ITEMS_MAX = 1024
DECIMAL_WHOLE_MAX = 9223372036854  # a larger integer has no millionths in 64 bits

Facts = Dict[str, List[Any]]


def parse(text: str) -> Dict[str, Any]:
    """The object of a JSON text. Numbers are doubles; one without a fraction is an `int`, however it was written."""
    if len(text.encode("utf-8", "surrogatepass")) > BODY_BYTES_MAX:
        raise Denied("request_too_large")
    try:
        number = dict(parse_int=_number, parse_float=_number, parse_constant=_number)
        value = json.loads(text, object_pairs_hook=_members, **number)
        _depth(value, DEPTH_MAX)
    except RecursionError as error:
        raise Denied("request_too_large") from error
    except ValueError as error:  # not JSON, or a lone surrogate, which has no UTF-8
        raise Denied("request_malformed") from error
    if not isinstance(value, dict):
        raise Denied("request_malformed")
    if len(canonical(value).encode()) > BODY_BYTES_MAX:
        raise Denied("request_too_large")
    return value


def canonical(value: Any) -> str:
    """The text of RFC 8785, whose SHA-256 is the digest of a call."""
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(name)}:{canonical(member)}" for name, member in members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, float):  # never whole, and below 2^53
        return f"{Decimal(repr(value)):f}" if abs(value) >= 1e-6 else re.sub("e-0*", "e-", repr(value))
    return json.dumps(value, ensure_ascii=False)


def _members(pairs: List[Any]) -> Dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Denied("request_malformed")
    return members


def _number(text: str) -> Any:
    number = float(text)
    if not abs(number) <= INTEGER_MAX:  # also NaN
        raise Denied("request_malformed")
    return int(number) if number.is_integer() else number


def _depth(value: Any, left: int) -> None:
    """Refuses what nests too deeply, and texts that are not Unicode."""
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, (dict, list)):
        if left == 0:
            raise Denied("request_too_large")
        for element in value if isinstance(value, list) else [*value, *value.values()]:
            _depth(element, left - 1)


def names(arguments: Dict[str, Any]) -> Optional[frozenset]:
    """The fact `call:arg_names`."""
    return frozenset(arguments) if len(arguments) <= ARGUMENT_NAMES_MAX else None


def facts(arguments: Dict[str, Any], pointer: str) -> Facts:
    """The facts about the value at a pointer, without `call:` and the pointer; none when it is missing."""
    found = _resolve(arguments, pointer)
    if not found:
        return {}
    [value] = found
    if isinstance(value, list):
        return {"kind": ["array"], "arg_count": [len(value)], **_items(value)}
    known = _of_one(value)
    return {("arg_" + name if name != "kind" else name): [fact] for name, fact in known.items()}


def _resolve(value: Any, pointer: str) -> List[Any]:
    """The value at the pointer, in a list that is empty when there is none or it is ambiguous."""
    names_left = POINTER_NAMES_MAX
    for escaped in pointer.split("/")[1:]:
        token = escaped.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            names_left -= len(value)
            if names_left < 0:
                return []
            if token not in value or any(name != token and _folded(name) == _folded(token) for name in value):
                return []
            value = value[token]
        elif isinstance(value, list):
            if not re.fullmatch("0|[1-9][0-9]{0,8}", token) or int(token) >= len(value):
                return []
            value = value[int(token)]
        else:
            return []
    return [value]


def _folded(name: str) -> str:
    return name.lower().upper().lower()


def _of_one(value: Any) -> Dict[str, Any]:
    """The facts of one value that is no array."""
    if value is None:
        return {"kind": "null"}
    if isinstance(value, bool):
        return {"kind": "bool", "bool": value}
    if isinstance(value, (int, float)):
        known = {"kind": "int", "int": value} if isinstance(value, int) else {"kind": "decimal"}
        millionths = _millionths(value)
        return known if millionths is None else {**known, "decimal": millionths}
    if isinstance(value, str):
        if len(value.encode()) > ARGUMENT_TEXT_BYTES_MAX:
            return {"kind": "str"}
        known = {"kind": "str", "str": value, "length": len(value), "path": normalise.path(value),
                 "ip": normalise.ip_address(value), "email_domain": normalise.email_domain(value),
                 **normalise.url(value)}
        return {name: fact for name, fact in known.items() if fact is not None}
    return {"kind": "object"}


def _millionths(value: Any) -> Optional[int]:
    """Exact millionths. `repr` has the digits of RFC 8785; with at most 6 decimals there is never an exponent."""
    if isinstance(value, int):
        return value * 10**6 if abs(value) <= DECIMAL_WHOLE_MAX else None
    millionths = Decimal(repr(value)).scaleb(6)
    exact = millionths == millionths.to_integral_value() and -(2**63) <= millionths < 2**63
    return int(millionths) if exact else None


# What every element must have, for which kind of array and which item facts.
ITEM_FACTS = {
    "array<str>": ("str", "length"),
    "array<int>": ("int",),
    "array<decimal>": ("decimal",),
    "array<path>": ("path",),
    "array<url>": ("url_scheme", "url_host"),
    "array<ip>": ("ip",),
    "array<email>": ("email_domain",),
}


def _items(values: List[Any]) -> Facts:
    """The item facts, and the kinds that say that every element has them."""
    if not 1 <= len(values) <= ITEMS_MAX or any(isinstance(value, (list, dict)) for value in values):
        return {}
    elements = [_of_one(value) for value in values]
    items: Facts = {"kind": ["array"]}

    def add(name: str) -> bool:
        if not all(name in element for element in elements):
            return False
        items["item_" + name] = [element[name] for element in elements]
        return True

    for kind, item_names in ITEM_FACTS.items():
        if all([add(name) for name in item_names]):
            items["kind"].append(kind)
    if "array<url>" in items["kind"]:
        add("url_port")
        add("url_domain")
    return items
