#!/usr/bin/env python3
"""Decides one call by its token alone, from docs/token-format.md and docs/caveats.md."""

import argparse
import sys
from datetime import datetime
from typing import Any, Dict, List, Tuple

import arguments
import datalog
from caveats import Call, ExpiresBefore, OnlyServices, Rule, read_caveat
from datalog import refuse
from envelope import Denied, check_signatures, open_envelope, signed_blocks
from grant import Grant, read_grant
from protobuf import Message

CHECKS_PER_BLOCK_MAX = 16
ISSUED_AHEAD_SECONDS_MAX = 60
GRANT_CHECKS = 5


def decide(token: str, root_key: bytes, call: Call) -> str:
    """`allow`, or the code of the denial. The first failure in the order of the page is the answer."""
    try:
        envelope = open_envelope(token)
        check_signatures(envelope, root_key)
        grant, caveats = admit(envelope)
        evaluate(grant, caveats, len(signed_blocks(envelope)), call)
    except Denied as denial:
        return str(denial)
    return "allow"


def admit(envelope: Message) -> Tuple[Grant, List[Any]]:
    """Step 4: what the authority grants, and the caveats of every block."""
    refuse(any("external" in block for block in signed_blocks(envelope)))
    reader = datalog.Reader()
    blocks = [reader.block(block["block"], index == 0) for index, block in enumerate(signed_blocks(envelope))]
    for index, block in enumerate(blocks):
        own = GRANT_CHECKS if index == 0 else 0
        refuse(len(block.checks) > own + CHECKS_PER_BLOCK_MAX or (index > 0 and not block.checks))
    grant = read_grant(blocks[0])
    caveats = [read_caveat(check) for check in blocks[0].checks[GRANT_CHECKS:]]
    caveats += [read_caveat(check) for block in blocks[1:] for check in block.checks]
    for block in blocks:
        newer = block.keys or any(kind == "all" for kind, _ in block.checks)
        refuse(block.version != (4 if newer else 3) or block.has_unused_symbols)
    return grant, caveats


def evaluate(grant: Grant, caveats: List[Any], blocks: int, call: Call) -> None:
    """Steps 5 to 9."""
    deny(call.environment != grant.environment, "wrong_environment")
    deny(grant.issued > call.now + ISSUED_AHEAD_SECONDS_MAX, "token_not_yet_valid")
    deny(call.now >= grant.expires, "token_expired")
    deny(any(isinstance(caveat, ExpiresBefore) and call.now >= caveat.end for caveat in caveats), "token_expired")
    deny(call.audience not in grant.audience, "wrong_audience")
    deny(
        any(isinstance(caveat, OnlyServices) and call.audience not in caveat.services for caveat in caveats),
        "wrong_audience",
    )
    deny(call.tool not in grant.tools | grant.needs_approval, "tool_not_granted")
    deny(any(isinstance(caveat, Rule) and not caveat.allows(call, blocks) for caveat in caveats), "caveat_failed")
    deny(call.tool in grant.needs_approval, "approval_required")


def deny(condition: bool, code: str) -> None:
    """Ends with a denial."""
    if condition:
        raise Denied(code)


def read_call(call: Dict[str, str]) -> Call:
    """The call of a test vector."""
    now = datetime.fromisoformat(call["now"].replace("Z", "+00:00"))
    seconds = int(now.replace(microsecond=0).timestamp())
    return Call(call["tool"], call["audience"], call["environment"], seconds, arguments.parse(call["arguments"]))


def main() -> int:
    """Reads a token from standard input and prints the answer; 0 for `allow`, 1 for a denial."""
    parser = argparse.ArgumentParser(description="Decides one call by its token, which comes on standard input.")
    parser.add_argument("--root-key", required=True, help="the authority's public key, 64 hex digits")
    parser.add_argument("--tool", required=True)
    parser.add_argument("--audience", required=True)
    parser.add_argument("--environment", required=True)
    parser.add_argument("--now", required=True, help="RFC 3339, such as 2026-11-21T09:30:10Z")
    parser.add_argument("--arguments", default="{}", help="a JSON object")
    options = parser.parse_args()
    try:
        call = read_call(vars(options))
        answer = decide(sys.stdin.read().strip(), bytes.fromhex(options.root_key), call)
    except Denied as denial:
        answer = str(denial)
    print(answer)
    return 0 if answer == "allow" else 1


if __name__ == "__main__":
    sys.exit(main())
