#!/usr/bin/env python3
"""Compares the verifier's answers with every vector of testdata/vectors/token and testdata/vectors/caveats."""

import json
import sys
import time
from pathlib import Path
from typing import Any, Dict, Iterator, Tuple

from envelope import Denied
from verify import decide, read_call

VECTORS = Path(__file__).resolve().parents[2] / "testdata" / "vectors"


def vectors() -> Iterator[Tuple[str, Dict[str, Any]]]:
    """Every vector, with its name."""
    for path in sorted((VECTORS / "token").glob("*.json")):
        yield f"token/{path.stem}", json.loads(path.read_text("utf-8"))
    for path in sorted((VECTORS / "caveats").glob("*.jsonl")):
        for line in path.read_text("utf-8").split("\n"):
            if line:
                vector = json.loads(line)
                yield f"caveats/{vector['case']}", vector


def answer(vector: Dict[str, Any]) -> str:
    """The code of this verifier's answer."""
    try:
        return decide(vector["token"], bytes.fromhex(vector["root_public_key"]), read_call(vector["call"]))
    except Denied as denial:
        return str(denial)


def main() -> int:
    """Prints the differences and a count; 1 when there is a difference."""
    passed, failed, begin = 0, 0, time.monotonic()
    for name, vector in vectors():
        expected = vector["expect"].split("/")[-1]
        found = answer(vector)
        if found == expected:
            passed += 1
        else:
            failed += 1
            print(f"{name}: expected {expected}, found {found}")
    print(f"{passed} passed, {failed} failed")
    print(f"{time.monotonic() - begin:.1f} s", file=sys.stderr)
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
