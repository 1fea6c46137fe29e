#!/usr/bin/env python3
"""Checks Hallpass journals, and proofs of single decisions, by docs/journal-format.md and nothing else.

    verify_journal.py [--key VKEY] DIRECTORY...
    verify_journal.py --proof --key VKEY FILE...

One line of answer for each. Exit status: 0 all intact or proven, 1 not, 2 usage.
"""

import argparse
import base64
import binascii
import calendar
import hashlib
import json
import os
import re
import sys
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

sys.path.append(str(Path(__file__).resolve().parents[1] / "verifier-python"))
import ed25519  # noqa: E402  (the sibling example's strict verification)

RECORD_BYTES_MAX = 16_384
NOTE_BYTES_MAX = 64 * 1024
SIGNATURES_MAX = 100
NAME_BYTES_MAX = 255
PROOF_BYTES_MAX = 1024 * 1024
PROOF_RECORDS_MAX = 16
DEPTH_MAX = 127

HEAD = re.compile(
    rb'\{"v":1,"index":(0|[1-9][0-9]*),"time":"'
    rb"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})\.[0-9]{3}Z"
    rb'","kind":"([a-z_]+)"[,}]'
)
STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


class Bad(Exception):
    """What is wrong, in words."""


class Vkey(NamedTuple):
    name: str
    hash: bytes
    key: bytes


