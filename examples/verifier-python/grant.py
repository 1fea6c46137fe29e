"""The authority block (docs/token-format.md, "The authority block"): its facts, its five checks, what it grants."""

import re
from dataclasses import dataclass
from typing import Dict, FrozenSet, List, Tuple

import ed25519
from datalog import Block, Check, Predicate, Term, query, refuse
from envelope import Denied

VOCABULARY = 1
FACTS_MAX = 48
TTL_SECONDS_MAX = 900
TOOLS_MAX = 64
AUDIENCES_MAX = 16
ROLES_MAX = 16
APPROVAL_KEYS_MAX = 8
BUDGET_AMOUNT_MAX = 2**53 - 1
DATE_MAX = 253402300799  # 9999-12-31T23:59:59Z

UUID_V7 = r"[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}"
SERVICE = r"[a-z][a-z0-9-]{0,63}"
TOOL = r"(?=.{1,64}\Z)[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){1,3}"
NAME = r"[!#-&(-\[\]-_a-~]+"  # printable ASCII without quotes, backslash and backtick
RESERVED = re.compile(r"time|call:.*|approved|delegated|attested", re.S)

# The facts of strings alone: the patterns of their terms, and how many there may be.
STRING_FACTS: Dict[str, Tuple[Tuple[str, ...], int, int]] = {
    "token": ((rf"tok_{UUID_V7}",), 1, 1),
    "run": ((rf"run_{UUID_V7}",), 1, 1),
    "tenant": ((r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}",), 1, 1),
    "env": ((r"[a-z][a-z0-9-]{0,31}",), 1, 1),
    "subject": ((rf"(?=.{{1,128}}\Z)(?!agent:)[a-z]+:{NAME}", r"verified|asserted"), 1, 1),
    "actor": ((rf"(?=.{{1,128}}\Z)agent:{NAME}",), 1, 1),
    "client": ((r"[a-z][a-z0-9-]{0,63}",), 1, 1),
    "route": ((r"(/[a-z0-9_-]+){1,4}",), 1, 1),
    "role": ((r"[a-z][a-z0-9_-]{0,63}",), 0, ROLES_MAX),
    "break_glass": ((r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", *(rf"(?=.{{1,128}}\Z)op:{NAME}",) * 2), 0, 1),
    "proof": ((r"always|writes|waived",), 1, 1),
    "policy": ((r"sha256:[0-9a-f]{64}",), 1, 1),
}
OTHER_FACTS = {"hallpass", "audience", "tools", "needs_approval", "budget", "holder", "issued", "expires"}


@dataclass
class Grant:
    """What the authority block grants; the facts that only a service needs (tenant, subject, ...) are in `facts`."""

    run: str
    environment: str
    audience: FrozenSet[str]
    tools: FrozenSet[str]
    needs_approval: FrozenSet[str]
    issued: int
    expires: int
    facts: Dict[str, List[Tuple[Term, ...]]]


def read_grant(block: Block) -> Grant:
    """The grant of an authority block, when its facts and its first five checks are exactly those of the page."""
    facts: Dict[str, List[Tuple[Term, ...]]] = {}
    for name, *terms in block.facts:
        facts.setdefault(name, []).append(tuple(terms))
    refuse(any(RESERVED.fullmatch(name) for name in facts) or len(block.facts) > FACTS_MAX)
    if facts.get("hallpass", []) != [(("int", VOCABULARY),)]:
        versions = facts.get("hallpass", [])
        known = len(versions) != 1 or len(versions[0]) != 1 or versions[0][0][0] != "int"
        raise Denied("grant_malformed" if known else "vocabulary_unsupported")
    malformed(any(name not in STRING_FACTS and name not in OTHER_FACTS for name in facts))
    for name, (patterns, at_least, at_most) in STRING_FACTS.items():
        found = facts.get(name, [])
        malformed(not at_least <= len(found) <= at_most or len(set(found)) != len(found))
        malformed(not all(_matches(terms, patterns) for terms in found))
    budgets, holders = facts.get("budget", []), facts.get("holder", [])
    malformed(len({terms[0] for terms in budgets if terms}) != len(budgets) or not all(map(_is_budget, budgets)))
    malformed(len(holders) > 1 or not all(_is_holder(terms) for terms in holders))
    grant = Grant(
        run=facts["run"][0][0][1],
        environment=facts["env"][0][0][1],
        audience=_names(facts, "audience", SERVICE),
        tools=_names(facts, "tools", TOOL),
        needs_approval=_names(facts, "needs_approval", TOOL),
        issued=_one(facts, "issued", "date"),
        expires=_one(facts, "expires", "date"),
        facts=facts,
    )
    malformed(not 1 <= len(grant.audience) <= AUDIENCES_MAX or bool(grant.tools & grant.needs_approval))
    malformed(not 1 <= len(grant.tools | grant.needs_approval) <= TOOLS_MAX)
    malformed(not 1 <= grant.expires - grant.issued <= TTL_SECONDS_MAX or grant.expires > DATE_MAX)
    for _, first, second in facts.get("break_glass", []):
        malformed(first == second or not holders or bool(grant.needs_approval))
        malformed(facts["proof"][0][0][1] != "always")
    refuse(len(block.keys) > APPROVAL_KEYS_MAX or not all(map(ed25519.is_strong_key, block.keys)))
    malformed(len(block.checks) < 5)
    *_, scopes = block.checks[4][1][-1]
    trusting = [scope[1] for scope in scopes if scope[0] == "key"]
    malformed(block.checks[:5] != grant_checks(grant, trusting))
    refuse(trusting != block.keys or len(set(trusting)) != len(trusting))
    return grant


def grant_checks(grant: Grant, keys: List[bytes]) -> List[Check]:
    """The five checks that restate a grant."""
    audience, tool, granted, digest = ("var", "a"), ("var", "t"), ("var", "s"), ("var", "h")
    approval, until, now = ("var", "id"), ("var", "until"), ("var", "n")
    call_tool: Predicate = ("call:tool", tool)
    granted_now = query(call_tool, ("tools", granted), where=((granted, tool, "contains"),))
    withheld = query(call_tool, ("needs_approval", granted), where=((granted, tool, "contains"),))
    approved = query(
        call_tool,
        ("call:args", digest),
        ("approved", ("str", grant.run), tool, digest, approval, until),
        ("time", now),
        where=((now, until, "<"),),
        trusting=tuple(("key", key) for key in keys),
    )
    return [
        ("if", (query(("time", tool), where=((tool, ("date", grant.expires), "<"),)),)),
        ("if", (query(("call:env", ("str", grant.environment))),)),
        ("if", (query(("call:audience", audience), ("audience", granted), where=((granted, audience, "contains"),)),)),
        ("if", (granted_now, withheld)),
        ("if", (granted_now, approved) if keys else (granted_now,)),
    ]


def malformed(condition: bool) -> None:
    """Denies facts or checks that the authority block may not have."""
    if condition:
        raise Denied("grant_malformed")


def _matches(terms: Tuple[Term, ...], patterns: Tuple[str, ...]) -> bool:
    return len(terms) == len(patterns) and all(
        kind == "str" and re.fullmatch(pattern, value, re.S) for (kind, value), pattern in zip(terms, patterns)
    )


def _one(facts: Dict[str, List[Tuple[Term, ...]]], name: str, kind: str):
    """The value of a fact that is there once and has one term of this kind."""
    found = facts.get(name, [])
    malformed(len(found) != 1 or len(found[0]) != 1 or found[0][0][0] != kind)
    return found[0][0][1]


def _names(facts: Dict[str, List[Tuple[Term, ...]]], name: str, pattern: str) -> FrozenSet[str]:
    elements = _one(facts, name, "set")
    malformed(not all(_matches((element,), (pattern,)) for element in elements))
    return frozenset(value for _, value in elements)


def _is_budget(terms: Tuple[Term, ...]) -> bool:
    return (
        len(terms) == 2
        and terms[0] in (("str", "calls"), ("str", "usd_micros"))
        and terms[1][0] == "int"
        and 0 <= terms[1][1] <= BUDGET_AMOUNT_MAX
    )


def _is_holder(terms: Tuple[Term, ...]) -> bool:
    return len(terms) == 1 and terms[0][0] == "bytes" and ed25519.is_strong_key(terms[0][1])
