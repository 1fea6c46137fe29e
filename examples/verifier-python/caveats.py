"""The published caveats (docs/caveats.md): a check is decoded to a typed caveat, or it is `caveat_unknown`.

Nothing of a check is evaluated. A caveat says whether it holds for a call, whose facts are given to it.
"""

import re
from dataclasses import dataclass
from typing import Any, Callable, Dict, FrozenSet, List, Optional, Tuple

import normalise
from arguments import Facts, facts, names
from datalog import Check, Expression, Query, Term
from envelope import Denied
from grant import DATE_MAX, SERVICE, TOOL

BLOCKS_MAX = 8
POINTER_BYTES_MAX = 256
ALTERNATIVES_MAX = 8
RULES_PER_ALTERNATIVE_MAX = 4
EITHER_TEXT_BYTES_MAX = 8192


@dataclass
class Call:
    """What is asked for, by whom it is looked at, and when (seconds since 1970, rounded down)."""

    tool: str
    audience: str
    environment: str
    now: int
    arguments: Dict[str, Any]


@dataclass
class ExpiresBefore:
    end: int


@dataclass
class OnlyServices:
    services: FrozenSet[str]


@dataclass
class Rule:
    """Every other caveat: a condition on the call and the number of blocks; with `tools`, for calls of these."""

    holds: Callable[[Call, int], bool]
    tools: Optional[FrozenSet[str]] = None

    def allows(self, call: Call, blocks: int) -> bool:
        return (self.tools is not None and call.tool not in self.tools) or self.holds(call, blocks)


class Unknown(Exception):
    """No instance of a template."""


def read_caveat(check: Check) -> Any:
    """The caveat of a check."""
    try:
        return _caveat(check)
    except Unknown as error:
        raise Denied("caveat_unknown") from error


def _caveat(check: Check) -> Any:
    kind, queries = check
    need(kind in ("if", "all") and queries)
    need(all(head == ("query",) and not scopes for head, _, _, scopes in queries))
    tools = None
    if len(queries) > 1 and queries[-1][1][:1] and queries[-1][1][0][0] == "call:tool":
        tools, queries = _for_tools(queries[-1]), queries[:-1]
    if len(queries) > 1:
        need(kind == "if")
        return Rule(_either(queries), tools)
    _, body, where, _ = queries[0]
    if kind == "all":
        return Rule(_each(body, where), tools)
    need(len(body) == 1)
    name, *terms = body[0]
    if _is_on_arguments(name):
        return Rule(_plain(name, terms, where, "n"), tools)
    need(len(terms) == 1 and len(where) == 1)
    need(tools is None)
    if name == "time" and terms == [("var", "t")]:
        end = _operand(where[0], "t", "<", "date")
        need(end <= DATE_MAX)
        return ExpiresBefore(end)
    if name == "call:audience" and terms == [("var", "a")]:
        return OnlyServices(_set(where[0], "a", "str", lambda service: re.fullmatch(SERVICE, service)))
    if name == "call:tool" and terms == [("var", "t")]:
        only = _set(where[0], "t", "str", lambda tool: re.fullmatch(TOOL, tool))
        return Rule(lambda call, _: call.tool in only)
    if name == "call:blocks" and terms == [("var", "n")]:
        most = _operand(where[0], "n", "<=", "int")
        need(1 <= most <= BLOCKS_MAX)
        return Rule(lambda _, blocks: blocks <= most)
    raise Unknown


def _for_tools(query: Query) -> FrozenSet[str]:
    """The tools of ` or call:tool($t), !{…}.contains($t)`."""
    _, body, where, _ = query
    need(body == (("call:tool", ("var", "t")),) and len(where) == 1 and where[0][-1:] == ("!",))
    return _set(where[0][:-1], "t", "str", lambda tool: re.fullmatch(TOOL, tool))


def _is_on_arguments(name: str) -> bool:
    return name.startswith("call:arg_") or name == "call:kind"


def _plain(name: str, terms: List[Term], where: Tuple[Expression, ...], variable: str) -> Callable[[Call, int], bool]:
    """A rule that can stand in an alternative: on one argument, or on the names of all."""
    if name != "call:arg_names":
        return _argument(name, terms, where)
    need(terms == [("var", variable)] and len(where) == 1)
    allowed = _set(where[0], variable, "str", at_least=0)
    return lambda call, _: (given := names(call.arguments)) is not None and given <= allowed