def need(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Bad(otherwise)


def base64_of(text: str) -> bytes:
    try:
        decoded = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        raise Bad("no base64") from None
    need(base64.b64encode(decoded).decode() == text, "base64 of another spelling")
    return decoded


def strict_json(data: bytes) -> Any:
    """I-JSON: no name twice, no lone surrogate, no number beyond a double, nested no deeper than allowed."""

    def members(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
        need(len({name for name, _ in pairs}) == len(pairs), "a name occurs twice")
        return dict(pairs)

    def number(text: str) -> Any:
        need(abs(float(text)) != float("inf"), "a number beyond a double")
        return float(text) if len(text) > 300 or not text.lstrip("-").isdigit() else int(text)

    def constant(text: str) -> None:
        raise Bad(f"{text} is not JSON")

    try:
        text = data.decode("utf-8")
        depth = deepest = 0
        for char in STRING.sub("", text):
            depth += (char in "[{") - (char in "]}")
            deepest = max(deepest, depth)
        need(deepest <= DEPTH_MAX, "nested too deep")
        value = json.loads(
            text, object_pairs_hook=members, parse_int=number, parse_float=number, parse_constant=constant
        )
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (UnicodeError, ValueError, RecursionError):
        raise Bad("not strict JSON") from None
    return value


def check_line(line: bytes) -> Tuple[int, Dict[str, Any]]:
    """A line without its LF: its index and its members."""
    need(len(line) <= RECORD_BYTES_MAX, "a line is too long")
    head = HEAD.match(line)
    if head is None or not line.endswith(b"}"):
        raise Bad("a line does not start and end as it must")
    year, month, day, hour, minute, second = (int(part) for part in head.groups()[1:7])
    exists = 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]
    need(exists and hour <= 23 and minute <= 59 and second <= 59, "a time that does not exist")
    return int(head.group(1)), strict_json(line)


def leaf_hash(line: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + line).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    def __init__(self, size: int = 0, perfect: Tuple[bytes, ...] = ()) -> None:
        self.size = size
        self.perfect: List[bytes] = list(perfect)  # roots of the perfect subtrees, from left to right

    def push(self, leaf: bytes) -> None:
        size = self.size
        while size & 1:
            leaf = node_hash(self.perfect.pop(), leaf)
            size >>= 1
        self.perfect.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        if not self.perfect:
            return hashlib.sha256(b"").digest()
        root = self.perfect[-1]
        for left in reversed(self.perfect[:-1]):
            root = node_hash(left, root)
        return root


def check_inclusion(leaf: bytes, index: int, size: int, path: List[bytes], root: bytes) -> None:
    """RFC 9162 section 2.1.3.2."""
    need(index < size, f"record {index} is not under the checkpoint of {size}")
    node, last = index, size - 1
    for sibling in path:
        need(last > 0, "the path has too many hashes")
        if node & 1 or node == last:
            leaf = node_hash(sibling, leaf)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            leaf = node_hash(leaf, sibling)
        node, last = node >> 1, last >> 1
    need(last == 0, "the path has too few hashes")
    need(leaf == root, f"record {index} is not the one that was signed")


def is_name(name: str) -> bool:
    fits = 1 <= len(name.encode("utf-8")) <= NAME_BYTES_MAX
    return fits and not re.search(r"[\s+\x00-\x1f\x7f-\x9f]", name)


def parse_vkey(text: str) -> Vkey:
    parts = text.split("+", 2)
    need(len(parts) == 3, "no vkey")
    typed = base64_of(parts[2])
    need(len(typed) == 33 and typed[0] == 1 and is_name(parts[0]), "no vkey of an Ed25519 key")
    key_hash = hashlib.sha256(parts[0].encode("utf-8") + b"\n" + typed).digest()[:4]
    need(key_hash.hex() == parts[1], "the hash in the vkey is another")
    return Vkey(parts[0], key_hash, typed[1:])


def open_checkpoint(note: bytes, vkey: Vkey) -> Tuple[int, bytes]:
    """The size and the root that the key signed."""
    need(len(note) <= NOTE_BYTES_MAX, "the checkpoint is too large")
    try:
        body, blank, lines = note.decode("utf-8").rpartition("\n\n")
    except UnicodeDecodeError:
        raise Bad("the checkpoint is not UTF-8") from None
    need(bool(blank) and lines.endswith("\n"), "the checkpoint is no signed note")
    text, signatures = body + "\n", lines[:-1].split("\n")
    need(not re.search(r"[\x00-\x09\x0b-\x1f]", text), "control characters in the checkpoint")
    need(len(signatures) <= SIGNATURES_MAX, "too many signatures")
    signed = False
    for line in signatures:
        parts = line.split(" ")
        need(len(parts) == 3 and parts[0] == "\u2014" and is_name(parts[1]), "a bad signature line")
        value = base64_of(parts[2])
        need(len(value) > 4, "a bad signature line")
        if parts[1] == vkey.name and value[:4] == vkey.hash:
            need(ed25519.verify(vkey.key, text.encode("utf-8"), value[4:]), "the signature does not verify")
            signed = True
    need(signed, "the checkpoint is not signed by this key")
    said = text.split("\n")
    need(len(said) == 4 and re.fullmatch(r"0|[1-9][0-9]*", said[1]) is not None, "no origin, size and root")
    need(said[0] == vkey.name, "the checkpoint is of another journal")
    root = base64_of(said[2])
    need(len(root) == 32, "no origin, size and root")
    return int(said[1]), root


def read(path: str, most: int) -> bytes:
    need(os.path.isfile(path), f"{os.path.basename(path)!r} is missing or no regular file")
    with open(path, "rb") as file:
        data = file.read(most + 1)
    need(len(data) <= most, f"{os.path.basename(path)!r} is too large")
    return data


def read_pruned(path: str) -> Tree:
    """The tree of the records that were pruned; an empty one if none were."""
    if not os.path.exists(path):
        return Tree()
    data = read(path, NOTE_BYTES_MAX)
    need(data.startswith(b"{") and data.endswith(b"\n"), "'pruned' is not of its form")
    said = strict_json(data[:-1])
    need(isinstance(said, dict) and set(said) == {"format", "below", "hashes"}, "'pruned' is not of its form")
    below, hashes = said["below"], said["hashes"]
    need(said["format"] == "hallpass-pruned/1" and type(below) is int, "'pruned' is not of its form")
    need(0 < below < 2**64 and isinstance(hashes, list), "'pruned' is not of its form")
    need(all(isinstance(text, str) for text in hashes), "'pruned' is not of its form")
    frontier = tuple(base64_of(text) for text in hashes)
    fits = all(len(value) == 32 for value in frontier) and len(frontier) == bin(below).count("1")
    need(fits, "'pruned' is not of its form")
    return Tree(below, frontier)


def verify_journal(directory: str, key: Optional[str]) -> str:
    note = read(os.path.join(directory, "checkpoint"), NOTE_BYTES_MAX)
    if key is None:
        text = read(os.path.join(directory, "journal.vkey"), NOTE_BYTES_MAX)
        key = text.decode("utf-8", "replace")
        key = key[:-1] if key.endswith("\n") else key
    vkey = parse_vkey(key)
    signed, root = open_checkpoint(note, vkey)
    segments = sorted(name for name in os.listdir(directory) if name.endswith(".jsonl"))
    for name in segments:
        need(re.fullmatch(r"[0-9]{20}\.jsonl", name, re.ASCII) is not None, f"{name!r} is no name of a segment")
    tree, torn = read_pruned(os.path.join(directory, "pruned")), 0
    below, pruned_root, on_record = tree.size, tree.root().hex(), False
    segments = [name for name in segments if int(name[:20]) >= below]
    need(below == 0 or len(segments) > 0, f"there is no record {below}")
    for name in segments:
        need(int(name[:20]) == tree.size, f"{name!r} stands where record {tree.size} must be")
        path = os.path.join(directory, name)
        need(os.path.isfile(path), f"{name!r} is no regular file")
        with open(path, "rb") as file:
            good = 0
            while line := file.readline(RECORD_BYTES_MAX + 1):
                try:
                    need(line.endswith(b"\n"), "a line has no end or is too long")
                    index, members = check_line(line[:-1])
                    need(index == tree.size, f"record {index} stands where {tree.size} must be")
                except Bad as bad:
                    if tree.size < signed or name != segments[-1]:
                        raise Bad(f"record {tree.size} in {name!r}: {bad}") from None
                    torn = os.fstat(file.fileno()).st_size - good
                    break
                opens = members["kind"] == "opened"
                ours = members.get("origin") == vkey.name and members.get("public_key") == vkey.key.hex()
                need(ours if opens else index > 0, f"record {index} opens another journal, or none is opened")
                if members["kind"] == "pruned" and tree.size < signed:
                    said = members.get("below"), members.get("root")
                    on_record = on_record or said == (below, f"sha256:{pruned_root}")
                good += len(line)
                tree.push(leaf_hash(line[:-1]))
                if tree.size == signed:
                    need(tree.root() == root, f"the records up to {signed} are not the ones that were signed")
    need(tree.size >= signed, f"{signed} records were signed, {tree.size} are there: the signed tail is missing")
    need(below == 0 or on_record, f"no signed record says that the records below {below} were pruned")
    rest = f", then {torn} bytes of an unfinished record" if torn else ""
    kept = f", those below {below} pruned" if below else ""
    return f"intact, {tree.size} records, signed to {signed}{kept}{rest}"


def verify_proof(path: str, key: str) -> str:
    proof = strict_json(read(path, PROOF_BYTES_MAX))
    need(isinstance(proof, dict) and set(proof) == {"format", "checkpoint", "records"}, "no proof")
    need(proof["format"] == "hallpass-proof/1", "a proof of another format")
    note, records = proof["checkpoint"], proof["records"]
    need(isinstance(note, str) and isinstance(records, list), "no proof")
    need(1 <= len(records) <= PROOF_RECORDS_MAX, "no record, or too many")
    size, root = open_checkpoint(note.encode("utf-8"), parse_vkey(key))
    decision, before = None, -1
    for record in records:
        need(isinstance(record, dict) and set(record) == {"index", "line", "path"}, "no proof")
        index, line, hashes = record["index"], record["line"], record["path"]
        need(type(index) is int and isinstance(line, str) and isinstance(hashes, list), "no proof")
        need(all(isinstance(text, str) for text in hashes), "no proof")
        found, members = check_line(line.encode("utf-8"))
        need(found == index, f"the line of record {index} has index {found}")
        way = [base64_of(text) for text in hashes]
        need(all(len(value) == 32 for value in way), "a hash has 32 bytes")
        check_inclusion(leaf_hash(line.encode("utf-8")), index, size, way, root)
        need(decision is not None or members["kind"] == "decided", "the first record is no decision")
        about = members.get("decision")
        need(isinstance(about, str) and decision in (None, about), "records of different decisions")
        need(index > before, "records out of order")
        decision, before = about, index
    return f"proven, {decision}, {len(records)} of {size} signed records of {parse_vkey(key).name}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Checks Hallpass journals and proofs of single decisions.")
    parser.add_argument("--key", metavar="VKEY", help="the text of a journal.vkey, from elsewhere")
    parser.add_argument("--proof", action="store_true", help="the paths are proof files, not directories")
    parser.add_argument("paths", nargs="+", metavar="PATH")
    args = parser.parse_args()
    if args.proof and args.key is None:
        parser.error("a proof proves nothing without --key")
    good = True
    for path in args.paths:
        try:
            print(verify_proof(path, args.key) if args.proof else verify_journal(path, args.key))
        except Bad as bad:
            good = False
            print(f"{'NOT PROVEN' if args.proof else 'TAMPERED'}: {bad}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
