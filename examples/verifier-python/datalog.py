"""The inside of a block: Datalog as plain tuples, with the symbols put in and every structural rule held.

    Term        ("str", "x"), ("int", 5), ("date", 0), ("bytes", b""), ("bool", True), ("var", "v"), ("set", frozenset)
    Predicate   (name, term, ...)
    Expression  a tuple of terms and operators in postfix order: (("var", "v"), ("int", 5), "<=")
    Query       (head, predicates, expressions, scopes)
    Check       ("if" | "all" | "reject", queries)

So a check equals a template when the two tuples are equal.
"""

from dataclasses import dataclass
from typing import Any, Dict, List, Set, Tuple

from envelope import Denied
from protobuf import Message, NotCanonical, read

SET_ELEMENTS_MAX = 64
SYMBOLS_PER_BLOCK_MAX = 192
SYMBOL_BYTES_MAX = 256
FIRST_SYMBOL = 1024
DEFAULT_SYMBOLS = (
    "read write resource operation right time role owner tenant namespace user team service admin email group member "
    "ip_address client client_ip domain path version cluster node hostname nonce query"
).split()
BINARY = {0: "<", 1: ">", 2: "<=", 3: ">=", 5: "contains", 6: "starts_with", 7: "ends_with"}
CHECK_KINDS = {0: "if", 1: "all", 2: "reject"}

Term = Tuple[str, Any]
Predicate = Tuple[Any, ...]
Expression = Tuple[Any, ...]
Query = Tuple[Predicate, Tuple[Predicate, ...], Tuple[Expression, ...], Tuple[Any, ...]]
Check = Tuple[str, Tuple[Query, ...]]


@dataclass
class Block:
    """One block, read."""

    version: int
    facts: List[Predicate]
    checks: List[Check]
    keys: List[bytes]
    has_unused_symbols: bool


class Reader:
    """Reads the blocks of one token in order, with the table of symbols that grows on the way."""

    def __init__(self) -> None:
        self._symbols: Dict[int, str] = dict(enumerate(DEFAULT_SYMBOLS))
        self._used: Set[int] = set()
        self._keys: List[bytes] = []

    def block(self, data: bytes, authority: bool) -> Block:
        """The next block; `token_not_admitted` for a structure no such block may have."""
        try:
            message = read("Block", data)
        except NotCanonical as error:
            raise Denied("token_not_admitted") from error
        refuse(any(message[field] for field in ("rules", "scope")) or "context" in message)
        refuse(not authority and bool(message["facts"] or message["keys"]))
        added = self._add(message["symbols"])
        self._keys = [key["key"] for key in message["keys"] if key["algorithm"] == 0]
        refuse(len(self._keys) != len(message["keys"]) or len(set(self._keys)) != len(self._keys))
        self._used = set()
        facts = [self._predicate(fact["predicate"]) for fact in message["facts"]]
        checks = [self._check(check) for check in message["checks"]]
        unused = any(symbol not in self._used for symbol in added)
        return Block(message.get("version", 0), facts, checks, self._keys, unused)

    def _add(self, symbols: List[str]) -> range:
        first = FIRST_SYMBOL + len(self._symbols) - len(DEFAULT_SYMBOLS)
        refuse(len(symbols) > SYMBOLS_PER_BLOCK_MAX)
        for number, symbol in enumerate(symbols, first):
            refuse(symbol in self._symbols.values() or len(symbol.encode()) > SYMBOL_BYTES_MAX)
            self._symbols[number] = symbol
        return range(first, first + len(symbols))

    def _symbol(self, number: int) -> str:
        refuse(number not in self._symbols)
        self._used.add(number)
        return self._symbols[number]

    def _term(self, message: Message) -> Term:
        [(kind, value)] = message.items()
        if kind == "string":
            return "str", self._symbol(value)
        if kind == "variable":
            return "var", self._symbol(value)
        if kind == "integer":
            return "int", value
        if kind == "set":
            elements = [self._term(element) for element in value["elements"]]
            distinct = frozenset(elements)
            refuse(len(elements) > SET_ELEMENTS_MAX or len(distinct) != len(elements))
            refuse(any(element[0] in ("var", "set") for element in elements))
            return "set", distinct
        if kind in ("array", "map", "null"):
            return kind, self._later_term(value)
        return kind, value

    def _later_term(self, message: Message) -> Any:
        """A term of a later Datalog: read for its symbols, and equal to nothing a template has."""
        for element in message.get("elements", []):
            self._term(element)
        for entry in message.get("entries", []):
            if "string" in entry["key"]:
                self._symbol(entry["key"]["string"])
            self._term(entry["value"])
        return None

    def _predicate(self, message: Message) -> Predicate:
        return (self._symbol(message["name"]), *(self._term(term) for term in message["terms"]))

    def _op(self, message: Message) -> Any:
        [(kind, value)] = message.items()
        if kind == "value":
            return self._term(value)
        if kind == "closure":
            names = [self._symbol(parameter) for parameter in value["parameters"]]
            return "closure", tuple(names), tuple(self._op(op) for op in value["ops"])
        if "ffi_name" in value:
            return kind, "ffi", self._symbol(value["ffi_name"])
        if kind == "unary":
            return "!" if value["kind"] == 0 else ("unary", value["kind"])
        return BINARY.get(value["kind"], ("binary", value["kind"]))

    def _scope(self, message: Message) -> Any:
        if "type" in message:
            return "type", message["type"]
        refuse(not 0 <= message["key"] < len(self._keys))
        return "key", self._keys[message["key"]]

    def _query(self, message: Message) -> Query:
        return (
            self._predicate(message["head"]),
            tuple(self._predicate(predicate) for predicate in message["body"]),
            tuple(tuple(self._op(op) for op in expression["ops"]) for expression in message["expressions"]),
            tuple(self._scope(scope) for scope in message["scope"]),
        )

    def _check(self, message: Message) -> Check:
        kind = message.get("kind")
        refuse(kind == 0 or kind not in (None, *CHECK_KINDS))  # `check if` is the default, and left out
        return CHECK_KINDS[kind or 0], tuple(self._query(query) for query in message["queries"])


def refuse(condition: bool) -> None:
    """Denies a structure no token may have."""
    if condition:
        raise Denied("token_not_admitted")


def query(*body: Predicate, where: Tuple[Expression, ...] = (), trusting: Tuple[Any, ...] = ()) -> Query:
    """A query as templates have it."""
    return ("query",), body, where, trusting