def _either(queries: Tuple[Query, ...]) -> Callable[[Call, int], bool]:
    """Alternatives, of which one has to hold."""
    need(2 <= len(queries) <= ALTERNATIVES_MAX)
    alternatives = [_alternative(body, where) for _, body, where, _ in queries]
    need(len({frozenset(rules) for rules in alternatives}) == len(alternatives))
    need(sum(_text_bytes(part) for _, body, where, _ in queries for part in (body, where)) <= EITHER_TEXT_BYTES_MAX)
    return lambda call, blocks: any(all(holds(call, blocks) for holds in rules.values()) for rules in alternatives)


def _alternative(body: Tuple[Any, ...], where: Tuple[Expression, ...]) -> Dict[Any, Callable[[Call, int], bool]]:
    """The rules of one, by what they say: the variable of the rule at place N is `$vN`, and conditions stand in the order of
    the rules."""
    need(1 <= len(body) <= RULES_PER_ALTERNATIVE_MAX)
    rules, left = {}, list(where)
    for place, (name, *terms) in enumerate(body, 1):
        need(_is_on_arguments(name))
        mine = ("var", f"v{place}")
        conditions = []
        while left and mine in left[0]:
            conditions.append(left.pop(0))
        need(all(part == mine for steps in (terms, *conditions) for part in steps if part[0] == "var"))
        terms = [("var", "v") if term == mine else term for term in terms]
        condition = tuple(tuple(("var", "v") if step == mine else step for step in steps) for steps in conditions)
        rule = (name, tuple(terms), condition)
        need(rule not in rules)
        rules[rule] = _plain(name, terms, condition, "v")
    need(not left)
    return rules


def _text_bytes(part: Any) -> int:
    """The bytes of the strings among these facts or expressions."""
    kind = part[0] if part else None
    if kind == "str":
        return len(part[1].encode())
    if kind == "set":
        return sum(_text_bytes(element) for element in part[1])
    return sum(_text_bytes(inner) for inner in part if isinstance(inner, tuple))


def _argument(name: str, terms: List[Term], where: Tuple[Expression, ...]) -> Callable[[Call, int], bool]:
    """One argument: its value is in the fact, or a condition is on it."""
    need(len(terms) == 2)
    pointer, value, family = _pointer(terms[0]), terms[1], name[len("call:arg_") :]
    if value == ("var", "v"):
        need(family in TESTS)
        fact, test = "arg_" + family, TESTS[family](where)
    else:
        wanted = {"call:arg_str": "str", "call:arg_int": "int", "call:arg_decimal": "int", "call:arg_bool": "bool"}
        need(not where and (value == ("str", "null") if name == "call:kind" else wanted.get(name) == value[0]))
        fact = "kind" if name == "call:kind" else "arg_" + family
        test = lambda found: found == value[1]  # noqa: E731
    return lambda call, _: any(test(found) for found in facts(call.arguments, pointer).get(fact, []))


def _each(body: Tuple[Any, ...], where: Tuple[Expression, ...]) -> Callable[[Call, int], bool]:
    """Every element of an array."""
    need(len(body) == 2 and len(body[0]) == 3 and len(body[1]) == 3 and body[0][0] == "call:kind")
    (_, first, kind), (name, second, value) = body
    family = name[len("call:item_") :] if name.startswith("call:item_") else ""
    need(first == second and value == ("var", "v") and family in KINDS and kind == ("str", f"array<{KINDS[family]}>"))
    pointer, test = _pointer(first), TESTS[family](where)

    def holds(call: Call, _: int) -> bool:
        found: Facts = facts(call.arguments, pointer)
        items = found.get("item_" + family, [])
        return kind[1] in found.get("kind", []) and bool(items) and all(test(item) for item in items)

    return holds


KINDS = {"str": "str", "int": "int", "decimal": "decimal", "length": "str", "path": "path", "url_scheme": "url",
         "url_host": "url", "url_domain": "url", "url_port": "url", "ip": "ip", "email_domain": "email"}

Test = Callable[[Any], bool]


def _texts(where: Tuple[Expression, ...]) -> Test:
    need(len(where) == 1 and where[0])
    if ("var", "v") in where[0][1:2]:  # {…}.contains($v)
        return _membership("str", where)
    operator = where[0][-1]
    text = _operand(where[0], "v", operator, "str")
    need(text != "" and operator in ("starts_with", "ends_with", "contains"))
    if operator == "contains":
        return lambda found: text in found
    return lambda found: found.startswith(text) if operator == "starts_with" else found.endswith(text)


def _integers(where: Tuple[Expression, ...]) -> Test:
    return _membership("int", where) if len(where) == 1 and "contains" in where[0] else _bounds(where)


def _membership(kind: str, where: Tuple[Expression, ...]) -> Test:
    """`one of` and `not one of`."""
    if where[0][-1] == "!":
        out = _set(where[0][:-1], "v", kind)
        return lambda found: found not in out
    values = _set(where[0], "v", kind)
    return lambda found: found in values


def _within_set(kind: str, is_valid: Callable[[Any], Any]) -> Callable[[Tuple[Expression, ...]], Test]:
    def read(where: Tuple[Expression, ...]) -> Test:
        need(len(where) == 1)
        values = _set(where[0], "v", kind, is_valid)
        return lambda found: found in values

    return read


def _bounds(where: Tuple[Expression, ...], least: int = -(2**63)) -> Test:
    """`$v >= LOW`, `$v <= HIGH`, or both in this order."""
    low, high = least, 2**63 - 1
    need(1 <= len(where) <= 2)
    if len(where) == 2 or where[0][-1:] == (">=",):
        low = _operand(where[0], "v", ">=", "int")
    if len(where) == 2 or where[0][-1:] != (">=",):
        high = _operand(where[-1], "v", "<=", "int")
    need(least <= low <= high)
    return lambda found: low <= found <= high


def _affix(operator: str, is_valid: Callable[[str], Any]) -> Callable[[Tuple[Expression, ...]], Test]:
    def read(where: Tuple[Expression, ...]) -> Test:
        need(len(where) == 1)
        text = _operand(where[0], "v", operator, "str")
        need(is_valid(text))
        return lambda found: found.startswith(text) if operator == "starts_with" else found.endswith(text)

    return read


def _is_network(text: str) -> bool:
    """A prefix of an address, and not of the IPv4-mapped ones alone."""
    return bool(re.fullmatch("4:[01]{0,32}|6:[01]{0,128}", text)) and not text.startswith("6:" + "0" * 80 + "1" * 16)


# The conditions that each fact about an argument or an element takes.
TESTS: Dict[str, Callable[[Tuple[Expression, ...]], Test]] = {
    "str": _texts,
    "int": _integers,
    "decimal": _bounds,
    "length": lambda where: _bounds(where, least=0),
    "count": lambda where: _bounds(where, least=0),
    "path": _affix("starts_with", lambda root: normalise.path(root) == root),
    "url_scheme": _within_set("str", lambda scheme: normalise.url(f"{scheme}://host/").get("url_scheme") == scheme),
    "url_host": _within_set("str", lambda host: normalise.url_host(host) == host),
    "url_domain": _affix("ends_with", lambda text: text[:1] == "." and normalise.dns_name(text[1:]) == text[1:]),
    "url_port": _within_set("int", lambda port: 1 <= port <= 65535),
    "ip": _affix("starts_with", _is_network),
    "email_domain": _within_set("str", lambda domain: "." in domain and normalise.dns_name(domain) == domain),
}


def _pointer(term: Term) -> str:
    """A JSON pointer (RFC 6901) that is not empty."""
    kind, text = term
    need(kind == "str" and len(text.encode()) <= POINTER_BYTES_MAX)
    need(bool(re.fullmatch(r"(/([^/~]|~[01])*)+", text, re.S)))
    return text


def _operand(expression: Expression, variable: str, operator: str, kind: str) -> Any:
    """The value of `$variable OPERATOR value`."""
    need(len(expression) == 3 and expression[0] == ("var", variable) and expression[2] == operator)
    need(expression[1][0] == kind)
    return expression[1][1]


def _set(
    expression: Expression,
    variable: str,
    kind: str,
    is_valid: Callable[[Any], Any] = lambda _: True,
    at_least: int = 1,
) -> FrozenSet[Any]:
    """The values of `{…}.contains($variable)`, all of one kind."""
    need(len(expression) == 3 and expression[0][0] == "set" and expression[1:] == (("var", variable), "contains"))
    elements = expression[0][1]
    need(len(elements) >= at_least and all(element[0] == kind and is_valid(element[1]) for element in elements))
    return frozenset(value for _, value in elements)


def need(condition: Any) -> None:
    """A part of every template."""
    if not condition:
        raise Unknown
